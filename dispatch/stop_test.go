package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

func TestAStopFinishesWhatRunsAndKeepsTheRest(t *testing.T) {
	routes := []dispatch.Route{{Directory: corp, Workers: 2, PasswordSync: true}}
	inBubbleOf(t, routes, func(r *rig) {
		release := make(chan struct{})
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			<-release
			if err := ctx.Err(); err != nil {
				return parked(task, event.CodeRetry)
			}
			return applied(task)
		})
		const objects = 6
		for i := range objects {
			r.accept(update(fmt.Sprint("u", i), 1))
		}
		synctest.Wait()
		stopped := make(chan struct{})
		go func() {
			r.stop()
			close(stopped)
		}()
		r.pass(10 * time.Second)
		select {
		case <-stopped:
			r.Fatal("it stopped although objects were worked on")
		default:
		}
		close(release)
		<-stopped
		r.wantCode("u0@1", event.CodeApplied)
		r.wantCode("u1@1", event.CodeApplied)
		for i := 2; i < objects; i++ {
			if got := r.outcome(corp, fmt.Sprint("u", i, "@1")); got.State != event.Pending {
				r.Errorf("u%d is %+v", i, got)
			}
		}
		// The next start takes up the rest.
		r.configure(routes)
		r.start()
		for i := 2; i < objects; i++ {
			r.wantCode(fmt.Sprint("u", i, "@1"), event.CodeApplied)
		}
	})
}

// Work that does not come to an end is broken off after twenty seconds, and its event is kept.
func TestAStopBreaksOffWhatDoesNotEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			<-ctx.Done()
			return parked(task, event.CodeRetry)
		})
		r.accept(update("ann", 1))
		synctest.Wait()
		start := time.Now()
		r.stop()
		if took := time.Since(start); took != 20*time.Second {
			r.Errorf("the stop took %s", took)
		}
		if got := r.outcome(corp, "ann@1"); got.State.Settled() {
			r.Errorf("what was broken off is %+v", got)
		}
	})
}

// Nothing is lost where the store does not take the outcome: the object stays due, and the next look finds the directory as
// it should be.
func TestAnOutcomeThatCannotBeStoredIsTriedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		broken := &moody{Store: r.store}
		r.store = broken
		r.configure([]dispatch.Route{{
			Directory: corp, Workers: 1, Processor: r.directories[corp], Check: r.directories[corp].check,
		}})
		r.start()
		broken.mood("the disk is full")
		ticket := r.accept(update("ann", 1))
		r.pass(5 * time.Second)
		tasks := r.directories[corp].tasks()
		if n := len(tasks); n < 3 || n > 6 {
			r.Errorf("%d tries in five seconds", n)
		}
		for _, c := range tasks[1:] {
			if c.task.Link != "" || c.task.DN.Empty() {
				r.Errorf("a later try knows of the link %q at %q; what was made at the first one has a place", c.task.Link, c.task.DN)
			}
		}
		if got := r.outcome(corp, "ann@1"); got.State != event.Pending {
			r.Errorf("the event is %+v", got)
		}
		broken.mood("")
		r.pass(time.Second)
		r.wantCode("ann@1", event.CodeApplied)
		if o := r.await(ticket)[0]; o.Code != event.CodeApplied {
			r.Errorf("who waited is told %+v", o)
		}
	})
}

// By what a group may name members is told from try to try until the store has taken the words about them: the next tries may not have written
// any of them.
func TestWhatAGroupMayNameIsKnownUntilTheStoreKnowsIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		broken := &moody{Store: r.store}
		r.store = broken
		r.configure([]dispatch.Route{{Directory: corp, Workers: 1, Processor: r.directories[corp], Check: r.directories[corp].check}})
		r.start()
		names := []plan.FormerName{{Member: user("ann"), Value: "uid=ann,dc=example,dc=org"}}
		var ends atomic.Bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if !ends.Load() {
				result = parked(task, event.CodeRetry)
			}
			result.MayName = names
			return result
		})
		told := func() []plan.FormerName {
			tasks := r.directories[corp].tasks()
			return tasks[len(tasks)-1].task.MayName
		}
		ends.Store(true)
		broken.mood("the disk is full")
		r.accept(said(event.TypeGroupUpdate, group("vpn"), 1, event.Values{event.FieldName: "vpn"}))
		r.pass(10 * time.Second)
		if !slices.Equal(told(), names) {
			r.Errorf("after what could not be stored %v is told", told())
		}
		ends.Store(false)
		broken.mood("")
		r.pass(time.Hour)
		if !slices.Equal(told(), names) {
			r.Errorf("after what has not ended %v is told", told())
		}
		ends.Store(true)
		r.pass(time.Hour)
		r.answer(said(event.TypeGroupUpdate, group("vpn"), 2, event.Values{event.FieldName: "vpn"}))
		if len(told()) > 0 {
			r.Errorf("after what is stored %v is told", told())
		}
	})
}

// moody is a store that does not settle anything while it is in a mood.
type moody struct {
	store.Store
	reason atomic.Value
}

// mood sets the reason; with an empty one the store is in no mood.
func (m *moody) mood(reason string) { m.reason.Store(reason) }

func (m *moody) Settle(ctx context.Context, now event.Millis, s store.Settlement) ([]store.Key, error) {
	if reason := m.reason.Load(); reason != "" {
		return nil, fmt.Errorf("%w: %s", store.ErrUnavailable, reason)
	}
	return m.Store.Settle(ctx, now, s)
}
