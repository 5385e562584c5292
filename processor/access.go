package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// endAccess makes the directory keep a user out who may not log in, before anything else is written, so that nothing that
// stands in the way of the rest holds it up. The entry of a user who is gone is for remove.
func endAccess(ctx context.Context, w *work) verdict {
	if !w.endsAccess() {
		return proceed
	}
	return w.writeAccess(ctx)
}

// endsAccess reports whether the entry is that of a user who exists and may not log in.
func (w *work) endsAccess() bool {
	object := w.task.Merged.Object
	return w.isUser() && w.ours(w.found) && object.Exists() && !object.Account().Usable(w.task.Now)
}

// grantAccess lets a user in whose record could not be written, which otherwise brings the login along.
func grantAccess(ctx context.Context, w *work) verdict {
	object := w.task.Merged.Object
	if !w.blocked || w.leaves || !w.isUser() || !w.ours(w.found) || !object.Exists() || !object.Account().Usable(w.task.Now) {
		return proceed
	}
	return w.writeAccess(ctx)
}

// writeAccess writes what decides whether the user can log in, and nothing else. Its outcome is that of the access.
func (w *work) writeAccess(ctx context.Context) verdict {
	operations, ok := w.planAccess(ctx)
	if !ok {
		return proceed
	}
	for _, op := range operations {
		if v := w.applyAccess(ctx, op); v != proceed {
			return v
		}
	}
	if w.wroteAccess && len(operations) > 0 {
		return w.readAgain(ctx)
	}
	return proceed
}

// planAccess plans what writeAccess writes. It returns false where that is nothing for a reason that has its outcome.
func (w *work) planAccess(ctx context.Context) ([]plan.Operation, bool) {
	account, speaks := w.set.Account(mapping.Input{Object: w.task.Merged.Object})
	if !speaks || w.accessHeld {
		return nil, false
	}
	d := draft{current: w.found, desired: plan.Desired{Object: w.ref(), Base: w.set.Base(), Account: &account}}
	if problem := w.express(&d); problem != "" {
		w.result.Facets[event.FacetAccess] = event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: problem}
		return nil, false
	}
	if d.elsewhere && len(d.status) == 0 {
		w.keptBelow = d.desired.DN.Parent()
	}
	d.desired.DN = nil // a place of its own is for takePlace
	built, err := plan.Build(d.current, d.desired, plan.Policy{Matching: w.profile.Matching, Hidden: w.profile.Hidden})
	if err != nil {
		w.result.Facets[event.FacetAccess] = outcomeOf(fmt.Errorf("plan the login of %s: %w", w.ref(), err))
		return nil, false
	}
	d.plan = built
	if !w.looking {
		if held := w.heldBack(ctx, d); held != nil {
			w.accessHeld = true
			w.result.Facets[event.FacetAccess] = *held
			return nil, false
		}
	}
	return built.Operations, true
}

// isKept reports whether a user who is kept out by a place of its own alone is there.
func (w *work) isKept() bool {
	return w.keptBelow.Empty() || w.found != nil && plan.SameDN(w.profile.Matching, w.result.DN.Parent(), w.keptBelow)
}

// wantPlace goes on where the mapping cannot say what the entry should be, but only its place can keep the user out. That place is
// the same whatever the rest is.
func (w *work) wantPlace() bool {
	why := w.result.Outcome
	if w.isKept() || w.result.NeedsAlone || why.Code == event.CodeUnavailable {
		return false
	}
	account, _ := w.set.Account(mapping.Input{Object: w.task.Merged.Object})
	w.draft.desired = plan.Desired{Object: w.ref(), Base: w.set.Base(), Account: &account}
	w.later, w.result.Outcome = &why, event.Outcome{}
	return true
}

// applyAccess makes one operation that changes the login. What is refused holds up nothing else.
func (w *work) applyAccess(ctx context.Context, op plan.Operation) verdict {
	err := w.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	switch {
	case err == nil:
		w.wrote(op)
		w.wroteAccess = true
		return proceed
	case errors.As(err, &outcome) && (outcome.Kind == connector.KindConflict || outcome.Kind == connector.KindAlreadySo ||
		outcome.Kind == connector.KindElsewhere || outcome.InDoubt):
		return lookAgain
	}
	w.result.Facets[event.FacetAccess] = outcomeOf(err)
	if outcome != nil && outcome.LacksRight() && w.endsAccess() {
		// Nobody is let in for good because a right was missing for a while.
		w.result.Facets[event.FacetAccess] = event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: outcome.Explain() + "; it is tried again until the right is there"}
	}
	if w.result.Facets[event.FacetAccess].Code == event.CodeUnavailable {
		w.failed(err)
		return ended
	}
	return proceed
}

// readAgain reads the entry as it is after its login was written.
func (w *work) readAgain(ctx context.Context) verdict {
	found, err := w.target.Find(ctx, w.key(w.task.Link, nil))
	switch {
	case err != nil:
		w.failed(err)
		return w.block()
	case found == nil:
		return lookAgain
	}
	w.found = found
	return proceed
}

// express turns the wanted status into what the server understands. It returns why it cannot, empty where it can.
func (w *work) express(d *draft) (problem string) {
	d.unique = w.profile.Flavour.UniqueAttributes()
	account := d.desired.Account
	if account == nil || d.desired.Removal != nil && d.current == nil {
		return ""
	}
	switch {
	case d.desired.Removal != nil:
		account.State.Disabled, account.State.StatusSeen = true, true
		account.Disable = barring(account.Disable)
	case w.returns() && !account.State.Disabled:
		// Nothing may have been said of the status since the user is back, and what ended the access goes all the same.
		account.State.StatusSeen = true
		account.Disable = readmitting(account.Disable)
	}
	if d.desired.Removal == nil {
		d.desired.DN, d.elsewhere = account.Place(d.desired.DN, d.current, w.task.Now)
	}
	account.Unlock = w.task.Unlock
	account.HasPassword = w.passwordSet || w.set.PasswordRule().MustChange && !w.task.Merged.Object.Password.Zero()
	status, err := w.profile.Flavour.Status(*account, d.current, w.task.Now)
	if err != nil {
		return err.Error()
	}
	d.status, d.afterPassword, w.note = status.Rules, status.AfterPassword, status.Note
	if problem := status.Problem(); problem != "" {
		switch removal := d.desired.Removal; {
		case removal == nil, removal.Action == plan.RemoveDisable:
			return problem
		case removal.Action == plan.RemoveMove:
			w.note = problem // the entry goes to the leavers all the same: there it is at least no member of anything
		}
	}
	d.statusOf = w.profile.Flavour.StatusAttributes()
	d.desired.Rules = append(slices.Clone(d.desired.Rules), status.Rules...)
	d.disables = !account.State.Usable(w.task.Now) || account.Expire.Auto && w.endsSoon(account.State)
	return ""
}

// returns reports whether the user was gone at the last write, with an entry that was kept, and is there again.
func (w *work) returns() bool {
	return w.task.RemovedAt != 0 && !w.leaves && w.task.Merged.Object.Exists()
}

// leaveAccess keeps the login of an entry as it is while its record is written, where a guard holds the change.
func (w *work) leaveAccess(d *draft) bool {
	_, troubled := w.result.Facets[event.FacetAccess]
	return troubled && d.current != nil && d.desired.Removal == nil
}
