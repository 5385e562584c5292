package connector_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// What a domain needs for itself is told from what people have made in it, by what a delegated account may read.
func TestSambaMarksWhatIsItsOwn(t *testing.T) {
	server := ldaptest.StartSamba(t)
	pem, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	d := openDirectory(t, connector.Config{
		URLs: []string{server.TLSURL}, Type: "auto", Timeout: time.Minute, BindDN: server.BindDN,
		Credentials: connector.Fixed(connector.Credentials{TLS: &tls.Config{RootCAs: roots}, BindPassword: secret.New(server.Password)}),
	})
	for _, made := range []plan.Add{
		{DN: plan.MustParseDN("cn=ann," + people), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"user"}}, {Name: "sAMAccountName", Values: []string{"ann"}}}},
		{DN: plan.MustParseDN("cn=Vpn," + groups), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"group"}}, {Name: "sAMAccountName", Values: []string{"Vpn"}}}},
		{DN: plan.MustParseDN("ou=Lab," + people), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}}},
	} {
		if err := d.Apply(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	const suffix = ",dc=example,dc=org"
	for dn, want := range map[string]bool{
		"cn=ann," + people: false, "cn=Vpn," + groups: false, "ou=Lab," + people: false, people: false, server.BindDN: false,
		"cn=Administrator,cn=Users" + suffix: true, "cn=Guest,cn=Users" + suffix: true, "cn=krbtgt,cn=Users" + suffix: true,
		"cn=Domain Admins,cn=Users" + suffix: true, "cn=Domain Users,cn=Users" + suffix: true, "cn=Enterprise Admins,cn=Users" + suffix: true,
		"cn=Schema Admins,cn=Users" + suffix: true, "cn=Group Policy Creator Owners,cn=Users" + suffix: true, "cn=Allowed RODC Password Replication Group,cn=Users" + suffix: true,
		"cn=Administrators,cn=Builtin" + suffix: true, "cn=Backup Operators,cn=Builtin" + suffix: true, "cn=Users,cn=Builtin" + suffix: true,
		"cn=Users" + suffix: true, "ou=Domain Controllers" + suffix: true,
	} {
		entry, err := d.Read(t.Context(), plan.MustParseDN(dn), plan.ProtectedBy())
		if err != nil || entry == nil {
			t.Fatalf("%s: %v %v", dn, entry, err)
		}
		if reason := plan.Protected(entry); (reason != "") != want || strings.Contains(reason, "cannot be read") {
			t.Errorf("%s: %q; want it protected: %v", dn, reason, want)
		}
		// The identifier alone tells accounts and groups, where the marks are not for everybody to see.
		bare := &plan.Entry{DN: entry.DN, Attributes: []plan.Attribute{{Name: "objectSid", Values: entry.Values("objectSid")}}}
		if isContainer := len(entry.Values("objectSid")) == 0; !isContainer && (plan.Protected(bare) != "") != want {
			t.Errorf("%s by its identifier: %q; want it protected: %v", dn, plan.Protected(bare), want)
		}
	}
}
