package connector_test

import (
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

var vpn = group("group_vpn")

// is says that a group exists.
func (s *stage) is(ref event.Ref, name string) event.Change {
	return s.say(event.TypeGroupPush, ref, event.Values{event.FieldName: name})
}

// joins says who belongs to a group, leaves who does not.
func (s *stage) joins(users ...event.Ref) event.Change {
	return s.members(event.TypeGroupAddUser, true, users)
}

func (s *stage) leaves(users ...event.Ref) event.Change {
	return s.members(event.TypeGroupRemoveUser, false, users)
}

func (s *stage) members(kind event.Type, present bool, users []event.Ref) event.Change {
	c := s.say(kind, vpn, nil)
	for _, u := range users {
		c.Members = append(c.Members, event.Member{User: u.ID, Present: present})
	}
	return c
}

const vpnIs = `
dn: cn=Vpn,ou=groups,dc=example,dc=org
changetype: modify
`

func TestOneMemberMoreIsOneValueMore(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.done(`
dn: cn=Vpn,ou=groups,dc=example,dc=org
changetype: add
objectClass: groupOfNames
cn: Vpn
businessCategory: group_vpn
member: cn=nobody,dc=example,dc=org
`, vpn, s.is(vpn, "Vpn"))
		s.done(vpnIs+`add: member
member: uid=ann,ou=people,dc=example,dc=org
-
delete: member
member: cn=nobody,dc=example,dc=org
-
`, vpn, s.joins(ann))
		s.done(vpnIs+`add: member
member: uid=bob,ou=people,dc=example,dc=org
-
`, vpn, s.joins(ann, bob))
		s.done("", vpn, s.joins(ann))
		s.done(vpnIs+`delete: member
member: uid=ann,ou=people,dc=example,dc=org
-
`, vpn, s.leaves(ann))
		// The server does not let the last one go without another; then the placeholder comes.
		s.done(vpnIs+`add: member
member: cn=nobody,dc=example,dc=org
-
delete: member
member: uid=bob,ou=people,dc=example,dc=org
-
`, vpn, s.leaves(bob))
	})
}

// A member who has no entry yet is waited for, and holds up no other.
func TestAMemberWhoIsNotThereYet(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		result := s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
		if got := s.there("cn=Vpn," + groups).Values("member"); len(got) != 1 || got[0] != "uid=ann,"+people {
			s.Errorf("the members are %q", got)
		}
		if o := result.MemberOutcomes[bob.ID]; result.Outcome.State != event.Done || o.State != event.Waiting || o.Code != event.CodeWaitsForObject || !slices.Equal(result.WaitsFor, []event.Ref{bob}) {
			s.Errorf("the group is %+v, the missing member %+v; it waits for %v", result.Outcome, o, result.WaitsFor)
		}
		if _, differs := result.MemberOutcomes[ann.ID]; differs {
			s.Error("the member who is there waits as well")
		}
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.done(vpnIs+`add: member
member: uid=bob,ou=people,dc=example,dc=org
-
`, vpn)
		// Somebody who was never there need not come to leave, and somebody who is gone does not join.
		eve := user("user_eve")
		s.done("", vpn, s.leaves(eve))
		before := s.joins(bob)
		s.process(bob, s.say(event.TypeUserDelete, bob, nil))
		result = s.process(vpn, before)
		if o := result.MemberOutcomes[bob.ID]; o.State != event.Skipped || o.Code != event.CodeNoObject {
			s.Errorf("a member who is gone is %+v", o)
		}
		// Unless it is later news: then somebody is about to come back.
		after := s.joins(bob)
		result = s.process(vpn, after)
		if o := result.MemberOutcomes[bob.ID]; o.State != event.Waiting || o.Code != event.CodeWaitsForObject || !slices.Equal(result.WaitsFor, []event.Ref{bob}) {
			s.Errorf("a member who is about to come back is %+v; the group waits for %v", o, result.WaitsFor)
		}
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.done(vpnIs+`add: member
member: uid=bob,ou=people,dc=example,dc=org
-
`, vpn, after)
	})
}

// A group whose entry somebody has removed is made anew with everybody who is known to belong to it.
func TestAGroupIsMadeAnewWithItsMembers(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.make(plan.Delete{DN: plan.MustParseDN("cn=Vpn," + groups)})
		s.done(`
dn: cn=Vpn,ou=groups,dc=example,dc=org
changetype: add
objectClass: groupOfNames
cn: Vpn
businessCategory: group_vpn
member: uid=ann,ou=people,dc=example,dc=org
member: uid=bob,ou=people,dc=example,dc=org
`, vpn, s.joins(bob))
	})
}

// Where the server does not follow references itself, we do: after a move and after a deletion.
func TestReferencesAreFollowed(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.done(`
dn: uid=ann,ou=Sales,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=people,dc=example,dc=org
`+vpnIs+`add: member
member: uid=ann,ou=people,dc=example,dc=org
-
delete: member
member: uid=ann,ou=Sales,ou=people,dc=example,dc=org
-
`, ann, s.named(ann, "ann", event.RootUnitID))
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: delete
`+vpnIs+`add: member
member: cn=nobody,dc=example,dc=org
-
delete: member
member: uid=ann,ou=people,dc=example,dc=org
-
`, ann, s.say(event.TypeUserDelete, ann, nil))
	})
}

// What names an entry below a unit follows when the unit goes elsewhere, and goes when it goes.
func TestReferencesBelowAUnitAreFollowed(t *testing.T) {
	sales, lab := unit("ou_sales"), unit("ou_lab")
	members := func(s *stage, want ...string) {
		s.Helper()
		if got := s.there("cn=Vpn," + groups).Values("member"); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			s.Fatalf("the members are %q; want %q", got, want)
		}
	}
	team := func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(lab, s.called(lab, "Lab", sales.ID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		s.process(bob, s.named(bob, "bob", sales.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann), s.joins(bob))
		members(s, "uid=ann,ou=Lab,ou=Sales,"+people, "uid=bob,ou=Sales,"+people)
	}
	onBoth(t, nil, func(s *stage) {
		team(s)
		s.process(sales, s.called(sales, "Service", event.RootUnitID))
		members(s, "uid=ann,ou=Lab,ou=Service,"+people, "uid=bob,ou=Service,"+people)
	})
	onBoth(t, []string{"when_not_empty: wait", "when_not_empty: subtree"}, func(s *stage) {
		team(s)
		s.process(sales, s.say(event.TypeUnitDelete, sales, nil))
		members(s, "cn=nobody,dc=example,dc=org")
	})
	onBoth(t, []string{"when_not_empty: wait", "when_not_empty: move_children"}, func(s *stage) {
		team(s)
		result := s.process(sales, s.say(event.TypeUnitDelete, sales, nil))
		members(s, "uid=ann,ou=Lab,"+people, "uid=bob,"+people)
		if result.ChildrenAt.String() != people || !result.Gone {
			s.Errorf("the result is %+v", result)
		}
	})
}

// What names an entry by where it was found follows too: nobody else knows that it was there.
func TestReferencesToAnEntryThatOthersMovedAreFollowed(t *testing.T) {
	for name, before := range map[string]func(s *stage){
		"adopted": func(s *stage) { s.make(person("uid=ann,cn=elsewhere," + suffix)) },
		"moved by hand": func(s *stage) {
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			s.make(plan.ModifyDN{
				DN: plan.MustParseDN("uid=ann," + people), NewRDN: plan.MustParseDN("uid=ann").RDN(), NewSuperior: plan.MustParseDN("cn=elsewhere," + suffix), DeleteOldRDN: true,
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.make(plan.Add{DN: plan.MustParseDN("cn=elsewhere," + suffix), Attributes: []plan.Attribute{
					{Name: "objectClass", Values: []string{"device"}}, {Name: "cn", Values: []string{"elsewhere"}},
				}})
				before(s)
				s.process(vpn, s.is(vpn, "Vpn"))
				s.make(plan.Modify{DN: plan.MustParseDN("cn=Vpn," + groups), Modifications: []plan.Modification{
					{Type: plan.ReplaceValues, Name: "member", Values: []string{"uid=ann,cn=elsewhere," + suffix}},
				}})
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				if got := s.there("cn=Vpn," + groups).Values("member"); len(got) != 1 || got[0] != "uid=ann,"+people {
					s.Errorf("the members are %q", got)
				}
			})
		})
	}
}

// After a crash between the rename and what follows it, the next look finishes the work.
func TestReferencesAreFollowedAfterACrash(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.directory.once("modrdn", func(write func() error) error {
			if err := write(); err != nil {
				s.Error(err)
			}
			panic("power cut")
		})
		func() {
			defer func() { _ = recover() }() // nothing is remembered of this try
			s.process(ann, s.named(ann, "ann.kim", event.RootUnitID))
		}()
		s.process(ann, s.named(ann, "ann.kim", event.RootUnitID))
		if got := s.there("cn=Vpn," + groups).Values("member"); len(got) != 1 || got[0] != "uid=ann.kim,"+people {
			s.Errorf("the members are %q", got)
		}
	})
}

// What goes wrong after the rename, for a while or for good, does not leave references behind.
func TestReferencesAreFollowedWhateverGoesWrongElse(t *testing.T) {
	sales := unit("ou_sales")
	busy := func(func() error) error {
		return &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultBusy, Verb: "modify"}
	}
	refused := func(func() error) error {
		return &connector.OutcomeError{Kind: connector.KindRefused, Code: ldap.LDAPResultObjectClassViolation, Verb: "modify"}
	}
	ready := func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
	}
	member := func(s *stage, want string) {
		s.Helper()
		if got := s.there("cn=Vpn," + groups).Values("member"); len(got) != 1 || got[0] != want {
			s.Errorf("the members are %q; want %q", got, want)
		}
	}
	onBoth(t, nil, func(s *stage) { // the group is busy when its turn comes
		ready(s)
		s.directory.once("modify", busy)
		s.waits(event.CodeRetry, nil, nil, ann, s.named(ann, "ann", sales.ID))
		s.process(ann)
		member(s, "uid=ann,ou=Sales,"+people)
	})
	onBoth(t, nil, func(s *stage) { // the entry itself is refused what comes after the rename, and then everything
		ready(s)
		s.directory.meddle = func(op plan.Operation, write func() error) error {
			if op.Verb() == "modify" && op.Target().RDN()[0].Type == "uid" {
				return refused(nil)
			}
			return write()
		}
		result := s.process(ann, s.named(ann, "ann.kim", sales.ID))
		if result.Outcome.State != event.Failed || result.DN.String() != "uid=ann.kim,ou=Sales,"+people {
			s.Errorf("it is %+v at %s", result.Outcome, result.DN)
		}
		member(s, "uid=ann.kim,ou=Sales,"+people)
	})
	onBoth(t, nil, func(s *stage) { // the answer to the rename is lost, and then the entry is busy
		ready(s)
		s.directory.once("modrdn", func(write func() error) error {
			if err := write(); err != nil {
				s.Error(err)
			}
			s.directory.once("modify", busy)
			return lost("modrdn")
		})
		s.waits(event.CodeRetry, nil, nil, ann, s.named(ann, "ann.kim", event.RootUnitID))
		s.process(ann)
		member(s, "uid=ann.kim,"+people)
	})
	onBoth(t, nil, func(s *stage) { // somebody is gone, and the group is busy
		ready(s)
		s.directory.once("modify", busy)
		s.waits(event.CodeRetry, nil, nil, ann, s.say(event.TypeUserDelete, ann, nil))
		s.process(ann)
		member(s, "cn=nobody,"+suffix)
	})
	onBoth(t, nil, func(s *stage) { // a unit is renamed with somebody in it, and the group is busy
		ready(s)
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.directory.once("modify", busy)
		s.waits(event.CodeRetry, nil, nil, sales, s.called(sales, "Trade", event.RootUnitID))
		s.process(sales)
		member(s, "uid=ann,ou=Trade,"+people)
	})
}

// Groups may name their members by something else than the DN; then a new name is followed, and a new place is not.
func TestMembersByName(t *testing.T) {
	sales := unit("ou_sales")
	edits := []string{
		`{ attribute: member, value: dn, placeholder: "cn=nobody,dc=example,dc=org" }`, `{ attribute: memberUid, value: user.username }`,
		"object_classes: [groupOfNames]", "object_classes: [posixGroup]", "    description: group.description\n", "    gidNumber: { const: 100 }\n",
		"businessCategory, value: group.id", "description, value: group.id", "businessCategory: group.id", "description: group.id",
	}
	onBoth(t, edits, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.done(`
dn: cn=Vpn,ou=groups,dc=example,dc=org
changetype: add
objectClass: posixGroup
cn: Vpn
description: group_vpn
gidNumber: 100
memberUid: ann
`, vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=Sales,ou=people,dc=example,dc=org
`, ann, s.named(ann, "ann", sales.ID))
		s.process(ann, s.named(ann, "ann.kim", sales.ID))
		if got := s.there("cn=Vpn," + groups).Values("memberUid"); len(got) != 1 || got[0] != "ann.kim" {
			s.Errorf("the members are %q", got)
		}
		s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		if got := s.there("cn=Vpn," + groups).Values("memberUid"); len(got) != 0 {
			s.Errorf("the members are %q", got)
		}
	})
}

// A manager who is not there yet is waited for, one who has left is not.
func TestAReferenceToSomebodyWhoIsGoneSaysNothing(t *testing.T) {
	managed := []string{"    description: user.description\n", "    description: user.description\n    manager: { reference: user.custom.manager }\n"}
	onBoth(t, managed, func(s *stage) {
		is := func(title string) event.Change {
			return s.say(event.TypeUserPush, ann, event.Values{
				event.FieldUsername: "ann", event.FieldPrimaryUnit: event.RootUnitID, "description": title, "custom.manager": bob.ID,
			})
		}
		s.waits(event.CodeWaitsForObject, []string{bob.ID}, []event.Ref{bob}, ann, is("one"))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(ann)
		if got := s.there("uid=ann," + people).Values("manager"); len(got) != 1 || got[0] != "uid=bob,"+people {
			s.Fatalf("the manager is %q", got)
		}
		s.process(bob, s.say(event.TypeUserDelete, bob, nil))
		s.process(ann, is("two"))
		entry := s.there("uid=ann," + people)
		if entry.Value("description") != "two" || len(entry.Values("manager")) != 0 {
			s.Errorf("the entry is %+v", entry)
		}
	})
}

// Who is outside the scope is not waited for, and is waited for as long as nothing is known.
func TestAMemberOutsideTheScope(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		joins := s.joins(ann, bob)
		result := s.process(vpn, s.is(vpn, "Vpn"), joins)
		if o := result.MemberOutcomes[bob.ID]; o.Code != event.CodeWaitsForObject || !slices.Equal(result.WaitsFor, []event.Ref{bob}) {
			s.Errorf("a member who is not known is %+v; the group waits for %v", o, result.WaitsFor)
		}
		s.process(bob, s.named(bob, "svc-bob", event.RootUnitID))
		result = s.process(vpn, joins)
		if o := result.MemberOutcomes[bob.ID]; o.State != event.Skipped || o.Code != event.CodeOutOfScope || len(result.WaitsFor) > 0 {
			s.Errorf("a member outside the scope is %+v; the group waits for %v", o, result.WaitsFor)
		}
	})
}

// The entry of somebody who has left may be kept, and is in no group; who keeps entry and groups can join more of them.
func TestALeaverJoinsNothing(t *testing.T) {
	for removal, joins := range map[string]bool{"disable": false, `{ move: "ou=policies,dc=example,dc=org" }`: false, "keep": true} {
		t.Run(removal, func(t *testing.T) {
			onBoth(t, []string{"delete: delete  ", "delete: " + removal + "  "}, func(s *stage) {
				s.process(vpn, s.is(vpn, "Vpn"))
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(ann, s.named(ann, "svc-ann", event.RootUnitID))
				result := s.process(vpn, s.joins(ann))
				if out := result.MemberOutcomes[ann.ID].Code == event.CodeOutOfScope; out == joins || len(result.WaitsFor) > 0 || len(result.Operations) == 0 == joins {
					s.Errorf("who left is %+v; the group waits for %v, and %d operations", result.MemberOutcomes, result.WaitsFor, len(result.Operations))
				}
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(vpn, s.joins(ann))
				if got := s.there("cn=Vpn," + groups).Values("member"); !slices.Equal(got, []string{"uid=ann," + people}) {
					s.Errorf("who is back is in a group of %v", got)
				}
			})
		})
	}
}

// Where the mapping has no value for a member, that is the trouble of this member alone.
func TestAMemberWithoutAValueHoldsUpNobody(t *testing.T) {
	for rule, want := range map[string]event.Outcome{
		`fail("no")`: {State: event.Failed, Code: event.CodeMapping},
		"skip()":     {State: event.Skipped, Code: event.CodeOutOfScope},
	} {
		t.Run(rule, func(t *testing.T) {
			value := `value: 'user.username == "bob" ? ` + rule + ` : dn'`
			onBoth(t, []string{"value: dn", value}, func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(bob, s.named(bob, "bob", event.RootUnitID))
				result := s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				if o := result.MemberOutcomes[bob.ID]; o.State != want.State || o.Code != want.Code || result.Outcome.Code != event.CodeApplied {
					s.Errorf("the member is %+v, the group %+v", o, result.Outcome)
				}
			})
		})
	}
}

// A manager outside the scope is not waited for, and is written when the mapping lets the manager in.
func TestAReferenceToSomebodyOutsideTheScope(t *testing.T) {
	managed := []string{"    description: user.description\n", "    description: user.description\n    manager: { reference: user.custom.manager }\n"}
	onBoth(t, managed, func(s *stage) {
		is := s.say(event.TypeUserPush, ann, event.Values{
			event.FieldUsername: "ann", event.FieldPrimaryUnit: event.RootUnitID, "custom.manager": bob.ID,
		})
		s.process(bob, s.named(bob, "svc-bob", event.RootUnitID))
		result := s.process(ann, is)
		if result.Outcome.Code != event.CodeApplied || !slices.Equal(result.WaitsFor, []event.Ref{bob}) {
			s.Fatalf("it is %+v, and looked at again with %v", result.Outcome, result.WaitsFor)
		}
		if got := s.there("uid=ann," + people).Values("manager"); len(got) != 0 {
			s.Errorf("the manager is %q", got)
		}
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(ann)
		if got := s.there("uid=ann," + people).Values("manager"); len(got) != 1 || got[0] != "uid=bob,"+people {
			s.Errorf("the manager is %q", got)
		}
	})
}
