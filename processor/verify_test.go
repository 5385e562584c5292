package processor_test

import (
	"slices"
	"testing"

	"idaas-ldap/processor"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// renames gives an entry another name, as another worker does.
func (s *stage) renames(from, to string) {
	s.Helper()
	s.make(plan.ModifyDN{DN: plan.MustParseDN(from), NewRDN: plan.MustParseDN(to).RDN(), DeleteOldRDN: true})
}

func (s *stage) hasMembers(want ...string) {
	s.Helper()
	got := slices.Clone(s.there("cn=Vpn," + groups).Values("member"))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.Fatalf("the members are %q; want %q", got, want)
	}
}

// meanwhile does something right before the next write of a kind.
func (s *stage) meanwhile(verb string, do func()) {
	s.directory.once(verb, func(write func() error) error {
		do()
		return write()
	})
}

func waitsFor(s *stage, result processor.Result, ref event.Ref) {
	s.Helper()
	if !slices.Contains(result.WaitsFor, ref) {
		s.Fatalf("it waits for %v: %+v", result.WaitsFor, result)
	}
}

// A member is renamed between the look at where the entry is and the write of that DN into the group: the one who renames
// has looked for references before ours was there.
func TestAMemberWhoIsRenamedMeanwhile(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.meanwhile("modify", func() { s.renames("uid=ann,"+people, "uid=kim") })
		joins := s.joins(ann)
		waitsFor(s, s.process(vpn, joins), ann)
		s.hasMembers("cn=nobody,dc=example,dc=org")
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.process(vpn)
		s.hasMembers("uid=kim," + people)
	})
}

// A member leaves meanwhile: no name of nobody stays in the group.
func TestAMemberWhoIsDeletedMeanwhile(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.meanwhile("modify", func() { s.make(plan.Delete{DN: plan.MustParseDN("uid=ann," + people)}) })
		waitsFor(s, s.process(vpn, s.joins(ann)), ann)
		s.hasMembers("cn=nobody,dc=example,dc=org")
	})
}

// The same where the deletion is settled by then, and with it nothing is remembered of the entry.
func TestAMemberWhoIsDeletedAndForgottenMeanwhile(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		joins := s.joins(ann)
		s.meanwhile("modify", func() { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) })
		s.process(vpn, joins)
		s.hasMembers("cn=nobody,dc=example,dc=org")
	})
}

// Somebody else has the name of the member by now. Who does not belong to the group does not get into it by that; who does
// stays.
func TestAMemberWhoseNameIsGivenOnMeanwhile(t *testing.T) {
	swap := func(s *stage) {
		s.renames("uid=ann,"+people, "uid=kim")
		s.renames("uid=bob,"+people, "uid=ann")
	}
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.meanwhile("modify", func() { swap(s) })
		waitsFor(s, s.process(vpn, s.joins(ann)), ann)
		s.hasMembers("cn=nobody,dc=example,dc=org")
	})
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(bob))
		s.meanwhile("modify", func() {
			swap(s)
			s.make(plan.Modify{DN: plan.MustParseDN("cn=Vpn," + groups), Modifications: []plan.Modification{
				{Type: plan.DeleteValues, Name: "member", Values: []string{"uid=bob," + people}},
				{Type: plan.AddValues, Name: "member", Values: []string{"cn=nobody,dc=example,dc=org"}},
			}})
		})
		s.process(vpn, s.joins(ann))
		if got := s.there("cn=Vpn," + groups).Values("member"); !slices.Contains(got, "uid=ann,"+people) {
			s.Fatalf("who got the name of another member is no member any more: %q", got)
		}
	})
}

// A manager is renamed meanwhile: the reference is written again once that is settled.
func TestAManagerWhoIsRenamedMeanwhile(t *testing.T) {
	managed := []string{"    description: user.description\n", "    description: user.description\n    manager: { reference: user.custom.manager }\n"}
	onBoth(t, managed, func(s *stage) {
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.meanwhile("add", func() { s.renames("uid=bob,"+people, "uid=chief") })
		is := s.say(event.TypeUserPush, ann, event.Values{event.FieldUsername: "ann", event.FieldPrimaryUnit: event.RootUnitID, "custom.manager": bob.ID})
		result := s.process(ann, is)
		waitsFor(s, result, bob)
		if result.Outcome.State != event.Waiting {
			s.Fatalf("it is %+v", result.Outcome)
		}
		s.process(bob, s.named(bob, "chief", event.RootUnitID))
		s.process(ann)
		if got := s.there("uid=ann," + people).Values("manager"); len(got) != 1 || got[0] != "uid=chief,"+people {
			s.Errorf("the manager is %q", got)
		}
	})
}

// A server may refuse the name of what is not there any more, in different ways: that is no missing parent, and no failure.
func TestAServerThatRefusesANameThatIsGone(t *testing.T) {
	for name, refused := range map[string]*connector.OutcomeError{
		"a missing parent": {Kind: connector.KindMissingParent, Code: ldap.LDAPResultNoSuchObject, Verb: "add", Message: "no such object"},
		"a violation":      {Kind: connector.KindRefused, Code: ldap.LDAPResultConstraintViolation, Verb: "add", Message: "unable to find GUID"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.directory.once("add", func(func() error) error {
					s.renames("uid=ann,"+people, "uid=kim")
					return refused
				})
				result := s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
				waitsFor(s, result, ann)
				if result.Outcome.State != event.Waiting {
					s.Fatalf("it is %+v", result.Outcome)
				}
				s.process(ann, s.named(ann, "kim", event.RootUnitID))
				s.process(vpn)
				s.hasMembers("uid=kim," + people)
			})
		})
	}
}

// A member who is being worked on may be about to be renamed, so the word about it waits and the others do not.
func TestAMemberWhoIsBeingWorkedOn(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.memory.busy = map[event.Ref]bool{ann: true}
		result := s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann), s.joins(bob))
		waitsFor(s, result, ann)
		if o := result.MemberOutcomes[ann.ID]; o.State != event.Waiting || o.Code != event.CodeRetry {
			s.Fatalf("the member who is being worked on is %+v", o)
		}
		s.hasMembers("uid=bob," + people)
		s.memory.busy = nil
		s.process(vpn)
		s.hasMembers("uid=ann,"+people, "uid=bob,"+people)
	})
}

// References were brought to a new name, and before that was remembered the entry gets a third one, and again not all goes well.
func TestNoNameIsForgottenBeforeItsReferencesFollow(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		busy := &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultBusy, Verb: "modify"}
		s.directory.once("modify", func(write func() error) error {
			if err := write(); err != nil {
				s.Fatal(err)
			}
			return busy
		})
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.hasMembers("uid=kim," + people)
		s.directory.once("modify", func(func() error) error { return busy })
		s.process(ann, s.named(ann, "lee", event.RootUnitID))
		s.process(ann)
		s.hasMembers("uid=lee," + people)
	})
}

// References were brought to a new name that is remembered, before the entry gets a third one. The first name is free from then
// on, and what refers to whoever takes it at once is not brought along.
func TestWhoTakesANameAtOnceKeepsTheGroups(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(bob))
		s.directory.once("modrdn", func(write func() error) error {
			if err := write(); err != nil {
				s.Fatal(err)
			}
			return &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultBusy, Verb: "modrdn"}
		})
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.meanwhile("modrdn", func() {
			if o := s.process(bob, s.named(bob, "ann", event.RootUnitID)).Outcome; o.Code != event.CodeApplied {
				s.Errorf("who takes the name is %+v", o)
			}
		})
		s.process(ann, s.named(ann, "lee", event.RootUnitID))
		s.there("uid=lee," + people)
		s.hasMembers("uid=ann," + people)
	})
}

// A word that is old says nothing, and still the entry of the member is not where it was: the member stays, and whoever renames
// the entry brings the membership along.
func TestAnOldWordAboutAMemberWhoIsRenamed(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		old := s.joins(ann)
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.renames("uid=ann,"+people, "uid=kim")
		s.process(vpn, old)
		s.hasMembers("uid=ann," + people)
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.hasMembers("uid=kim," + people)
	})
}

// A group is made anew, and a member who is known to belong to it is renamed meanwhile. No event says that word, so the group as a
// whole waits for the member, and says it then.
func TestAKnownMemberWhoIsRenamedWhileTheGroupIsMadeAnew(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann), s.joins(bob))
		s.make(plan.Delete{DN: plan.MustParseDN("cn=Vpn," + groups)})
		s.meanwhile("add", func() { s.renames("uid=ann,"+people, "uid=kim") })
		s.waits(event.CodeRetry, []string{ann.String()}, []event.Ref{ann}, vpn, s.is(vpn, "Vpn"))
		s.hasMembers("uid=bob," + people)
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.process(vpn)
		s.hasMembers("uid=bob,"+people, "uid=kim,"+people)
		s.done("", vpn)
	})
}

// The same where a person asks for the group to be compared, and the member is not in it.
func TestAKnownMemberWhoIsRenamedWhileTheGroupIsCompared(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann), s.joins(bob))
		s.make(plan.Modify{DN: plan.MustParseDN("cn=Vpn," + groups), Modifications: []plan.Modification{
			{Type: plan.DeleteValues, Name: "member", Values: []string{"uid=ann," + people}},
		}})
		s.meanwhile("modify", func() { s.renames("uid=ann,"+people, "uid=kim") })
		s.waits(event.CodeRetry, []string{ann.String()}, []event.Ref{ann}, vpn, s.say(event.TypeReconcile, vpn, nil))
		s.hasMembers("uid=bob," + people)
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.process(vpn)
		s.hasMembers("uid=bob,"+people, "uid=kim,"+people)
	})
}
