package dit

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Trouble is what is wrong with a directory for a while. Its zero value is nothing.
type Trouble struct {
	// ReadOnly refuses every write (53), NoDelete every delete (50).
	ReadOnly, NoDelete bool
	// Limit is the number of entries that a search finds at most, and Cut the code with which it ends when there would be more:
	// 3, 4 or 11.
	Limit int
	Cut   uint16
	// Hidden tells which entries nobody sees, with all that is below them. They are there all the same: they keep their names,
	// and what is above them cannot be deleted.
	Hidden func(plan.DN) bool
	// HiddenAttributes are those that nobody reads and no filter finds. They can be written.
	HiddenAttributes []string
	// LeftBehind tells which entries keep their DN when one above them is renamed.
	LeftBehind func(plan.DN) bool
	// Refuse returns the code with which a value is refused, 19 or 21; 0 takes it.
	Refuse func(attribute, value string) uint16
}

// Suffer changes what is wrong from now on.
func (d *Directory) Suffer(t Trouble) { d.trouble = t }

// writable refuses writes while there are none.
func (t Trouble) writable() error {
	if t.ReadOnly {
		return Refuse(ldap.LDAPResultUnwillingToPerform, "operation restricted")
	}
	return nil
}

// hides reports whether an entry, or one above it, is not seen.
func (t Trouble) hides(e *Entry) bool {
	if t.Hidden == nil {
		return false
	}
	for ; e != nil; e = e.parent {
		if t.Hidden(e.DN()) {
			return true
		}
	}
	return false
}

// hidesAttribute reports whether an attribute is not read.
func (t Trouble) hidesAttribute(typ *attributeType) bool {
	for _, hidden := range t.HiddenAttributes {
		if strings.EqualFold(hidden, typ.name()) {
			return true
		}
	}
	return false
}

// takes refuses values.
func (t Trouble) takes(desc description, values []string) error {
	if t.Refuse == nil {
		return nil
	}
	for i, v := range values {
		if code := t.Refuse(desc.typ.name(), v); code != 0 {
			return Refuse(code, "%s: value #%d is refused", desc, i)
		}
	}
	return nil
}

// cut ends a search that finds too much.
func (t Trouble) cut(found []*Entry) ([]*Entry, error) {
	if t.Cut == 0 || len(found) <= t.Limit {
		return found, nil
	}
	return found[:t.Limit], Refuse(t.Cut, "")
}

// leaveBehind puts entries below one that was renamed back to where they were. They are found there, below nothing.
func (d *Directory) leaveBehind(e *Entry, is, was plan.DN) {
	if d.trouble.LeftBehind == nil {
		return
	}
	for _, child := range e.sortedChildren() {
		dn := child.DN()
		former := slices.Concat(dn[:len(dn)-len(is)], was)
		if !d.trouble.LeftBehind(former) {
			d.leaveBehind(child, is, was)
			continue
		}
		d.makeAbove(former.Parent())
		above, _ := d.find(former.Parent())
		d.unlink(child)
		d.link(child, above)
	}
}
