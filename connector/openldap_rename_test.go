package connector_test

import (
	"errors"
	"strings"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// A new unit that is filled with people who were there before it can be renamed, on a slapd that says that it cannot.
func TestOpenLDAPRenamesAUnitThatOthersMovedInto(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL}, BindDN: server.BindDN, Credentials: connector.Fixed(connector.Credentials{BindPassword: secret.New(server.Password)})})
	sales := plan.MustParseDN("ou=Sales," + people)
	name := plan.MustParseDN("ou=Service," + people)
	old := plan.MustParseDN("uid=ann," + people)
	for _, op := range []plan.Operation{
		person(old.String()),
		plan.Add{DN: sales, Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"Sales"}}}},
		plan.ModifyDN{DN: old, NewRDN: old.RDN(), NewSuperior: sales, DeleteOldRDN: true},
		plan.ModifyDN{DN: sales, NewRDN: name.RDN(), DeleteOldRDN: true},
	} {
		if err := d.Apply(t.Context(), op); err != nil {
			t.Fatal(err)
		}
	}
	children, err := d.Children(t.Context(), name)
	if err != nil || len(children) != 1 || !children[0].Equal(name.Child(old.RDN())) {
		t.Fatalf("below the renamed unit there are %v, %v", children, err)
	}
}

// A name that is too long is refused at once, and not tried again for ever.
func TestOpenLDAPRefusesANameThatIsTooLong(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL}, BindDN: server.BindDN, Credentials: connector.Fixed(connector.Credentials{BindPassword: secret.New(server.Password)})})
	short := plan.MustParseDN("uid=ann," + people)
	if err := d.Apply(t.Context(), person(short.String())); err != nil {
		t.Fatal(err)
	}
	long := short.Parent().Child(plan.RDN{{Type: "uid", Value: strings.Repeat("long ", 60)}})
	for _, op := range []plan.Operation{
		person(long.String()),
		plan.ModifyDN{DN: short, NewRDN: long.RDN(), DeleteOldRDN: true},
	} {
		var refused *connector.OutcomeError
		if err := d.Apply(t.Context(), op); !errors.As(err, &refused) || refused.Kind != connector.KindRefused || !strings.Contains(refused.Message, "octets") {
			t.Errorf("%s: %v", op.Verb(), err)
		}
	}
	// The longest that it takes is taken.
	if err := d.Apply(t.Context(), person("uid="+strings.Repeat("x", 240)+","+people)); err != nil {
		t.Error(err)
	}
}
