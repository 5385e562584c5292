package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// shutOut ends the access of a user who is gone or has left the scope, where the entry could not be removed: the login is
// barred and nothing refers to the entry any more. A guard that holds the removal holds this as well.
func shutOut(ctx context.Context, w *work) verdict {
	if !w.blocked || !w.isUser() || !w.leaves || w.isGuarded() || !w.ours(w.found) {
		return proceed
	}
	if removal := w.draft.desired.Removal; removal != nil && removal.Action == plan.RemoveKeep {
		return proceed
	}
	before := w.result.Outcome
	account, _ := w.set.Account(mapping.Input{Object: w.task.Merged.Object})
	account.State.Disabled, account.State.StatusSeen = true, true
	account.Disable = barring(account.Disable)
	d := draft{current: w.found, desired: plan.Desired{Object: w.ref(), Base: w.set.Base(), Account: &account}}
	problem := w.express(&d)
	if problem == "" {
		d.desired.DN = nil
		if v := w.bar(ctx, d); v != proceed {
			return v
		}
		problem = w.note
	}
	w.note = problem
	w.left, w.result.Left = true, true
	w.formerly = append(w.formerly, w.found.DN)
	w.result.DN = w.found.DN
	if err := w.follow(ctx); err != nil {
		w.failed(err)
		return ended
	}
	if w.result.RemovedAt == 0 {
		w.result.RemovedAt = w.task.Now
	}
	w.result.Outcome = before
	w.result.Outcome.Message += "; until then the login is ended, and the entry is in no group"
	if w.note != "" {
		w.result.Outcome.Message += ", but: " + w.note
	}
	return proceed
}

// barring returns the means by which a user is kept out who is gone: those of the mapping, or the server's own where the mapping has
// none, or only a place, which is not for those who are gone.
func barring(disable plan.Means) plan.Means {
	if len(disable.On) == 0 {
		disable.Auto, disable.IfAny = true, false
	}
	return disable
}

// readmitting returns the means that let a user in again who was gone: whatever kept the user out. A server without any has kept
// nobody out.
func readmitting(disable plan.Means) plan.Means {
	disable = barring(disable)
	disable.IfAny = true
	return disable
}

// bar writes what keeps the user out. What the server refuses of it is noted.
func (w *work) bar(ctx context.Context, d draft) verdict {
	built, err := plan.Build(d.current, d.desired, plan.Policy{Matching: w.profile.Matching, Hidden: w.profile.Hidden})
	if err != nil {
		w.note = err.Error()
		return proceed
	}
	for _, op := range built.Operations {
		err := w.target.Apply(ctx, op)
		var outcome *connector.OutcomeError
		switch {
		case err == nil:
			w.wrote(op)
		case errors.As(err, &outcome) && (outcome.Kind == connector.KindConflict || outcome.Kind == connector.KindAlreadySo ||
			outcome.Kind == connector.KindElsewhere || outcome.InDoubt):
			return lookAgain
		case outcomeOf(err).Code == event.CodeUnavailable:
			w.failed(err)
			return ended
		default:
			w.note = err.Error()
		}
	}
	return proceed
}

// purge turns a removal that keeps the entry into one that deletes it, where the entry has been among the leavers for long
// enough. One that somebody took out of there is not deleted: it goes back, and its time begins anew.
func (w *work) purge(desired *plan.Desired, current *plan.Entry) {
	removal := desired.Removal
	if removal != nil && !w.nameTaken {
		removal.Rename = nil
	}
	if removal == nil || removal.PurgeAfter <= 0 || w.task.RemovedAt == 0 {
		return
	}
	at := purgeAt(w.task.RemovedAt, removal)
	switch {
	case at > w.task.Now:
		w.result.PurgeAt = at
	case current != nil && plan.Below(w.comparison(), current.DN, removal.MoveTo):
		purge := removal.Purge()
		desired.Removal = &purge
	}
}

// keep notes since when the entry of an object that is gone is kept, after it was written.
func (w *work) keep(d draft) {
	removal := d.desired.Removal
	w.result.PurgeAt = 0
	switch {
	case removal == nil, w.result.Gone, removal.Action == plan.RemoveKeep:
		w.result.RemovedAt = 0
		return
	case w.task.RemovedAt == 0, d.moves():
		w.result.RemovedAt = w.task.Now
	}
	if removal.Action == plan.RemoveMove && removal.PurgeAfter > 0 {
		w.result.PurgeAt = purgeAt(w.result.RemovedAt, removal)
	}
}

func purgeAt(removed event.Millis, removal *plan.Removal) event.Millis {
	return removed + event.Millis(removal.PurgeAfter.Milliseconds())
}

// emptyWithin is how long a unit that is to be deleted may take to become empty before the deletion counts as failed.
const emptyWithin = 24 * time.Hour

// childrenNamed is how many entries a message about a unit that is not empty names, and waits for.
const childrenNamed = 5

func (w *work) notEmpty(ctx context.Context, d draft) (again bool) {
	children, _, err := w.target.FirstChildren(ctx, d.current.DN, childrenNamed)
	if err != nil {
		return w.failed(err)
	}
	if len(children) == 0 && !w.sawEmpty {
		w.sawEmpty = true // what was below may have gone at this moment
		return true
	}
	if len(children) == 0 {
		w.waitForEmpty(d, fmt.Sprintf("%s is to be deleted, and the server says that there are entries below it, which the bind account may not see: give it the right "+
			"to read them, or delete them", d.current.DN))
		return false
	}
	names := ""
	for _, child := range children {
		names += " " + child.RDN().String()
		holder, err := w.holder(ctx, child)
		if err != nil {
			return w.failed(err)
		}
		if !holder.Zero() {
			w.result.WaitsFor = append(w.result.WaitsFor, holder)
			continue
		}
		// Nobody would say when it goes. If it was ours and has gone meanwhile, that has been said already.
		still, err := w.target.Read(ctx, child, []string{"objectClass"})
		if err != nil {
			return w.failed(err)
		}
		if still == nil {
			w.result.WaitsFor = nil
			return true
		}
	}
	w.waitForEmpty(d, fmt.Sprintf("%s is to be deleted and still holds entries, among them%s", d.current.DN, names))
	return false
}

// waitForEmpty waits until nothing is below an entry, or fails where the mapping says so, or after a day.
func (w *work) waitForEmpty(d draft, message string) {
	since := w.task.Merged.Object.Existence.At.Event
	if d.desired.Removal.FailNotEmpty || w.task.Now-since > event.Millis(emptyWithin.Milliseconds()) {
		w.end(event.Failed, event.CodeNotEmpty, message+". Move or delete them and retry")
		w.result.WaitsFor = nil
		return
	}
	w.wait(event.CodeWaitsForEmpty, message)
}
