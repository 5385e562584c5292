package dispatch_test

import (
	"context"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/event"
)

// The stable id of an entry tells whose it is, wherever the entry is.
func TestWhoseEntryItIs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(said(event.TypeUnitUpdate, unit("lab"), 1, nil))
		r.script(func(ctx context.Context, task connector.Task) connector.Result {
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
