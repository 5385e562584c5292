package ldaptest

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// checkValues brings the values of a request into the form in which they are kept, with the keys that compare them.
func (s *schema) checkValues(desc description, values []string) (kept, keys []string, err error) {
	for i, v := range values {
		value, ok := s.accept(desc.typ, v)
		if !ok {
			return nil, nil, refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: value #%d invalid per syntax", desc, i)
		}
		key, err := s.normalise(desc.typ, value)
		if err != nil {
			return nil, nil, refuse(ldap.LDAPResultInvalidAttributeSyntax, "%s: value #%d invalid per syntax", desc, i)
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
			return refuse(ldap.LDAPResultAttributeOrValueExists, "%s: value #%d provided more than once", desc, i)
		}
		seen[k] = struct{}{}
	}
	return nil
}

// classesOf returns the object classes of an entry.
func (d *directory) classesOf(e *entry) []*objectClass {
	a := e.attribute(description{typ: d.schema.objectClass})
	if a == nil {
		return nil
	}
	classes := make([]*objectClass, 0, len(a.values))
	for _, v := range a.values {
		classes = append(classes, d.schema.classes[strings.ToLower(v)])
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
			return nil, refuse(ldap.LDAPResultObjectClassViolation, "invalid structural object class chain (%s/%s)", chosen.name(), c.name())
		}
	}
	if chosen == nil {
		return nil, refuse(ldap.LDAPResultObjectClassViolation, "no structural object class provided")
	}
	return chosen, nil
}

// checkEntry applies the schema to an entry as a whole. The order of the checks is slapd's: it decides which code is given.
func (d *directory) checkEntry(e *entry, rdn plan.RDN) error {
	for _, a := range e.attributes {
		if a.desc.typ.single && len(a.values) > 1 {
			return refuse(ldap.LDAPResultConstraintViolation, "attribute '%s' cannot have multiple values", a.desc)
		}
	}
	classes := d.classesOf(e)
	if len(classes) == 0 {
		return refuse(ldap.LDAPResultObjectClassViolation, "no objectClass attribute")
	}
	if _, err := structural(classes); err != nil {
		return err
	}
	if err := d.checkNaming(e, rdn); err != nil {
		return err
	}
	for _, c := range classes {
		if err := d.checkClass(e, c, classes); err != nil {
			return err
		}
	}
	return d.checkAllowed(e, classes)
}

// checkNaming demands that the values in the name are values of the entry (RFC 4511 section 4.7).
func (d *directory) checkNaming(e *entry, rdn plan.RDN) error {
	for _, ava := range rdn {
		desc, err := d.schema.describe(ava.Type)
		if err != nil {
			return err
		}
		if desc.typ.operational {
			return refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' is operational", desc)
		}
		a := e.attribute(desc)
		if a == nil {
			return refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' is not present in entry", desc)
		}
		if desc.typ.equality == nil {
			return refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' has no equality matching rule", desc)
		}
		key, err := d.schema.normalise(desc.typ, ava.Value)
		if err != nil || a.find(key) < 0 {
			return refuse(ldap.LDAPResultNamingViolation, "value of naming attribute '%s' is not present in entry", desc)
		}
	}
	return nil
}

func (d *directory) checkClass(e *entry, c *objectClass, all []*objectClass) error {
	if missing := missing(e, c); missing != nil {
		return refuse(ldap.LDAPResultObjectClassViolation, "object class '%s' requires attribute '%s'", c.name(), missing.name())
	}
	if c.kind == "ABSTRACT" && !slices.ContainsFunc(all, func(o *objectClass) bool { return o != c && o.kind != "ABSTRACT" && o.within(c) }) {
		return refuse(ldap.LDAPResultObjectClassViolation, "instantiation of abstract objectClass '%s' not allowed", c.name())
	}
	return nil
}

// missing returns an attribute type that the class or one above it demands and the entry lacks.
func missing(e *entry, c *objectClass) *attributeType {
	for _, typ := range c.must {
		found := false
		e.each(description{typ: typ}, func(*attribute) bool { found = true; return false })
		if !found {
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

func (d *directory) checkAllowed(e *entry, classes []*objectClass) error {
	extensible := d.schema.mustClass("extensibleObject")
	if slices.Contains(classes, extensible) {
		return nil
	}
	for _, a := range e.attributes {
		if a.desc.typ.operational || slices.ContainsFunc(classes, func(c *objectClass) bool { return allows(c, a.desc.typ) }) {
			continue
		}
		return refuse(ldap.LDAPResultObjectClassViolation, "attribute '%s' not allowed", a.desc)
	}
	return nil
}

// allows reports whether a class or one above it names the attribute type or a supertype of it.
func allows(c *objectClass, typ *attributeType) bool {
	named := func(a *attributeType) bool { return typ.within(a) }
	return slices.ContainsFunc(c.must, named) || slices.ContainsFunc(c.may, named) ||
		slices.ContainsFunc(c.superiors, func(s *objectClass) bool { return allows(s, typ) })
}
