package ldaptest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
)

// resultCannotCancel is a result code of RFC 3909.
const resultCannotCancel = 121

// extended answers the extended operations.
func (c *session) extended(r *request) (answer, error) {
	switch octets(child(r.op, 0)) {
	case oidWhoAmI:
		id := ""
		if !r.who.Empty() {
			id = "dn:" + c.server.dir.Pretty(r.who)
		}
		return answer{value: &id}, nil
	case oidPasswordMod:
		return c.modifyPassword(r)
	case oidStartTLS:
		return c.mayStartTLS()
	case oidCancel:
		return answer{}, dit.Refuse(resultCannotCancel, "operations cannot be cancelled")
	}
	return answer{}, dit.Refuse(ldap.LDAPResultProtocolError, "unsupported extended operation")
}

func (c *session) mayStartTLS() (answer, error) {
	switch {
	case c.server.cfg.TLS == nil:
		return answer{}, dit.Refuse(ldap.LDAPResultProtocolError, "unsupported extended operation")
	case c.isSecure():
		return answer{}, dit.Refuse(ldap.LDAPResultOperationsError, "TLS already started")
	}
	return answer{name: oidStartTLS, startTLS: true}, nil
}

// readPasswordModify reads the request value of RFC 3062: [0] user, [1] old password, [2] new password.
func readPasswordModify(op *ber.Packet) (user string, old, password secret.Text) {
	p, err := decodeValue(octets(child(op, 1)))
	if err != nil {
		return "", old, password
	}
	for _, c := range p.Children {
		switch c.Tag {
		case 0:
			user = octets(c)
		case 1:
			old = secret.New(octets(c))
		case 2:
			password = secret.New(octets(c))
		}
	}
	return user, old, password
}

// modifyPassword sets a password (RFC 3062): the own one, or for those who may write that of anybody.
func (c *session) modifyPassword(r *request) (answer, error) {
	s := c.server
	terms := dit.Terms{Who: r.who}
	if err := terms.Authenticated(); err != nil {
		return answer{}, err
	}
	user, old, password := readPasswordModify(r.op)
	dn := r.who
	if user != "" {
		var err error
		if dn, err = s.dir.ParseDN(user); err != nil {
			return answer{}, err
		}
	}
	terms.Writer = s.writes(r.who) || s.dir.Same(dn, r.who)
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	if password.Empty() {
		var err error
		if password, err = s.dir.GeneratePassword(); err != nil {
			return answer{}, err
		}
		made := ber.Encode(ber.ClassContext, ber.TypePrimitive, 0, nil, "")
		made.Data.WriteString(password.Reveal())
		value := string(sequence(made).Bytes())
		a.value = &value
	}
	if err := s.dir.SetPassword(dn, old, password, terms); err != nil {
		return answer{}, err
	}
	s.record(Record{Verb: "password", DN: s.dir.NameOf(dn), BoundAs: r.who.String()})
	return a, nil
}
