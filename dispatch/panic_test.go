package dispatch_test

import (
	"context"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// A fault of the program that one object meets fails the events of that object; others are worked on, and a retry finds the object
// as it was.
func TestAPanicFailsTheOneObject(t *testing.T) {
	inBubble(t, func(r *rig) {
		broken := true
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref.ID == "u1" && broken {
				panic("index out of range with c4n4ry")
			}
			return processor.Result{Outcome: event.Outcome{State: event.Done, Code: event.CodeApplied}, Record: plan.Record{Link: "link"}}
		})
		o := r.answer(update("u1", 1))
		if o.State != event.Failed || o.Code != event.CodeInternal || strings.Contains(o.Message, "c4n4ry") {
			r.Errorf("the event is answered with %+v", o)
		}
		if o := r.answer(update("u2", 1)); o.Code != event.CodeApplied {
			r.Errorf("the next object is answered with %+v", o)
		}
		broken = false
		records, err := r.store.Retry(r.Context(), event.Millis(1), "me", []int64{1})
		if err != nil || len(records) != 1 {
			r.Fatalf("%v %v", records, err)
		}
		r.Wake(records)
		r.pass(0)
		r.wantCode("u1@1", event.CodeApplied)
	})
}
