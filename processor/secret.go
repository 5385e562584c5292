package processor

import (
	"context"
	"errors"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// setPassword writes the password. It needs an entry that is ours and nothing of the record.
func setPassword(ctx context.Context, w *work) verdict {
	password := w.task.Merged.Password
	if password.Empty() || w.noPassword || w.leaves {
		return proceed
	}
	at := w.draft.plan.DN
	if w.blocked {
		if !w.ours(w.found) {
			return proceed
		}
		at = w.found.DN
	}
	rule := w.set.PasswordRule()
	if w.adopts && !w.set.AdoptPassword() {
		w.noPassword = true
		w.result.Facets[event.FacetSecret] = event.Outcome{State: event.Skipped, Code: event.CodeSwitchedOff, Message: "the entry was taken over, and keeps its password (user.adopt_password)"}
		return proceed
	}
	if !rule.Write {
		w.result.Facets[event.FacetSecret] = event.Outcome{State: event.Skipped, Code: event.CodeSwitchedOff, Message: "the mapping says not to write passwords (user.password.write)"}
		return proceed
	}
	if done := w.writePassword(ctx, plan.SetPassword{DN: at, Password: password, Hash: rule.Hash, MustChange: rule.MustChange}); !done {
		return ended
	}
	if w.draft.afterPassword {
		w.looking = true
		return lookAgain
	}
	return proceed
}

// addPassword puts the password into the plan, for people who look at it.
func (w *work) addPassword(d *draft) {
	rule := w.set.PasswordRule()
	password := w.task.Merged.Password
	if password.Empty() || w.noPassword || !rule.Write || w.adopts && !w.set.AdoptPassword() || d.desired.Removal != nil {
		return
	}
	d.desired.Password = &plan.Password{Text: password, Hash: rule.Hash, MustChange: rule.MustChange}
}

// writePassword writes the password. It returns false where the task must end because it is not known whether the
// password was written.
func (w *work) writePassword(ctx context.Context, op plan.SetPassword) bool {
	if err := w.task.Memory.BeforePassword(ctx); err != nil {
		return w.failed(err)
	}
	err := w.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	switch {
	case err == nil:
		w.wrote(op)
		w.passwordSet = true
	case errors.As(err, &outcome) && outcome.Kind == connector.KindAlreadySo:
		w.passwordSet = true
	case errors.As(err, &outcome) && outcome.Kind == connector.KindPasswordRefused && outcome.History && w.task.PasswordTried:
		// A try before a crash has written it: the history knows it from then.
		w.wrote(op)
		w.passwordSet = true
	case errors.As(err, &outcome) && outcome.RefusesPassword():
		w.result.Facets[event.FacetSecret] = event.Outcome{State: event.Failed, Code: event.CodePasswordRefused, Message: outcome.Explain()}
	default:
		return w.failed(err)
	}
	w.noPassword = true
	return true
}
