package simulation_test

import (
	"context"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// A simulation that finds nothing may look for nothing. With a fault that is made on purpose some script fails before long, and what is left of it
// after shrinking is what takes the fault to be seen.
func TestAPlantedFaultIsFoundAndShrunk(t *testing.T) {
	for _, fault := range []struct {
		name  string
		plant func() func(*storeOf) store.Store
		from  uint64 // the first seed that is tried: one that is known to find it spares time
		most  int
		finds finding
	}{
		{"the store forgets that a password was tried", func() func(*storeOf) store.Store {
			return func(s *storeOf) store.Store { return forgetful{s} }
		}, 22, 4, unsettled},
		{"the store loses what it took in last when the process crashes", losing, 1, 4, lost},
	} {
		t.Run(fault.name, func(t *testing.T) {
			g := newGround(t)
			g.plant = fault.plant
			s, kind := script{}, ""
			for seed := fault.from; kind == ""; seed++ {
				if seed > fault.from+200 {
					t.Fatal("no script finds it")
				}
				s = drawn(seed, 60)
				s.instances = 1 // only there is the store one that a fault is planted in
				out := g.play(t, s)
				if kind = out.kind; kind != "" && out.finding() != fault.finds {
					t.Errorf("%q counts as %v, want %v", kind, out.finding(), fault.finds)
				}
			}
			small := shrink(s, shrinkTries, func(c script) bool { return g.play(t, c).kind == kind })
			if len(small.steps) > fault.most {
				t.Errorf("%d steps are left:\n%s", len(small.steps), small)
			}
			again, err := readScript(small.String())
			if err != nil || again.String() != small.String() || g.play(t, again).kind != kind {
				t.Errorf("what is written down is another script: %v\n%s", err, again)
			}
			g.plant = nil
			if problems := g.play(t, small).problems; len(problems) > 0 {
				t.Errorf("without the fault: %v", problems)
			}
			t.Logf("seed %d:\n%s", s.seed, small)
		})
	}
}

type forgetful struct{ *storeOf }

func (forgetful) MarkPasswordTried(context.Context, int64) error { return nil }

// losing is a store in which the newest deliveries are gone after a crash.
func losing() func(*storeOf) store.Store {
	var last []int64
	return func(s *storeOf) store.Store {
		_, _ = s.Store.Discard(context.Background(), 0, "the crash", last) // where nothing is lost nothing is found
		last = nil
		return &loses{s, &last}
	}
}

type loses struct {
	*storeOf

	last *[]int64
}

func (l *loses) Accept(ctx context.Context, now event.Millis, events []store.NewEvent) ([]store.Accepted, error) {
	accepted, err := l.storeOf.Accept(ctx, now, events)
	if err != nil {
		return nil, err
	}
	*l.last = nil
	for _, a := range accepted {
		for _, d := range a.Deliveries {
			*l.last = append(*l.last, d.Seq)
		}
	}
	return accepted, nil
}
