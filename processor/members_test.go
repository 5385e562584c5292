package processor_test

import (
	"slices"
	"testing"

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

// Who was deleted and is back joins by a word from after the deletion only.
func TestAMemberWhoIsBack(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		before := s.joins(bob)
		s.process(bob, s.say(event.TypeUserDelete, bob, nil))
		after := s.joins(bob)
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		result := s.process(vpn, before)
		if o := result.MemberOutcomes[bob.ID]; o.State != event.Skipped || o.Code != event.CodeStale || len(result.Operations) > 0 {
			s.Errorf("by a word from before the deletion a member is %+v", o)
		}
		s.done(vpnIs+`add: member
member: uid=bob,ou=people,dc=example,dc=org
-
delete: member
member: cn=nobody,dc=example,dc=org
-
`, vpn, after)
	})
}

// A deletion that is overtaken by the comeback leaves the entry, with what it is a member of, until the group is looked at.
func TestAMemberWhoseDeletionWasOvertaken(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
		s.process(bob, s.say(event.TypeUserDelete, bob, nil), s.named(bob, "bob", event.RootUnitID))
		s.hasMembers("uid=ann,"+people, "uid=bob,"+people)
		s.done(vpnIs+`delete: member
member: uid=bob,ou=people,dc=example,dc=org
-
`, vpn, s.say(event.TypeReconcile, vpn, nil))
		s.done("", vpn, s.say(event.TypeReconcile, vpn, nil))
	})
}

// A group whose deletion is overtaken keeps the members that its entry has, also when everything is compared.
func TestMembersOfAGroupWhoseDeletionWasOvertaken(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.done("", vpn, s.say(event.TypeGroupDelete, vpn, nil), s.is(vpn, "Vpn"))
		s.done("", vpn, s.say(event.TypeReconcile, vpn, nil))
		s.hasMembers("uid=ann," + people)
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

// membersByName edits the mapping for OpenLDAP so that groups name their members by user name.
func membersByName() []string {
	return []string{
		`{ attribute: member, value: dn, placeholder: "cn=nobody,dc=example,dc=org" }`, `{ attribute: memberUid, value: user.username }`,
		"object_classes: [groupOfNames]", "object_classes: [posixGroup]", "    description: group.description\n", "    gidNumber: { const: 100 }\n",
		"businessCategory, value: group.id", "description, value: group.id", "businessCategory: group.id", "description: group.id",
	}
}

// A group that others have made names its members for reasons of its own: nobody comes into it, or out of it, by being renamed.
func TestNamesInGroupsOfOthersAreLeftAlone(t *testing.T) {
	onBoth(t, membersByName(), func(s *stage) {
		s.make(plan.Add{DN: plan.MustParseDN("cn=wheel," + groups), Attributes: []plan.Attribute{
			{Name: "objectClass", Values: []string{"posixGroup"}},
			{Name: "cn", Values: []string{"wheel"}},
			{Name: "gidNumber", Values: []string{"10"}},
			{Name: "memberUid", Values: []string{"ann", "root"}},
		}})
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.process(ann, s.named(ann, "mallory", event.RootUnitID))
		if got := s.there("cn=Vpn," + groups).Values("memberUid"); len(got) != 1 || got[0] != "mallory" {
			s.Errorf("the members of our group are %q", got)
		}
		s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		if got := s.there("cn=wheel," + groups).Values("memberUid"); len(got) != 2 || got[0] != "ann" {
			s.Errorf("the members of wheel are %q", got)
		}
	})
}

// Groups may name their members by something else than the DN; then a new name is followed, and a new place is not.
func TestMembersByName(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, membersByName(), func(s *stage) {
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

// A name that a try has given to the entry and to its groups, and that was not stored as the try was cut off, goes with the next one.
func TestANameThatWasNotStoredLeavesTheGroups(t *testing.T) {
	onBoth(t, membersByName(), func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		before := s.memory.objects[ann]
		s.process(ann, s.named(ann, "anna", event.RootUnitID))
		s.memory.objects[ann] = before
		s.process(ann, s.named(ann, "annie", event.RootUnitID))
		if got := s.there("cn=Vpn," + groups).Values("memberUid"); len(got) != 1 || got[0] != "annie" {
			s.Errorf("the members are %q", got)
		}
	})
}
