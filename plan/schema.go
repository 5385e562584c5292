package plan

import (
	"fmt"
	"strings"
)

// AttributeType is what a schema says of an attribute (RFC 4512 section 4.1.2), with what it inherits.
type AttributeType struct {
	OID         string
	Names       []string
	Superior    string
	Equality    string
	Syntax      string
	SingleValue bool
	// ReadOnly: NO-USER-MODIFICATION.
	ReadOnly bool
	// Operational: its USAGE is another than userApplications.
	Operational bool
}

// ObjectClass is what a schema says of an object class (RFC 4512 section 4.1.1).
type ObjectClass struct {
	OID       string
	Names     []string
	Superiors []string
	// Kind is STRUCTURAL, AUXILIARY or ABSTRACT.
	Kind string
	Must []string
	May  []string
}

// Schema is the part of a directory's subschema that matters for writing entries. It is a [Matching].
type Schema struct {
	comparison
	attributes map[string]*AttributeType
	classes    map[string]*ObjectClass
	// ruled: the directory publishes equality rules at all. Active Directory does not: there the syntax says how values compare.
	ruled bool
}

// ParseSchema reads the values of attributeTypes, objectClasses and dITContentRules of a subschema entry. Definitions that cannot be read
// are left out, as servers publish some that do not follow the RFC; the error names the first of them, and the schema is
// usable all the same.
func ParseSchema(attributeTypes, objectClasses, contentRules []string) (*Schema, error) {
	s := &Schema{comparison: comparison{folding: StandardFolding()}, attributes: map[string]*AttributeType{}, classes: map[string]*ObjectClass{}}
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, text := range attributeTypes {
		d, err := parseDefinition(text)
		if err != nil {
			note(err)
			continue
		}
		a := &AttributeType{
			OID: d.oid, Names: d.list("NAME"), Superior: d.first("SUP"), Equality: d.first("EQUALITY"),
			Syntax: strings.SplitN(d.first("SYNTAX"), "{", 2)[0], SingleValue: d.has("SINGLE-VALUE"), ReadOnly: d.has("NO-USER-MODIFICATION"),
			Operational: d.has("USAGE") && !strings.EqualFold(d.first("USAGE"), "userApplications"),
		}
		s.ruled = s.ruled || a.Equality != ""
		s.attributes[strings.ToLower(a.OID)] = a
		for _, name := range a.Names {
			s.attributes[strings.ToLower(name)] = a
		}
	}
	for _, text := range objectClasses {
		d, err := parseDefinition(text)
		if err != nil {
			note(err)
			continue
		}
		c := &ObjectClass{OID: d.oid, Names: d.list("NAME"), Superiors: d.list("SUP"), Kind: "STRUCTURAL", Must: d.list("MUST"), May: d.list("MAY")}
		for _, kind := range []string{"ABSTRACT", "AUXILIARY"} {
			if d.has(kind) {
				c.Kind = kind
			}
		}
		s.classes[strings.ToLower(c.OID)] = c
		for _, name := range c.Names {
			s.classes[strings.ToLower(name)] = c
		}
	}
	if err := s.contentRules(contentRules); err != nil {
		note(err)
	}
	s.inherit()
	return s, first
}

// inherit fills in what attribute types take over from their superiors.
func (s *Schema) inherit() {
	for _, a := range s.attributes {
		above := a
		for range 16 { // deeper chains do not exist; a circular one must end
			if a.Equality != "" && a.Syntax != "" || above.Superior == "" {
				break
			}
			next, ok := s.attributes[strings.ToLower(above.Superior)]
			if !ok {
				break
			}
			above = next
			if a.Equality == "" {
				a.Equality = above.Equality
			}
			if a.Syntax == "" {
				a.Syntax = above.Syntax
			}
		}
	}
}

// Attribute returns what is said of an attribute by name or object identifier; options after a semicolon do not count.
func (s *Schema) Attribute(name string) (*AttributeType, bool) {
	name, _, _ = strings.Cut(name, ";")
	a, ok := s.attributes[strings.ToLower(name)]
	return a, ok
}

// ObjectClass returns what is said of an object class by name or object identifier.
func (s *Schema) ObjectClass(name string) (*ObjectClass, bool) {
	c, ok := s.classes[strings.ToLower(name)]
	return c, ok
}

// definition is a parenthesised schema definition taken apart: keywords with their words.
type definition struct {
	oid   string
	parts map[string][]string
}

func (d definition) has(keyword string) bool { _, ok := d.parts[keyword]; return ok }

func (d definition) list(keyword string) []string { return d.parts[keyword] }

func (d definition) first(keyword string) string {
	if words := d.parts[keyword]; len(words) > 0 {
		return words[0]
	}
	return ""
}

// flags are the keywords that stand alone.
var flags = map[string]bool{
	"SINGLE-VALUE": true, "COLLECTIVE": true, "NO-USER-MODIFICATION": true, "OBSOLETE": true,
	"ABSTRACT": true, "STRUCTURAL": true, "AUXILIARY": true,
}

func parseDefinition(text string) (definition, error) {
	words := definitionWords(text)
	if len(words) < 3 || words[0] != "(" || words[len(words)-1] != ")" {
		return definition{}, fmt.Errorf("read schema definition %.60q: it does not stand in parentheses", text)
	}
	d := definition{oid: words[1], parts: map[string][]string{}}
	for i := 2; i < len(words)-1; {
		keyword := strings.ToUpper(words[i])
		i++
		if flags[keyword] {
			d.parts[keyword] = nil
			continue
		}
		if i < len(words)-1 && words[i] == "(" {
			for i++; i < len(words)-1 && words[i] != ")"; i++ {
				if words[i] != "$" {
					d.parts[keyword] = append(d.parts[keyword], words[i])
				}
			}
			i++
			continue
		}
		if i < len(words)-1 {
			d.parts[keyword] = []string{words[i]}
			i++
		}
	}
	return d, nil
}

// definitionWords splits a definition into words, parentheses, dollars and the content of quotes.
func definitionWords(text string) []string {
	var words []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n':
			i++
		case c == '(' || c == ')' || c == '$':
			words = append(words, string(c))
			i++
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil
			}
			words = append(words, text[i+1:i+1+end])
			i += end + 2
		default:
			end := i
			for end < len(text) && strings.IndexByte(" ()$'\t\n", text[end]) < 0 {
				end++
			}
			words = append(words, text[i:end])
			i = end
		}
	}
	return words
}
