package dispatch_test

import (
	"context"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Who works on a directory again asks where units are by now: somebody else may have moved them meanwhile.
func TestUnitsAreLookedUpAnewWithANewLease(t *testing.T) {
	inBubbleOfTwo(t, func(one, two *rig) {
		sales, at := unit("sales"), plan.DN{}
		place := func(r *rig, dn string) {
			r.script(func(ctx context.Context, task processor.Task) processor.Result {
				result := applied(task)
				if task.Merged.Object.Ref == sales {
					result.DN = plan.MustParseDN(dn)
				} else if _, record, _, err := task.Memory.Lookup(ctx, sales); err == nil {
					at = record.DN
				}
				return result
			})
		}
		moves := func(r *rig, to string, when int64) {
			t.Helper()
			place(r, to)
			for _, c := range []event.Change{said(event.TypeUnitUpdate, sales, when, event.Values{event.FieldName: to}), update("ann", when)} {
				if o := r.answer(c); o.State != event.Done {
					t.Fatalf("%s is answered with %+v", c.ID, o)
				}
			}
			if at.String() != to {
				t.Errorf("the unit is looked for at %s; it is at %s", at, to)
			}
		}
		moves(one, "ou=sales,dc=example,dc=org", 1)
		one.instance().freeze(true)
		two.pass(15 * time.Second)
		moves(two, "ou=retail,dc=example,dc=org", 2)
		one.instance().freeze(false)
		two.stop()
		one.pass(time.Second)
		if o := one.answer(update("bob", 3)); o.State != event.Done || at.String() != "ou=retail,dc=example,dc=org" {
			t.Errorf("%+v; the unit is looked for at %s, where it was before", o, at)
		}
		two.start()
	})
}
