package processor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/connector"

	"idaas-ldap/plan"
)

// seesHidden reports whether an operation has added values to an attribute that shows none although it has them now: the bind account
// may write it and not read it. Then other values may be there as well, so it is planned anew, to be replaced. An attribute that has
// ever shown a value is not looked at.
func (w *work) seesHidden(ctx context.Context, d draft, op plan.Operation) (bool, error) {
	modify, ok := op.(plan.Modify)
	if !ok || d.current == nil {
		return false, nil
	}
	profile, err := w.target.Profile(ctx)
	if err != nil {
		return false, err //nolint:wrapcheck // It names the directory.
	}
	hidden, err := w.looksHidden(ctx, profile, modify.DN, w.blindlyAdded(profile, d, modify))
	if hidden {
		w.ownAdded(d, modify)
	}
	return hidden, err
}

// ownAdded counts what a modification has added as ours, where we share an attribute with others: nobody can see that it is there.
func (w *work) ownAdded(d draft, modify plan.Modify) {
	comparison := w.comparison()
	after := maps.Clone(w.task.Owned)
	if after == nil {
		after = map[string][]string{}
	}
	for _, m := range modify.Modifications {
		shared := slices.ContainsFunc(d.desired.Rules, func(rule plan.Rule) bool {
			return rule.Authority == plan.Merge && plan.SameDescription(comparison, rule.Attribute, m.Name)
		})
		if !shared || m.Type != plan.AddValues {
			continue
		}
		values := slices.Concat(owned(comparison, after, m.Name), m.Values)
		maps.DeleteFunc(after, func(other string, _ []string) bool { return plan.SameDescription(comparison, other, m.Name) })
		after[strings.ToLower(m.Name)] = values
	}
	w.task.Owned = after
}

// blindlyAdded returns the attributes to which a modification adds, and which showed no value before it. Members are not among
// them: only some are asked about, and whether there are others is not known.
func (w *work) blindlyAdded(profile *connector.Profile, d draft, modify plan.Modify) []string {
	var added []string
	for _, m := range modify.Modifications {
		isMembers := d.desired.Members != nil && plan.SameDescription(profile.Matching, d.desired.Members.Attribute, m.Name)
		if m.Type == plan.AddValues && !isMembers && len(d.current.ValuesOf(profile.Matching, m.Name)) == 0 {
			added = append(added, m.Name)
		}
	}
	return profile.Doubtful(added)
}

// looksHidden reports whether an entry still shows nothing of one of some attributes that have a value.
func (w *work) looksHidden(ctx context.Context, profile *connector.Profile, dn plan.DN, added []string) (bool, error) {
	if len(added) == 0 {
		return false, nil
	}
	entry, err := w.target.Read(ctx, dn, added)
	if err != nil || entry == nil {
		return false, err //nolint:wrapcheck // It names the entry.
	}
	profile.Written(entry, added)
	return slices.ContainsFunc(added, profile.Hidden), nil
}

// foundHidden reports whether a modification may have been refused because of values that cannot be read: it adds what is there, or
// a second value where there may be one.
func (w *work) foundHidden(ctx context.Context, d draft, refused *connector.OutcomeError) (bool, error) {
	if !refused.AboutOneTooMany() {
		return false, nil
	}
	profile, err := w.target.Profile(ctx)
	if err != nil {
		return false, err //nolint:wrapcheck // It names the directory.
	}
	for _, op := range d.plan.Operations {
		modify, ok := op.(plan.Modify)
		if !ok || d.current == nil {
			continue
		}
		added := w.blindlyAdded(profile, d, modify)
		if !refused.SaysItIsThere() {
			added = slices.DeleteFunc(added, func(name string) bool { return !profile.Matching.SingleValued(name) })
		}
		return w.looksHidden(ctx, profile, modify.DN, added)
	}
	return false, nil
}
