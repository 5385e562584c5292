package ldaptest

import (
	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// bind authenticates by name and password (RFC 4513 section 5.1). A bind that fails leaves the session anonymous.
func (c *session) bind(r *request) error {
	c.setWho(nil)
	if version := integer(child(r.op, 0)); version != 3 {
		return dit.Refuse(ldap.LDAPResultProtocolError, "requested protocol version not supported")
	}
	dn, err := c.server.dir.ParseDN(r.dn)
	if err != nil {
		return err
	}
	credentials := child(r.op, 2)
	if credentials.ClassType != ber.ClassContext || credentials.Tag != 0 {
		return dit.Refuse(ldap.LDAPResultAuthMethodNotSupported, "only simple binds are supported")
	}
	password := secret.New(octets(credentials))
	switch {
	case password.Empty() && dn.Empty():
		return nil
	case password.Empty():
		return dit.Refuse(ldap.LDAPResultUnwillingToPerform, "unauthenticated bind (DN with no password) disallowed")
	case c.server.cfg.RequireTLS && !c.isSecure():
		return dit.Refuse(ldap.LDAPResultConfidentialityRequired, "confidentiality required")
	case dn.Empty() || !c.server.knows(dn, password):
		return dit.Refuse(ldap.LDAPResultInvalidCredentials, "")
	}
	c.setWho(dn)
	return nil
}

// knows checks a name and a password.
func (s *Server) knows(dn plan.DN, password secret.Text) bool {
	s.mu.Lock() // a bind that fails leaves a note
	defer s.mu.Unlock()
	if s.dir.Same(dn, s.admin) && !s.cfg.AdminPassword.Empty() {
		return s.cfg.AdminPassword.Equal(password)
	}
	return s.dir.Authenticate(dn, password)
}

func (c *session) setWho(dn plan.DN) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who = dn
}

func (c *session) isSecure() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secure
}
