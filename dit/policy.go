package dit

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// PasswordPolicy is what the directory asks of passwords, as the overlay ppolicy does. The zero value asks nothing.
type PasswordPolicy struct {
	// MinLength is the smallest number of bytes (pwdMinLength).
	MinLength int
	// History is the number of former passwords that may not come back (pwdInHistory). An administrator's reset is checked
	// as well, as slapd does unless the administrator is the root DN.
	History int
	// HashClearText stores clear text passwords of add and modify hashed (ppolicy_hash_cleartext).
	HashClearText bool
	// RefuseHashed refuses what cannot be checked because it is hashed already (pwdCheckQuality 2).
	RefuseHashed bool
	// MaxFailure is the number of failed binds in a row that lock an account (pwdLockout, pwdMaxFailure); 0 is any number.
	MaxFailure int
}

// operational is an attribute in which the policy keeps its book.
func (d *Directory) operational(name string) description {
	return description{typ: d.schema.mustAttribute(name)}
}

func (d *Directory) userPassword() description {
	return description{typ: d.schema.mustAttribute("userPassword")}
}

// passwordsOf applies the policy to the passwords of a new entry.
func (d *Directory) passwordsOf(drafts []draft) error {
	for i := range drafts {
		if drafts[i].desc != d.userPassword() {
			continue
		}
		for j, v := range drafts[i].values {
			stored, err := d.acceptPassword(nil, v)
			if err != nil {
				return err
			}
			drafts[i].values[j], drafts[i].keys[j] = stored, stored
		}
	}
	return nil
}

// passwordChanges applies the policy to the passwords of a modification.
func (d *Directory) passwordChanges(e *Entry, changes []change) ([]change, error) {
	changed, unlocked := false, false
	for i, c := range changes {
		unlocked = unlocked || c.desc == d.operational("pwdAccountLockedTime") && c.typ == plan.DeleteValues
		if c.desc != d.userPassword() || c.typ == plan.DeleteValues {
			continue
		}
		changed = changed || len(c.values) > 0
		changes[i].values, changes[i].keys = slices.Clone(c.values), slices.Clone(c.keys)
		for j, v := range c.values {
			stored, err := d.acceptPassword(e, v)
			if err != nil {
				return nil, err
			}
			changes[i].values[j], changes[i].keys[j] = stored, stored
		}
	}
	if unlocked && d.passwords.MaxFailure > 0 {
		changes = append(changes, change{draft{desc: d.operational("pwdFailureTime")}, plan.ReplaceValues})
	}
	if changed {
		changes = append(changes, d.remember(e)...)
	}
	return changes, nil
}

// acceptPassword checks a password against the policy and returns what is stored.
func (d *Directory) acceptPassword(e *Entry, value string) (string, error) {
	p := d.passwords
	if isHashed(value) {
		if p.RefuseHashed {
			return "", Refuse(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
		}
		return value, nil
	}
	password := secret.New(value)
	if len(value) < p.MinLength {
		return "", Refuse(ldap.LDAPResultConstraintViolation, "Password fails quality checking policy")
	}
	if e != nil && p.History > 0 && d.usedBefore(e, password) {
		return "", Refuse(ldap.LDAPResultConstraintViolation, "Password is in history of old passwords")
	}
	if !p.HashClearText {
		return value, nil
	}
	return HashPassword(d.rand, password)
}

// usedBefore reports whether a password is the one that an entry has, or had before that one. Who has none is asked for nothing.
func (d *Directory) usedBefore(e *Entry, password secret.Text) bool {
	current := valuesOf(e, d.userPassword())
	if len(current) == 0 {
		return false
	}
	for _, stored := range append(current, d.history(e)...) {
		if passwordMatches(stored, password) {
			return true
		}
	}
	return false
}

// history returns the stored forms of former passwords, oldest first.
func (d *Directory) history(e *Entry) []string {
	values := valuesOf(e, d.operational("pwdHistory"))
	slices.Sort(values) // they begin with the time
	var out []string
	for _, v := range values {
		if parts := strings.SplitN(v, "#", 4); len(parts) == 4 {
			out = append(out, parts[3])
		}
	}
	return out
}

// remember returns the changes that keep the book of passwords: the time, the history, and no failures any more.
func (d *Directory) remember(e *Entry) []change {
	replace := func(name string, values ...string) change {
		return change{draft{d.operational(name), values, slices.Clone(values)}, plan.ReplaceValues}
	}
	changes := []change{replace("pwdChangedTime", d.Now()), replace("pwdFailureTime")}
	if d.passwords != (PasswordPolicy{}) {
		changes = append(changes, replace("pwdAccountLockedTime"))
	}
	if d.passwords.History == 0 {
		return changes
	}
	kept := valuesOf(e, d.operational("pwdHistory"))
	slices.Sort(kept)
	if excess := len(kept) - d.passwords.History + 1; excess > 0 { // room for one, even if there is none to come
		kept = kept[excess:]
	}
	if old := valuesOf(e, d.userPassword()); len(old) > 0 {
		d.changes++ // several changes within a second need an order too
		kept = append(kept, fmt.Sprintf("%s.%09dZ#%s40#%d#%s", d.clock().UTC().Format("20060102150405"), d.changes, syntaxes, len(old[0]), old[0]))
	}
	return append(changes, replace("pwdHistory", kept...))
}

// Authenticate checks the password of an entry and that the entry may bind. Failures are counted, and end with a success.
func (d *Directory) Authenticate(dn plan.DN, password secret.Text) bool {
	e, found := d.Find(dn)
	if !found || d.locked(e) {
		return false
	}
	known := d.hasPassword(e, password)
	if d.passwords.MaxFailure == 0 || e.attribute(d.userPassword()) == nil {
		return known
	}
	failures := d.operational("pwdFailureTime")
	if known {
		if a := e.attribute(failures); a != nil {
			d.takeAll(e, a)
		}
		return true
	}
	d.changes++ // several failures within a second are several
	when := fmt.Sprintf("%s.%09dZ", d.clock().UTC().Format("20060102150405"), d.changes)
	times := append(valuesOf(e, failures), when)
	slices.Sort(times)
	d.set(e, failures.typ, times[max(0, len(times)-d.passwords.MaxFailure):]...)
	if len(times) >= d.passwords.MaxFailure {
		d.set(e, d.schema.mustAttribute("pwdAccountLockedTime"), d.Now())
	}
	return false
}

func (d *Directory) hasPassword(e *Entry, password secret.Text) bool {
	return slices.ContainsFunc(valuesOf(e, d.userPassword()), func(stored string) bool { return passwordMatches(stored, password) })
}

// locked reports whether an entry may not bind now: pwdAccountLockedTime, pwdStartTime and pwdEndTime
// (draft-behera-ldap-password-policy section 5.3).
func (d *Directory) locked(e *Entry) bool {
	value := func(name string) string {
		if v := valuesOf(e, d.operational(name)); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	now := d.clock()
	if t, err := parseTime(value("pwdAccountLockedTime")); err == nil && !now.Before(t) { // it can be a time to come
		return true
	}
	if t, err := parseTime(value("pwdStartTime")); err == nil && now.Before(t) {
		return true
	}
	if t, err := parseTime(value("pwdEndTime")); err == nil && !now.Before(t) {
		return true
	}
	return false
}

// GeneratePassword makes a password for one who asked for a new one without saying which (RFC 3062 section 2).
func (d *Directory) GeneratePassword() (secret.Text, error) {
	raw := make([]byte, 12)
	if _, err := d.rand.Read(raw); err != nil {
		return secret.Text{}, fmt.Errorf("generate a password: %w", err)
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(raw)), nil
}

// SetPassword replaces the password of an entry (RFC 3062). The old one, where it is given, must be right.
func (d *Directory) SetPassword(dn plan.DN, old, password secret.Text, terms Terms) error {
	if err := d.mustBeInside(dn, terms); err != nil {
		return err
	}
	e, found := d.Find(dn)
	if !old.Empty() && (!found || !terms.Writer || !d.hasPassword(e, old)) {
		return Refuse(ldap.LDAPResultUnwillingToPerform, "unwilling to verify old password")
	}
	if !found {
		return Refuse(ldap.LDAPResultNoSuchObject, "") // what is there of the way to it is not told
	}
	if _, err := d.acceptPassword(e, password.Reveal()); err != nil {
		return err
	}
	if err := terms.mayWrite(); err != nil {
		return err
	}
	stored, err := HashPassword(d.rand, password)
	if err != nil {
		return err
	}
	changes := append([]change{{draft{d.userPassword(), []string{stored}, []string{stored}}, plan.ReplaceValues}}, d.remember(e)...)
	return d.atomically(func() error {
		if err := d.applyAll(e, changes, false); err != nil {
			return err
		}
		d.modified(e, terms.Who)
		return nil
	})
}
