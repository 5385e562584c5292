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
	"idaas-ldap/store"
)

// One clock that is wrong does not make every later word old.
func TestATimeThatLiesAheadCountsAsThatOfTheReceipt(t *testing.T) {
	inBubble(t, func(r *rig) {
		ahead := update("ann", 1)
		ahead.ID, ahead.Stamp = "ahead", event.Stamp{Event: 4_102_444_800_000, Update: 4_102_444_800_000}
		r.answer(ahead)
		if !r.log.has("ahead", "eventTime=\"2100-01-01", "compare the clocks") {
			r.Error("the log does not say so")
		}
		r.pass(time.Second)
		if o := r.answer(update("ann", 2001)); o.Code != event.CodeApplied {
			r.Errorf("a second later an event is %+v", o)
		}
		timeless := update("bob", 1)
		timeless.Stamp = event.Stamp{}
		if o := r.answer(timeless); o.Code != event.CodeApplied {
			r.Errorf("an event that does not say when it happened is %+v", o)
		}
		if r.log.has("bob", "compare the clocks") {
			r.Error("the log complains of a time that nobody has said")
		}
	})
}

func TestWhatCannotBeReadIsNamedInTheLog(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := update("ann", 1)
		c.Unread = []string{"email is not text", "customFields is no JSON"}
		if o := r.answer(c); o.Code != event.CodeApplied {
			r.Errorf("the rest is %+v", o)
		}
		if !r.log.has("email is not text; customFields is no JSON", "ann@1", app) {
			r.Error("the log does not say so")
		}
	})
}

// Two applications may give the same id to different events; each is told what became of its own.
func TestOutcomesAreToldToTheApplicationOfTheEvent(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref == user("bob") {
				return processor.Result{Outcome: event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: "object class violation"}}
			}
			return applied(task)
		})
		r.stop()
		mine, theirs := update("ann", 1), update("bob", 1)
		theirs.ID = mine.ID
		first := r.accept(mine)
		second, err := r.Accept(r.Context(), "app_other", "idaas_other", []event.Change{theirs})
		if err != nil {
			r.Fatal(err)
		}
		r.start()
		if got := []event.Code{r.await(first)[0].Code, r.await(second)[0].Code}; got[0] != event.CodeApplied || got[1] != event.CodeRefused {
			r.Errorf("answered with %v", got)
		}
	})
}

// What one instance of IDaaS has brought no application of another one changes.
func TestAnObjectBelongsToTheInstanceThatBroughtIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		ticket, err := r.Accept(r.Context(), "app_other", "idaas_other", []event.Change{said(event.TypeUserDelete, user("ann"), 2, nil), update("bob", 2)})
		if err != nil {
			r.Fatal(err)
		}
		outcomes := r.await(ticket)
		if o := outcomes[0]; o.State != event.Skipped || o.Code != event.CodeOtherInstance || outcomes[1].Code != event.CodeApplied {
			r.Errorf("answered with %+v", outcomes)
		}
		if !r.log.has("event not applied", "idaas_other", "OTHER_INSTANCE", "ann@2") {
			r.Error("the log does not say so")
		}
		r.pass(time.Hour)
		if n := len(r.directories[corp].tasksOf(user("ann"))); n != 1 || r.seen.settled[event.CodeOtherInstance] != 1 {
			r.Errorf("%d tasks, counted %v", n, r.seen.settled)
		}
	})
}

// A hint may name several users; all of them are looked at.
func TestAHintLooksAtEverybodyWhomItNames(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(update("bob", 1))
		hint := event.Change{
			ID: "hint", Type: event.TypeUnitAddUser, Object: user("ann"), Others: []event.Ref{user("bob"), user("nobody")}, Stamp: event.Stamp{Event: 946_684_799_005},
		}
		if o := r.answer(hint); o.Code != event.CodeApplied {
			r.Errorf("the hint is %+v", o)
		}
		synctest.Wait()
		for _, ref := range []event.Ref{user("ann"), user("bob")} {
			if n := len(r.directories[corp].tasksOf(ref)); n != 2 {
				r.Errorf("%s was worked on %d times", ref, n)
			}
		}
	})
}

// An older try that ends afterwards does not take from a new event that it is tried at once, and with short pauses.
func TestANewEventIsANewReasonToTry(t *testing.T) {
	inBubble(t, func(r *rig) {
		var goOn chan struct{}
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if goOn != nil {
				<-goOn
			}
			return parked(task, event.CodeRetry)
		})
		r.answer(update("ann", 1))
		r.pass(6 * time.Hour) // the pauses are at their longest
		tries := func() int { return len(r.directories[corp].tasks()) }
		goOn = make(chan struct{})
		for before := tries(); tries() == before; {
			r.pass(time.Second)
		}
		r.accept(update("ann", 2))
		before := tries()
		close(goOn)
		synctest.Wait()
		if n := tries() - before; n != 1 {
			r.Errorf("the new event was tried %d times at once", n)
		}
		r.pass(4 * time.Second)
		if n := tries() - before; n < 3 {
			r.Errorf("within 4 s the new event was tried %d times", n)
		}
	})
}

// Where somebody can log in who may not, the pauses stay short, however often it was tried in vain.
func TestAccessThatIsToEndIsTriedOften(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := parked(task, event.CodeRetry)
			result.AccessOwed = true
			return result
		})
		r.answer(update("ann", 1))
		r.pass(6 * time.Hour)
		before := len(r.directories[corp].tasks())
		r.pass(time.Minute)
		if n := len(r.directories[corp].tasks()) - before; n < 3 {
			r.Errorf("within a minute it was tried %d times", n)
		}
	})
}

// What another process makes due is seen soon although there is never a quiet moment.
func TestWorkOfAnotherProcessIsSeenWhileEventsFlow(t *testing.T) {
	inBubble(t, func(r *rig) {
		var mended atomic.Bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref == user("ann") && !mended.Load() {
				return processor.Result{Outcome: event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: "object class violation"}}
			}
			return applied(task)
		})
		r.answer(update("ann", 1))
		mended.Store(true)
		retry(r, "ann@1")
		for i := range 20 {
			r.accept(update(fmt.Sprint("other", i), 1))
			r.pass(100 * time.Millisecond)
		}
		r.wantCode("ann@1", event.CodeApplied)
	})
}

// There is never no room for who is to be looked at again, nor for whom a task touches: nobody else may know of it.
func TestAWishIsNotLostWhereThereIsNoRoom(t *testing.T) {
	inBubbleOf(t, []dispatch.Route{{Directory: corp, Workers: 1, PasswordSync: true}}, func(r *rig) {
		r.answer(update("carl", 1))
		r.stop()
		dispatch.SetRoom(r.Dispatcher, 1)
		goOn := make(chan struct{})
		var touched atomic.Bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if task.Merged.Object.Ref == user("ann") {
				<-goOn
				if touched.CompareAndSwap(false, true) {
					result.Touch = []event.Ref{user("carl")}
				}
			}
			return result
		})
		r.start()
		r.accept(update("ann", 1))
		synctest.Wait()
		r.Wake([]store.Key{{Directory: corp, Object: user("ann")}})
		r.accept(update("bob", 1))
		close(goOn)
		r.pass(time.Second)
		for ref, want := range map[event.Ref]int{user("ann"): 2, user("bob"): 1} {
			if n := len(r.directories[corp].tasksOf(ref)); n != want {
				r.Errorf("%s was worked on %d times, want %d", ref, n, want)
			}
		}
		if n := len(r.directories[corp].tasksOf(user("carl"))); n < 2 {
			r.Errorf("who was touched was worked on %d times", n)
		}
	})
}
