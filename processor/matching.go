package processor

import (
	"context"
	"strings"

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

// comparison is matching for where the directory was asked already in this round, or need not be.
func (w *work) comparison() plan.Matching {
	if w.profile == nil {
		return plan.DefaultMatching()
	}
	return w.profile.Matching
}

// pool returns the name of what is given out of an attribute, the same by whatever name the mapping calls that. It is a name and no
// object identifier, so that it stays the same where the directory does not show its schema for a while.
func (w *work) pool(attribute string) string {
	if schema := w.profile.Schema; schema != nil {
		if known, ok := schema.Attribute(attribute); ok && len(known.Names) > 0 {
			return strings.ToLower(known.Names[0])
		}
	}
	return plan.AttributeKey(attribute)
}

// owned returns the values that are ours of an attribute that we share with others, by whatever name of it they are remembered.
func owned(m plan.Matching, remembered map[string][]string, attribute string) []string {
	for name, values := range remembered {
		if plan.SameDescription(m, name, attribute) {
			return values
		}
	}
	return nil
}

// holder returns the object that is remembered at a DN.
func (w *work) holder(ctx context.Context, dn plan.DN) (event.Ref, error) {
	return w.task.Memory.Holder(ctx, dn, w.matching(ctx)) //nolint:wrapcheck // It names the DN.
}

// rememberedBelow returns where the entries of objects below a DN are remembered to be.
func (w *work) rememberedBelow(ctx context.Context, dn plan.DN) ([]plan.DN, error) {
	return w.task.Memory.Below(ctx, dn, w.matching(ctx)) //nolint:wrapcheck // It names the DN.
}
