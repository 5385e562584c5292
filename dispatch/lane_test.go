package dispatch_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
)

func TestOneReconcileOfAnObjectAtATimeWithItsPendingEventsMerged(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-release
			return applied(task)
		})
		r.accept(update("ann", 1))
		synctest.Wait()
		for at := range int64(5) {
			r.accept(update("ann", 2+at))
		}
		synctest.Wait()
		if n := len(r.directories[corp].tasks()); n != 1 {
			r.Fatalf("%d reconciles of the object run at the same time", n)
		}
		close(release)
		synctest.Wait()
		tasks := r.directories[corp].tasks()
		if len(tasks) != 2 {
			r.Fatalf("%d reconciles for one event and five more; want 2", len(tasks))
		}
		if name := tasks[1].task.Merged.Object.Text(event.FieldUsername); name != "ann 6" {
			r.Errorf("the second brings the object to %q", name)
		}
		if before := tasks[1].task.Known.Text(event.FieldUsername); before != "ann 1" {
			r.Errorf("the second knows the object as %q", before)
		}
		r.wantCode("ann@1", event.CodeApplied)
		for _, id := range []string{"ann@2", "ann@3", "ann@4", "ann@5"} {
			r.wantCode(id, event.CodeSuperseded)
		}
		r.wantCode("ann@6", event.CodeApplied)
	})
}

func TestObjectsAreWorkedOnSideBySideUpToTheNumberOfWorkers(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-release
			return applied(task)
		})
		for i := range 10 {
			r.accept(update(fmt.Sprint("u", i), 1))
		}
		synctest.Wait()
		if n := len(r.directories[corp].tasks()); n != 4 {
			r.Errorf("%d objects are worked on by 4 workers", n)
		}
		close(release)
		synctest.Wait()
		if n := len(r.directories[corp].tasks()); n != 10 {
			r.Errorf("%d of 10 objects were worked on", n)
		}
	})
}

// What moves entries of others is done while nobody else is at work, and is asked again for what to do by then.
func TestWhoMovesOthersWorksAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		var working, most atomic.Int64
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref == unit("sales") {
				if !task.Alone {
					return processor.Result{NeedsAlone: true}
				}
				most.Store(working.Load())
				return applied(task)
			}
			working.Add(1)
			defer working.Add(-1)
			<-release
			return applied(task)
		})
		r.accept(update("ann", 1), update("bob", 1))
		synctest.Wait()
		r.accept(said(event.TypeUnitUpdate, unit("sales"), 1, nil))
		r.accept(update("eve", 1))
		r.pass(time.Second)
		if tasks := r.directories[corp].tasksOf(unit("sales")); len(tasks) != 1 {
			r.Errorf("the unit was worked on %d times beside others", len(tasks))
		}
		close(release)
		synctest.Wait()
		for _, id := range []string{"ann@1", "bob@1", "eve@1", "sales@1"} {
			r.wantCode(id, event.CodeApplied)
		}
		if most.Load() != 0 {
			r.Errorf("%d others were at work", most.Load())
		}
	})
}

// What fails comes back after pauses that double up to a quarter of an hour, each shortened by chance by up to a quarter,
// without limit, and holds up nobody else.
func TestAFailingObjectParksOnlyItself(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref == user("bad") {
				return parked(task, event.CodeRetry)
			}
			return applied(task)
		})
		if o := r.answer(update("bad", 1)); o.State != event.Waiting || o.Code != event.CodeRetry {
			r.Errorf("the failing one is answered with %+v", o)
		}
		for i := range 20 {
			start := time.Now()
			if o := r.answer(update(fmt.Sprint("good", i), 1)); o.Code != event.CodeApplied || time.Since(start) > 0 {
				r.Fatalf("another one is answered with %+v after %s", o, time.Since(start))
			}
		}
		r.pass(2 * time.Hour)
		tries := r.directories[corp].tasksOf(user("bad"))
		pause := time.Second
		for i := 1; i < len(tries); i++ {
			if took := tries[i].at.Sub(tries[i-1].at); took < pause*3/4 || took > pause+time.Millisecond {
				r.Errorf("pause %d is %s; want between %s and %s", i, took, pause*3/4, pause)
			}
			pause = min(2*pause, 15*time.Minute)
		}
		if len(tries) < 15 {
			r.Errorf("%d tries in two hours", len(tries))
		}
		// A new event is a new reason to try at once, and begins the pauses anew.
		before := len(tries)
		start := time.Now()
		r.answer(update("bad", 2))
		r.pass(1500 * time.Millisecond)
		if tries = r.directories[corp].tasksOf(user("bad")); len(tries) != before+2 || tries[before].at != start {
			r.Errorf("after a new event there were %d tries in a second and a half; want 2", len(tries)-before)
		}
	})
}

func TestWhatFailsTogetherDoesNotComeBackTogether(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeRetry) })
		for i := range 4 {
			r.accept(update(fmt.Sprint("u", i), 1))
		}
		r.pass(1500 * time.Millisecond)
		moments := map[time.Time]bool{}
		for _, c := range r.directories[corp].tasks()[4:] {
			moments[c.at] = true
		}
		if len(moments) < 3 {
			r.Errorf("four objects come back at %d moments", len(moments))
		}
	})
}

func TestAWaitEndsWhenWhatItWaitsForIsApplied(t *testing.T) {
	inBubble(t, func(r *rig) {
		there := map[event.Ref]bool{}
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref.Kind == event.KindUser && !there[unit("sales")] {
				return parked(task, event.CodeWaitsForObject, unit("sales"))
			}
			there[task.Merged.Object.Ref] = true
			return applied(task)
		})
		if o := r.answer(update("ann", 1)); o.Code != event.CodeWaitsForObject {
			r.Fatalf("the user is answered with %+v", o)
		}
		if o := r.answer(said(event.TypeUnitCreate, unit("other"), 1, nil)); o.Code != event.CodeApplied {
			r.Fatalf("another unit is answered with %+v", o)
		}
		synctest.Wait()
		if n := len(r.directories[corp].tasksOf(user("ann"))); n != 1 {
			r.Errorf("another unit woke the user: %d tries", n)
		}
		start := time.Now()
		r.accept(said(event.TypeUnitCreate, unit("sales"), 2, nil))
		synctest.Wait()
		r.wantCode("ann@1", event.CodeApplied)
		if time.Since(start) > 0 {
			r.Errorf("the user was woken after %s", time.Since(start))
		}
	})
}

func TestAPauseIsTheSafetyNetOfAWait(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			return parked(task, event.CodeWaitsForObject, unit("never"))
		})
		r.answer(update("ann", 1))
		r.pass(31 * time.Second)
		if n := len(r.directories[corp].tasks()); n != 2 {
			r.Errorf("%d tries in half a minute", n)
		}
	})
}

// An object that waits for nothing by name is looked at when somebody whom it hinders says so.
func TestWhoIsInTheWayIsLookedAtAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if task.Merged.Object.Ref == user("ann") {
				result.Touch = []event.Ref{user("bob")}
			}
			return result
		})
		r.answer(update("bob", 1))
		r.answer(update("ann", 1))
		synctest.Wait()
		tries := r.directories[corp].tasksOf(user("bob"))
		if len(tries) != 2 || len(tries[1].task.Merged.Roles) != 0 {
			r.Errorf("%d looks at the object that is in the way", len(tries))
		}
	})
}

// Two that wait for each other are told so by the memory; one steps aside, which frees the other, which frees the first.
func TestObjectsThatWaitForEachOtherComeApart(t *testing.T) {
	inBubble(t, func(r *rig) {
		aside, moved := false, false
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			other := user("bob")
			if task.Merged.Object.Ref == user("bob") {
				other = user("ann")
			}
			waits, err := task.Memory.WaitsFor(ctx, other)
			if err != nil {
				r.Error(err)
			}
			circular := len(waits) == 1 && waits[0] == task.Merged.Object.Ref
			switch {
			case task.Merged.Object.Ref == user("ann") && aside:
				moved = true
				return applied(task)
			case moved:
				return applied(task)
			case circular:
				aside = true
				result := parked(task, event.CodeWaitsForDN, other)
				result.Freed = true
				return result
			}
			return parked(task, event.CodeWaitsForDN, other)
		})
		start := time.Now()
		r.answer(update("ann", 1))
		r.answer(update("bob", 1))
		synctest.Wait()
		r.wantCode("ann@1", event.CodeApplied)
		r.wantCode("bob@1", event.CodeApplied)
		if time.Since(start) > 0 {
			r.Errorf("it took %s", time.Since(start))
		}
	})
}

// Another process may make objects due, by a retry on the command line; the lane finds them by asking now and then.
func TestARetryOfAnotherProcessIsFound(t *testing.T) {
	inBubble(t, func(r *rig) {
		var mended atomic.Bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if !mended.Load() {
				return processor.Result{Outcome: event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: "object class violation"}}
			}
			return applied(task)
		})
		if o := r.answer(update("ann", 1)); o.State != event.Failed {
			r.Fatalf("answered with %+v", o)
		}
		r.pass(time.Hour)
		if n := len(r.directories[corp].tasks()); n != 1 {
			r.Fatalf("what has failed was tried %d times", n)
		}
		mended.Store(true)
		retry(r, "ann@1")
		r.pass(2 * time.Second)
		r.wantCode("ann@1", event.CodeApplied)
	})
}

func TestWakeLooksAtObjectsNow(t *testing.T) {
	inBubble(t, func(r *rig) {
		var mended atomic.Bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if !mended.Load() {
				return processor.Result{Outcome: event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "too many"}}
			}
			return applied(task)
		})
		r.answer(update("ann", 1))
		mended.Store(true)
		keys := retry(r, "ann@1")
		start := time.Now()
		r.Wake(keys)
		synctest.Wait()
		r.wantCode("ann@1", event.CodeApplied)
		if time.Since(start) > 0 {
			r.Errorf("it took %s", time.Since(start))
		}
	})
}

// A backlog that is longer than what is kept in memory is worked off, each object once.
func TestABacklogStaysOnDiskUntilThereIsRoom(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		dispatch.SetRoom(r.Dispatcher, 8)
		const objects = 100
		var changes []event.Change
		for i := range objects {
			changes = append(changes, update(fmt.Sprint("u", i), 1))
		}
		r.accept(changes...)
		var most atomic.Int64
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			most.Store(max(most.Load(), int64(dispatch.Queued(r.Dispatcher)))) // a near miss of two workers does no harm
			return applied(task)
		})
		r.start()
		if n := len(r.directories[corp].tasks()); n != objects {
			r.Errorf("%d tasks for %d objects", n, objects)
		}
		if most.Load() > 2*8 {
			r.Errorf("%d objects were kept in memory; there is room for 8", most.Load())
		}
	})
}

// A deletion that comes too late takes nothing away in the directory, and what was said before it says nothing any more.
func TestADeletionThatComesWhenTheObjectIsBackIsRemembered(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(update("ann", 30))
		disable := said(event.TypeUserDisable, user("ann"), 10, event.Values{event.FieldStatus: event.StatusDisabled})
		for _, c := range []event.Change{said(event.TypeUserDelete, user("ann"), 20, nil), disable} {
			if o := r.answer(c); o.Code != event.CodeStale {
				r.Errorf("%s is %+v", c.ID, o)
			}
		}
		if n := len(r.directories[corp].tasks()); n != 2 {
			r.Errorf("the directory was written %d times", n)
		}
	})
}
