package ldaptest

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// parseDN reads a DN and checks its values against the syntaxes of their attribute types.
func (s *schema) parseDN(text string) (plan.DN, error) {
	dn, err := plan.ParseDN(text)
	if err != nil {
		return nil, refuse(ldap.LDAPResultInvalidDNSyntax, "invalid DN")
	}
	for _, rdn := range dn {
		if err := s.checkRDN(rdn); err != nil {
			return nil, err
		}
	}
	return dn, nil
}

// parseRDN reads the new name of an entry.
func (s *schema) parseRDN(text string) (plan.RDN, error) {
	dn, err := s.parseDN(text)
	if err != nil || len(dn) != 1 {
		return nil, refuse(ldap.LDAPResultInvalidDNSyntax, "invalid new RDN")
	}
	return dn[0], nil
}

func (s *schema) checkRDN(rdn plan.RDN) error {
	for _, ava := range rdn {
		typ, ok := s.attributes[strings.ToLower(ava.Type)]
		if ok {
			_, ok = s.accept(typ, ava.Value)
		} else {
			ok = ava.Value != ""
		}
		if !ok {
			return refuse(ldap.LDAPResultInvalidDNSyntax, "invalid DN: the value of %s is invalid", ava.Type)
		}
	}
	return nil
}

// spell gives the attribute types of a DN the names of the schema.
func (s *schema) spell(dn plan.DN) plan.DN {
	out := make(plan.DN, len(dn))
	for i, rdn := range dn {
		out[i] = make(plan.RDN, len(rdn))
		for j, ava := range rdn {
			if typ, ok := s.attributes[strings.ToLower(ava.Type)]; ok {
				ava.Type = typ.name()
			}
			out[i][j] = ava
		}
	}
	return out
}

// pretty returns a DN as text in one spelling, whatever the spelling it came in.
func (s *schema) pretty(dn plan.DN) string { return s.spell(dn).String() }
