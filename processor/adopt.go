package processor

import (
	"context"
	"fmt"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// mayLink decides whether an entry that a match rule has found may become ours. The rule that asks for the id in IDaaS finds what was
// written for the object before. Anything else was made by somebody else: it takes a rule that adopts, and an entry that belongs to
// nobody and is not protected.
func (w *work) mayLink(ctx context.Context, current *plan.Entry) bool {
	belongs, err := w.belongsTo(ctx, current)
	if err != nil {
		return w.failed(err)
	}
	switch {
	case !belongs.Zero() && belongs != w.ref():
		w.wait(event.CodeWaitsForDN, fmt.Sprintf("the entry %s matches %s and belongs to %s", current.DN, w.ref(), belongs), belongs)
		return false
	case belongs == w.ref() || w.by.ByID || w.ours(current):
		return true
	case w.leaves:
		// What is not ours is not removed either.
		w.end(event.Done, event.CodeUnchanged, "there is no entry of ours")
		return false
	}
	return w.mayAdopt(ctx, current)
}

// belongsTo returns the object whose entry this is, also of one who has left; the zero reference if it is nobody's.
func (w *work) belongsTo(ctx context.Context, current *plan.Entry) (event.Ref, error) {
	owner, _, err := w.task.Memory.Linked(ctx, current.Link)
	if err != nil || !owner.Zero() {
		return owner, err //nolint:wrapcheck // It names the entry.
	}
	return w.holder(ctx, current.DN) //nolint:wrapcheck // It names the DN.
}

// mayAdopt decides whether an entry that somebody else has made may be taken over.
func (w *work) mayAdopt(ctx context.Context, current *plan.Entry) bool {
	kind := w.ref().Kind
	refuse := func(format string, args ...any) bool {
		w.wait(event.CodeDNTaken, fmt.Sprintf("%s matches %s and is not ours: ", current.DN, w.ref())+fmt.Sprintf(format, args...))
		return false
	}
	if !w.by.Adopt {
		return refuse("the match rule that finds it does not adopt; rename or delete the entry, or add adopt: true to the rule")
	}
	switch reason, err := w.protects(ctx, current); {
	case err != nil:
		return w.failed(err)
	case reason != "":
		return refuse("it is protected by %s, and never taken over", reason)
	}
	if !w.set.MayAdopt(w.comparison(), kind, current.DN) {
		return refuse("it is not where the mapping may take entries over (%s.adopt_below)", kind)
	}
	held := w.asks(ctx, ActAdopt, []event.Ref{w.ref()}, w.set.Guards().Adoptions, fmt.Sprintf("%s would be taken over for %s", current.DN, w.ref()))
	if held != nil {
		w.result.Outcome = *held
		return false
	}
	w.adopts = true
	return true
}

// protects returns what protects an entry from being taken over; empty where nothing does. Whether the entry passes a filter of the
// mapping is what the directory says, by its own schema.
func (w *work) protects(ctx context.Context, current *plan.Entry) (reason string, err error) {
	protect := w.set.Protect()
	if reason = plan.Protected(current); reason != "" {
		return reason, nil
	}
	if isLogin(w.comparison(), w.profile.Login, current) {
		return "its being the account that this service logs in with", nil
	}
	if reason = protect.Place(w.comparison(), current.DN); reason != "" {
		return reason, nil
	}
	for _, filter := range protect.Filters {
		found, err := w.target.Find(ctx, plan.Key{Base: current.DN, Only: true, Match: []plan.Match{{Filter: filter}}})
		switch {
		case err != nil:
			return "", fmt.Errorf("ask whether %s is protected by the filter %s: %w", current.DN, filter, err)
		case found != nil:
			return "the filter " + filter, nil
		}
	}
	return "", nil
}

// isLogin reports whether an entry is that of the account with this login name: a DN or, on Active Directory, a principal name or
// a name behind that of its domain.
func isLogin(m plan.Matching, login string, entry *plan.Entry) bool {
	if dn, err := plan.ParseDN(login); err == nil && !dn.Empty() {
		return plan.SameDN(m, dn, entry.DN)
	}
	account := connector.AccountName(login)
	return account != "" && (strings.EqualFold(entry.Value("userPrincipalName"), login) || strings.EqualFold(entry.Value("sAMAccountName"), account))
}

// hiddenAbove returns the uppermost object above the place where the entry was that is not to be seen either, the zero reference if
// there is none. What is below an entry that should be there and that nobody sees is not proven to be gone; what was below one that
// is deleted is.
func (w *work) hiddenAbove(ctx context.Context) (event.Ref, error) {
	var hidden event.Ref
	for above := w.task.DN.Parent(); plan.Below(w.comparison(), above, w.set.Base()); above = above.Parent() {
		there, err := w.target.Read(ctx, above, nil)
		if err != nil || there != nil {
			return hidden, err //nolint:wrapcheck // It names the entry.
		}
		if hidden, err = w.holder(ctx, above); err != nil {
			return hidden, err
		}
	}
	return hidden, nil
}

// vanished asks the guard where an entry that is linked to the object is gone. Many that are gone at once are a server that does not
// show them, and no news.
func (w *work) vanished(ctx context.Context) verdict {
	if w.leaves {
		if v := w.seesPlaces(ctx); v != proceed {
			return v
		}
	}
	switch above, err := w.hiddenAbove(ctx); {
	case err != nil:
		w.failed(err)
		return ended
	case !above.Zero():
		w.leavesUnseen(ctx)
		w.result.Touch = append(w.result.Touch, above)
		w.wait(event.CodeWaitsForObject, fmt.Sprintf("neither the entry of %s nor that of %s above it is to be seen; that one is put back first, or shown again", w.ref(), above), above)
		return ended
	}
	known, err := w.mayVanish(ctx, w.ref())
	switch {
	case err != nil:
		w.failed(err)
		return ended
	case !known.Granted:
		w.leavesUnseen(ctx)
		w.result.Outcome = *w.hold(ActVanish, known, fmt.Sprintf("the entry of %s, which was at %s, is not there, and so are those of others: the server may hide entries "+
			"from the bind account, be an empty or lagging replica, or another server than before", w.ref(), w.task.DN))
		return ended
	}
	return proceed
}

// leavesUnseen finds out whether a user whose entry is not to be seen has left the scope of the mapping, which is not asked for anything else
// then: whose access is to be ended is looked for more often.
func (w *work) leavesUnseen(ctx context.Context) {
	if object := w.task.Merged.Object; w.isUser() && object.Exists() {
		outside, err := w.outOfScope(ctx, object)
		w.leaves = w.leaves || err == nil && outside // where it cannot be told it is as before
	}
}

// mayVanish asks the guard whether the entry of an object that is not seen may be taken for gone. What we have deleted ourselves within the
// window, with the unit above it perhaps, has not vanished: a limit of nothing grants only what was granted before. That a person has
// approved a deletion does not say that it was made, nor does one that was granted where the entry was still there afterwards.
func (w *work) mayVanish(ctx context.Context, ref event.Ref) (Permission, error) {
	guards, objects := w.set.Guards(), []event.Ref{ref}
	if ref != w.ref() || !w.task.Remained {
		known, err := w.task.Memory.Permit(ctx, ActDelete, objects, mapping.Limit{Window: guards.Deletes.Window})
		if err != nil || known.Granted && !known.Approved {
			return known, err //nolint:wrapcheck // It names the guard.
		}
	}
	return w.task.Memory.Permit(ctx, ActVanish, objects, guards.Vanished) //nolint:wrapcheck // As above.
}

// isGone reports whether the entry of another object, which is not seen, is gone from where it should be: the entry above that is seen, and
// the guard lets it go.
func (w *work) isGone(ctx context.Context, ref event.Ref, at plan.DN) (bool, error) {
	above, err := w.target.Read(ctx, at.Parent(), nil)
	if err != nil || above == nil {
		return false, err //nolint:wrapcheck // It names the entry.
	}
	permission, err := w.mayVanish(ctx, ref)
	return permission.Granted, err
}
