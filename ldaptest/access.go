package ldaptest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// Access is how a running directory is reached, and as whom.
type Access struct {
	// URL and TLSURL are where it listens. The first is ldap://, where it also does StartTLS, the second ldaps://.
	URL, TLSURL string
	// CAFile holds the certificate that vouches for the server's, as PEM.
	CAFile string
	// BindDN and Password are those of an account that may write where it has to and nowhere else. AdminDN is the
	// administrator's, with the same password.
	BindDN, Password, AdminDN string
}

// Administrator logs in as the administrator, over TLS where the server has it. Whoever calls it closes the connection.
func (a Access) Administrator(tb testing.TB) *ldap.Conn {
	tb.Helper()
	url, options := a.URL, []ldap.DialOpt(nil)
	if a.TLSURL != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			tb.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		url, options = a.TLSURL, append(options, ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	}
	conn, err := ldap.DialURL(url, options...)
	if err != nil {
		tb.Fatalf("connect as administrator: %v", err)
	}
	if err := conn.Bind(a.AdminDN, a.Password); err != nil {
		_ = conn.Close() // nothing was written
		tb.Fatalf("log in as administrator: %v", err)
	}
	return conn
}

// configure replaces the values of an attribute as an administrator.
func configure(tb testing.TB, url, as, password, dn, attribute string, values []string) {
	tb.Helper()
	conn, err := ldap.DialURL(url)
	if err != nil {
		tb.Fatalf("configure %s: %v", dn, err)
	}
	defer func() { _ = conn.Close() }() // the change has been confirmed by then
	if err := conn.Bind(as, password); err != nil {
		tb.Fatalf("configure %s: %v", dn, err)
	}
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace(attribute, values)
	if err := conn.Modify(change); err != nil {
		tb.Fatalf("set %s of %s: %v", attribute, dn, err)
	}
}

// What the directories have in common that tests start.
const (
	testSuffix    = "dc=example,dc=org"
	testConnector = "cn=connector,ou=system,dc=example,dc=org"
	testPassword  = "secret"
)

// Content is what slapd and 389 DS hold when they start, as LDIF, so that the directory in memory can be given the same. The
// password of cn=connector,ou=system is "secret".
const Content = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=system,dc=example,dc=org
objectClass: organizationalUnit
ou: system

dn: cn=connector,ou=system,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: connector
userPassword: ` + testPassword + `

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=leavers,dc=example,dc=org
objectClass: organizationalUnit
ou: leavers
`
