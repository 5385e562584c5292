package processor_test

import (
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// connectionLost is how a modify ends that never reaches the directory, answerLost one that was made and whose answer never
// comes.
func connectionLost(func() error) error { return lost("modify") }

func answerLost(write func() error) error {
	if err := write(); err != nil {
		return err
	}
	return lost("modify")
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

// A group may get another name between the search that finds it and the write, with the former name of the user in it.
func TestAReferenceInAGroupThatIsRenamedMeanwhile(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.directory.once("modify", func(write func() error) error {
			at := s.memory.objects[vpn].DN
			if err := s.directory.Target.Apply(s.Context(), plan.ModifyDN{DN: at, NewRDN: plan.MustParseDN("cn=Tunnel").RDN(), DeleteOldRDN: true}); err != nil {
				s.Fatal(err)
			}
			return write()
		})
		if r := s.process(ann, s.named(ann, "ann", event.RootUnitID)); r.Outcome.Code != event.CodeRetry {
			s.Errorf("the move is %+v", r.Outcome)
		}
		s.process(ann)
		if got := s.there("cn=Tunnel," + groups).Values("member"); !slices.Equal(got, []string{"uid=ann," + people}) {
			s.Errorf("the group has %v", got)
		}
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
			below := []string{"  object_classes: [inetOrgPerson]\n", "  object_classes: [inetOrgPerson]\n  adopt_below: \"{base}\"\n"}
			onBoth(t, below, func(s *stage) {
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
		if result.Of(event.FacetRecord).State != event.Failed || result.DN.String() != "uid=ann.kim,ou=Sales,"+people {
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

// A manager who is required and not there yet is waited for, one who has left is not.
func TestAReferenceToSomebodyWhoIsGoneSaysNothing(t *testing.T) {
	managed := []string{"    description: user.description\n", "    description: user.description\n    manager: { reference: user.custom.manager, required: true }\n"}
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

// Three renames above each other, of which two end halfway: what refers to the user is brought along with the third as well.
func TestAReferenceIsNotLostBetweenRenamesThatEndHalfway(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))

		// The connection is lost before the group says the new name.
		s.directory.once("modify", connectionLost)
		s.process(ann, s.named(ann, "ann.lee", team.ID))
		// And after the group has followed the move of the unit.
		s.directory.once("modify", answerLost)
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		want := []string{"uid=ann.lee,ou=Team,ou=Laboratory," + people}
		if got := s.there("cn=Vpn," + groups).Values("member"); !slices.Equal(got, want) {
			s.Errorf("the group has %q; want %q", got, want)
		}
	})
}

// A unit comes below another one and ends halfway, as does the rename of that one which follows. What refers to who is below them is
// not lost where the lower one is tried first, and gives those below another name or leaves again itself.
func TestAUnitDoesNotSettleBeforeTheOneAbove(t *testing.T) {
	lab, team := unit("ou_lab"), unit("ou_team")
	for name, c := range map[string]struct{ parent, want string }{
		"it stays":  {lab.ID, "uid=ann.lee,ou=Team,ou=Laboratory," + people},
		"it leaves": {event.RootUnitID, "uid=ann.lee,ou=Team," + people},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(team, s.called(team, "Team", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", team.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))

				s.directory.once("modify", answerLost)
				s.process(team, s.called(team, "Team", lab.ID))
				s.directory.once("modify", connectionLost)
				s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
				s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)

				result := s.waits(event.CodeRetry, []string{lab.String()}, []event.Ref{lab}, team, s.called(team, "Team", c.parent))
				if !slices.Contains(result.Touch, lab) {
					s.Error("the one above is not looked at")
				}
				s.waits(event.CodeRetry, []string{team.String()}, []event.Ref{team}, ann, s.named(ann, "ann.lee", team.ID))
				s.process(lab)
				s.process(team)
				s.process(ann)
				s.hasMembers(c.want)
			})
		})
	}
}

// The rename of a unit ends halfway, and before the next try something keeps the unit: who is in it is not kept with it.
func TestWhoIsInAUnitThatIsKeptIsNot(t *testing.T) {
	lab := unit("ou_lab")
	for name, c := range map[string]struct {
		next  func(s *stage) event.Change
		state event.State
	}{
		"by a guard": {func(s *stage) event.Change {
			s.memory.denied = true
			return s.say(event.TypeUnitDelete, lab, nil)
		}, event.Held},
		"by a mistake in the mapping": {func(s *stage) event.Change { return s.called(lab, "", event.RootUnitID) }, event.Failed},
		"by what it waits for":        {func(s *stage) event.Change { return s.called(lab, "Lab", "ou_nowhere") }, event.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", lab.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))

				s.directory.once("modify", connectionLost)
				s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
				s.hasMembers("uid=ann,ou=Lab," + people)
				if got := s.process(lab, c.next(s)).Of(event.FacetRecord); got.State != c.state {
					s.Fatalf("the unit is %+v; want %s", got, c.state)
				}
				s.hasMembers("uid=ann,ou=Laboratory," + people)
				s.process(ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldUsername: "ann.lee"}))
				s.hasMembers("uid=ann.lee,ou=Laboratory," + people)
			})
		})
	}
}

// Somebody comes below a unit, that gets another name, and then the one above it, and only the last of the three comes to its end.
// What refers to the first by the former name of the unit is brought along.
func TestAReferenceByTheFormerNameOfAUnitInBetween(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))

		s.directory.once("modify", answerLost)
		s.process(ann, s.named(ann, "ann", team.ID))
		s.directory.once("modify", connectionLost)
		s.process(team, s.called(team, "Crew", lab.ID))
		s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		s.hasMembers("uid=ann,ou=Crew,ou=Laboratory," + people)
	})
}

// The entry is gone, and what refers to it is not, as the try has ended halfway: with the renames above it that follow it does
// not get a name under which nobody looks for it.
func TestAReferenceToOneWhoIsGoneDoesNotComeAlong(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))

		s.directory.once("modify", connectionLost)
		s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		s.directory.once("modify", answerLost)
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		s.hasMembers("cn=nobody,dc=example,dc=org")
	})
}

// What was moved out of a unit that is going to be deleted is brought along by the next try where the first one has ended before.
func TestReferencesToWhatWasMovedOutOfAUnitFollowLater(t *testing.T) {
	onBoth(t, []string{"when_not_empty: wait", "when_not_empty: move_children"}, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))
		s.directory.once("modify", connectionLost)
		if result := s.process(lab, s.say(event.TypeUnitDelete, lab, nil)); result.Gone {
			t.Errorf("it is %+v", result)
		}
		s.there("uid=ann,ou=Team," + people)
		s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)
		s.process(lab)
		s.absent("ou=Lab," + people)
		s.hasMembers("uid=ann,ou=Team," + people)
	})
}
