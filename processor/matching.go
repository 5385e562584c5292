package processor

import (
	"context"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// matching returns how the directory compares names and values. Where it cannot be asked, what is one everywhere is one.
func (w *work) matching(ctx context.Context) plan.Matching {
	profile, err := w.target.Profile(ctx)
	if err != nil {
		return plan.DefaultMatching()
	}
	return profile.Matching
}

// holder returns the object that is remembered at a DN.
func (w *work) holder(ctx context.Context, dn plan.DN) (event.Ref, error) {
	return w.task.Memory.Holder(ctx, dn, w.matching(ctx)) //nolint:wrapcheck // It names the DN.
}

// rememberedBelow returns where the entries of objects below a DN are remembered to be.
func (w *work) rememberedBelow(ctx context.Context, dn plan.DN) ([]plan.DN, error) {
	return w.task.Memory.Below(ctx, dn, w.matching(ctx)) //nolint:wrapcheck // It names the DN.
}
