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

// Schema is what the directory knows of attributes and classes.
type Schema struct {
	attributes map[string]*attributeType
	classes    map[string]*objectClass
	rules      map[string]*matchingRule
	// ordered lists keep the definitions in their order, for the subschema entry.
	attributeOrder []*attributeType
	classOrder     []*objectClass
	objectClass    *attributeType
	// sketch: what is not defined is text, and no value is refused.
	sketch bool
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
func (s *Schema) describe(text string) (description, error) {
	name, rest, optioned := strings.Cut(text, ";")
	typ, ok := s.attributes[strings.ToLower(name)]
	if !ok && s.sketch && name != "" {
		typ, ok = s.invent(name), true
	}
	if !ok {
		return description{}, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: attribute type undefined", text)
	}
	d := description{typ: typ}
	if !optioned {
		return d, nil
	}
	options := strings.Split(strings.ToLower(rest), ";")
	for _, o := range options {
		if s.sketch || o == "binary" && needsBinary(typ.syntax) || strings.HasPrefix(o, "lang-") {
			continue
		}
		return description{}, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: option undefined", text)
	}
	slices.Sort(options)
	d.options = ";" + strings.Join(slices.Compact(options), ";")
	return d, nil
}

// describeWritten is describe for an attribute that is written: certificates and their kin need the option ;binary then.
func (s *Schema) describeWritten(text string) (description, error) {
	desc, err := s.describe(text)
	if err == nil && !s.sketch && needsBinary(desc.typ.syntax) && !strings.Contains(desc.options, ";binary") {
		return desc, Refuse(ldap.LDAPResultUndefinedAttributeType, "%s: requires ;binary transfer", text)
	}
	return desc, err
}

// invent makes an attribute type for a name that is not defined, in a sketch.
func (s *Schema) invent(name string) *attributeType {
	text := s.mustAttribute("cn")
	typ := &attributeType{
		oid: name, names: []string{name}, syntax: text.syntax, equality: text.equality, substring: text.substring, ordering: anyOrder(),
	}
	s.attributes[strings.ToLower(name)] = typ
	return typ
}

// normalise returns the form of a value in which equal values are equal, by the equality rule of its attribute type.
func (s *Schema) normalise(typ *attributeType, value string) (string, error) {
	if typ.equality == nil {
		return value, nil
	}
	key, err := typ.equality.prepare(value)
	if err != nil && s.sketch {
		return value, nil
	}
	return key, err
}

// accept checks a value against the syntax of its attribute type and returns it in the form in which it is kept.
func (s *Schema) accept(typ *attributeType, value string) (string, bool) {
	return s.acceptSyntax(typ.syntax, value)
}

// acceptSyntax is accept for a syntax alone.
func (s *Schema) acceptSyntax(syntax, value string) (string, bool) {
	if s.sketch {
		return value, true
	}
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
func (s *Schema) mustClass(name string) *objectClass {
	c, ok := s.classes[strings.ToLower(name)]
	if !ok {
		panic(fmt.Sprintf("object class %s is not in the embedded schema", name))
	}
	return c
}

// mustAttribute returns an attribute type that the embedded schema defines.
func (s *Schema) mustAttribute(name string) *attributeType {
	a, ok := s.attributes[strings.ToLower(name)]
	if !ok {
		panic(fmt.Sprintf("attribute type %s is not in the embedded schema", name))
	}
	return a
}
