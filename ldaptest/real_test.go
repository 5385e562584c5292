package ldaptest_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// started is what all real servers have in common.
type started interface {
	Start(testing.TB)
	Stop()
	Kill()
}

// The servers come up with both kinds of TLS, with a connector that may write to its units and nowhere else, and come back
// with what they had, however they ended.
func checkServer(t *testing.T, a ldaptest.Access, s started, user map[string][]string) {
	t.Helper()
	const dn = "cn=Ann Lee,ou=people,dc=example,dc=org"
	add := func(dn string) error {
		request := ldap.NewAddRequest(dn, nil)
		for name, values := range user {
			request.Attribute(name, values)
		}
		return protected(t, a).Add(request)
	}
	if err := add(dn); err != nil {
		t.Fatalf("the connector cannot add a user: %v", err)
	}
	if err := add("cn=Ann Lee,ou=system,dc=example,dc=org"); err == nil {
		t.Fatal("the connector can write outside of its units")
	}
	for name, again := range map[string]func(){"stopped": s.Stop, "killed": s.Kill} {
		again()
		if conn, err := ldap.DialURL(a.URL); err == nil {
			_ = conn.Close()
			t.Fatalf("the %s server still answers", name)
		}
		s.Start(t)
		result, err := protected(t, a).Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil))
		if err != nil || len(result.Entries) != 1 {
			t.Fatalf("the %s server has lost its entry: %v", name, err)
		}
	}
}

// protected connects as the connector by StartTLS, after it has seen that ldaps:// works.
func protected(t *testing.T, a ldaptest.Access) *ldap.Conn {
	t.Helper()
	pem, err := os.ReadFile(a.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", a.CAFile)
	}
	secure, err := ldap.DialURL(a.TLSURL, ldap.DialWithTLSConfig(config))
	if err != nil {
		t.Fatalf("ldaps: %v", err)
	}
	defer secure.Close()
	if err := secure.Bind(a.AdminDN, a.Password); err != nil {
		t.Fatalf("bind as the administrator: %v", err)
	}
	conn, err := ldap.DialURL(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.StartTLS(config); err != nil {
		t.Fatalf("StartTLS: %v", err)
	}
	if err := conn.Bind(a.BindDN, a.Password); err != nil {
		t.Fatalf("bind as the connector: %v", err)
	}
	return conn
}

var person = map[string][]string{"objectClass": {"inetOrgPerson"}, "sn": {"Lee"}, "uid": {"ann"}}

func TestOpenLDAPServer(t *testing.T) {
	s := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	checkServer(t, s.Access, s, person)
}

func Test389DSServer(t *testing.T) {
	s := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	checkServer(t, s.Access, s, person)
}

func TestSambaServer(t *testing.T) {
	s := ldaptest.StartSamba(t)
	checkServer(t, s.Access, s, map[string][]string{"objectClass": {"user"}, "sn": {"Lee"}, "sAMAccountName": {"ann"}})
}
