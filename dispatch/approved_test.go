package dispatch_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Who has approved what a guard held is in the log beside the DN to which it was done, and on the event afterwards.
func TestAnApprovalNamesItsAuthor(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if !task.Merged.Object.Deleted() {
				return result
			}
			p, err := task.Memory.Permit(ctx, processor.ActDelete, []event.Ref{task.Merged.Object.Ref}, mapping.Limit{Window: time.Hour})
			if err != nil || !p.Granted {
				result.Gone, result.Record = false, task.Record
				result.Outcome = event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: p.Beyond, Act: string(processor.ActDelete)}
			}
			return result
		})
		r.answer(update("ann", 1))
		r.answer(said(event.TypeUserDelete, user("ann"), 2, nil))
		r.wantCode("ann@2", event.CodeGuarded)
		retry(r, "ann@2")
		r.pass(time.Minute)
		r.wantCode("ann@2", event.CodeApplied)
		if !r.log.has("ann@2", "approved_by=somebody", `dn="cn=ann,dc=example,dc=org"`) || r.log.has("ann@1", "approved_by") {
			r.Error("the log does not say who has approved the deletion, and of which entry")
		}
		records, err := r.store.Events(r.Context(), store.Filter{EventID: "ann@2"})
		if err != nil || len(records) != 1 || records[0].ApprovedBy != "somebody" {
			r.Errorf("recorded is %+v: %v", records, err)
		}
	})
}

// A reconcile that has failed is over when whatever comes next brings the object to what it should be.
func TestAFailedReconcileEndsWhenItsCauseIsMended(t *testing.T) {
	inBubble(t, func(r *rig) {
		var broken atomic.Bool
		broken.Store(true)
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if broken.Load() {
				result.Facets = map[event.Facet]event.Outcome{event.FacetAccess: {State: event.Failed, Code: event.CodeRefused, Message: "no"}}
			}
			return result
		})
		r.answer(update("ann", 1))
		ask := func() {
			r.Helper()
			if err := r.store.Ask(r.Context(), event.Millis(time.Now().UnixMilli()), []store.Key{{Directory: corp, Object: user("ann")}}); err != nil {
				r.Fatal(err)
			}
			r.pass(time.Minute)
		}
		own := func() []event.State {
			r.Helper()
			records, err := r.store.Events(r.Context(), store.Filter{Type: event.TypeReconcile})
			if err != nil {
				r.Fatal(err)
			}
			var states []event.State
			for _, e := range records {
				states = append(states, e.Outcome.State)
			}
			return states
		}
		ask()
		r.answer(update("ann", 2))
		if got := own(); !slices.Equal(got, []event.State{event.Failed}) {
			r.Errorf("while the cause is there the reconcile is %v", got)
		}
		broken.Store(false)
		r.answer(update("ann", 3))
		if got := own(); !slices.Equal(got, []event.State{event.Skipped}) {
			r.Errorf("when the cause is mended the reconcile is %v", got)
		}
		ask()
		if got := own(); !slices.Equal(got, []event.State{event.Done, event.Skipped}) {
			r.Errorf("the history of the object is %v", got)
		}
	})
}
