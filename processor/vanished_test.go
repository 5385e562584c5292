package processor_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// blind is a directory that does not show some entries.
type blind struct {
	processor.Target

	hidden []plan.DN
}

func (b blind) hides(dn plan.DN) bool {
	for _, h := range b.hidden {
		if dn.Within(h) {
			return true
		}
	}
	return false
}

func (b blind) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	e, err := b.Target.Find(ctx, key)
	if e != nil && b.hides(e.DN) {
		return nil, err
	}
	return e, err
}

func (b blind) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	if b.hides(dn) {
		return nil, nil
	}
	return b.Target.Read(ctx, dn, attributes)
}

func (b blind) ReadNew(ctx context.Context, dn plan.DN, key plan.Key) (*plan.Entry, error) {
	if b.hides(dn) {
		return nil, nil
	}
	return b.Target.ReadNew(ctx, dn, key)
}

func (b blind) Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error) {
	references, err := b.Target.Referring(ctx, base, attributes, value)
	return b.shown(references), err
}

func (b blind) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error) {
	references, err := b.Target.ReferringBelow(ctx, base, attributes, at, was, remembered)
	return b.shown(references), err
}

func (b blind) shown(references []connector.Reference) []connector.Reference {
	return slices.DeleteFunc(references, func(r connector.Reference) bool { return b.hides(r.DN) })
}

// An entry that is hidden from the moment it was made, or later, is not made twice when its user gets another name. Where it is gone
// the user gets another one.
func TestWhatIsNotSeenIsNotMadeTwice(t *testing.T) {
	for _, when := range []string{"at once", "later"} {
		onBoth(t, nil, func(s *stage) {
			seeing := s.directory.Target
			hide := func() { s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("uid=ann," + people)}} }
			if when == "at once" {
				hide()
			}
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			hide()
			renamed := s.named(ann, "anna", event.RootUnitID)
			for range 2 {
				s.waits(event.CodeRetry, []string{"uid=ann," + people, "is there, and is not to be seen"}, nil, ann, renamed)
				s.absent("uid=anna," + people)
			}
			s.directory.Target = seeing
			s.process(ann, renamed)
			s.there("uid=anna," + people)
			s.absent("uid=ann," + people)
			s.make(plan.Delete{DN: plan.MustParseDN("uid=anna," + people)})
			s.process(ann, s.named(ann, "annabel", event.RootUnitID))
			s.there("uid=annabel," + people)
			s.absent("uid=anna," + people)
		})
	}
}

// A linked entry that is not to be seen is not taken for gone where the unit above it is not to be seen either, nor where the guard has
// seen too many go.
func TestWhatIsNotSeenIsNotProvenToBeGone(t *testing.T) {
	lab := unit("ou_lab")
	onBoth(t, nil, func(s *stage) {
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		seeing := s.directory.Target
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("ou=Lab," + people)}}
		result := s.waits(event.CodeWaitsForObject, []string{lab.ID}, []event.Ref{lab}, ann, s.say(event.TypeUserDelete, ann, nil))
		if len(result.Touch) != 1 || result.Touch[0] != lab {
			s.Errorf("looked at are %v", result.Touch)
		}
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("uid=ann,ou=Lab," + people)}}
		s.memory.denied = true
		if o := s.process(ann).Outcome; o.State != event.Held || !strings.Contains(o.Message, "vanished") {
			s.Errorf("it is %+v", o)
		}
		// That a person has approved the deletion does not say that it was made.
		s.memory.approved = processor.ActDelete
		if o := s.process(ann).Outcome; o.State != event.Held || !strings.Contains(o.Message, "vanished") {
			s.Errorf("with the deletion approved it is %+v", o)
		}
		s.directory.Target = seeing
		s.process(ann)
		s.absent("uid=ann,ou=Lab," + people)
	})
}

// Whoever is gone and was in a place of the mapping that is not seen is not taken for gone there: neither an entry that is linked, nor one
// that has never been seen since it was made.
func TestWhatWasInAPlaceThatIsNotSeenIsNotGone(t *testing.T) {
	hidden := []plan.DN{plan.MustParseDN(people), plan.MustParseDN(groups)}
	for _, c := range []struct {
		ref  event.Ref
		is   func(s *stage) event.Change
		gone event.Type
		dn   string
	}{
		{ann, func(s *stage) event.Change { return s.named(ann, "ann", event.RootUnitID) }, event.TypeUserDelete, "uid=ann," + people},
		{vpn, func(s *stage) event.Change { return s.is(vpn, "Vpn") }, event.TypeGroupDelete, "cn=Vpn," + groups},
	} {
		for _, when := range []string{"before it is made", "afterwards"} {
			t.Run(c.ref.String()+", "+when, func(t *testing.T) {
				onBoth(t, nil, func(s *stage) {
					seeing := s.directory.Target
					hide := func() { s.directory.Target = blind{seeing, hidden} }
					if when == "before it is made" {
						hide()
					}
					s.process(c.ref, c.is(s))
					hide()
					gone := s.say(c.gone, c.ref, nil)
					for range 2 {
						s.waits(event.CodeRetry, []string{"is to be seen"}, nil, c.ref, gone)
					}
					s.directory.Target = seeing
					s.there(c.dn)
					s.process(c.ref, gone)
					s.absent(c.dn)
				})
			})
		}
	}
}

// A place that is missing is made anew, which tells that what was in it is gone.
func TestWhatWasInAPlaceThatIsMissingIsGone(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.make(plan.Delete{DN: plan.MustParseDN("uid=ann," + people)}, plan.Delete{DN: plan.MustParseDN(people)})
		if o := s.process(ann, s.say(event.TypeUserDelete, ann, nil)).Outcome; o.State != event.Done {
			s.Errorf("it is %+v", o)
		}
		s.there(people)
	})
}

// Who is not seen below a unit that gets another name stays in the groups: where the unit is not seen either, and where the guard has seen
// too many go.
func TestWhoIsNotSeenStaysInTheGroups(t *testing.T) {
	lab := unit("ou_lab")
	for _, hidden := range []string{"ou=Laboratory," + people, "uid=ann,ou=Laboratory," + people} {
		onBoth(t, nil, func(s *stage) {
			s.process(lab, s.called(lab, "Lab", event.RootUnitID))
			s.process(ann, s.named(ann, "ann", lab.ID))
			s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
			s.directory.Target = blind{s.directory.Target, []plan.DN{plan.MustParseDN(hidden)}}
			s.memory.denied = hidden[0] == 'u'
			s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
			s.hasMembers("uid=ann,ou=Laboratory," + people)
		})
	}
}

// Whoever may have been made by an operation of which the end is not known, and is not seen afterwards, is not taken for gone.
func TestWhatMayHaveBeenMadeIsNotTakenForGone(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		seeing := s.directory.Target
		s.directory.meddle = func(op plan.Operation, write func() error) error {
			if op.Verb() != "add" || s.directory.Target != seeing {
				return write()
			}
			err := write()
			s.directory.Target = blind{seeing, []plan.DN{op.Target()}}
			return errors.Join(err, &connector.OutcomeError{Kind: connector.KindRetry, Verb: op.Verb(), DN: op.Target(), InDoubt: true})
		}
		if r := s.process(ann, s.named(ann, "ann", event.RootUnitID)); r.Outcome.State != event.Waiting || !r.DN.Empty() || r.Doubted.String() != "uid=ann,"+people {
			s.Errorf("it is %+v at %q, or perhaps at %q", r.Outcome, r.DN, r.Doubted)
		}
		s.memory.denied = true
		gone := s.say(event.TypeUserDelete, ann, nil)
		if r := s.process(ann, gone); r.Outcome.Act != string(processor.ActVanish) {
			s.Errorf("the deletion is %+v", r.Outcome)
		}
		s.directory.Target, s.memory.denied = seeing, false
		s.process(ann, gone)
		s.absent("uid=ann," + people)
	})
}

// Whoever was perhaps made by somebody who was ended before that was stored, and is not seen, is not taken for gone.
func TestWhatWasPerhapsMadeBeforeACrashIsNotTakenForGone(t *testing.T) {
	lab := unit("ou_lab")
	onBoth(t, nil, func(s *stage) {
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		before := s.memory.objects[ann].object
		s.memory.objects[ann] = known{before: before}
		seeing := s.directory.Target
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("uid=ann,ou=Lab," + people)}}
		s.memory.denied = true
		gone := s.say(event.TypeUserDelete, ann, nil)
		if r := s.process(ann, gone); r.Outcome.Act != string(processor.ActVanish) || !r.AccessOwed {
			s.Errorf("the deletion is %+v, and that access is to be ended %t", r.Outcome, r.AccessOwed)
		}
		s.directory.Target, s.memory.denied = seeing, false
		s.process(ann)
		s.absent("uid=ann,ou=Lab," + people)
		// Whose place cannot be told was never made.
		s.memory.denied = true
		before.Facts = maps.Clone(before.Facts)
		delete(before.Facts, event.FieldUsername)
		s.memory.objects[ann] = known{before: before}
		if r := s.process(ann, s.say(event.TypeUserDelete, ann, nil)); r.Outcome.Code != event.CodeUnchanged {
			s.Errorf("without a name the deletion is %+v", r.Outcome)
		}
	})
}

// That the guards have let a deletion pass does not say that it was made, where the entry was there afterwards.
func TestADeletionThatWaitedWasNotMade(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		seeing := s.directory.Target
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("uid=ann," + people)}}
		s.memory.denied, s.memory.granted = true, processor.ActDelete
		k := s.memory.objects[ann]
		k.remained = true
		s.memory.objects[ann] = k
		if r := s.process(ann, s.say(event.TypeUserDelete, ann, nil)); r.Outcome.Act != string(processor.ActVanish) {
			s.Errorf("the deletion is %+v", r.Outcome)
		}
		k.remained = false
		s.memory.objects[ann] = k
		if r := s.process(ann, s.say(event.TypeUserDelete, ann, nil)); r.Outcome.Code != event.CodeUnchanged {
			s.Errorf("where it may have been made it is %+v", r.Outcome)
		}
	})
}
