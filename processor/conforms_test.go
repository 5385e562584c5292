package processor_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/processor/conformance"
)

func TestTheDirectoryInMemoryConforms(t *testing.T) {
	for name, follows := range following() {
		t.Run(name, func(t *testing.T) {
			d := inMemory(t, follows)
			conformance.Target(t, conformance.Directory{
				Target: d, Base: plan.MustParseDN(people), Follows: follows, Suffer: d.Suffer,
				Login: func(_ *testing.T, dn plan.DN, password string) bool { return d.Login(dn, secret.New(password)) },
			})
		})
	}
}

func TestTheDirectoryOverTheWireConforms(t *testing.T) {
	for name, follows := range following() {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ldaptest.Config{NoReferences: !follows, NoMemberOf: !follows})
			conformance.Target(t, conformance.Directory{
				Target: openDirectory(t, connector.Config{URLs: []string{server.URL()}}), Base: plan.MustParseDN(people), Follows: follows, Suffer: server.Suffer,
				Login: loginAt(server.URL()),
			})
		})
	}
}

func following() map[string]bool {
	return map[string]bool{"references are left alone": false, "references follow": true}
}

func TestOpenLDAPConforms(t *testing.T) {
	conforms(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, conformance.Directory{Follows: true})
}

func TestOpenLDAPConformsWithoutOverlays(t *testing.T) {
	conforms(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true}).Access, conformance.Directory{})
}

func Test389DSConforms(t *testing.T) {
	conforms(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, conformance.Directory{EmptyGroups: true})
}

func TestSambaConforms(t *testing.T) {
	conforms(t, ldaptest.StartSamba(t).Access, conformance.Directory{EmptyGroups: true, Follows: true})
}

// conforms runs the suite on a real server.
func conforms(t *testing.T, a ldaptest.Access, d conformance.Directory) {
	t.Helper()
	d.Target, d.Base, d.Login = dial(t, a, ldaps, newSteady()), plan.MustParseDN(people), loginAt(a.TLSURL, ldap.DialWithTLSConfig(trusting(t, a)))
	conformance.Target(t, d)
}

func loginAt(url string, options ...ldap.DialOpt) func(*testing.T, plan.DN, string) bool {
	return func(t *testing.T, dn plan.DN, password string) bool {
		t.Helper()
		conn, err := ldap.DialURL(url, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.Bind(dn.String(), password) == nil
	}
}

func TestTheMemoryOfTheTestsConforms(t *testing.T) {
	conformance.Memory(t, func(*testing.T) conformance.Memories {
		m := &memory{objects: map[event.Ref]known{}, numbers: map[string]int64{}, names: map[string]event.Ref{}, former: map[event.Ref][]plan.FormerName{}}
		return conformance.Memories{
			Of:       func(_ *testing.T, ref event.Ref) processor.Memory { return &memoryOf{memory: m, self: ref} },
			Remember: func(_ *testing.T, o event.Object, r plan.Record) { m.objects[o.Ref] = known{object: o, Record: r} },
		}
	})
}
