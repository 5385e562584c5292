package dit

import (
	"fmt"
	"strings"
)

// ReadSchema reads the embedded definitions and more of them, each one line as in a subschema entry:
// "attributeTypes: ( ... )" or "objectClasses: ( ... )".
func ReadSchema(more ...string) (*Schema, error) { return readSchema(&Schema{}, more) }

// ReadSketch reads the schema of a sketch; see [Config].
func ReadSketch(more ...string) (*Schema, error) { return readSchema(&Schema{sketch: true}, more) }

func readSchema(s *Schema, more []string) (*Schema, error) {
	s.attributes, s.classes = map[string]*attributeType{}, map[string]*objectClass{}
	s.addRules()
	var classes []*definition
	for _, line := range append(strings.Split(standardSchema, "\n"), more...) {
		kind, text, _ := strings.Cut(line, ": ")
		if kind != "attributeTypes" && kind != "objectClasses" {
			if line != "" && !strings.HasPrefix(line, "#") {
				return nil, fmt.Errorf("read schema: %.60q is neither attributeTypes nor objectClasses", line)
			}
			continue
		}
		d, err := readDefinition(text)
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		if kind == "objectClasses" {
			classes = append(classes, d)
			continue
		}
		if err := s.addAttribute(d); err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
	}
	if err := s.inherit(); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if s.sketch {
		for _, a := range s.attributeOrder {
			if a.ordering == nil {
				a.ordering = anyOrder()
			}
		}
	}
	for _, d := range classes { // a class names attributes, so all of them come first
		s.addClass(d)
	}
	if err := s.linkClasses(classes); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	s.specialise()
	return s, nil
}

// specialise gives the attribute types that name parts of the schema what slapd has for them behind the syntax OID: only
// what is defined can be a value, it is kept by its first name, and a class is found by the classes above it as well.
func (s *Schema) specialise() {
	s.objectClass = s.mustAttribute("objectClass")
	for _, typ := range []*attributeType{s.objectClass, s.mustAttribute("structuralObjectClass")} {
		typ.syntax, typ.equality = syntaxClass, s.classRule()
	}
	s.mustAttribute("pwdAttribute").syntax = syntaxAttribute
}

func (s *Schema) addAttribute(d *definition) error {
	usage := d.first("USAGE")
	a := &attributeType{
		oid: d.oid, names: d.words["NAME"], definition: d.text,
		single: d.has("SINGLE-VALUE"), readOnly: d.has("NO-USER-MODIFICATION"),
		operational: usage != "" && usage != "userApplications",
	}
	a.syntax, _, _ = strings.Cut(d.first("SYNTAX"), "{")
	var err error
	for keyword, rule := range map[string]**matchingRule{"EQUALITY": &a.equality, "ORDERING": &a.ordering, "SUBSTR": &a.substring} {
		if *rule, err = s.rule(d.first(keyword)); err != nil {
			return fmt.Errorf("attribute type %s: %w", d.oid, err)
		}
	}
	if sup := d.first("SUP"); sup != "" {
		above, ok := s.attributes[strings.ToLower(sup)]
		if !ok {
			above = &attributeType{oid: sup} // a promise, kept in inherit
		}
		a.superior = above
	}
	s.attributeOrder = append(s.attributeOrder, a)
	s.attributes[strings.ToLower(a.oid)] = a
	for _, name := range a.names {
		s.attributes[strings.ToLower(name)] = a
	}
	return nil
}

// inherit replaces promised superiors and hands syntax and rules down.
func (s *Schema) inherit() error {
	for _, a := range s.attributeOrder {
		if a.superior == nil {
			continue
		}
		above, ok := s.attributes[strings.ToLower(a.superior.oid)]
		if !ok {
			return fmt.Errorf("attribute type %s: its superior %s is not defined", a.name(), a.superior.oid)
		}
		a.superior, above.subtyped = above, true
	}
	for _, a := range s.attributeOrder {
		depth := 0
		for up := a.superior; up != nil; up = up.superior {
			if depth++; depth > 16 {
				return fmt.Errorf("attribute type %s is its own superior", a.name())
			}
			if a.syntax == "" {
				a.syntax = up.syntax
			}
			if a.equality == nil {
				a.equality = up.equality
			}
			if a.ordering == nil {
				a.ordering = up.ordering
			}
			if a.substring == nil {
				a.substring = up.substring
			}
		}
	}
	return nil
}

func (s *Schema) addClass(d *definition) {
	c := &objectClass{oid: d.oid, names: d.words["NAME"], kind: "STRUCTURAL", definition: d.text}
	for _, kind := range []string{"ABSTRACT", "AUXILIARY"} {
		if d.has(kind) {
			c.kind = kind
		}
	}
	s.classOrder = append(s.classOrder, c)
	s.classes[strings.ToLower(c.oid)] = c
	for _, name := range c.names {
		s.classes[strings.ToLower(name)] = c
	}
}

// linkClasses resolves the names in class definitions. Attributes in MAY that nobody defines are left out: RFC classes
// allow some that no server implements.
func (s *Schema) linkClasses(definitions []*definition) error {
	for i, d := range definitions {
		c := s.classOrder[i]
		for _, sup := range d.words["SUP"] {
			above, ok := s.classes[strings.ToLower(sup)]
			if !ok || above == c {
				return fmt.Errorf("object class %s: its superior %s is not defined", c.name(), sup)
			}
			c.superiors = append(c.superiors, above)
		}
		for _, name := range d.words["MUST"] {
			a, ok := s.attributes[strings.ToLower(name)]
			if !ok {
				return fmt.Errorf("object class %s: attribute type %s is not defined", c.name(), name)
			}
			c.must = append(c.must, a)
		}
		for _, name := range d.words["MAY"] {
			if a, ok := s.attributes[strings.ToLower(name)]; ok {
				c.may = append(c.may, a)
			}
		}
	}
	return nil
}

// definition is one definition taken apart: keywords with the words that follow them.
type definition struct {
	oid   string
	text  string
	words map[string][]string
}

func (d *definition) has(keyword string) bool { _, ok := d.words[keyword]; return ok }

func (d *definition) first(keyword string) string {
	if w := d.words[keyword]; len(w) > 0 {
		return w[0]
	}
	return ""
}

// readDefinition reads "( oid KEYWORD word KEYWORD ( word $ word ) FLAG )".
func readDefinition(text string) (*definition, error) {
	tokens, err := definitionTokens(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) < 3 || tokens[0] != "(" || tokens[len(tokens)-1] != ")" {
		return nil, fmt.Errorf("definition %.60q does not stand in parentheses", text)
	}
	d := &definition{oid: tokens[1], text: text, words: map[string][]string{}}
	keyword, inside := "", false
	for _, token := range tokens[2 : len(tokens)-1] {
		switch {
		case token == "(":
			inside = true
		case token == ")":
			inside, keyword = false, ""
		case token == "$":
		case inside:
			d.words[keyword] = append(d.words[keyword], token)
		case keyword != "" && (len(d.words[keyword]) == 0 && !isFlag(keyword)):
			d.words[keyword] = append(d.words[keyword], token)
			keyword = ""
		default:
			keyword = token
			d.words[keyword] = nil
		}
	}
	return d, nil
}

// isFlag reports whether a keyword stands alone.
func isFlag(keyword string) bool {
	switch keyword {
	case "SINGLE-VALUE", "COLLECTIVE", "NO-USER-MODIFICATION", "OBSOLETE", "ABSTRACT", "STRUCTURAL", "AUXILIARY":
		return true
	}
	return false
}

// definitionTokens splits a definition into parentheses, dollars, words and the content of quotes.
func definitionTokens(text string) ([]string, error) {
	var tokens []string
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		end := 1
		switch text[0] {
		case '(', ')', '$':
			tokens = append(tokens, text[:1])
		case '\'':
			n := strings.IndexByte(text[1:], '\'')
			if n < 0 {
				return nil, fmt.Errorf("a quote does not end at %.60q", text)
			}
			tokens = append(tokens, text[1:1+n])
			end = n + 2
		default:
			end = strings.IndexAny(text, " \t()$'")
			if end < 0 {
				end = len(text)
			}
			tokens = append(tokens, text[:end])
		}
		text = text[end:]
	}
	return tokens, nil
}
