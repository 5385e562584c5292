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
	if r.verb == "add" && len(r.content.attributes) == 0 {
		return answer{}, refuse(ldap.LDAPResultProtocolError, "no attributes provided")
	}
	done, err := c.prepare(r, dn)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
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
	return d.schema.spell(dn).String()
}

// prepare reads the request and returns what is to be done under the lock.
func (c *session) prepare(r *request, dn plan.DN) (func(*Record) error, error) {
	d := c.server.dir
	condition, err := d.assertion(r.controls)
	if err != nil {
		return nil, err
	}
	terms := terms{who: r.who, writer: c.server.writes(r.who), condition: condition}
	switch r.verb {
	case "add":
		return func(record *Record) error {
			record.Attributes = r.content.attributes
			return d.add(dn, r.content.attributes, terms)
		}, nil
	case "modify":
		_, terms.permissive = findControl(r.controls, oidPermissive)
		return func(record *Record) error {
			record.Modifications = r.content.modifications
			return d.modify(dn, r.content.modifications, terms)
		}, nil
	case "delete":
		return func(*Record) error { return d.remove(dn, terms) }, nil
	}
	m, err := d.schema.readModifyDN(dn, r.op)
	return func(record *Record) error {
		record.DeleteOldRDN = m.DeleteOldRDN
		if err := d.rename(m, terms); err != nil {
			return err
		}
		record.NewDN = d.nameOf(m.NewDN())
		return nil
	}, err
}

// terms are who writes, and on which conditions.
type terms struct {
	who plan.DN
	// writer: who may write everything.
	writer     bool
	condition  condition
	permissive bool
}

// authenticated refuses writes of nobody in particular.
func (t terms) authenticated() error {
	if t.who.Empty() {
		return refuse(ldap.LDAPResultStrongAuthRequired, "modifications require authentication")
	}
	return nil
}

// mayWrite refuses writes of those who may not. As in slapd it is asked once the entry is found.
func (t terms) mayWrite() error {
	if !t.writer {
		return refuse(ldap.LDAPResultInsufficientAccessRights, "no write access")
	}
	return nil
}

// writes reports whether somebody may write and read everything.
func (s *Server) writes(who plan.DN) bool { return s.writers[s.dir.schema.keyOf(who)] }

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
				return c, refuse(ldap.LDAPResultProtocolError, "no values for attribute type")
			}
		}
	case "modify":
		c.modifications, err = readModifications(child(r.op, 1))
	}
	return c, err
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
		switch {
		case len(a.Values) == 0 && (types[n] == plan.AddValues || types[n] == Increment):
			return nil, refuse(ldap.LDAPResultProtocolError, "modify/%s: %s: no values given", types[n], a.Name)
		case types[n] == Increment && len(a.Values) > 1:
			return nil, refuse(ldap.LDAPResultProtocolError, "modify/increment: %s: more than one value given", a.Name)
		}
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
