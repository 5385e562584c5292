package dispatch_test

import (
	"context"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// The stable id of an entry tells whose it is, wherever the entry is.
func TestWhoseEntryItIs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(said(event.TypeUnitUpdate, unit("lab"), 1, nil))
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			for link, want := range map[string]event.Ref{"link of lab": unit("lab"), "link of nobody": {}, "": {}} {
				ref, dn, err := task.Memory.Linked(ctx, link)
				if err != nil || ref != want || dn.Empty() != want.Zero() {
					t.Errorf("%q is that of %s, remembered at %q: %v", link, ref, dn, err)
				}
			}
			return applied(task)
		})
		r.answer(update("ann", 2))
	})
}

// Who waits for a unit to settle where it is goes on when that is remembered, although the unit waits for something else.
func TestAPlaceThatIsRememberedWakesWhoWaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		settles := false
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref == user("ann") {
				return parked(task, event.CodeRetry, unit("lab"))
			}
			result := parked(task, event.CodeWaitsForObject, unit("never"))
			if settles {
				result.Link, result.DN = "link of lab", plan.MustParseDN("ou=lab,dc=example,dc=org")
				if err := task.Memory.Moved(ctx, result.Link, result.DN, plan.DefaultMatching()); err != nil {
					t.Error(err)
				}
			}
			return result
		})
		r.accept(said(event.TypeUnitUpdate, unit("lab"), 1, nil), update("ann", 1))
		r.pass(0)
		before := len(r.directories[corp].tasksOf(user("ann")))
		settles = true
		r.accept(said(event.TypeUnitUpdate, unit("lab"), 2, nil))
		r.pass(0)
		if looks := len(r.directories[corp].tasksOf(user("ann"))) - before; looks == 0 {
			r.Error("who waits for the unit is not looked at")
		}
	})
}
