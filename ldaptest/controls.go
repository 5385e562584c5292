package ldaptest

import (
	"slices"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// checkControls refuses a critical control that the server does not know (RFC 4511 section 4.1.11).
func checkControls(r *request) error {
	for _, c := range r.controls {
		if c.critical && !slices.Contains(supportedControls(), c.oid) {
			return refuse(ldap.LDAPResultUnavailableCriticalExtension, "critical extension is not recognized")
		}
	}
	return nil
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
		return nil, refuse(ldap.LDAPResultProtocolError, "control value could not be decoded")
	}
	p, err := ber.DecodePacketErr([]byte(value))
	if err != nil {
		return nil, refuse(ldap.LDAPResultProtocolError, "control value could not be decoded")
	}
	return p, nil
}

// paging is the simple paged results control (RFC 2696).
type paging struct {
	size   int
	cookie string
}

func readPaging(controls []control) (p paging, asked bool, err error) {
	c, asked := findControl(controls, ldap.ControlTypePaging)
	if !asked {
		return p, false, nil
	}
	value, err := decodeValue(c.value)
	if err != nil {
		return p, true, err
	}
	p.size, p.cookie = int(integer(child(value, 0))), octets(child(value, 1))
	if p.size < 0 {
		return p, true, refuse(ldap.LDAPResultProtocolError, "paged results size is negative")
	}
	return p, true, nil
}

func (p paging) answer(cookie string) control {
	value := sequence(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), ""), text(cookie))
	return control{oid: ldap.ControlTypePaging, value: string(value.Bytes())}
}

// assertion refuses an operation whose assertion control does not hold (RFC 4528).
func (d *directory) assertion(r *request, dn plan.DN) error {
	c, asked := findControl(r.controls, oidAssertion)
	if !asked {
		return nil
	}
	p, err := decodeValue(c.value)
	if err != nil {
		return err
	}
	f, err := d.schema.readFilter(p)
	if err != nil {
		return err
	}
	e, err := d.lookup(dn)
	if err != nil {
		return err
	}
	if f.match(d, e) != isTrue {
		return refuse(ldap.LDAPResultAssertionFailed, "")
	}
	return nil
}

// entryControl returns the entry before or after a write where the control asks for it (RFC 4527).
func (d *directory) entryControl(r *request, oid string, dn plan.DN) []control {
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
	e, found := d.find(dn)
	if !found {
		return nil
	}
	list := ber.NewSequence("")
	for _, a := range d.read(e, d.schema.readSelection(names), false, true) {
		list.AppendChild(attributePacket(a))
	}
	return []control{{oid: oid, value: string(sequence(text(e.dn().String()), list).Bytes())}}
}
