package dispatch_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// setClock is the clock of the bubble as somebody has set it.
type setClock struct{ ahead atomic.Int64 }

func (c *setClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())).Round(0) } // as read from a file: by the wall alone

func (c *setClock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	timer := time.NewTimer(moment.Sub(c.Now()))
	return timer.C, func() { timer.Stop() }
}

// What waits for its time was put off by the clock that was ahead. When that is set back, nothing rests until it shows the same again.
func TestAClockThatIsSetBackPutsNothingOff(t *testing.T) {
	const ahead = 30 * 24 * time.Hour
	for name, setBack := range map[string]func(r *rig, clock *setClock){
		"while the service runs": func(_ *rig, clock *setClock) { clock.ahead.Store(0) },
		"while nobody works on the directory": func(r *rig, clock *setClock) {
			if err := r.store.RecordSample(r.Context(), store.Sample{At: event.Millis(clock.Now().UnixMilli())}); err != nil {
				r.Fatal(err)
			}
			r.stop()
			clock.ahead.Store(0)
			r.configureAt(clock, r.routes())
			r.start()
		},
		"while the store cannot be written": func(r *rig, clock *setClock) {
			full := &fullStore{Store: r.store}
			full.is.Store(true)
			r.stop()
			r.store = full
			r.configureAt(clock, r.routes())
			r.start()
			clock.ahead.Store(0)
			r.pass(10 * time.Second)
			full.is.Store(false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.stop()
				clock := &setClock{}
				clock.ahead.Store(int64(ahead))
				r.configureAt(clock, r.routes())
				r.start()
				r.script(func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeDNTaken) })
				r.answer(update("ann", 1))
				r.pass(2 * time.Hour) // the pauses are the longest by now
				r.answer(locked("bob", 2, ahead+time.Hour))
				r.script(nil)
				setBack(r, clock)
				r.pass(5 * time.Second)
				r.wantCode("ann@1", event.CodeApplied)
				before := len(r.directories[corp].tasksOf(user("ann")))
				r.answer(update("cec", 3))
				r.pass(time.Minute)
				if n := len(r.directories[corp].tasksOf(user("ann"))); n != before {
					t.Errorf("what is done is looked at %d times more", n-before)
				}
			})
		})
	}
}

// A clock that is corrected by a little, as it is all the time, is no reason to look at anything.
func TestAClockThatIsCorrectedIsNotSetBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		clock := &setClock{}
		r.configureAt(clock, r.routes())
		r.start()
		r.script(func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeDNTaken) })
		r.answer(update("ann", 1))
		r.pass(2 * time.Hour)
		before := len(r.directories[corp].tasks())
		for range 10 {
			clock.ahead.Add(-int64(500 * time.Millisecond))
			r.pass(3 * time.Second)
		}
		if n := len(r.directories[corp].tasks()) - before; n > 1 || r.log.has("set back") {
			t.Errorf("what waits is looked at %d times", n)
		}
	})
}

// fullStore is a store that cannot be written for a while.
type fullStore struct {
	store.Store
	is atomic.Bool
}

// BringForward fails while the store is full.
func (s *fullStore) BringForward(ctx context.Context, directory string, now, until event.Millis) error {
	if s.is.Load() {
		return store.ErrUnavailable
	}
	return s.Store.BringForward(ctx, directory, now, until) //nolint:wrapcheck // It stands for the store.
}
