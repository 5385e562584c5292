package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	frozen   bool                   // it renews nothing, and gets none
	fenced   int                    // writes that came too late
	accepted func([]store.Accepted) // is called before whoever has handed events in knows of it
}

func (i *instance) Accept(ctx context.Context, now event.Millis, events []store.NewEvent) ([]store.Accepted, error) {
	accepted, err := i.Store.Accept(ctx, now, events)
	if err == nil && i.accepted != nil {
		i.accepted(accepted)
	}
	return accepted, err
}

type lease struct {
	store.Store
	of   *instance
	ends time.Time
}

func (i *instance) Lease(_ context.Context, directory string) (store.Lease, error) {
	i.database.mu.Lock()
	defer i.database.mu.Unlock()
	if l := i.database.leases[directory]; i.frozen || l != nil && l.renewed().After(time.Now()) {
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
	inBubbleOfTwoThatLook(t, 0, test)
}

func inBubbleOfTwoThatLook(t *testing.T, every time.Duration, test func(one, two *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all, common := openStore(t), &database{leases: map[string]*lease{}}
		var rigs [2]*rig
		for i := range rigs {
			r := &rig{T: t, directories: map[string]*scripted{corp: {}}, seen: &observer{}, lookEvery: every, store: &instance{Store: all, database: common}}
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
		if a, b := one.Tenures()[corp], two.Tenures()[corp]; !a.Mine || b.Mine || b.Other == "" || b.Since.IsZero() {
			t.Errorf("the first is told that %+v works on the directory, the second %+v", a, b)
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
		if one.Tenures()[corp].Mine || !two.Tenures()[corp].Mine {
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

// What one instance is told by another one it looks at then, and nobody looks for it before. That holds too where the answer is faster than
// the return of whoever has handed the event in.
func TestInstancesActOnWhatTheyAreTold(t *testing.T) {
	inBubbleOfTwoThatLook(t, time.Hour, func(one, two *rig) {
		work := store.Notice{What: store.NoticeWork, Directory: corp}
		settled := func(accepted []store.Accepted) store.Notice {
			return store.Notice{What: store.NoticeSettled, Directory: corp, Seqs: []int64{accepted[0].Deliveries[0].Seq}}
		}
		var accepted []store.Accepted
		two.instance().accepted = func(a []store.Accepted) { accepted = a }
		answer := make(chan event.Outcome, 1)
		wait := func(ticket *dispatch.Ticket) { answer <- ticket.Wait(context.Background())[0] }
		go wait(two.accept(update("ann", 1)))
		two.pass(time.Minute)
		if n := len(one.directories[corp].tasks()); n != 0 {
			t.Fatalf("it is worked on %d times before anybody was told", n)
		}
		one.Hear(work)
		two.pass(time.Minute)
		if n := len(one.directories[corp].tasks()); n != 1 || len(answer) != 0 {
			t.Fatalf("it is worked on %d times, and %d answers are given before anybody was told", n, len(answer))
		}
		two.Hear(store.Notice{What: store.NoticeSettled, Directory: corp, Seqs: []int64{99}})
		synctest.Wait()
		if len(answer) != 0 {
			t.Errorf("what became of another event is the answer: %+v", <-answer)
		}
		two.Hear(settled(accepted))
		if o := <-answer; o.State != event.Done {
			t.Errorf("it is answered with %+v", o)
		}

		two.instance().accepted = func(a []store.Accepted) {
			one.Hear(work)
			synctest.Wait()
			two.Hear(settled(a))
		}
		wait(two.accept(update("bob", 1)))
		if o := <-answer; o.State != event.Done {
			t.Errorf("what was settled at once is answered with %+v", o)
		}

		// Who was not told for a while looks at everything.
		two.instance().accepted = nil
		go wait(two.accept(update("cid", 1)))
		synctest.Wait()
		one.Hear(store.Notice{What: store.NoticeMissed})
		synctest.Wait()
		two.Hear(store.Notice{What: store.NoticeMissed})
		if o := <-answer; o.State != event.Done {
			t.Errorf("after something was missed it is answered with %+v", o)
		}

		// A lease that is given up is taken at once.
		one.stop()
		two.Hear(store.Notice{What: store.NoticeFree, Directory: corp})
		synctest.Wait()
		if now := two.Tenures()[corp]; !now.Mine {
			t.Errorf("the lease is free, and %s has it", now.Other)
		}
		one.start()
	})
}

// While a directory does not answer the one that works on it, those who have sent events to another instance are told so at once, and not any
// more when it answers again. Who takes over finds out anew.
func TestAnOutageIsToldByEveryInstance(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		one.directories[corp].goDown(errDown)
		for i := range 3 {
			start := time.Now()
			o := two.answer(update(fmt.Sprint("user", i), 1))
			if o.State != event.Waiting || o.Code != event.CodeUnavailable || !strings.Contains(o.Message, "connection refused") {
				t.Fatalf("event %d is answered with %+v", i, o)
			}
			if took := time.Since(start); took > 3*time.Second || i > 0 && took > 0 {
				t.Errorf("the answer to event %d took %s", i, took)
			}
		}
		one.directories[corp].goDown(nil)
		one.pass(time.Minute)
		two.wantCode(update("user0", 1).ID, event.CodeApplied)
		if o := two.answer(update("bob", 1)); o.State != event.Done {
			t.Errorf("after the outage an event is answered with %+v", o)
		}

		one.directories[corp].goDown(errDown)
		if o := two.answer(update("cid", 1)); o.Code != event.CodeUnavailable {
			t.Fatalf("in the second outage an event is answered with %+v", o)
		}
		one.stop()
		two.pass(time.Second)
		if o := two.answer(update("dan", 1)); o.State != event.Done {
			t.Errorf("the one that has taken over, and reaches the directory, answers with %+v", o)
		}
		one.start()
		one.pass(time.Second)
		if o := one.answer(update("eve", 1)); o.State != event.Done {
			t.Errorf("the one that did not reach it answers with %+v", o)
		}
	})
}

// An instance that is told to hand over finishes what is under way, and then takes nothing any more; another one goes on at once, and
// events are taken in by both.
func TestADrainedInstanceHandsOver(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		finish := make(chan struct{})
		one.script(func(_ context.Context, task processor.Task) processor.Result {
			<-finish
			return applied(task)
		})
		first := one.accept(update("ann", 1))
		synctest.Wait()
		drained := make(chan error, 1)
		go func() { drained <- one.Drain(context.Background()) }()
		synctest.Wait()
		if len(drained) != 0 || two.Tenures()[corp].Mine {
			t.Error("it has handed over before its work was done")
		}
		impatient, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := one.Drain(impatient); err == nil {
			t.Error("whoever does not wait is told that it has handed over")
		}
		close(finish)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if o := one.await(first)[0]; o.State != event.Done {
			t.Errorf("what was under way is answered with %+v", o)
		}
		two.pass(time.Second)
		if !two.Tenures()[corp].Mine || !one.Drained() {
			t.Error("the other one does not work on the directory")
		}
		two.stop()
		run := one.Reroute([]dispatch.Route{{Directory: corp, Workers: 4, Processor: one.directories[corp], Check: one.directories[corp].check}})
		ctx, end := context.WithCancel(context.Background())
		ran := make(chan struct{})
		go func() {
			defer close(ran)
			run(ctx)
		}()
		one.accept(update("bob", 1))
		one.pass(time.Minute)
		if n := len(one.directories[corp].tasks()); n != 1 {
			t.Errorf("a drained instance has worked %d times", n)
		}
		end()
		<-ran
		two.start()
		two.wantCode(update("bob", 1).ID, event.CodeApplied)
		if got := one.seen.leases; !slices.Equal(got, []string{dispatch.LeaseTaken, dispatch.LeaseGivenUp}) {
			t.Errorf("it tells of its lease: %v", got)
		}
	})
}
