package processor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// unseen hides the group while something happens, and has it looked at when it is to be seen again.
func (s *stage) unseen(happens func()) {
	s.Helper()
	seeing := s.directory.Target
	s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("cn=Vpn," + groups)}}
	happens()
	s.waits(event.CodeRetry, nil, nil, vpn)
	s.directory.Target = seeing
	s.process(vpn)
	if left := s.memory.former[vpn]; len(left) > 0 {
		s.Errorf("still remembered is %v", left)
	}
}

// A group that is not to be seen while a member gets another name, or goes, names everybody as they are called when it is seen again. Whoever
// has the former name of a member by then is in it where a word says so.
func TestAGroupThatWasNotSeenNamesNobodyByAFormerName(t *testing.T) {
	lab := unit("ou_lab")
	for name, c := range map[string]struct {
		happens func(s *stage)
		want    []string
	}{
		"another name":             {func(s *stage) { s.process(ann, s.named(ann, "anna", lab.ID)) }, []string{"uid=anna,ou=Lab,", "uid=bob,ou=Lab,"}},
		"another unit":             {func(s *stage) { s.process(ann, s.named(ann, "ann", event.RootUnitID)) }, []string{"uid=ann,", "uid=bob,ou=Lab,"}},
		"another name of the unit": {func(s *stage) { s.process(lab, s.called(lab, "Labs", event.RootUnitID)) }, []string{"uid=ann,ou=Labs,", "uid=bob,ou=Labs,"}},
		"there and back": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", lab.ID))
			s.process(ann, s.named(ann, "ann", lab.ID))
		}, []string{"uid=ann,ou=Lab,", "uid=bob,ou=Lab,"}},
		"gone": {func(s *stage) { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) }, []string{"uid=bob,ou=Lab,"}},
		"gone, and another one has the name": {func(s *stage) {
			s.process(ann, s.say(event.TypeUserDelete, ann, nil))
			s.process(user("user_3"), s.named(user("user_3"), "ann", lab.ID))
		}, []string{"uid=bob,ou=Lab,"}},
		"another name, and another member has the former one": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", lab.ID))
			s.process(bob, s.named(bob, "ann", lab.ID))
		}, []string{"uid=ann,ou=Lab,", "uid=anna,ou=Lab,"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", lab.ID))
				s.process(bob, s.named(bob, "bob", lab.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				s.unseen(func() { c.happens(s) })
				var want []string
				for _, dn := range c.want {
					want = append(want, dn+people)
				}
				s.hasMembers(want...)
			})
		})
	}
}

// It is the same where groups name their members by something else than the DN.
func TestAGroupThatWasNotSeenNamesNobodyByAFormerUserName(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(s *stage)
		want    []string
	}{
		"another name": {func(s *stage) { s.process(ann, s.named(ann, "anna", event.RootUnitID)) }, []string{"anna", "bob"}},
		"gone":         {func(s *stage) { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) }, []string{"bob"}},
		"another name, and another member has the former one": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", event.RootUnitID))
			s.process(bob, s.named(bob, "ann", event.RootUnitID))
		}, []string{"ann", "anna"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, membersByName(), func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(bob, s.named(bob, "bob", event.RootUnitID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				s.unseen(func() { c.happens(s) })
				got := slices.Sorted(slices.Values(s.there("cn=Vpn," + groups).Values("memberUid")))
				if !slices.Equal(got, c.want) {
					s.Errorf("the members are %q", got)
				}
			})
		})
	}
}

// A name that a group has got by a try which ended before it was remembered is none that it keeps either, when the unit above gets another name
// while the group is not to be seen.
func TestAGroupThatWasNotSeenNamesNobodyByANameThatNobodyRemembers(t *testing.T) {
	lab := unit("ou_lab")
	for want, c := range map[string]func(s *stage) event.Change{
		"uid=anna,ou=Labs,": func(s *stage) event.Change { return s.called(lab, "Labs", event.RootUnitID) },
		"uid=anna,":         func(s *stage) event.Change { return s.say(event.TypeUnitDelete, lab, nil) },
	} {
		t.Run(want, func(t *testing.T) {
			onBoth(t, []string{"when_not_empty: wait", "when_not_empty: move_children"}, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", lab.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
				before := s.memory.objects[ann]
				s.process(ann, s.named(ann, "anna", lab.ID))
				s.hasMembers("uid=anna,ou=Lab," + people)
				again := s.memory.objects[ann].object
				s.memory.objects[ann] = before
				s.unseen(func() {
					s.process(lab, c(s))
					before.Record, before.object = s.memory.objects[ann].Record, again
					s.memory.objects[ann] = before
					s.process(ann)
				})
				s.hasMembers(want + people)
			})
		})
	}
}

// What the store could not be told of by what a group may name members is known all the same, whatever came of the try.
func TestAGroupIsTakenForWhatItMayNameWithoutTheStore(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"))
		before := s.memory.objects[vpn]
		was := s.process(vpn, s.joins(ann)).MayName
		if len(was) != 1 || was[0].Member != ann || len(s.memory.former[vpn]) > 0 {
			s.Fatalf("it may name %v, and stored is %v", was, s.memory.former[vpn])
		}
		before.mayName, before.pending = was, []event.Change{s.joins(ann)}
		s.memory.objects[vpn], s.memory.members[vpn.ID] = before, nil
		seeing := s.directory.Target
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("cn=Vpn," + groups)}}
		s.process(ann, s.named(ann, "anna", event.RootUnitID))
		s.memory.full = errors.New("the disk is full")
		s.waits(event.CodeRetry, []string{"the disk is full"}, nil, vpn)
		if now := s.memory.objects[vpn].mayName; !slices.Contains(now, was[0]) {
			s.Fatalf("it may name %v", now)
		}
		s.memory.full = nil
		s.waits(event.CodeRetry, nil, nil, vpn)
		if k := s.memory.objects[vpn]; len(k.mayName) > 0 || !slices.Contains(s.memory.former[vpn], was[0]) {
			s.Fatalf("it may name %v, and stored is %v", k.mayName, s.memory.former[vpn])
		}
		k := s.memory.objects[vpn]
		k.mayName, s.memory.former[vpn] = was, nil
		s.memory.objects[vpn] = k
		s.directory.Target = seeing
		s.process(vpn)
		s.hasMembers("uid=anna," + people)
	})
}

// Somebody who is being worked on is not taken out of a group that may have got the name of before: the group waits.
func TestAGroupThatMayNameSomebodyWhoIsWorkedOnWaits(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.memory.former[vpn] = []plan.FormerName{{Member: ann, Value: "uid=ann," + people}}
		s.memory.busy = map[event.Ref]bool{ann: true}
		s.waits(event.CodeRetry, nil, []event.Ref{ann}, vpn, s.joins(ann))
		s.hasMembers("uid=ann," + people)
		s.memory.busy = nil
		s.process(vpn)
		s.hasMembers("uid=ann," + people)
	})
}

// finds counts the searches for single entries.
type finds struct {
	processor.Target

	n int
}

func (f *finds) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	f.n++
	return f.Target.Find(ctx, key) //nolint:wrapcheck // It is the one of the test.
}

// Groups that were seen to name whoever gets another name are not looked for one by one, however many there are.
func TestGroupsThatAreSeenAreNotLookedFor(t *testing.T) {
	lab := unit("ou_lab")
	onBoth(t, nil, func(s *stage) {
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		counted := &finds{Target: s.directory.Target}
		s.directory.Target = counted
		renames := func(to string) (user, unit int) {
			counted.n = 0
			s.process(ann, s.named(ann, "ann"+to, lab.ID))
			user, counted.n = counted.n, 0
			s.process(lab, s.called(lab, "Lab"+to, event.RootUnitID))
			return user, counted.n
		}
		inNone, below := renames("one")
		const many = 20
		for i := range many {
			g := group(fmt.Sprint("group_", i))
			joins := s.joins(ann)
			joins.Object = g
			s.process(g, s.is(g, fmt.Sprint("G", i)), joins)
		}
		// Of each reference to what is below the unit it is looked up where that is now, as ever.
		if user, unit := renames("two"); user != inNone || unit != below+many {
			s.Errorf("with %d groups %d and %d searches, with none %d and %d", many, user, unit, inNone, below)
		}
	})
}
