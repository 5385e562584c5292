package dispatch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// leaseLength is how long leases last here.
const leaseLength = 12 * time.Second

// database is where several instances keep their leases, by directory.
type database struct {
	mu     sync.Mutex
	leases map[string]*lease
}

// instance is the store as one of them sees it.
type instance struct {
	store.Store
	database *database
	frozen   bool // it renews nothing
	fenced   int  // writes that came too late
}

type lease struct {
	store.Store
	of   *instance
	ends time.Time
}

func (i *instance) Lease(_ context.Context, directory string) (store.Lease, error) {
	i.database.mu.Lock()
	defer i.database.mu.Unlock()
	if l := i.database.leases[directory]; l != nil && l.renewed().After(time.Now()) {
		return nil, fmt.Errorf("%w: another", store.ErrReserved)
	}
	l := &lease{Store: i.Store, of: i, ends: time.Now().Add(leaseLength)}
	i.database.leases[directory] = l
	return owned{l, directory}, nil
}

// renewed returns when the lease ends. It is called with the lock.
func (l *lease) renewed() time.Time {
	if !l.of.frozen && !l.ends.IsZero() {
		l.ends = time.Now().Add(leaseLength)
	}
	return l.ends
}

type owned struct {
	*lease
	directory string
}

func (o owned) Store() store.Store { return o }

func (o owned) Ends() time.Time {
	o.of.database.mu.Lock()
	defer o.of.database.mu.Unlock()
	return o.renewed()
}

func (o owned) Release(context.Context) error {
	o.of.database.mu.Lock()
	defer o.of.database.mu.Unlock()
	if o.of.database.leases[o.directory] == o.lease {
		delete(o.of.database.leases, o.directory)
	}
	return nil
}

func (o owned) Settle(ctx context.Context, now event.Millis, s store.Settlement) ([]store.Key, error) {
	o.of.database.mu.Lock()
	defer o.of.database.mu.Unlock()
	if o.of.database.leases[o.directory] != o.lease {
		o.of.fenced++
		return nil, store.ErrFenced
	}
	return o.lease.Store.Settle(ctx, now, s)
}

func (i *instance) freeze(frozen bool) {
	i.database.mu.Lock()
	defer i.database.mu.Unlock()
	i.frozen = frozen
}

// inBubbleOfTwo runs a test of two instances that feed one directory from one database. The first has the lease.
func inBubbleOfTwo(t *testing.T, test func(one, two *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all, common := openStore(t), &database{leases: map[string]*lease{}}
		var rigs [2]*rig
		for i := range rigs {
			r := &rig{T: t, directories: map[string]*scripted{corp: {}}, seen: &observer{}, store: &instance{Store: all, database: common}}
			r.configure([]dispatch.Route{{Directory: corp, Workers: 4, PasswordSync: true, Processor: r.directories[corp], Check: r.directories[corp].check}})
			r.start()
			rigs[i] = r
		}
		test(rigs[0], rigs[1])
		for _, r := range rigs {
			r.stop()
		}
	})
}

func (r *rig) instance() *instance { return r.store.(*instance) }

// Whichever instance takes an event in, one of them works on it, and whoever has sent it hears what became of it.
func TestOneInstanceWorksOnADirectory(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		for i, r := range []*rig{one, two, one, two} {
			if o := r.answer(update(fmt.Sprint("user", i), 1)); o.State != event.Done {
				t.Errorf("event %d is answered with %+v", i, o)
			}
		}
		if a, b := len(one.directories[corp].tasks()), len(two.directories[corp].tasks()); a != 4 || b != 0 {
			t.Errorf("the first has worked %d times and the second %d times", a, b)
		}
		if a, b := one.Elsewhere()[corp], two.Elsewhere()[corp]; a != "" || b == "" {
			t.Errorf("the first is told that %q works on the directory, the second %q", a, b)
		}
	})
}

// An instance that ends hands its directories over at once.
func TestAnInstanceThatEndsHandsOver(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		one.stop()
		two.pass(time.Second)
		if o := two.answer(update("ann", 1)); o.State != event.Done || len(two.directories[corp].tasks()) != 1 {
			t.Errorf("it is answered with %+v", o)
		}
		one.start() // and waits for its turn
		if one.Elsewhere()[corp] == "" || two.Elsewhere()[corp] != "" {
			t.Error("the one that came back works on the directory")
		}
	})
}

// An instance that was stopped in the middle of a write changes nothing any more when it goes on, and another one has taken over
// within fifteen seconds.
func TestAnInstanceThatWasStoppedChangesNothing(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		wakes := make(chan struct{})
		var said error
		one.script(func(ctx context.Context, task processor.Task) processor.Result {
			<-wakes
			said = ctx.Err()
			return applied(task)
		})
		one.accept(update("ann", 1))
		synctest.Wait()
		one.instance().freeze(true)
		two.pass(15 * time.Second)
		if n := len(two.directories[corp].tasks()); n != 1 {
			t.Fatalf("after fifteen seconds the other one has worked %d times", n)
		}
		two.wantCode(update("ann", 1).ID, event.CodeApplied)
		two.script(func(_ context.Context, task processor.Task) processor.Result {
			return parked(task, event.CodeRetry)
		})
		two.accept(update("ann", 2))
		two.pass(time.Second)
		close(wakes)
		one.pass(time.Second)
		if said == nil {
			t.Error("whoever woke is not told that the lease has ended")
		}
		two.wantCode(update("ann", 2).ID, event.CodeRetry)
		if n := one.instance().fenced; n != 0 {
			t.Errorf("%d writes came too late: they are not even tried", n)
		}
		one.instance().freeze(false)
		one.pass(time.Minute)
		if n := len(one.directories[corp].tasks()); n != 1 {
			t.Errorf("the one that was stopped has worked %d times", n)
		}
	})
}

// Whoever wakes after the end of the lease finds out by the clock, before anybody has come to say so.
func TestTheEndOfALeaseIsFoundByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &instance{database: &database{leases: map[string]*lease{}}}
		held, err := i.Lease(t.Context(), corp)
		if err != nil {
			t.Fatal(err)
		}
		i.freeze(true)
		ctx := dispatch.Under(t.Context(), held, dispatch.SystemClock{})
		if err := ctx.Err(); err != nil {
			t.Errorf("at first: %v", err)
		}
		<-time.After(leaseLength - 4*time.Second)
		if err := ctx.Err(); err != nil {
			t.Errorf("four seconds before the end: %v", err)
		}
		<-time.After(time.Second)
		if ctx.Err() == nil {
			t.Error("three seconds before the end there is still something to be done")
		}
	})
}
