package processor_test

import (
	"slices"
	"strings"
	"testing"

	"idaas-ldap/processor"

	"idaas-ldap/event"
)

// Two users whose names are exchanged: the first waits for the second, the second sees that and steps aside.
func TestNamesAreExchangedThroughATemporaryOne(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		ids := map[event.Ref]string{ann: s.there("uid=ann," + people).Link, bob: s.there("uid=bob," + people).Link}
		s.directory.written = nil
		s.waits(event.CodeWaitsForDN, []string{"user user_bob"}, []event.Ref{bob}, ann, s.named(ann, "bob", event.RootUnitID))
		aside := s.waits(event.CodeWaitsForDN, []string{"temporary name", "user user_ann", "user user_bob"}, []event.Ref{ann}, bob, s.named(bob, "ann", event.RootUnitID))
		if !aside.Freed || len(s.directory.written) != 1 || !strings.HasPrefix(aside.DN.String(), "uid=idaas-ldap-") {
			s.Fatalf("it has not stepped aside: %+v", aside)
		}
		// A second look before the other one has moved changes nothing more.
		s.directory.written = nil
		s.waits(event.CodeWaitsForDN, nil, []event.Ref{ann}, bob)
		s.wrote("")
		s.process(ann)
		s.process(bob)
		for name, ref := range map[string]event.Ref{"bob": ann, "ann": bob} {
			e := s.there("uid=" + name + "," + people)
			if e.Link != ids[ref] || e.Value("employeeNumber") != ref.ID || len(e.Values("uid")) != 1 {
				s.Errorf("%s is now %+v", name, e)
			}
		}
		s.done("", ann)
		s.done("", bob)
	})
}

// A unit that moves below its own former child waits until that has moved away.
func TestAUnitMovesBelowItsFormerChild(t *testing.T) {
	parent, child := unit("ou_parent"), unit("ou_child")
	onBoth(t, nil, func(s *stage) {
		s.process(parent, s.called(parent, "Parent", event.RootUnitID))
		s.process(child, s.called(child, "Child", parent.ID))
		s.waits(event.CodeWaitsForDN, []string{"unit ou_parent", "unit ou_child"}, []event.Ref{child}, parent, s.called(parent, "Parent", child.ID))
		s.process(child, s.called(child, "Child", event.RootUnitID))
		s.process(parent)
		s.there("ou=Parent,ou=Child," + people)
	})
}

// A unit goes below a new one that gets its name: it makes room, whichever of the two is told first, with everybody in it.
func TestAUnitGoesBelowTheNewOneThatGetsItsName(t *testing.T) {
	old, young := unit("ou_old"), unit("ou_young")
	for name, oldFirst := range map[string]bool{"the old one first": true, "the new one first": false} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(old, s.called(old, "Sales", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", old.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
				before := s.there("ou=Sales," + people)
				move, begin := s.called(old, "Sales", young.ID), s.called(young, "Sales", event.RootUnitID)
				if oldFirst {
					s.waits(event.CodeWaitsForObject, nil, []event.Ref{young}, old, move)
					s.there("ou=Sales," + people)
					move = s.called(old, "Sales", young.ID)
				}
				s.waits(event.CodeWaitsForDN, nil, []event.Ref{old}, young, begin)
				waitsFor(s, s.process(old, move), young)
				aside := "uid=ann,ou=" + processor.TemporaryName(old) + "," + people
				s.hasMembers(aside)
				s.there(aside)
				s.directory.written = nil
				s.process(old) // another look changes nothing
				s.wrote("")
				s.process(young)
				s.process(old)
				if after := s.there("ou=Sales,ou=Sales," + people); after.Link != before.Link {
					s.Errorf("it is another entry: %+v", after)
				}
				s.hasMembers("uid=ann,ou=Sales,ou=Sales," + people)
			})
		})
	}
}

// A unit gets the place of the one above it, which is deleted when it is empty.
func TestAUnitGetsThePlaceOfTheOneAboveThatIsDeleted(t *testing.T) {
	old, heir := unit("ou_old"), unit("ou_heir")
	onBoth(t, nil, func(s *stage) {
		s.process(old, s.called(old, "Sales", event.RootUnitID))
		s.process(heir, s.called(heir, "Team", old.ID))
		s.process(ann, s.named(ann, "ann", heir.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
		s.waits(event.CodeWaitsForEmpty, nil, []event.Ref{heir}, old, s.say(event.TypeUnitDelete, old, nil))
		s.waits(event.CodeWaitsForDN, nil, []event.Ref{old}, heir, s.called(heir, "Sales", event.RootUnitID))
		s.hasMembers("uid=ann,ou=" + processor.TemporaryName(heir) + "," + people)
		if result := s.process(old); !result.Gone {
			t.Errorf("the one above is %+v", result.Outcome)
		}
		s.process(heir)
		s.there("ou=Sales," + people)
		s.hasMembers("uid=ann,ou=Sales," + people)
	})
}

// To step aside moves what is below a unit, so nobody else may be worked on meanwhile.
func TestAUnitStepsAsideAlone(t *testing.T) {
	parent, child, young := unit("ou_parent"), unit("ou_child"), unit("ou_young")
	onBoth(t, nil, func(s *stage) {
		s.process(parent, s.called(parent, "Parent", event.RootUnitID))
		s.process(child, s.called(child, "Child", parent.ID))
		for waited, move := range map[event.Ref]event.Change{child: s.called(parent, "Parent", child.ID), young: s.called(parent, "Parent", young.ID)} {
			s.memory.waits[waited] = []event.Ref{parent}
			k := s.memory.objects[parent]
			s.directory.written = nil
			result := s.processor.Process(s.Context(), processor.Task{
				Known: k.object, Merged: event.Merge(k.object, []event.Change{move}), Record: k.Record, Memory: &memoryOf{memory: s.memory, self: parent},
			})
			s.wrote("")
			if !result.NeedsAlone {
				s.Errorf("it steps aside for %s, and others are worked on meanwhile: %+v", waited, result.Outcome)
			}
		}
	})
}

// Only somebody without a place waits for the place of another one who waits in turn: who has one waits for something else.
func TestNobodyStepsAsideForOneWhoHasAPlace(t *testing.T) {
	old, gone := unit("ou_old"), unit("ou_gone")
	onBoth(t, nil, func(s *stage) {
		s.process(gone, s.called(gone, "Gone", event.RootUnitID))
		s.process(old, s.called(old, "Old", gone.ID))
		k := s.memory.objects[gone]
		k.object = event.Merge(k.object, []event.Change{s.say(event.TypeUnitDelete, gone, nil)}).Object
		s.memory.objects[gone] = k // it waits to become empty
		s.memory.waits[gone] = []event.Ref{old}
		s.directory.written = nil
		s.waits(event.CodeWaitsForObject, nil, []event.Ref{gone}, old, s.called(old, "Older", gone.ID))
		s.wrote("")
	})
}

// Two units that wait for each other are resolved by a temporary name, but not by somebody who only looks.
func TestALookWritesNothingWhereUnitsWaitForEachOther(t *testing.T) {
	parent, child := unit("ou_parent"), unit("ou_child")
	onBoth(t, nil, func(s *stage) {
		s.process(parent, s.called(parent, "Parent", event.RootUnitID))
		s.process(child, s.called(child, "Child", parent.ID))
		s.memory.waits[child] = []event.Ref{parent}
		k, move := s.memory.objects[parent], s.called(parent, "Parent", child.ID)
		s.directory.written = nil
		result := s.processor.Preview(s.Context(), processor.Task{
			Known: k.object, Merged: event.Merge(k.object, []event.Change{move}), Record: k.Record, Memory: &memoryOf{memory: s.memory, self: parent},
		})
		s.wrote("")
		if o := result.Outcome; o.State != event.Waiting || o.Code != event.CodeWaitsForDN || !strings.Contains(o.Message, "unit ou_child") || !slices.Equal(result.WaitsFor, []event.Ref{child}) {
			s.Errorf("it is %+v and waits for %v", o, result.WaitsFor)
		}
		s.process(parent, move)
		s.absent("ou=Parent," + people) // who works on it steps aside
	})
}
