package ldaptest

import (
	"slices"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// supported returns the operations that a control can go with, nothing for one that the server does not know.
func supported(oid string) []string {
	switch oid {
	case ldap.ControlTypePaging:
		return []string{"search"}
	case ldap.ControlTypeManageDsaIT, oidAssertion:
		return []string{"add", "modify", "modrdn", "delete", "compare", "search"}
	case oidPreRead:
		return []string{"modify", "modrdn", "delete"}
	case oidPostRead:
		return []string{"add", "modify", "modrdn"}
	case oidPermissive:
		return []string{"modify"}
	}
	return nil
}

// applicable returns the controls that can go with the operation, and refuses it where a critical one cannot
// (RFC 4511 section 4.1.11).
func applicable(controls []control, verb string) ([]control, error) {
	var out []control
	for _, c := range controls {
		if slices.Contains(supported(c.oid), verb) {
			out = append(out, c)
		} else if c.critical {
			return nil, dit.Refuse(ldap.LDAPResultUnavailableCriticalExtension, "critical extension is not available")
		}
	}
	return out, nil
}

func findControl(controls []control, oid string) (control, bool) {
	i := slices.IndexFunc(controls, func(c control) bool { return c.oid == oid })
	if i < 0 {
		return control{}, false
	}
	return controls[i], true
}

// decodeValue reads the value of a control, which is BER of its own.
func decodeValue(value string) (*ber.Packet, error) {
	if err := checkNesting([]byte(value), 0); err != nil || value == "" {
		return nil, dit.Refuse(ldap.LDAPResultProtocolError, "control value could not be decoded")
	}
	p, err := ber.DecodePacketErr([]byte(value))
	if err != nil {
		return nil, dit.Refuse(ldap.LDAPResultProtocolError, "control value could not be decoded")
	}
	return p, nil
}

// assertion reads the condition of the assertion control (RFC 4528).
func (s *Server) assertion(controls []control) (dit.Condition, error) {
	c, asked := findControl(controls, oidAssertion)
	if !asked {
		return nil, nil
	}
	p, err := decodeValue(c.value)
	if err != nil {
		return nil, err
	}
	f, err := s.dir.ReadFilter(p)
	if err != nil {
		return nil, err
	}
	return s.dir.Asserted(f), nil
}

// entryControl returns the entry before or after a write where the control asks for it (RFC 4527).
func (s *Server) entryControl(r *request, oid string, dn plan.DN) []control {
	c, asked := findControl(r.controls, oid)
	if !asked {
		return nil
	}
	p, err := decodeValue(c.value)
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range p.Children {
		names = append(names, octets(n))
	}
	e, found := s.dir.Find(dn)
	if !found {
		return nil
	}
	list := ber.NewSequence("")
	for _, a := range s.dir.Read(e, s.dir.Select(names...), false, true) {
		list.AppendChild(attributePacket(a))
	}
	return []control{{oid: oid, value: string(sequence(text(e.Name()), list).Bytes())}}
}
