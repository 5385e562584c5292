package dit

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// ReadFilter reads a filter as it comes in a search request; see [Directory.ParseFilter].
func (d *Directory) ReadFilter(p *ber.Packet) (Filter, error) { return d.schema.readFilter(p) }

// ParseFilter reads a filter as people write it (RFC 4515).
func (d *Directory) ParseFilter(text string) (Filter, error) {
	p, err := ldap.CompileFilter(text)
	if err != nil {
		return nil, Refuse(ldap.LDAPResultProtocolError, "bad filter")
	}
	return d.ReadFilter(p)
}

// readFilter reads a filter as it comes in a search request (RFC 4511 section 4.5.1). What names an undefined attribute, or
// asserts a value that cannot be one, is undefined and no error.
func (s *Schema) readFilter(p *ber.Packet) (Filter, error) {
	if p.ClassType != ber.ClassContext {
		return nil, badFilter()
	}
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr:
		parts := make([]Filter, 0, len(p.Children))
		for _, c := range p.Children {
			f, err := s.readFilter(c)
			if err != nil {
				return nil, err
			}
			parts = append(parts, f)
		}
		if p.Tag == ldap.FilterAnd {
			return andFilter(parts), nil
		}
		return orFilter(parts), nil
	case ldap.FilterNot:
		if len(p.Children) != 1 {
			return nil, badFilter()
		}
		f, err := s.readFilter(p.Children[0])
		return notFilter{f}, err
	case ldap.FilterPresent:
		return s.readPresent(p.Data.String()), nil
	case ldap.FilterEqualityMatch, ldap.FilterApproxMatch:
		if len(p.Children) != 2 {
			return nil, badFilter()
		}
		return s.equality(p.Children[0].Data.String(), p.Children[1].Data.String()), nil
	case ldap.FilterGreaterOrEqual, ldap.FilterLessOrEqual:
		if len(p.Children) != 2 {
			return nil, badFilter()
		}
		return s.order(p.Children[0].Data.String(), p.Children[1].Data.String(), p.Tag == ldap.FilterGreaterOrEqual), nil
	case ldap.FilterSubstrings:
		return s.readSubstrings(p)
	case ldap.FilterExtensibleMatch:
		return s.readExtensible(p)
	}
	return nil, badFilter()
}

func badFilter() error { return Refuse(ldap.LDAPResultProtocolError, "bad filter") }

func (s *Schema) readPresent(name string) Filter {
	desc, err := s.describe(name)
	if err != nil {
		return undefinedFilter{}
	}
	if desc.typ == s.objectClass {
		return andFilter{} // every entry has one
	}
	return presentFilter{desc}
}

func (s *Schema) equality(name, value string) Filter {
	desc, err := s.describe(name)
	if err != nil || desc.typ.equality == nil {
		return undefinedFilter{}
	}
	if !s.asserts(desc.typ.equality, value) {
		return undefinedFilter{}
	}
	key, err := s.normalise(desc.typ, value)
	if err != nil {
		return undefinedFilter{}
	}
	return equalityFilter{desc: desc, key: key}
}

// asserts reports whether a value may stand in an assertion: it is the rule that says so, not the attribute type.
func (s *Schema) asserts(rule *matchingRule, value string) bool {
	_, ok := s.acceptSyntax(rule.syntax, value)
	return ok
}

func (s *Schema) order(name, value string, greater bool) Filter {
	desc, err := s.describe(name)
	if err != nil || desc.typ.ordering == nil || !s.asserts(desc.typ.ordering, value) {
		return undefinedFilter{}
	}
	key, err := desc.typ.ordering.prepare(value)
	if err != nil {
		return undefinedFilter{}
	}
	return orderFilter{desc, key, greater}
}

// readSubstrings reads fragments: the first may be the beginning, the last the end.
func (s *Schema) readSubstrings(p *ber.Packet) (Filter, error) {
	if len(p.Children) != 2 || len(p.Children[1].Children) == 0 {
		return nil, badFilter()
	}
	fragments := p.Children[1].Children
	for i, c := range fragments {
		switch {
		case c.Tag == ldap.FilterSubstringsInitial && i == 0:
		case c.Tag == ldap.FilterSubstringsAny:
		case c.Tag == ldap.FilterSubstringsFinal && i == len(fragments)-1:
		default:
			return nil, badFilter()
		}
	}
	return s.substrings(p.Children[0].Data.String(), fragments), nil
}

func (s *Schema) substrings(name string, fragments []*ber.Packet) Filter {
	desc, err := s.describe(name)
	if err != nil || desc.typ.substring == nil {
		return undefinedFilter{}
	}
	f := substringFilter{desc: desc}
	for _, c := range fragments {
		text := c.Data.String()
		// Fragments are checked and prepared by the equality rule, as whole values are.
		if desc.typ.equality == nil || text == "" || !s.asserts(desc.typ.equality, text) {
			return undefinedFilter{}
		}
		key, err := desc.typ.equality.prepare(text)
		if err != nil {
			return undefinedFilter{}
		}
		switch c.Tag {
		case ldap.FilterSubstringsInitial:
			f.initial = key + spaceAfter(desc, text)
		case ldap.FilterSubstringsAny:
			f.middle = append(f.middle, spaceBefore(desc, text)+key+spaceAfter(desc, text))
		case ldap.FilterSubstringsFinal:
			f.final = spaceBefore(desc, text) + key
		}
	}
	return f
}

// A space at the edge of a fragment stands for a space inside the value (RFC 4518 section 2.6.1).
func spaceBefore(desc description, text string) string {
	if desc.typ.equality.spaced && strings.HasPrefix(text, " ") && strings.Trim(text, " ") != "" {
		return " "
	}
	return ""
}

func spaceAfter(desc description, text string) string {
	if desc.typ.equality.spaced && strings.HasSuffix(text, " ") && strings.Trim(text, " ") != "" {
		return " "
	}
	return ""
}

// readExtensible reads [1] rule, [2] type, [3] value, [4] dnAttributes.
func (s *Schema) readExtensible(p *ber.Packet) (Filter, error) {
	var rule, name, value string
	var inNames bool
	for _, c := range p.Children {
		switch c.Tag {
		case 1:
			rule = c.Data.String()
		case 2:
			name = c.Data.String()
		case 3:
			value = c.Data.String()
		case 4:
			inNames = c.Data.String() != "\x00"
		}
	}
	if rule == "" && name == "" {
		return nil, Refuse(ldap.LDAPResultProtocolError, "extensible match without rule and type")
	}
	return s.extensible(rule, name, value, inNames), nil
}

func (s *Schema) extensible(ruleName, name, value string, inNames bool) Filter {
	f := extensibleFilter{inNames: inNames}
	if name != "" {
		desc, err := s.describe(name)
		if err != nil {
			return undefinedFilter{}
		}
		f.desc = &desc
	}
	rule, err := s.rule(ruleName)
	if err != nil {
		return undefinedFilter{}
	}
	if f.rule = rule; rule == nil {
		f.rule = f.desc.typ.equality
	}
	if f.rule == nil || f.rule.partial || f.desc != nil && !f.rule.usable(f.desc.typ) || !s.asserts(f.rule, value) {
		return undefinedFilter{}
	}
	if f.key, err = f.rule.prepare(value); err != nil {
		return undefinedFilter{}
	}
	return f
}
