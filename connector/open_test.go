package connector_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

const (
	suffix   = "dc=example,dc=org"
	people   = "ou=people," + suffix
	groups   = "ou=groups," + suffix
	adminDN  = "cn=admin," + suffix
	password = "the admin's"
)

// start is what every directory holds at first.
const start = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups
`

func startServer(t *testing.T, cfg ldaptest.Config) *ldaptest.Server {
	t.Helper()
	cfg.AdminDN, cfg.AdminPassword, cfg.LDIF = adminDN, secret.New(password), start
	server, err := ldaptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// openDirectory opens a directory as the administrator of a simulated one.
func openDirectory(t *testing.T, cfg connector.Config) *connector.Directory {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	cfg.Log = log
	if cfg.BindDN == "" {
		cfg.BindDN = adminDN
	}
	if cfg.Credentials == nil {
		cfg.Credentials = connector.Fixed(connector.Credentials{BindPassword: secret.New(password)})
	}
	if cfg.Clock == nil {
		cfg.Clock = newSteady().Now // nothing is asked because time has passed
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Minute // more than anything takes on a busy machine
	}
	d, err := connector.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// person is the addition of an entry for somebody.
func person(dn string, attributes ...string) plan.Add {
	name := plan.MustParseDN(dn)
	add := plan.Add{DN: name, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"inetOrgPerson"}}, {Name: "cn", Values: []string{"Somebody"}}, {Name: "sn", Values: []string{"Somebody"}},
	}}
	for _, a := range append(attributes, name.RDN()[0].Type+"="+name.RDN()[0].Value) {
		attribute, value, _ := strings.Cut(a, "=")
		add.Attributes = append(add.Attributes, plan.Attribute{Name: attribute, Values: []string{value}})
	}
	return add
}
