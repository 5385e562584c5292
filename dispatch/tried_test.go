package dispatch_test

import (
	"context"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
)

// Whoever has the lease next tells the processor what whoever had it before may have made, without a trace: that is known of a deletion, and of
// nothing else.
func TestWhatMayHaveBeenTriedBeforeIsTold(t *testing.T) {
	inBubble(t, func(r *rig) {
		waits := func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeRetry) }
		r.script(waits)
		r.accept(update("ann", 1))
		r.accept(update("bob", 1))
		r.pass(0)
		r.stop() // as if it had been killed in the middle of either
		r.configure(r.routes())
		r.start()
		r.script(waits)
		r.accept(said(event.TypeUserDelete, user("ann"), 2, nil))
		r.accept(update("bob", 2))
		r.accept(update("cec", 1))
		r.accept(said(event.TypeUserDelete, user("cec"), 2, nil))
		r.pass(0)
		told := map[string]event.Object{}
		for _, c := range r.directories[corp].tasks() {
			if _, before := told[c.object.ID]; c.task.Merged.Object.Deleted() && !before {
				told[c.object.ID] = c.task.Tried
			}
		}
		if ann := told["ann"]; !ann.Exists() || ann.Facts[event.FieldUsername].Value != "ann 1" {
			t.Errorf("of ann it tells %+v", ann)
		}
		if cec, isTold := told["cec"]; !isTold || !cec.Ref.Zero() {
			t.Errorf("of cec, who came later, it tells %+v", cec)
		}
		if bob := r.directories[corp].tasksOf(user("bob")); !bob[len(bob)-1].task.Tried.Ref.Zero() {
			t.Errorf("of bob, who is not deleted, it tells %+v", bob[len(bob)-1].task.Tried)
		}
	})
}

// What waits for an entry to be empty was not deleted, also where it is held afterwards as nothing of it is to be seen.
func TestADeletionThatWaitsWasNotMade(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			return parked(task, event.CodeWaitsForEmpty)
		})
		r.answer(said(event.TypeUserDelete, user("ann"), 2, nil))
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := processor.Result{Record: task.Record}
			result.Outcome = event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "not to be seen", Act: string(processor.ActVanish)}
			return result
		})
		r.pass(20 * time.Minute)
		r.script(nil)
		r.pass(20 * time.Minute)
		tasks := r.directories[corp].tasksOf(user("ann"))
		var remained []bool
		for _, c := range tasks {
			remained = append(remained, c.task.Remained)
		}
		if n := len(remained); n < 4 || remained[0] || remained[1] || !remained[2] || !remained[n-1] {
			t.Errorf("that the entry remained is told as %v", remained)
		}
	})
}
