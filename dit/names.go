package dit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// parseDN reads a DN and checks its values against the syntaxes of their attribute types.
func (s *Schema) parseDN(text string) (plan.DN, error) {
	dn, err := plan.ParseDN(text)
	if err != nil || dn.Empty() && text != "" {
		return nil, Refuse(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	for _, rdn := range dn {
		if err := s.checkRDN(rdn); err != nil {
			return nil, err
		}
	}
	return dn, nil
}

// parseRDN reads the new name of an entry.
func (s *Schema) parseRDN(text string) (plan.RDN, error) {
	dn, err := s.parseDN(text)
	if err != nil || len(dn) != 1 {
		return nil, Refuse(ldap.LDAPResultInvalidDNSyntax, "invalid new RDN")
	}
	return dn[0], nil
}

func (s *Schema) checkRDN(rdn plan.RDN) error {
	if s.sketch {
		return nil
	}
	named := map[*attributeType]bool{}
	for _, ava := range rdn {
		typ, ok := s.attributes[strings.ToLower(ava.Type)]
		if !ok || named[typ] {
			return Refuse(ldap.LDAPResultInvalidDNSyntax, "invalid DN: %s is not defined or stands twice in one name", ava.Type)
		}
		named[typ] = true
		if _, ok := s.accept(typ, ava.Value); !ok || s.naming(typ, ava.Value) == "" {
			return Refuse(ldap.LDAPResultInvalidDNSyntax, "invalid DN: the value of %s is invalid", ava.Type)
		}
	}
	return nil
}

// naming returns a value as names compare it: by the equality rule of the attribute type, where there is one.
func (s *Schema) naming(typ *attributeType, value string) string {
	if typ.equality == nil {
		return value
	}
	key, err := s.normalise(typ, value)
	if err != nil {
		return ""
	}
	return key
}

// rdnKey returns a text that is the same for RDNs that name the same entry, in whatever order and spelling.
func (s *Schema) rdnKey(rdn plan.RDN) string {
	parts := make([]string, len(rdn))
	for i, ava := range rdn {
		name, value := strings.ToLower(ava.Type), ava.Value
		if typ, ok := s.attributes[name]; ok {
			name, value = strings.ToLower(typ.name()), s.naming(typ, value)
		} else if s.sketch {
			value, _ = prepareFolded(value) // it has no error
		}
		parts[i] = name + "=" + plan.EscapeValue(value)
	}
	slices.Sort(parts)
	return strings.Join(parts, "+")
}

// keyOf returns a text that is the same for DNs that name the same entry.
func (s *Schema) keyOf(dn plan.DN) string {
	parts := make([]string, len(dn))
	for i, rdn := range dn {
		parts[i] = s.rdnKey(rdn)
	}
	return strings.Join(parts, ",")
}

// same reports whether two DNs name the same entry.
func (s *Schema) same(a, b plan.DN) bool { return len(a) == len(b) && s.keyOf(a) == s.keyOf(b) }

// within reports whether dn is base or lies below it.
func (s *Schema) within(dn, base plan.DN) bool {
	return len(dn) >= len(base) && s.same(dn[len(dn)-len(base):], base)
}

// keyWithin is within for the keys of DNs. It can look at the end, because a comma in a value is followed by no bare '='.
func keyWithin(key, base string) bool {
	return base == "" || key == base || strings.HasSuffix(key, ","+base)
}

// parentKey returns the key of the DN above.
func parentKey(key string) string {
	for i := 0; i < len(key); i++ {
		switch key[i] {
		case '\\':
			i++
		case ',':
			return key[i+1:]
		}
	}
	return ""
}

// spell gives the attribute types of a DN the names of the schema, and the parts of its names slapd's order.
func (s *Schema) spell(dn plan.DN) plan.DN {
	out := make(plan.DN, len(dn))
	for i, rdn := range dn {
		out[i] = make(plan.RDN, len(rdn))
		for j, ava := range rdn {
			if typ, ok := s.attributes[strings.ToLower(ava.Type)]; ok {
				ava.Type = typ.name()
				ava.Value, _ = s.accept(typ, ava.Value) // it was accepted when the DN was read
			}
			out[i][j] = ava
		}
		slices.SortFunc(out[i], func(a, b plan.AVA) int { return strings.Compare(a.Type, b.Type) })
	}
	return out
}

// pretty returns a DN as text in one spelling, whatever the spelling it came in.
func (s *Schema) pretty(dn plan.DN) string { return Text(s.spell(dn)) }

// Text writes a DN as slapd does: what has to be escaped is written in hex. Most people expect "\," and get "\2C".
func Text(dn plan.DN) string {
	var b strings.Builder
	for i, rdn := range dn {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, ava := range rdn {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(ava.Type + "=" + hexEscaped(ava.Value))
		}
	}
	return b.String()
}

func hexEscaped(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c, edge := value[i], i == 0 || i == len(value)-1
		if strings.IndexByte("\"+,;<>=\\\x00", c) >= 0 || edge && strings.IndexByte(" \t\n\r", c) >= 0 || i == 0 && c == '#' {
			fmt.Fprintf(&b, "\\%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
