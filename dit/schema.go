package dit

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// standardSchema holds the definitions of the RFCs that every directory knows.
//
//go:embed schema.ldif
var standardSchema string

// attributeType is an attribute type with what it inherits from its superior (RFC 4512 section 2.5.1).
type attributeType struct {
	oid       string
	names     []string
	superior  *attributeType
	equality  *matchingRule
	ordering  *matchingRule
	substring *matchingRule
	syntax    string
	single    bool
	// readOnly: NO-USER-MODIFICATION.
	readOnly    bool
	operational bool
	// subtyped: another attribute type has this one as its superior.
	subtyped   bool
	definition string
}

// name returns the name under which values are returned.
func (a *attributeType) name() string {
	if len(a.names) == 0 {
		return a.oid
	}
	return a.names[0]
}

// within reports whether a is other or a subtype of it.
func (a *attributeType) within(other *attributeType) bool {
	for ; a != nil; a = a.superior {
		if a == other {
			return true
		}
	}
	return false
}

// objectClass is an object class (RFC 4512 section 2.4).
type objectClass struct {
	oid        string
	names      []string
	superiors  []*objectClass
	kind       string
	must       []*attributeType
	may        []*attributeType
	definition string
}

func (c *objectClass) name() string {
	if len(c.names) == 0 {
		return c.oid
	}
	return c.names[0]
}

// within reports whether c is other or a subclass of it. Everything is a subclass of top.
func (c *objectClass) within(other *objectClass) bool {
	return c == other || other.name() == "top" || slices.ContainsFunc(c.superiors, func(s *objectClass) bool { return s.within(other) })
}

// schema is what the directory knows of attributes and classes.
type schema struct {
	attributes map[string]*attributeType
	classes    map[string]*objectClass
	rules      map[string]*matchingRule
	// ordered lists keep the definitions in their order, for the subschema entry.
	attributeOrder []*attributeType
	classOrder     []*objectClass
	objectClass    *attributeType
}

// description is an attribute type with options (RFC 4512 section 2.5): comparable, so it can be a key.
type description struct {
	typ *attributeType
	// options are in lower case, sorted, each with its semicolon in front.
	options string
}

// String returns the description in the spelling of the schema.
func (d description) String() string { return d.typ.name() + d.options }

// within reports whether d is other or a subtype of it: by its type, or by more options.
func (d description) within(other description) bool {
	if !d.typ.within(other.typ) {
		return false
	}
	if other.options == "" || other.options == d.options {
		return true
	}
	have := strings.Split(d.options, ";")
	for _, o := range strings.Split(other.options, ";") {
		if !slices.Contains(have, o) {
			return false
		}
	}
	return true
}

// describe reads an attribute description. It knows the options ;binary and ;lang-, as OpenLDAP does.
func (s *schema) describe(text string) (description, error) {
	name, rest, optioned := strings.Cut(text, ";")
	typ, ok := s.attributes[strings.ToLower(name)]
	if !ok {
		return description{}, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: attribute type undefined", text)
	}
	d := description{typ: typ}
	if !optioned {
		return d, nil
	}
	options := strings.Split(strings.ToLower(rest), ";")
	for _, o := range options {
		if o == "binary" && needsBinary(typ.syntax) || strings.HasPrefix(o, "lang-") {
			continue
		}
		return description{}, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: option undefined", text)
	}
	slices.Sort(options)
	d.options = ";" + strings.Join(slices.Compact(options), ";")
	return d, nil
}

// describeWritten is describe for an attribute that is written: certificates and their kin need the option ;binary then.
func (s *schema) describeWritten(text string) (description, error) {
	desc, err := s.describe(text)
	if err == nil && needsBinary(desc.typ.syntax) && !strings.Contains(desc.options, ";binary") {
		return desc, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: requires ;binary transfer", text)
	}
	return desc, err
}

// normalise returns the form of a value in which equal values are equal, by the equality rule of its attribute type.
func (s *schema) normalise(typ *attributeType, value string) (string, error) {
	if typ.equality == nil {
		return value, nil
	}
	return typ.equality.prepare(value)
}

// accept checks a value against the syntax of its attribute type and returns it in the form in which it is kept.
func (s *schema) accept(typ *attributeType, value string) (string, bool) {
	return s.acceptSyntax(typ.syntax, value)
}

// acceptSyntax is accept for a syntax alone.
func (s *schema) acceptSyntax(syntax, value string) (string, bool) {
	switch syntax {
	case syntaxClass:
		if c, ok := s.classes[strings.ToLower(value)]; ok {
			return c.name(), true
		}
		return "", false
	case syntaxAttribute:
		if a, ok := s.attributes[strings.ToLower(value)]; ok {
			return a.name(), true
		}
		return "", false
	case syntaxDN:
		dn, err := s.parseDN(value)
		return s.pretty(dn), err == nil
	case syntaxNameAndUID:
		name, uid := cutUID(value)
		dn, err := s.parseDN(name)
		return s.pretty(dn) + uid, err == nil
	}
	return value, validSyntax(syntax, value)
}

// mustClass returns a class that the embedded schema defines.
func (s *schema) mustClass(name string) *objectClass {
	c, ok := s.classes[strings.ToLower(name)]
	if !ok {
		panic(fmt.Sprintf("object class %s is not in the embedded schema", name))
	}
	return c
}

// mustAttribute returns an attribute type that the embedded schema defines.
func (s *schema) mustAttribute(name string) *attributeType {
	a, ok := s.attributes[strings.ToLower(name)]
	if !ok {
		panic(fmt.Sprintf("attribute type %s is not in the embedded schema", name))
	}
	return a
}
