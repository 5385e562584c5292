package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// What 389 DS cannot rename at once is renamed in steps; everything else, and everything on other servers, is not.
func TestRenamesInSteps(t *testing.T) {
	const top = "dc=example,dc=org"
	for _, test := range []struct {
		dn, rdn, superior string
		want              []string
	}{
		{"uid=ann", "uid=kim", "", []string{"uid=ann to uid=kim"}},
		{"uid=诸葛亮", "uid=kim", "ou=b", []string{"uid=诸葛亮 to uid=kim below ou=b"}},
		{"uid=ann", `uid=Lee\, Ann`, "", []string{`uid=ann to uid=Lee\, Ann`}},
		// The old name is dropped by itself.
		{`uid=Lee\, Ann`, "uid=kim", "", []string{`uid=Lee\, Ann to uid=kim, which stays`}},
		{`uid=\ ann`, `uid=\ ann`, "ou=b", []string{`uid=\ ann to uid=\ ann below ou=b, which stays`}},
		// Not by way of the entry that is to be above it.
		{"ou=b", "ou=a", "ou=a", []string{"ou=b to ou=b below ou=a", "ou=b,ou=a to ou=a"}},
		{"ou=b", "ou=a", "ou=c,ou=A", []string{"ou=b to ou=b below ou=c,ou=A", "ou=b,ou=c,ou=A to ou=a"}},
		{"ou=b", "ou=c", "ou=c,ou=a", []string{"ou=b to ou=c below ou=c,ou=a"}},
		{`ou=R\+D`, "ou=a", "ou=a", []string{`ou=R\+D to ou=R\+D below ou=a, which stays`, `ou=R\+D,ou=a to ou=a, which stays`}},
	} {
		op := plan.ModifyDN{DN: plan.MustParseDN(test.dn + "," + top), NewRDN: plan.MustParseDN(test.rdn).RDN(), DeleteOldRDN: true}
		if test.superior != "" {
			op.NewSuperior = plan.MustParseDN(test.superior + "," + top)
		}
		for _, flavour := range []string{connector.DS389, connector.OpenLDAP, connector.ActiveDirectory, connector.Generic} {
			profile := connector.UsualProfile(flavour)
			steps := profile.Flavour.Renames(op)
			if flavour != connector.DS389 {
				if len(steps) != 1 || fmt.Sprint(steps[0]) != fmt.Sprint(op) {
					t.Errorf("%s makes %v of %v", flavour, steps, op)
				}
				continue
			}
			var got []string
			for _, s := range steps {
				text := strings.TrimSuffix(s.DN.String(), ","+top) + " to " + s.NewRDN.String()
				if !s.NewSuperior.Empty() {
					text += " below " + strings.TrimSuffix(s.NewSuperior.String(), ","+top)
				}
				if !s.DeleteOldRDN {
					text += ", which stays"
				}
				got = append(got, text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s becomes %s in the steps %q; want %q", test.dn, op.NewDN(), got, test.want)
			}
		}
	}
}

// A refusal that says nothing gets words that help.
func TestOperationsErrorsAreExplained(t *testing.T) {
	profile := connector.UsualProfile(connector.DS389)
	for message, want := range map[string]string{"": "(389 Directory Server refuses so", "Failed.": "Failed. (389 Directory Server refuses so"} {
		refused := &connector.OutcomeError{Code: ldap.LDAPResultOperationsError, Verb: "modrdn", Message: message}
		profile.Flavour.Interpret(refused)
		if !strings.HasPrefix(refused.Message, want) || !strings.Contains(refused.Message, "referential integrity") {
			t.Errorf("%q becomes %q", message, refused.Message)
		}
	}
}

func openDS389(t *testing.T, cfg ldaptest.DS389Config) *connector.Directory {
	t.Helper()
	d, _ := startDS389(t, cfg)
	return d
}

func startDS389(t *testing.T, cfg ldaptest.DS389Config) (*connector.Directory, *ldaptest.DS389Server) {
	t.Helper()
	server := ldaptest.StartDS389(t, cfg)
	return openDirectory(t, connector.Config{URLs: []string{server.URL}, BindDN: server.BindDN, Credentials: connector.Fixed(connector.Credentials{BindPassword: secret.New(server.Password)})}), server
}

// An entry whose name has characters that are escaped can be renamed and moved, by a 389 that cannot do it at once.
func Test389DSRenamesEscapedNames(t *testing.T) {
	d := openDS389(t, ldaptest.DS389Config{})
	for _, name := range []string{"Lee, Ann", `Ann "Buddy" Lee`, " ann", "a=b", `EXAMPLE\ann`} {
		is := plan.MustParseDN(people).Child(plan.RDN{{Type: "uid", Value: name}})
		if err := d.Apply(t.Context(), person(is.String())); err != nil {
			t.Fatal(err)
		}
		renamed := plan.ModifyDN{DN: is, NewRDN: plan.RDN{{Type: "uid", Value: "kim"}}, DeleteOldRDN: true}
		back := plan.ModifyDN{DN: renamed.NewDN(), NewRDN: is.RDN(), DeleteOldRDN: true}
		moved := plan.ModifyDN{DN: back.NewDN(), NewRDN: is.RDN(), NewSuperior: plan.MustParseDN(groups), DeleteOldRDN: true}
		for _, op := range []plan.ModifyDN{renamed, back, moved} {
			renameTo(t, d, op, "uid")
		}
	}
}

// A unit goes below another one and gets the name of that.
func Test389DSMovesBelowANamesake(t *testing.T) {
	d := openDS389(t, ldaptest.DS389Config{})
	a, b := unitBelow(t, d, people, "a"), unitBelow(t, d, people, "b")
	renameTo(t, d, plan.ModifyDN{DN: b, NewRDN: a.RDN(), NewSuperior: a, DeleteOldRDN: true}, "ou")
}

// That is why the plug-in has to be off: after a unit was renamed the name of who was deleted there is not free, until the server
// is started again. After it was renamed twice the server does not find who is in it, and starting it again does not help.
func Test389DSLosesNamesWithItsReferentialIntegrity(t *testing.T) {
	for _, names := range [][]string{{"Research"}, {"Research", "Studies"}} {
		d, server := startDS389(t, ldaptest.DS389Config{Integrity: true})
		profile, err := d.Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(profile.Vendor, "/2.3.1 ") {
			return // nothing is said about others
		}
		lab := unitBelow(t, d, people, "Lab")
		kim := plan.ModifyDN{DN: plan.MustParseDN("uid=kim," + people), NewRDN: plan.MustParseDN("uid=kim").RDN(), NewSuperior: lab, DeleteOldRDN: true}
		ann := plan.MustParseDN("uid=ann").RDN()
		for _, op := range []plan.Operation{person(lab.Child(ann).String()), person(kim.DN.String()), kim} {
			if err := d.Apply(t.Context(), op); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range names {
			op := plan.ModifyDN{DN: lab, NewRDN: plan.RDN{{Type: "ou", Value: name}}, DeleteOldRDN: true}
			renameTo(t, d, op, "ou")
			lab = op.NewDN()
		}
		finds := func() bool {
			found, err := d.Children(t.Context(), lab)
			if err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(found, lab.Child(kim.NewRDN).Equal)
		}
		once := len(names) == 1
		if got := finds(); got != once {
			t.Errorf("after %d renames the server finds who is in the unit: %v", len(names), got)
		}
		again := person(lab.Child(ann).String())
		if once {
			if err := d.Apply(t.Context(), plan.Delete{DN: again.DN}); err != nil {
				t.Fatal(err)
			}
			if err := d.Apply(t.Context(), again); err == nil {
				t.Error("the name of who was deleted is free: the server has no fault any more")
			}
		}
		server.Stop()
		server.Start(t)
		if got := finds(); got != once {
			t.Errorf("after %d renames the server finds who is in the unit once it was started again: %v", len(names), got)
		}
		if once {
			if err := d.Apply(t.Context(), again); err != nil {
				t.Errorf("a server that was started again: %v", err)
			}
		}
	}
}

func unitBelow(t *testing.T, d *connector.Directory, place, name string) plan.DN {
	t.Helper()
	dn := plan.MustParseDN(place).Child(plan.RDN{{Type: "ou", Value: name}})
	if err := d.Apply(t.Context(), plan.Add{DN: dn, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{name}},
	}}); err != nil {
		t.Fatal(err)
	}
	return dn
}

// renameTo renames an entry, which then has no other name.
func renameTo(t *testing.T, d *connector.Directory, op plan.ModifyDN, naming string) {
	t.Helper()
	if err := d.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	entry, err := d.Read(t.Context(), op.NewDN(), []string{naming})
	if err != nil || entry == nil {
		t.Fatalf("%s is not there: %v", op.NewDN(), err)
	}
	if got := entry.Values(naming); len(got) != 1 || got[0] != op.NewRDN[0].Value {
		t.Errorf("%s has the names %q", entry.DN, got)
	}
}
