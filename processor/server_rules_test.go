package processor_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// server is a world with what the rules below have to know of the kind of server.
type server struct {
	name string
	// naming is the attribute that names a user.
	naming         string
	people, groups plan.DN
}

func (s server) user(name string) plan.DN {
	return s.people.Child(plan.RDN{{Type: s.naming, Value: name}})
}

// byHand is an account as an administrator makes it, with a DN and without an id of IDaaS.
func (s server) byHand(name, parent string) plan.Add {
	add := plan.Add{DN: plan.MustParseDN("cn=Somebody," + parent)}
	put := func(attribute, value string) {
		add.Attributes = append(add.Attributes, plan.Attribute{Name: attribute, Values: []string{value}})
	}
	put("cn", "Somebody")
	put("sn", "Somebody")
	put("telephoneNumber", "+49 1")
	if s.name == connector.ActiveDirectory {
		put("objectClass", "user")
		put("sAMAccountName", name)
	} else {
		put("objectClass", "inetOrgPerson")
		put("uid", name)
	}
	return add
}

func peopleOf(name, naming string) server {
	return server{
		name: name, naming: naming,
		people: plan.MustParseDN("ou=people,dc=example,dc=org"), groups: plan.MustParseDN("ou=groups,dc=example,dc=org"),
	}
}

// checkRules shows what holds on every kind of server.
func checkRules(t *testing.T, w *world, s server) {
	t.Helper()
	t.Run("the server shows what it is", func(t *testing.T) {
		profile, err := w.dir.Profile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := profile.Flavour.Name(); got != s.name {
			t.Fatalf("it is taken for %s", got)
		}
		if profile.Schema == nil {
			t.Fatal("its schema cannot be read")
		}
	})
	t.Run("an entry is found by its link wherever somebody has moved it", func(t *testing.T) {
		w := w.in(t)
		ref := user("moved")
		link := w.create(ref, "moved", "", nil).Link
		away := plan.MustParseDN("ou=leavers,dc=example,dc=org").Child(plan.RDN{{Type: s.naming, Value: "somebody else"}})
		w.asAdmin(func(conn *ldap.Conn) error {
			return conn.ModifyDN(ldap.NewModifyDNRequest(w.dn(ref).String(), away.RDN().String(), true, away.Parent().String()))
		})
		// Its id in the entry is gone as well.
		result := w.must(event.CodeApplied, ref, w.say(event.TypeUserPush, ref, record("moved", nil)))
		if link == "" || result.Link != link || !result.DN.Equal(s.user("moved")) {
			t.Fatalf("it is at %s with the link %q; want %q", result.DN, result.Link, link)
		}
		w.quiet(ref)
	})
	t.Run("an account that somebody made by hand is taken over, with all that it has", func(t *testing.T) {
		w := w.in(t)
		ref := user("by-hand")
		made := s.byHand("by-hand", s.people.String())
		w.asAdmin(func(conn *ldap.Conn) error {
			add := ldap.NewAddRequest(made.DN.String(), nil)
			for _, a := range made.Attributes {
				add.Attribute(a.Name, a.Values)
			}
			return conn.Add(add)
		})
		link, err := w.dir.Read(t.Context(), made.DN, nil)
		if err != nil {
			t.Fatal(err)
		}
		result := w.must(event.CodeApplied, ref, w.say(event.TypeUserPush, ref, record("by-hand", nil)))
		if result.Link != link.Link || !result.DN.Equal(s.user("by-hand")) {
			t.Fatalf("it is at %s with the link %q; want %q", result.DN, result.Link, link.Link)
		}
		w.wantValues(result.DN, "telephoneNumber", "+49 1")
		w.password(ref, "Correct-Horse-1")
		w.login(ref, "Correct-Horse-1", true)
		w.quiet(ref)
	})
	t.Run("what is there already is not written again", func(t *testing.T) {
		w := w.in(t)
		ref := user("equal")
		fields := record("equal", event.Values{
			"displayName": "Zoë  O'Neil", "phoneRegion": "86", "phoneNumber": "139 0000-0000", "phoneVerified": true, "description": "Two\nlines, <and> more",
		})
		w.must(event.CodeApplied, ref, w.say(event.TypeUserCreate, ref, fields))
		w.must(event.CodeUnchanged, ref, w.say(event.TypeUserPush, ref, fields))
	})
	t.Run("names are data", func(t *testing.T) {
		w := w.in(t)
		for i, name := range []string{`a=b`, `R&D, "Hangzhou" + #1; <x>\y`, `#hash`, `研发 🐎`, `O'Brien (x)*`} {
			ou, member := unit(fmt.Sprintf("name%d", i)), user(fmt.Sprintf("in%d", i))
			w.must(event.CodeApplied, ou, w.say(event.TypeUnitCreate, ou, event.Values{"name": name, "parentId": event.RootUnitID}))
			w.must(event.CodeApplied, member, w.say(event.TypeUserCreate, member, record(fmt.Sprintf("in%d=", i), event.Values{"primaryOuId": ou.ID})))
			if want := s.people.Child(plan.RDN{{Type: "ou", Value: name}}); !w.dn(ou).Equal(want) || !w.dn(member).Below(want) {
				t.Fatalf("the unit is %s, the user %s", w.dn(ou), w.dn(member))
			}
			team := group(fmt.Sprintf("team%d", i))
			add := w.say(event.TypeGroupAddUser, team, nil)
			add.Members = []event.Member{{User: member.ID, Present: true}}
			w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team " + name}), add)
			// Everything that was known of the group is said again.
			w.must(event.CodeUnchanged, team, w.say(event.TypeGroupPush, team, event.Values{"name": "team " + name}), w.again(add))
			w.quiet(ou)
			w.quiet(member)
		}
	})
	t.Run("members that are there already, or not any more, are looked at again", func(t *testing.T) {
		w := w.in(t)
		in, out, team := user("member"), user("stranger"), group("team")
		w.create(in, "member", "", nil)
		w.create(out, "stranger", "", nil)
		w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}))
		add := w.say(event.TypeGroupAddUser, team, nil)
		add.Members = []event.Member{{User: in.ID, Present: true}}
		w.must(event.CodeApplied, team, add)
		for value, change := range map[string]plan.Modification{
			"already": {Type: plan.AddValues, Name: "member", Values: []string{w.dn(in).String()}},
			"not":     {Type: plan.DeleteValues, Name: "member", Values: []string{w.dn(out).String()}},
		} {
			err := w.dir.Apply(t.Context(), plan.Modify{DN: w.dn(team), Modifications: []plan.Modification{change}})
			if kind := kindOf(t, err); kind != connector.KindAlreadySo && kind != connector.KindConflict {
				t.Errorf("%s there: %v has the kind %d", value, err, kind)
			}
		}
	})
	t.Run("what is missing is told apart", func(t *testing.T) {
		w := w.in(t)
		ref := user("here")
		w.create(ref, "here", "", nil)
		nowhere := s.people.Child(plan.RDN{{Type: "ou", Value: "nowhere"}})
		rdn := w.dn(ref).RDN()
		for name, c := range map[string]struct {
			op   plan.Operation
			want connector.Kind
		}{
			"the place to move to": {plan.ModifyDN{DN: w.dn(ref), NewRDN: rdn, NewSuperior: nowhere, DeleteOldRDN: true}, connector.KindMissingParent},
			"the entry to move":    {plan.ModifyDN{DN: s.user("nobody"), NewRDN: s.user("nobody").RDN(), NewSuperior: s.groups, DeleteOldRDN: true}, connector.KindConflict},
			"the entry above": {plan.Add{DN: nowhere.Child(plan.RDN{{Type: "ou", Value: "x"}}), Attributes: []plan.Attribute{
				{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"x"}},
			}}, connector.KindMissingParent},
			"the entry to modify": {plan.Modify{DN: s.user("nobody"), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description"}}}, connector.KindConflict},
		} {
			if err := w.dir.Apply(t.Context(), c.op); kindOf(t, err) != c.want {
				t.Errorf("%s: %v has the kind %d; want %d", name, err, kindOf(t, err), c.want)
			}
		}
	})
	t.Run("a unit goes with everything in it where the mapping says so", func(t *testing.T) {
		w := w.in(t)
		above, below, member := unit("above"), unit("below"), user("inside")
		w.must(event.CodeApplied, above, w.say(event.TypeUnitCreate, above, event.Values{"name": "above", "parentId": event.RootUnitID}))
		w.must(event.CodeApplied, below, w.say(event.TypeUnitCreate, below, event.Values{"name": "below", "parentId": above.ID}))
		w.create(member, "inside", "", event.Values{"primaryOuId": below.ID})
		if err := w.dir.Apply(t.Context(), plan.Delete{DN: w.dn(above)}); kindOf(t, err) != connector.KindNotEmpty {
			t.Fatalf("a unit that is not empty: %v", err)
		}
		w.must(event.CodeApplied, above, w.say(event.TypeUnitDelete, above, nil))
		if left, err := w.dir.Read(t.Context(), w.dn(member), nil); err != nil || left != nil {
			t.Fatalf("the user is still there: %v, %v", left, err)
		}
	})
	t.Run("a name that another user has is waited for, and two users can exchange their names", func(t *testing.T) {
		w := w.in(t)
		ann, bob := user("x-ann"), user("x-bob")
		w.create(ann, "x-ann", "", nil)
		w.create(bob, "x-bob", "", nil)
		links := []string{w.memory.objects[ann].Link, w.memory.objects[bob].Link}
		if r := w.must(event.CodeWaitsForDN, ann, w.say(event.TypeUserUpdateInfo, ann, record("x-bob", nil))); !slices.Contains(r.WaitsFor, bob) {
			t.Fatalf("it waits for %v", r.WaitsFor)
		}
		w.process(bob, w.say(event.TypeUserUpdateInfo, bob, record("x-ann", nil)))
		for _, ref := range []event.Ref{ann, bob, ann, bob} {
			w.process(ref)
		}
		for i, ref := range []event.Ref{ann, bob} {
			name := []string{"x-bob", "x-ann"}[i]
			if m := w.memory.objects[ref]; len(m.pending) > 0 || !m.DN.Equal(s.user(name)) || m.Link != links[i] {
				t.Fatalf("%s is at %s with the link %s", ref, m.DN, m.Link)
			}
			w.wantValues(w.dn(ref), "mail", name+"@example.org")
			w.quiet(ref)
		}
	})
}

func kindOf(t *testing.T, err error) connector.Kind {
	t.Helper()
	var refused *connector.OutcomeError
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	return refused.Kind
}

// subtree makes a unit go with everything in it.
var subtree = []string{"when_not_empty: wait", "when_not_empty: subtree"}
