package plan

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// AttributeNames returns the names of all attributes, ClassNames those of all object classes; for messages.
func (s *Schema) AttributeNames() []string {
	var out []string
	for _, a := range s.attributes {
		out = append(out, a.Names...)
	}
	return distinct(out)
}

// ClassNames returns the names of all object classes.
func (s *Schema) ClassNames() []string {
	var out []string
	for _, c := range s.classes {
		out = append(out, c.Names...)
	}
	return distinct(out)
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Same reports whether two names mean one attribute: names and object identifiers are interchangeable (RFC 4512 section
// 2.5).
func (s *Schema) Same(a, b string) bool { return SameDescription(s, a, b) }

// withSuperiors returns object classes with those that they are derived from. Unknown ones are left out.
func (s *Schema) withSuperiors(names ...string) []*ObjectClass {
	seen := map[*ObjectClass]bool{}
	var out []*ObjectClass
	for len(names) > 0 {
		c, ok := s.ObjectClass(names[0])
		names = names[1:]
		if !ok || seen[c] {
			continue
		}
		seen[c] = true
		out = append(out, c)
		names = append(slices.Clone(c.Superiors), names...)
	}
	return out
}

// Demands returns the attributes without which there is no entry of an object class.
func (s *Schema) Demands(class string) []string {
	var out []string
	for _, c := range s.withSuperiors(class) {
		out = append(out, c.Must...)
	}
	return distinct(out)
}

// Allows reports whether an entry of some object classes may have an attribute. Operational attributes need no class
// (RFC 4512 section 3.4), and with extensibleObject (section 4.3) everything is allowed.
func (s *Schema) Allows(classes []string, attribute string) bool {
	if a, ok := s.Attribute(attribute); ok && a.Operational {
		return true
	}
	same := func(name string) bool { return s.Same(name, attribute) }
	return slices.ContainsFunc(s.withSuperiors(classes...), func(c *ObjectClass) bool {
		return slices.ContainsFunc(c.Names, func(n string) bool { return strings.EqualFold(n, "extensibleObject") }) ||
			slices.ContainsFunc(c.Must, same) || slices.ContainsFunc(c.May, same)
	})
}

// Structural returns the most derived structural class among some; empty where none is structural.
func (s *Schema) Structural(classes []string) string {
	best, depth := "", 0
	for _, name := range classes {
		c, ok := s.ObjectClass(name)
		if n := len(s.withSuperiors(name)); ok && c.Kind == "STRUCTURAL" && n > depth {
			best, depth = name, n
		}
	}
	return best
}

// contentRules adds what DIT content rules (RFC 4512 section 4.1.6) demand and allow to the classes that they are for.
// Active Directory publishes in them what a class has from auxiliary classes that no entry names.
func (s *Schema) contentRules(definitions []string) error {
	var first error
	for _, text := range definitions {
		d, err := parseDefinition(text)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		if c, ok := s.classes[strings.ToLower(d.oid)]; ok {
			c.Must, c.May = append(c.Must, d.list("MUST")...), append(c.May, d.list("MAY")...)
		}
	}
	return first
}

// syntax is a form that values have, with its name for people.
type syntax struct {
	name  string
	takes func(string) bool
}

var (
	aNumber    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	aMoment    = regexp.MustCompile(`^[0-9]{10}([0-9]{2}){0,2}([.,][0-9]+)?(Z|[+-][0-9]{2}([0-9]{2})?)$`)
	digitsOnly = regexp.MustCompile(`^[0-9 ]+$`)
	printable  = regexp.MustCompile(`^[A-Za-z0-9'()+,\-./:? ="]+$`)
)

func isASCII(v string) bool {
	return !strings.ContainsFunc(v, func(c rune) bool { return c >= utf8.RuneSelf })
}

func takesDN(v string) bool {
	dn, err := ParseDN(v)
	return err == nil && !dn.Empty()
}

// syntaxes are those of RFC 4517 section 3.3, and of Active Directory, in which a value shows whether it belongs.
func syntaxes() map[string]syntax {
	number := syntax{"a whole number", aNumber.MatchString}
	return map[string]syntax{
		syntaxes1466 + "7":  {"TRUE or FALSE", func(v string) bool { return v == "TRUE" || v == "FALSE" }},
		syntaxes1466 + "12": {"a DN", takesDN},
		syntaxes1466 + "24": {"a moment such as 20260102150405Z", aMoment.MatchString},
		syntaxes1466 + "26": {"ASCII text", isASCII},
		syntaxes1466 + "27": number,
		syntaxesAD + "906":  number,
		syntaxes1466 + "36": {"digits", digitsOnly.MatchString},
		syntaxes1466 + "44": {"text of letters, digits and a few signs", printable.MatchString},
		syntaxes1466 + "50": {"a telephone number", printable.MatchString},
	}
}

// Misfit says what the values of an attribute are where this one is not; empty where it is, or where nobody can tell but
// the server.
func (s *Schema) Misfit(attribute, value string) string {
	a, ok := s.Attribute(attribute)
	if !ok {
		return ""
	}
	if known, ok := syntaxes()[a.Syntax]; ok && !known.takes(value) {
		return known.name
	}
	return ""
}
