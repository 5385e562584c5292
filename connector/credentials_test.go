package connector_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// trust hands out the password of the administrator with what to trust.
func trust(config *tls.Config) func(bool) connector.Credentials {
	return connector.Fixed(connector.Credentials{TLS: config, BindPassword: secret.New(password)})
}

func TestPasswordsTravelProtected(t *testing.T) {
	own, trusted := certificate(t)
	_, strangers := certificate(t)
	server := startServer(t, ldaptest.Config{TLS: &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}, RequireTLS: true})
	for _, c := range []struct {
		name string
		cfg  connector.Config
		kind connector.Kind
		ok   bool
	}{
		{"StartTLS", connector.Config{URLs: []string{server.URL()}, StartTLS: true, Credentials: trust(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12})}, 0, true},
		{"ldaps", connector.Config{URLs: []string{server.SecureURL()}, Credentials: trust(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12})}, 0, true},
		{"a stranger's certificate after StartTLS", connector.Config{URLs: []string{server.URL()}, StartTLS: true, Credentials: trust(&tls.Config{RootCAs: strangers, MinVersion: tls.VersionTLS12})}, connector.KindUnavailable, false},
		{"a stranger's certificate with ldaps", connector.Config{URLs: []string{server.SecureURL()}, Credentials: trust(&tls.Config{RootCAs: strangers, MinVersion: tls.VersionTLS12})}, connector.KindUnavailable, false},
		{"a server that wants TLS", connector.Config{URLs: []string{server.URL()}}, connector.KindConfiguration, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := read(t, openDirectory(t, c.cfg))
			if c.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantKind(t, err, c.kind)
		})
	}
	plain := startServer(t, ldaptest.Config{})
	err := read(t, openDirectory(t, connector.Config{URLs: []string{plain.URL()}, StartTLS: true}))
	wantKind(t, err, connector.KindUnavailable) // a server without TLS is not talked to in clear text instead
}

func TestOpenRefusesWhatWouldBeUnprotected(t *testing.T) {
	for _, c := range []struct {
		cfg  connector.Config
		says string
	}{
		{connector.Config{}, "at least one server"},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"ldaps://ldap.example.org", "ldap://192.0.2.1"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"ldap://127.0.0.1.example.org"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"http://ldap.example.org"}}, "neither"},
		{connector.Config{URLs: []string{"ldaps://l"}, BindDN: adminDN}, "bind_password"},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}, StartTLS: true}, ""},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}, AllowCleartext: true}, ""},
		{connector.Config{URLs: []string{"ldap://localhost", "ldap://127.0.0.2:1389", "ldap://[::1]", "ldapi:///run/ldapi", "ldaps://l"}}, ""},
	} {
		d, err := connector.Open(c.cfg)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%v: %v", c.cfg.URLs, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%v: the error is %v; want %q", c.cfg.URLs, err, c.says)
		case err == nil:
			d.Close()
		}
	}
}

func TestWrongCredentialsAreSaidToBeWrong(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, BindDN: adminDN, Credentials: connector.Fixed(connector.Credentials{BindPassword: secret.New("c4n4ry")})})
	o := failure(t, read(t, d), connector.KindConfiguration)
	if o.Verb != "bind" || !strings.Contains(o.Explain(), "check bind_dn") || strings.Contains(o.Explain(), "c4n4ry") {
		t.Errorf("the error is %q", o.Explain())
	}
}

// A referral is shown and not followed, whatever was asked: the other server would get our credentials.
func TestAReferralIsNeverFollowed(t *testing.T) {
	other := startServer(t, ldaptest.Config{})
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	server.Fault(func(ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{Code: ldap.LDAPResultReferral, Message: other.URL() + "/" + suffix}
	})
	for _, op := range []plan.Operation{
		person(annDN.String()), plan.Modify{DN: annDN}, plan.ModifyDN{DN: annDN, NewRDN: annDN.RDN()}, plan.Delete{DN: annDN}, plan.SetPassword{DN: annDN, Password: secret.New("x")},
	} {
		if o := failure(t, d.Apply(t.Context(), op), connector.KindReadOnly); !strings.Contains(o.Explain(), "directories[].urls") {
			t.Errorf("%s: %q", op.Verb(), o.Explain())
		}
	}
	_, err := d.Read(t.Context(), annDN, nil)
	wantKind(t, err, connector.KindIncomplete)
	if n := other.Connections(); n != 0 {
		t.Errorf("the other server has %d connections", n)
	}
}
