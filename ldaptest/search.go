package ldaptest

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// searchRequest is a search after its check (RFC 4511 section 4.5.1).
type searchRequest struct {
	base      plan.DN
	scope     int64
	limit     int
	typesOnly bool
	filter    filter
	condition condition
	want      selection
}

// search returns the entries that match, in the order in which they were made.
func (d *directory) search(r searchRequest) ([]*entry, error) {
	base, err := d.lookup(r.base)
	if err != nil {
		return nil, err
	}
	if err := r.condition.check(base); err != nil {
		return nil, err
	}
	var found []*entry
	keep := func(e *entry) {
		if r.filter.match(d, e) == isTrue {
			found = append(found, e)
		}
	}
	switch r.scope {
	case ldap.ScopeBaseObject:
		keep(base)
		return found, nil
	case ldap.ScopeSingleLevel, ldap.ScopeWholeSubtree:
	default:
		return nil, refuse(ldap.LDAPResultProtocolError, "invalid scope")
	}
	if count, list, ok := r.filter.candidates(d); ok && count < d.size {
		for _, e := range list() {
			if r.scope == ldap.ScopeSingleLevel && e.parent == base || r.scope == ldap.ScopeWholeSubtree && e.within(base) {
				keep(e)
			}
		}
		return found, nil
	}
	if r.scope == ldap.ScopeSingleLevel {
		for _, e := range base.children {
			keep(e)
		}
	} else {
		base.walk(keep)
	}
	slices.SortFunc(found, byID)
	return found, nil
}

// walk calls do for the entry and everything below it, in no order.
func (e *entry) walk(do func(*entry)) {
	do(e)
	for _, c := range e.children {
		c.walk(do)
	}
}

// selection is which attributes a search returns (RFC 4511 section 4.5.1.8, RFC 3673).
type selection struct {
	user        bool
	operational bool
	named       []description
}

func (s *schema) readSelection(names []string) selection {
	var out selection
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

func (w selection) wants(desc description) bool {
	if desc.typ.operational && w.operational || !desc.typ.operational && w.user {
		return true
	}
	return slices.ContainsFunc(w.named, desc.within)
}

// read returns the selected attributes of an entry. Passwords are for those who may write.
func (d *directory) read(e *entry, w selection, typesOnly, passwords bool) []plan.Attribute {
	var out []plan.Attribute
	show := func(a *attribute) {
		if !w.wants(a.desc) || !passwords && isPassword(a.desc.typ) {
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
func (d *directory) comparable(dn plan.DN, desc description) (*entry, error) {
	if name := desc.typ.name(); d.inside(dn) && (name == "entryDN" || name == "subschemaSubentry") {
		return nil, refuse(ldap.LDAPResultUnwillingToPerform, "%s compare not supported", name)
	}
	return d.lookup(dn)
}

// isPassword reports whether values of an attribute are passwords, clear or hashed.
func isPassword(typ *attributeType) bool {
	switch typ.name() {
	case "userPassword", "pwdHistory":
		return true
	}
	return false
}

// ava is an assertion about an attribute (RFC 4511 section 4.1.6).
type ava struct{ name, value string }

// compare tests one value (RFC 4511 section 4.10), of an entry in the tree unless one beside it is given.
func (d *directory) compare(dn plan.DN, e *entry, condition condition, a ava) error {
	desc, err := d.schema.describe(a.name)
	if err != nil {
		return err
	}
	if desc.typ.equality == nil {
		return refuse(ldap.LDAPResultInappropriateMatching, "%s: no equality matching rule", desc)
	}
	f := d.schema.equality(a.name, a.value)
	if _, undefined := f.(undefinedFilter); undefined {
		return refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: assertion value is invalid", desc)
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
		return refuse(ldap.LDAPResultNoSuchAttribute, "")
	}
	if f.match(d, e) == isTrue {
		return refuse(ldap.LDAPResultCompareTrue, "")
	}
	return refuse(ldap.LDAPResultCompareFalse, "")
}
