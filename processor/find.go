package processor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// identify finds out whether the mapping speaks of the object, and reads the entry that is linked to it.
func identify(ctx context.Context, w *work) verdict {
	w.leaves = w.task.Merged.Object.Deleted()
	if w.ref() == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
		w.end(event.Skipped, event.CodeSwitchedOff, "the root unit is fixed by the mapping (organizational_unit.root)")
		return ended
	}
	if !w.set.Handles(w.ref().Kind) {
		w.end(event.Skipped, event.CodeSwitchedOff, fmt.Sprintf("the mapping has no section for a %s", w.ref().Kind))
		return ended
	}
	var err error
	if w.profile, err = w.target.Profile(ctx); err != nil {
		w.failed(err)
		return ended
	}
	w.result.Matching = w.profile.Matching
	if w.task.Link == "" {
		return w.identifyByID(ctx)
	}
	if w.found, err = w.target.Find(ctx, w.key(w.task.Link, nil)); err != nil {
		w.failed(err)
		return ended
	}
	w.looked = w.found != nil
	if w.found == nil {
		return w.vanished(ctx)
	}
	return proceed
}

// identifyByID finds the entry of a user who may not log in where none is linked: one that bears the id in IDaaS was written for the
// user. So the access can be ended whether or not the mapping can say what the entry should be.
func (w *work) identifyByID(ctx context.Context) verdict {
	object := w.task.Merged.Object
	if !w.isUser() || !object.Exists() || object.Account().Usable(w.task.Now) {
		return proceed
	}
	for _, match := range w.set.ByID(mapping.Input{Object: object}) {
		found, err := w.target.Find(ctx, w.key("", []plan.Match{match}))
		if err == nil && found == nil {
			continue
		}
		var owner event.Ref
		if err == nil {
			owner, err = w.belongsTo(ctx, found)
		}
		if err != nil {
			w.failed(err)
			return w.block()
		}
		if owner.Zero() || owner == w.ref() {
			w.found, w.looked = found, true
			w.task.Link, w.task.DN, w.result.Link, w.result.DN = found.Link, found.DN, found.Link, found.DN
			w.formerly = append(w.formerly, found.DN)
		}
		return proceed
	}
	return proceed
}

// key is how the entry of the object is asked for.
func (w *work) key(link string, match []plan.Match) plan.Key {
	return plan.Key{
		Link: link, Base: w.set.Base(), Match: match,
		Attributes: slices.Concat(w.set.Attributes(w.ref().Kind), w.profile.Flavour.StatusAttributes(), plan.ProtectedBy(), loginNames()),
	}
}

// loginNames are the attributes by which Active Directory knows an account that logs in.
func loginNames() []string { return []string{"userPrincipalName", "sAMAccountName"} }

// find returns the entry of the object, nil for none: the one that is linked to it, or the first that a match rule finds.
func (w *work) find(ctx context.Context, match []plan.Match) (*plan.Entry, error) {
	if w.looked {
		return w.found, nil
	}
	if len(match) > 0 {
		found, err := w.target.Find(ctx, w.key("", match))
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the filter.
		}
		if found != nil {
			w.found, w.by = found, &match[found.Rule]
		}
	}
	w.looked = true
	return w.found, nil
}

// recognise looks for the entry by the match rules where none is linked, and decides whether the work can go on with the one that
// is found, or with none.
func recognise(ctx context.Context, w *work) verdict {
	if w.blocked {
		return proceed
	}
	d := &w.draft
	var err error
	if d.current, err = w.find(ctx, d.desired.Match); err != nil {
		w.failed(err)
		return w.block()
	}
	switch {
	case d.current != nil && w.by != nil:
		return w.blockedUnless(w.mayLink(ctx, d.current))
	case d.current != nil:
		return proceed
	case d.desired.Removal != nil:
		return w.isProvenGone(ctx)
	}
	if !w.mayMake() {
		return w.block()
	}
	return w.blockedUnless(w.remake(ctx))
}

// mayMake decides whether enough is known to make an entry.
func (w *work) mayMake() bool {
	object := w.task.Merged.Object
	switch {
	case len(w.failures) > 0:
		return w.failed(w.failures[0])
	case !object.Exists():
		w.wait(event.CodeWaitsForRecord, fmt.Sprintf("%s is not known yet and no entry matches; waits for its record", object.Ref))
		return false
	case w.draft.desired.DN.Empty():
		w.wait(event.CodeWaitsForRecord, fmt.Sprintf("waits for more of the record of %s: %s was never said, and the DN needs it", object.Ref, strings.Join(w.draft.missing, ", ")))
		return false
	}
	return true
}
