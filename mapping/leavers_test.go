package mapping_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// leavers compiles a mapping with a lifecycle and an on_delete for users.
func leavers(t *testing.T, dn, lifecycle, onDelete string) *mapping.Set {
	t.Helper()
	source := `version: 1
base: dc=example,dc=org
user:
  dn: "DN"
  match: [ { attribute: employeeNumber, value: user.id } ]
  lifecycle: { delete: DELETE }
  on_delete: ONDELETE
group:
  dn: "cn={group.name},{base}"
  match: [ { attribute: description, value: group.id } ]
  on_delete: { move: "ou=old,{base}", purge_after: 1h }
`
	return compile(t, strings.NewReplacer("DN", dn, "ONDELETE", onDelete, "DELETE", lifecycle).Replace(source))
}

// What becomes of an entry with others below it is said by on_delete, wherever the entry is kept until then.
func TestRemovalOfUsers(t *testing.T) {
	const dn, moves = "uid={user.username},{base}", `{ move: "ou=leavers,{base}", purge_after: 1h }`
	for _, c := range []struct {
		lifecycle, onDelete string
		want, purge         plan.Removal
	}{
		{"delete", "{ when_not_empty: wait }", plan.Removal{Action: plan.RemoveDelete}, plan.Removal{Action: plan.RemoveDelete}},
		{
			"delete", "{ when_not_empty: fail }",
			plan.Removal{Action: plan.RemoveDelete, FailNotEmpty: true},
			plan.Removal{Action: plan.RemoveDelete, FailNotEmpty: true},
		},
		{
			"delete", "{ when_not_empty: subtree }",
			plan.Removal{Action: plan.RemoveSubtree, Subtree: true},
			plan.Removal{Action: plan.RemoveSubtree, Subtree: true},
		},
		{"disable", "{ when_not_empty: subtree }", plan.Removal{Action: plan.RemoveDisable, Subtree: true}, plan.Removal{Action: plan.RemoveSubtree, Subtree: true}},
		{
			moves, "{ when_not_empty: subtree }",
			plan.Removal{
				Action: plan.RemoveMove, MoveTo: plan.MustParseDN("ou=leavers,dc=example,dc=org"), PurgeAfter: time.Hour, Subtree: true,
				Rename: plan.RDN{{Type: "uid", Value: "ann-user_1"}},
			},
			plan.Removal{Action: plan.RemoveSubtree, Subtree: true},
		},
	} {
		set := leavers(t, dn, c.lifecycle, c.onDelete)
		in := mapping.Input{Object: event.Object{Ref: event.Ref{Kind: event.KindUser, ID: "user_1"}}, DN: plan.MustParseDN("uid=ann,dc=example,dc=org"), Deleted: true}
		result, err := set.Desired(in)
		if err != nil {
			t.Fatal(err)
		}
		removal, ok := set.Removal(in)
		if !ok || !sameRemoval(removal, c.want) || !sameRemoval(*result.Removal, c.want) || !sameRemoval(removal.Purge(), c.purge) {
			t.Errorf("%s %s: %+v and %+v, then %+v; want %+v, then %+v", c.lifecycle, c.onDelete, removal, *result.Removal, removal.Purge(), c.want, c.purge)
		}
	}
}

func sameRemoval(a, b plan.Removal) bool {
	rename := a.Rename.Exactly(b.Rename) && len(a.Rename) == len(b.Rename)
	moves := a.MoveTo.Equal(b.MoveTo)
	a.Rename, b.Rename, a.MoveTo, b.MoveTo = nil, nil, nil, nil
	return rename && moves && a.Action == b.Action && a.PurgeAfter == b.PurgeAfter && a.FailNotEmpty == b.FailNotEmpty && a.Subtree == b.Subtree
}

// A name that is taken among the leavers gives way to another one, which is told from the name in the DN as the record is cleared.
func TestNamesOfLeavers(t *testing.T) {
	const usual = "uid={user.username},{base}"
	for _, c := range []struct {
		name, dn, rename string
		at               string
		fields           event.Values
		want             string
	}{
		{"without a rule", usual, "", "uid=ann,dc=example,dc=org", nil, "uid=ann-user_1"},
		{"without a rule, by two attributes", usual, "", "uid=ann+cn=Ann,dc=example,dc=org", nil, "cn=Ann+uid=ann-user_1"},
		{"without a rule and without a place", usual, "", "", nil, "uid=user_1"},
		{"by the id", usual, "user.id", "uid=ann,dc=example,dc=org", nil, "uid=user_1"},
		{"by a field that the DN recalls", usual, `user.username + "." + user.id`, "uid=ann,dc=example,dc=org", nil, "uid=ann.user_1"},
		{"by the name in the DN", usual, `"ex-" + entry.uid`, "uid=ann,dc=example,dc=org", nil, "uid=ex-ann"},
		{"a field that is known counts before the DN", usual, `user.username + "2"`, "uid=ann,dc=example,dc=org", event.Values{"username": "kim"}, "uid=kim2"},
		{"a template that is not reversed", "uid=x{lower(user.username)},{base}", `user.username + "2"`, "uid=xann,dc=example,dc=org", nil, "uid=xann-user_1"},
		{"named by hand", usual, `entry.uid + "2"`, "cn=Ann,dc=example,dc=org", nil, "cn=Ann-user_1"},
		{"a rule that fails", usual, `fail("no")`, "uid=ann,dc=example,dc=org", nil, "uid=ann-user_1"},
		{"a rule that gives nothing", usual, "user.email", "uid=ann,dc=example,dc=org", nil, "uid=ann-user_1"},
		{"a rule that gives the same name", usual, "entry.uid", "uid=ann,dc=example,dc=org", nil, "uid=ann-user_1"},
		{"no text", usual, "user.email", "uid=ann,dc=example,dc=org", event.Values{"email": "\xff"}, "uid=ann-user_1"},
		{"structure is none", usual, `entry.uid + ",ou=admins"`, "uid=ann,dc=example,dc=org", nil, `uid=ann\,ou\=admins`},
	} {
		lifecycle := `{ move: "ou=leavers,{base}" }`
		if c.rename != "" {
			lifecycle = `{ move: "ou=leavers,{base}", rename: '` + c.rename + `' }`
		}
		set := leavers(t, c.dn, lifecycle, "{ when_not_empty: wait }")
		in := mapping.Input{Object: userOf(c.fields), Deleted: true}
		if c.at != "" {
			in.DN = plan.MustParseDN(c.at)
		}
		removal, _ := set.Removal(in)
		if got := (plan.DN{removal.Rename}); !got.Equal(plan.MustParseDN(c.want)) {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
	set := leavers(t, usual, "delete", "{ when_not_empty: wait }")
	group := mapping.Input{Object: objectOf(event.KindGroup, "group_1", nil), DN: plan.MustParseDN("cn=Vpn,dc=example,dc=org")}
	if removal, ok := set.Removal(group); !ok || (plan.DN{removal.Rename}).String() != "cn=Vpn-group_1" {
		t.Errorf("a group is called %v", removal.Rename)
	}
	if _, ok := set.Removal(mapping.Input{Object: objectOf(event.KindUnit, "ou_1", nil)}); ok {
		t.Error("there is a removal without a section")
	}
}

// Whatever the names, the other one is text of at most 64 characters that ends in the id, is none of anybody else, and is a value.
func TestNamesOfLeaversAreNew(t *testing.T) {
	set := leavers(t, "uid={user.username},{base}", `{ move: "ou=leavers,{base}" }`, "{ when_not_empty: wait }")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 90, 400).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "name")
		object := objectOf(event.KindUser, rapid.StringMatching("[a-z0-9_]{1,40}").Draw(t, "id"), nil)
		at := set.Base().Child(plan.RDN{{Type: "uid", Value: name}})
		removal, _ := set.Removal(mapping.Input{Object: object, DN: at, Deleted: true})
		got := removal.Rename[0].Value
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 64 || !strings.HasSuffix(got, "-"+object.Ref.ID) || at.RDN()[0].Value != name {
			t.Fatalf("%q becomes %q, and the entry is at %s", name, got, at)
		}
	})
}
