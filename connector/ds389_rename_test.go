package connector_test

import (
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// An entry whose name has characters that are escaped can be renamed and moved, on a 389 that says that it cannot.
func Test389DSRenamesWhatItSaysItCannot(t *testing.T) {
	server := ldaptest.StartDS389(t)
	d := openDirectory(t, connector.Config{
		URLs: []string{server.URL}, BindDN: server.BindDN, BindPassword: secret.New(server.Password),
	})
	for _, name := range []string{"Lee, Ann", `Ann "Buddy" Lee`, " ann", "a=b", `EXAMPLE\ann`} {
		is := plan.MustParseDN(people).Child(plan.RDN{{Type: "uid", Value: name}})
		if err := d.Apply(t.Context(), person(is.String())); err != nil {
			t.Fatal(err)
		}
		renamed := plan.ModifyDN{DN: is, NewRDN: plan.RDN{{Type: "uid", Value: "kim"}}, DeleteOldRDN: true}
		back := plan.ModifyDN{DN: renamed.NewDN(), NewRDN: is.RDN(), DeleteOldRDN: true}
		moved := plan.ModifyDN{DN: back.NewDN(), NewRDN: is.RDN(), NewSuperior: plan.MustParseDN(groups), DeleteOldRDN: true}
		for _, op := range []plan.ModifyDN{renamed, back, moved} {
			if err := d.Apply(t.Context(), op); err != nil {
				t.Fatal(err)
			}
			entry, err := d.Read(t.Context(), op.NewDN(), []string{"uid"})
			if err != nil || entry == nil {
				t.Fatalf("%s is not there: %v", op.NewDN(), err)
			}
			if got := entry.Values("uid"); len(got) != 1 || got[0] != op.NewRDN[0].Value {
				t.Errorf("%s has the names %q", entry.DN, got)
			}
		}
	}
}
