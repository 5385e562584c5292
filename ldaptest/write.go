package ldaptest

import (
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// write does an add, modify, modrdn or delete, and records it.
func (c *session) write(r *request) (answer, error) {
	s := c.server
	dn, err := s.dir.ParseDN(r.dn)
	if err != nil {
		return answer{}, err
	}
	if r.verb == "add" && len(r.content.attributes) == 0 {
		return answer{}, dit.Refuse(ldap.LDAPResultProtocolError, "no attributes provided")
	}
	done, err := c.prepare(r, dn)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	a.controls = append(a.controls, s.entryControl(r, oidPreRead, dn)...)
	record := Record{Verb: r.verb, DN: s.dir.NameOf(dn), BoundAs: r.who.String()}
	if err := done(&record); err != nil {
		return answer{}, err
	}
	s.record(record)
	after := dn
	if record.NewDN != "" {
		after, _ = plan.ParseDN(record.NewDN)
	}
	a.controls = append(a.controls, s.entryControl(r, oidPostRead, after)...)
	return a, nil
}

// prepare reads the request and returns what is to be done under the lock.
func (c *session) prepare(r *request, dn plan.DN) (func(*Record) error, error) {
	d := c.server.dir
	condition, err := c.server.assertion(r.controls)
	if err != nil {
		return nil, err
	}
	terms := dit.Terms{Who: r.who, Writer: c.server.writes(r.who), Condition: condition}
	switch r.verb {
	case "add":
		return func(record *Record) error {
			record.Attributes = r.content.attributes
			return d.Add(dn, r.content.attributes, terms)
		}, nil
	case "modify":
		_, terms.Permissive = findControl(r.controls, oidPermissive)
		return func(record *Record) error {
			record.Modifications = r.content.modifications
			return d.Modify(dn, r.content.modifications, terms)
		}, nil
	case "delete":
		return func(*Record) error { return d.Delete(dn, terms) }, nil
	}
	m, err := readModifyDN(d, dn, r.op)
	return func(record *Record) error {
		record.DeleteOldRDN = m.DeleteOldRDN
		if err := d.Rename(m, terms); err != nil {
			return err
		}
		record.NewDN = d.NameOf(m.NewDN())
		return nil
	}, err
}

// writes reports whether somebody may write and read everything.
func (s *Server) writes(who plan.DN) bool { return s.writers[s.dir.KeyOf(who)] }

// content is what an add or a modify brings.
type content struct {
	attributes    []plan.Attribute
	modifications []plan.Modification
}

func readContent(r *request) (c content, err error) {
	switch r.verb {
	case "add":
		c.attributes = attributeLists(child(r.op, 1))
		for _, a := range c.attributes {
			if len(a.Values) == 0 {
				return c, dit.Refuse(ldap.LDAPResultProtocolError, "no values for attribute type")
			}
		}
	case "modify":
		c.modifications, err = readModifications(child(r.op, 1))
	}
	return c, err
}

func readModifications(p *ber.Packet) ([]plan.Modification, error) {
	types := []plan.ModificationType{plan.AddValues, plan.DeleteValues, plan.ReplaceValues, dit.Increment}
	out := make([]plan.Modification, 0, len(p.Children))
	for _, c := range p.Children {
		n := integer(child(c, 0))
		if n < 0 || n >= int64(len(types)) {
			return nil, dit.Refuse(ldap.LDAPResultProtocolError, "unrecognized modify operation")
		}
		a := attributeList(child(c, 1))
		switch {
		case len(a.Values) == 0 && (types[n] == plan.AddValues || types[n] == dit.Increment):
			return nil, dit.Refuse(ldap.LDAPResultProtocolError, "modify/%s: %s: no values given", types[n], a.Name)
		case types[n] == dit.Increment && len(a.Values) > 1:
			return nil, dit.Refuse(ldap.LDAPResultProtocolError, "modify/increment: %s: more than one value given", a.Name)
		}
		out = append(out, plan.Modification{Type: types[n], Name: a.Name, Values: a.Values})
	}
	return out, nil
}

func readModifyDN(d *dit.Directory, dn plan.DN, op *ber.Packet) (plan.ModifyDN, error) {
	m := plan.ModifyDN{DN: dn}
	var err error
	if m.NewRDN, err = d.ParseRDN(octets(child(op, 1))); err != nil {
		return m, err
	}
	m.DeleteOldRDN, _ = child(op, 2).Value.(bool)
	if superior := octets(child(op, 3)); strings.TrimSpace(superior) != "" {
		if m.NewSuperior, err = d.ParseDN(superior); err != nil {
			return m, dit.Refuse(ldap.LDAPResultInvalidDNSyntax, "invalid newSuperior")
		}
	}
	return m, nil
}
