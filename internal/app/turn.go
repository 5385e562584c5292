package app

import (
	"context"

	"idaas-ldap/dispatch"
	"idaas-ldap/store"
)

// turn is what one of several instances does at a time: it has the lease of that name.
type turn struct {
	name  string
	store store.Store
	clock dispatch.Clock
	lease store.Lease
	// drained reports whether nothing is begun any more.
	drained func() bool
}

// leads takes the lease where nobody has it, and reports whether it is ours.
func (t *turn) leads(ctx context.Context) bool {
	if t.drained() {
		t.end(ctx)
		return false
	}
	if t.lease != nil {
		if ends := t.lease.Ends(); ends.IsZero() || t.clock.Now().Before(ends) {
			return true
		}
		t.end(ctx)
	}
	lease, err := t.store.Lease(ctx, t.name)
	if err != nil {
		return false // and asked for again; what is wrong with the store is said by those who work with it
	}
	t.lease = lease
	return true
}

// rounds is where a round writes down how far it is, for as long as it is ours.
func (t *turn) rounds() store.Rounds {
	if t.lease != nil {
		if fenced := t.lease.Store(); fenced != nil {
			return fenced
		}
	}
	return t.store
}

// end gives the lease up.
func (t *turn) end(ctx context.Context) {
	if t.lease != nil {
		_ = t.lease.Release(context.WithoutCancel(ctx)) // else it ends by itself
		t.lease = nil
	}
}
