package connector_test

import (
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// Who keeps a former DN when a unit is renamed is found at that, on the kind of server that does so. Others are not even asked.
func TestWhoWasLeftBehindIsFound(t *testing.T) {
	for kind, want := range map[string]int{connector.DS389: 1, connector.OpenLDAP: 0} {
		server := startServer(t, ldaptest.Config{})
		d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Type: kind})
		lab := unitBelow(t, d, people, "Lab")
		kim, lee, gone := plan.MustParseDN("uid=kim").RDN(), plan.MustParseDN("uid=lee").RDN(), plan.MustParseDN("uid=gone").RDN()
		for _, name := range []plan.RDN{kim, lee} {
			if err := d.Apply(t.Context(), person(lab.Child(name).String())); err != nil {
				t.Fatal(err)
			}
		}
		server.Suffer(dit.Trouble{LeftBehind: lab.Child(kim).Equal})
		op := plan.ModifyDN{DN: lab, NewRDN: plan.MustParseDN("ou=Labs").RDN(), DeleteOldRDN: true}
		if err := d.Apply(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		left, err := d.LeftBehind(t.Context(), op.NewDN(), lab, []plan.DN{lab.Child(lee), lab.Child(kim), lab.Child(gone)})
		if err != nil || len(left) != want || want > 0 && !left[0].Equal(lab.Child(kim)) {
			t.Errorf("%s: left behind are %v, %v", kind, left, err)
		}
	}
}
