package processor_test

import (
	"slices"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// managed has people name their managers.
func managed() []string {
	return []string{"    description: user.description\n", "    description: user.description\n    manager: { reference: user.custom.manager }\n"}
}

// leavesUnstored has the entry of a user deleted, which cannot be stored: all that is known is that the user is gone.
func (s *stage) leavesUnstored(ref event.Ref) {
	s.Helper()
	before, gone := s.memory.objects[ref], s.say(event.TypeUserDelete, ref, nil)
	if result := s.process(ref, gone); !result.Gone {
		s.Fatalf("the deletion is %+v", result.Outcome)
	}
	before.object, before.pending = s.memory.objects[ref].object, []event.Change{gone}
	s.memory.objects[ref] = before
}

func (s *stage) changes(kind plan.ModificationType, dn, attribute string, values ...string) {
	s.Helper()
	s.make(plan.Modify{DN: plan.MustParseDN(dn), Modifications: []plan.Modification{{Type: kind, Name: attribute, Values: values}}})
}

// The deletion of a user is tried again after another one has got the DN: what is to name that one does so all the while, in groups and
// in attributes, and what has named only the one who is gone does not any more.
func TestWhatNamesTheSuccessorStays(t *testing.T) {
	tunnel, cid, dan := group("group_tunnel"), user("user_cid"), user("user_dan")
	onBoth(t, managed(), func(s *stage) {
		of := func(ref event.Ref, username string, manager event.Ref) event.Change {
			c := s.named(ref, username, event.RootUnitID)
			c.Fields["custom.manager"] = manager.ID
			return c
		}
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(dan, of(dan, "dan", ann))
		joins := s.joins(ann)
		joins.Object = tunnel
		s.process(tunnel, s.is(tunnel, "Tunnel"), joins)
		s.process(vpn, s.is(vpn, "Vpn"))
		s.leavesUnstored(ann)
		s.process(bob, s.named(bob, "ann", event.RootUnitID))
		s.process(vpn, s.joins(bob))
		s.process(cid, of(cid, "cid", bob))
		s.changes(plan.AddValues, "cn=Tunnel,"+groups, "member", "uid=ann,"+people)
		s.changes(plan.ReplaceValues, "uid=dan,"+people, "manager", "uid=ann,"+people)

		s.memory.busy = map[event.Ref]bool{vpn: true}
		s.waits(event.CodeRetry, []string{vpn.String()}, []event.Ref{vpn}, ann)
		s.memory.busy, s.directory.written = nil, nil
		s.process(ann)
		for _, op := range s.directory.written {
			if at := op.Target(); at.Equal(plan.MustParseDN("cn=Vpn,"+groups)) || at.Equal(plan.MustParseDN("uid=cid,"+people)) {
				s.Errorf("written is %+v", op)
			}
		}
		s.hasMembers("uid=ann," + people)
		for dn, want := range map[string][]string{"uid=cid,": {"uid=ann," + people}, "uid=dan,": nil} {
			if got := s.there(dn + people).Values("manager"); !slices.Equal(got, want) {
				s.Errorf("the manager of %s is %q", dn, got)
			}
		}
		if got := s.there("cn=Tunnel," + groups).Values("member"); !slices.Equal(got, []string{"cn=nobody," + suffix}) {
			s.Errorf("the other group has %q", got)
		}
	})
}

// It is the same where groups name their members by something else than the DN.
func TestTheUserNameOfTheSuccessorStays(t *testing.T) {
	onBoth(t, membersByName(), func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.leavesUnstored(ann)
		s.process(bob, s.named(bob, "ann", event.RootUnitID))
		s.process(vpn, s.joins(bob))
		s.process(ann)
		if got := s.there("cn=Vpn," + groups).Values("memberUid"); !slices.Equal(got, []string{"ann"}) {
			s.Errorf("the members are %q", got)
		}
	})
}

// Somebody has renamed two entries by hand, the one to the name of the other. Both keep their place in the group, whether that was changed
// by hand as well or not.
func TestAnEntryThatWasGivenTheNameOfAnotherMember(t *testing.T) {
	for name, members := range map[string][]string{
		"the group was left as it was":  {"uid=ann," + people, "uid=bob," + people},
		"the group has the other names": {"uid=ann," + people, "uid=other," + people},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(bob, s.named(bob, "bob", event.RootUnitID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				for _, names := range [][2]string{{"ann", "other"}, {"bob", "ann"}} {
					s.make(plan.ModifyDN{DN: plan.MustParseDN("uid=" + names[0] + "," + people), NewRDN: plan.MustParseDN("uid=" + names[1]).RDN(), DeleteOldRDN: true})
				}
				s.changes(plan.ReplaceValues, "cn=Vpn,"+groups, "member", members...)
				s.process(bob, s.named(bob, "bob", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.hasMembers("uid=ann,"+people, "uid=bob,"+people)
			})
		})
	}
}

// Who is gone and comes back by another name does not take along what names whoever has got the former one.
func TestWhoComesBackDoesNotTakeWhatNamesTheSuccessor(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.leavesUnstored(ann)
		s.process(bob, s.named(bob, "ann", event.RootUnitID))
		s.process(vpn, s.joins(bob))
		s.process(ann, s.named(ann, "anna", event.RootUnitID))
		s.there("uid=anna," + people)
		s.hasMembers("uid=ann," + people)
	})
}
