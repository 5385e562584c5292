package processor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/plan"
)

// bringAlong does what follows a written entry: its link is read, and what refers to it is brought along where the server has
// not done so itself.
func bringAlong(ctx context.Context, w *work) verdict {
	d := w.draft
	if w.blocked {
		return proceed
	}
	w.result.DN = d.plan.DN
	w.result.Gone = d.plan.DN.Empty()
	w.left = w.result.Gone || d.desired.Removal != nil && d.desired.Removal.Action != plan.RemoveKeep
	w.keep(d)
	if again, err := w.readLink(ctx, d); again || err != nil {
		return w.once(err == nil || w.failed(err))
	}
	if err := w.follow(ctx); err != nil {
		w.failed(err)
		return w.block()
	}
	if d.current == nil && !w.result.Gone && (w.remakes || slices.Contains(w.open, w.ref())) {
		w.task.Link, w.task.DN = w.result.Link, w.result.DN
		return lookAgain // it has its name of before, or refers to itself, which it could not before it was there
	}
	switch {
	case w.result.Gone:
		w.result.Link, w.result.Owned = "", nil
	case w.task.Link == "" && w.isUser():
		// What is still to be done for the user is done to this entry.
		w.task.Link, w.task.DN = w.result.Link, w.result.DN
	}
	return proceed
}

// readLink finds out the stable id of the entry. It asks for another look where the entry is there no more.
func (w *work) readLink(ctx context.Context, d draft) (again bool, err error) {
	switch {
	case w.result.Gone:
		if d.movesChildren() {
			w.result.ChildrenAt = d.current.DN.Parent()
		}
		return false, nil
	case d.current != nil:
		w.result.Owned, w.result.Link = ownedAfter(w.comparison(), w.task.Owned, d.desired), d.current.Link
		return false, nil
	}
	entry, err := w.target.ReadNew(ctx, d.plan.DN, w.key("", d.desired.Match))
	if err != nil || entry == nil {
		return err == nil, err //nolint:wrapcheck // It names the entry.
	}
	w.result.Owned, w.result.Link = ownedAfter(w.comparison(), w.task.Owned, d.desired), entry.Link
	return false, nil
}

// verifyMembers makes sure that what was written names the right entries, and that no placeholder is left in a group with
// members.
func verifyMembers(ctx context.Context, w *work) verdict {
	if w.blocked {
		return ended
	}
	if err := w.dropPlaceholder(ctx, w.draft); err != nil {
		w.failed(err)
		return ended
	}
	if err := w.verify(ctx, w.draft); err != nil {
		w.failed(err)
		return ended
	}
	if err := w.dropFormer(ctx); err != nil {
		w.failed(err)
	}
	return ended
}

// ownedAfter returns the values that are ours after a write, for attributes that we share with others. Where the mapping says
// nothing of an attribute now, what was ours in it still is.
func ownedAfter(m plan.Matching, before map[string][]string, desired plan.Desired) map[string][]string {
	owned := maps.Clone(before)
	for _, rule := range desired.Rules {
		name := strings.ToLower(rule.Attribute)
		maps.DeleteFunc(owned, func(other string, _ []string) bool { return plan.SameDescription(m, other, name) })
		if rule.Authority == plan.Merge && len(rule.Values) > 0 {
			if owned == nil {
				owned = map[string][]string{}
			}
			owned[name] = rule.Values
		}
	}
	return owned
}
