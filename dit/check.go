package dit

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// checkValues brings the values of a request into the form in which they are kept, with the keys that compare them.
func (s *Schema) checkValues(desc description, values []string) (kept, keys []string, err error) {
	for i, v := range values {
		value, ok := s.accept(desc.typ, v)
		if !ok {
			return nil, nil, Refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: value #%d invalid per syntax", desc, i)
		}
		key, err := s.normalise(desc.typ, value)
		if err != nil {
			return nil, nil, Refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: value #%d invalid per syntax", desc, i)
		}
		kept, keys = append(kept, value), append(keys, key)
	}
	return kept, keys, nil
}

// checkDistinct refuses values of which two are the same.
func checkDistinct(desc description, keys []string) error {
	seen := make(map[string]struct{}, len(keys))
	for i, k := range keys {
		if _, twice := seen[k]; twice {
			return Refuse(ldap.LDAPResultAttributeOrValueExists, "%s: value #%d provided more than once", desc, i)
		}
		seen[k] = struct{}{}
	}
	return nil
}

// classesOf returns the object classes of an entry.
func (d *Directory) classesOf(e *Entry) []*objectClass {
	a := e.attribute(description{typ: d.schema.objectClass})
	if a == nil {
		return nil
	}
	classes := make([]*objectClass, 0, len(a.values))
	for _, v := range a.values {
		if c := d.schema.classes[strings.ToLower(v)]; c != nil {
			classes = append(classes, c)
		}
	}
	return classes
}

// structural returns the most specific structural class (RFC 4512 section 2.4.2).
func structural(classes []*objectClass) (*objectClass, error) {
	var chosen *objectClass
	for _, c := range classes {
		if c.kind != "STRUCTURAL" {
			continue
		}
		switch {
		case chosen == nil, c.within(chosen):
			chosen = c
		case !chosen.within(c):
			return nil, Refuse(ldap.LDAPResultObjectClassViolation, "invalid structural object class chain (%s/%s)", chosen.name(), c.name())
		}
	}
	if chosen == nil {
		return nil, Refuse(ldap.LDAPResultObjectClassViolation, "no structural object class provided")
	}
	return chosen, nil
}

// checkEntry applies the schema to an entry as a whole. The order of the checks is slapd's: it decides which code is given.
// What happens where a value of the name is no value of the entry is up to lacking.
func (d *Directory) checkEntry(e *Entry, rdn plan.RDN, lacking lackingName) error {
	if d.schema.sketch {
		return d.checkNaming(e, rdn, d.nameFromDN)
	}
	for _, a := range e.attributes {
		if a.desc.typ.single && len(a.values) > 1 {
			return Refuse(ldap.LDAPResultConstraintViolation, "attribute '%s' cannot have multiple values", a.desc)
		}
	}
	classes := d.classesOf(e)
	if len(classes) == 0 {
		return Refuse(ldap.LDAPResultObjectClassViolation, "no objectClass attribute")
	}
	chosen, err := structural(classes)
	if err != nil {
		return err
	}
	if err := d.checkNaming(e, rdn, lacking); err != nil {
		return err
	}
	for _, c := range classes {
		if err := d.checkClass(e, c, classes); err != nil {
			return err
		}
	}
	return d.checkAllowed(e, chosen, classes)
}

// checkMembers demands a member of the groups of RFC 4519, which not every server does.
func (d *Directory) checkMembers(e *Entry) error {
	if !d.membersNeeded {
		return nil
	}
	for _, c := range d.classesOf(e) {
		if name := c.name(); name != "groupOfNames" && name != "groupOfUniqueNames" {
			continue
		}
		if lacks := missing(e, c); lacks != nil && (lacks.name() == "member" || lacks.name() == "uniqueMember") {
			return Refuse(ldap.LDAPResultObjectClassViolation, "object class '%s' requires attribute '%s'", c.name(), lacks.name())
		}
	}
	return nil
}

// lackingName is called with a value of the name that the entry lacks.
type lackingName func(e *Entry, desc description, value, key string) error

func refuseLackingName(_ *Entry, desc description, _, _ string) error {
	return Refuse(ldap.LDAPResultNamingViolation, "value of naming attribute '%s' is not present in entry", desc)
}

// checkNaming demands that the values in the name are values of the entry (RFC 4511 section 4.7).
func (d *Directory) checkNaming(e *Entry, rdn plan.RDN, lacking lackingName) error {
	for _, ava := range rdn {
		desc, err := d.schema.describe(ava.Type)
		if err != nil {
			return err
		}
		if desc.typ.operational {
			return Refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' is operational", desc)
		}
		if desc.typ.equality == nil && !d.schema.sketch {
			return Refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' has no equality matching rule", desc)
		}
		values, keys, err := d.schema.checkValues(desc, []string{ava.Value})
		if err != nil {
			return Refuse(ldap.LDAPResultNamingViolation, "value of naming attribute '%s' is invalid", desc)
		}
		if a := e.attribute(desc); a != nil && a.find(keys[0]) >= 0 {
			continue
		}
		if err := lacking(e, desc, values[0], keys[0]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) checkClass(e *Entry, c *objectClass, all []*objectClass) error {
	if missing := missing(e, c); missing != nil {
		return Refuse(ldap.LDAPResultObjectClassViolation, "object class '%s' requires attribute '%s'", c.name(), missing.name())
	}
	if c.kind == "ABSTRACT" && !slices.ContainsFunc(all, func(o *objectClass) bool { return o != c && o.kind != "ABSTRACT" && o.within(c) }) {
		return Refuse(ldap.LDAPResultObjectClassViolation, "instantiation of abstract objectClass '%s' not allowed", c.name())
	}
	return nil
}

// missing returns an attribute type that the class or one above it demands and the entry lacks.
func missing(e *Entry, c *objectClass) *attributeType {
	for _, typ := range c.must {
		if !slices.ContainsFunc(e.attributes, func(a *attribute) bool { return a.desc.typ == typ }) {
			return typ
		}
	}
	for _, above := range c.superiors {
		if typ := missing(e, above); typ != nil {
			return typ
		}
	}
	return nil
}

// checkAllowed demands that every attribute is named by the structural class or an auxiliary one.
func (d *Directory) checkAllowed(e *Entry, chosen *objectClass, classes []*objectClass) error {
	if slices.Contains(classes, d.schema.mustClass("extensibleObject")) {
		return nil
	}
	for _, a := range e.attributes {
		allowed := func(c *objectClass) bool { return (c == chosen || c.kind == "AUXILIARY") && allows(c, a.desc.typ) }
		if !a.desc.typ.operational && a.desc.typ != d.schema.objectClass && !slices.ContainsFunc(classes, allowed) {
			return Refuse(ldap.LDAPResultObjectClassViolation, "attribute '%s' not allowed", a.desc)
		}
	}
	return nil
}

// allows reports whether a class or one above it names the attribute type. That it names a supertype is not enough.
func allows(c *objectClass, typ *attributeType) bool {
	return slices.Contains(c.must, typ) || slices.Contains(c.may, typ) ||
		slices.ContainsFunc(c.superiors, func(s *objectClass) bool { return allows(s, typ) })
}
