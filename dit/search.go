package dit

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Search is what to look for (RFC 4511 section 4.5.1).
type Search struct {
	Base   plan.DN
	Scope  int64
	Filter Filter
	// Condition is one that the base must fulfil.
	Condition Condition
}

// Search returns the entries that match, in the order in which they were made. With a [*Refusal] of code 3, 4 or 11 there are more.
func (d *Directory) Search(r Search) ([]*Entry, error) {
	base, err := d.lookup(r.Base)
	if err != nil {
		return nil, err
	}
	if d.trouble.hides(base) {
		return nil, Refuse(ldap.LDAPResultNoSuchObject, "")
	}
	if err := r.Condition.check(base); err != nil {
		return nil, err
	}
	var found []*Entry
	keep := func(e *Entry) {
		if !e.implied && !d.trouble.hides(e) && r.Filter.match(d, e) == isTrue {
			found = append(found, e)
		}
	}
	switch r.Scope {
	case ldap.ScopeBaseObject:
		keep(base)
		return found, nil
	case ldap.ScopeSingleLevel, ldap.ScopeWholeSubtree:
	default:
		return nil, Refuse(ldap.LDAPResultProtocolError, "invalid scope")
	}
	if count, list, ok := r.Filter.candidates(d); ok && count < d.size {
		for _, e := range list() {
			if r.Scope == ldap.ScopeSingleLevel && e.parent == base || r.Scope == ldap.ScopeWholeSubtree && e.within(base) {
				keep(e)
			}
		}
		return d.trouble.cut(found)
	}
	if r.Scope == ldap.ScopeSingleLevel {
		for _, e := range base.children {
			keep(e)
		}
	} else {
		base.walk(keep)
	}
	slices.SortFunc(found, byID)
	return d.trouble.cut(found)
}

// walk calls do for the entry and everything below it, in no order.
func (e *Entry) walk(do func(*Entry)) {
	do(e)
	for _, c := range e.children {
		c.walk(do)
	}
}

// Selection is which attributes a search returns (RFC 4511 section 4.5.1.8, RFC 3673).
type Selection struct {
	user        bool
	operational bool
	named       []description
}

// Select reads the names of attributes that are to be returned.
func (d *Directory) Select(names ...string) Selection { return d.schema.readSelection(names) }

func (s *Schema) readSelection(names []string) Selection {
	var out Selection
	for _, name := range names {
		switch name {
		case "*":
			out.user = true
		case "+":
			out.operational = true
		case "1.1": // none
		default:
			if class, ok := strings.CutPrefix(name, "@"); ok { // RFC 4529
				if c, known := s.classes[strings.ToLower(class)]; known {
					out.named = append(out.named, attributesOf(c)...)
				}
			} else if desc, err := s.describe(name); err == nil {
				out.named = append(out.named, desc)
			}
		}
	}
	if len(names) == 0 {
		out.user = true
	}
	return out
}

func attributesOf(c *objectClass) []description {
	var out []description
	for _, typ := range slices.Concat(c.must, c.may) {
		out = append(out, description{typ: typ})
	}
	for _, above := range c.superiors {
		out = append(out, attributesOf(above)...)
	}
	return out
}

func (w Selection) wants(desc description) bool {
	if desc.typ.operational && w.operational || !desc.typ.operational && w.user {
		return true
	}
	return slices.ContainsFunc(w.named, desc.within)
}

// Read returns the selected attributes of an entry. Passwords are for those who may write.
func (d *Directory) Read(e *Entry, w Selection, typesOnly, passwords bool) []plan.Attribute {
	var out []plan.Attribute
	show := func(a *attribute) {
		if !w.wants(a.desc) || !passwords && isPassword(a.desc.typ) || d.trouble.hidesAttribute(a.desc.typ) {
			return
		}
		shown := plan.Attribute{Name: a.desc.String()}
		if !typesOnly {
			shown.Values = slices.Clone(a.values)
		}
		out = append(out, shown)
	}
	for _, a := range e.attributes {
		show(a)
	}
	for _, name := range []string{"structuralObjectClass", "entryDN", "subschemaSubentry", "hasSubordinates"} {
		if a := d.computed(e, description{typ: d.schema.mustAttribute(name)}); a != nil {
			show(a)
		}
	}
	return out
}

// comparable returns the entry with an attribute that can be compared.
func (d *Directory) comparable(dn plan.DN, desc description) (*Entry, error) {
	if name := desc.typ.name(); d.inside(dn) && (name == "entryDN" || name == "subschemaSubentry") {
		return nil, Refuse(ldap.LDAPResultUnwillingToPerform, "%s compare not supported", name)
	}
	return d.told(dn)
}

// isPassword reports whether values of an attribute are passwords, clear or hashed.
func isPassword(typ *attributeType) bool {
	switch typ.name() {
	case "userPassword", "pwdHistory":
		return true
	}
	return false
}

// Assertion is an assertion about an attribute (RFC 4511 section 4.1.6).
type Assertion struct{ Name, Value string }

// Compare tests one value (RFC 4511 section 4.10), of an entry in the tree unless one beside it is given.
func (d *Directory) Compare(dn plan.DN, e *Entry, condition Condition, a Assertion) error {
	desc, err := d.schema.describe(a.Name)
	if err != nil {
		return err
	}
	if desc.typ.equality == nil {
		return Refuse(ldap.LDAPResultInappropriateMatching, "%s: no equality matching rule", desc)
	}
	f := d.schema.equality(a.Name, a.Value)
	if _, undefined := f.(undefinedFilter); undefined {
		return Refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: assertion value is invalid", desc)
	}
	if e == nil {
		if e, err = d.comparable(dn, desc); err != nil {
			return err
		}
	}
	if err := condition.check(e); err != nil {
		return err
	}
	if !d.anyValue(e, desc, func(*attribute) bool { return true }) {
		return Refuse(ldap.LDAPResultNoSuchAttribute, "")
	}
	if f.match(d, e) == isTrue {
		return Refuse(ldap.LDAPResultCompareTrue, "")
	}
	return Refuse(ldap.LDAPResultCompareFalse, "")
}
