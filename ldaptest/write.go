package ldaptest

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// write does an add, modify, modrdn or delete, and records it.
func (c *session) write(r *request) (answer, error) {
	s := c.server
	dn, err := s.dir.schema.parseDN(r.dn)
	if err != nil {
		return answer{}, err
	}
	done, err := c.prepare(r, dn)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayWrite(r.who); err != nil {
		return answer{}, err
	}
	if dn.Empty() || isSubschema(dn) {
		return answer{}, refuse(ldap.LDAPResultUnwillingToPerform, "%s upon the root DSE or the subschema is not supported", r.verb)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	if err := s.dir.assertion(r, dn); err != nil {
		return a, err
	}
	a.controls = append(a.controls, s.dir.entryControl(r, oidPreRead, dn)...)
	record := Record{Verb: r.verb, DN: s.dir.nameOf(dn), BoundAs: r.who.String()}
	if err := done(&record); err != nil {
		return answer{}, err
	}
	s.record(record)
	after := dn
	if record.NewDN != "" {
		after, _ = plan.ParseDN(record.NewDN)
	}
	a.controls = append(a.controls, s.dir.entryControl(r, oidPostRead, after)...)
	return a, nil
}

// nameOf returns a DN in the spelling that the entry has, or would have.
func (d *directory) nameOf(dn plan.DN) string {
	if e, found := d.find(dn); found {
		return e.dn().String()
	}
	return d.schema.pretty(dn)
}

// prepare reads the request and returns what is to be done under the lock.
func (c *session) prepare(r *request, dn plan.DN) (func(*Record) error, error) {
	d := c.server.dir
	switch r.verb {
	case "add":
		attributes := attributeLists(child(r.op, 1))
		return func(record *Record) error {
			record.Attributes = attributes
			return d.add(dn, attributes, r.who)
		}, nil
	case "modify":
		modifications, err := readModifications(child(r.op, 1))
		_, permissive := findControl(r.controls, oidPermissive)
		return func(record *Record) error {
			record.Modifications = modifications
			return d.modify(dn, modifications, permissive, r.who)
		}, err
	case "delete":
		return func(*Record) error { return d.remove(dn) }, nil
	}
	m, err := d.schema.readModifyDN(dn, r.op)
	return func(record *Record) error {
		record.DeleteOldRDN = m.DeleteOldRDN
		if err := d.rename(m, r.who); err != nil {
			return err
		}
		record.NewDN = d.nameOf(m.NewDN())
		return nil
	}, err
}

func readModifications(p *ber.Packet) ([]plan.Modification, error) {
	types := []plan.ModificationType{plan.AddValues, plan.DeleteValues, plan.ReplaceValues, Increment}
	out := make([]plan.Modification, 0, len(p.Children))
	for _, c := range p.Children {
		n := integer(child(c, 0))
		if n < 0 || n >= int64(len(types)) {
			return nil, refuse(ldap.LDAPResultProtocolError, "unrecognized modify operation")
		}
		a := attributeList(child(c, 1))
		out = append(out, plan.Modification{Type: types[n], Name: a.Name, Values: a.Values})
	}
	return out, nil
}

func (s *schema) readModifyDN(dn plan.DN, op *ber.Packet) (plan.ModifyDN, error) {
	m := plan.ModifyDN{DN: dn}
	var err error
	if m.NewRDN, err = s.parseRDN(octets(child(op, 1))); err != nil {
		return m, err
	}
	m.DeleteOldRDN, _ = child(op, 2).Value.(bool)
	if superior := octets(child(op, 3)); strings.TrimSpace(superior) != "" {
		if m.NewSuperior, err = s.parseDN(superior); err != nil {
			return m, refuse(ldap.LDAPResultInvalidDNSyntax, "invalid newSuperior")
		}
	}
	return m, nil
}
