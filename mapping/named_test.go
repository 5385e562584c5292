package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

// Whom an entry is to name follows from what is known of its object and of the unit above it, without where anybody is. A rule that does
// not apply, or fails, names nobody.
func TestWhomAnEntryIsToName(t *testing.T) {
	set := compile(t, `version: 1
base: dc=example,dc=org
organizational_unit:
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  root: ou=people,dc=example,dc=org
user:
  dn: "uid={user.username},{ou.dn}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  attributes:
    manager: { reference: user.custom.manager }
    secretary: { reference: user.custom.secretary, when: 'user.custom.title == "chief"' }
    owner: { reference: ou.custom.head }
    seeAlso: { reference: fail("nobody") }
    description: user.custom.manager
`)
	in := mapping.Input{
		Object: userOf(event.Values{"custom.manager": "user_2", "custom.secretary": "user_3", "custom.title": "clerk"}),
		Above:  &mapping.Above{Object: objectOf(event.KindUnit, "ou_1", event.Values{"custom.head": "user_4"})},
	}
	of := func(id string) []event.Ref { return []event.Ref{{Kind: event.KindUser, ID: id}} }
	if diff := cmp.Diff(map[string][]event.Ref{"manager": of("user_2"), "owner": of("user_4")}, set.Named(in)); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	in.Object.Ref.Kind = event.KindGroup
	if named := set.Named(in); len(named) > 0 {
		t.Errorf("without a section for groups one names %v", named)
	}
}
