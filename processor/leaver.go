package processor

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// freeLeaver takes a value that the directory wants once from the entry of somebody who has left, so that whoever has the name
// now can have it. The leaver gets it back on coming back, if it is free then. It returns false where the entry is no leaver's, or
// the value is a part of its name.
func (w *work) freeLeaver(ctx context.Context, entry *plan.Entry, attribute string) (freed bool, err error) {
	leaver, _, err := w.task.Memory.Linked(ctx, entry.Link)
	if err != nil || leaver.Zero() || leaver == w.ref() {
		return false, err //nolint:wrapcheck // It names the entry.
	}
	_, record, found, err := w.task.Memory.Lookup(ctx, leaver)
	if err != nil || !found || record.RemovedAt == 0 {
		return false, err //nolint:wrapcheck // It names the object.
	}
	isAttribute := func(name string) bool { return plan.SameDescription(w.comparison(), name, attribute) }
	if slices.ContainsFunc(entry.DN.RDN(), func(ava plan.AVA) bool { return isAttribute(ava.Type) }) {
		return false, nil
	}
	change := plan.Modification{Type: plan.ReplaceValues, Name: attribute}
	if slices.ContainsFunc(w.draft.unique, func(u connector.UniqueAttribute) bool { return isAttribute(u.Name) && u.AnyText }) {
		change.Values = []string{temporaryName(leaver)}
	}
	op := plan.Modify{DN: entry.DN, Modifications: []plan.Modification{change}}
	if err := w.target.Apply(ctx, op); err != nil {
		return false, fmt.Errorf("take %s from %s, who has left: %w", attribute, leaver, err)
	}
	w.result.Operations = append(w.result.Operations, op)
	w.addNote(leaver.String() + ", who has left, gave up the " + attribute)
	return true, nil
}
