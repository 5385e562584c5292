package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// draft is what one look at the mapping and at the directory comes to.
type draft struct {
	current *plan.Entry
	desired plan.Desired
	plan    plan.Plan
	// missing are the fields without which the mapping cannot tell the DN.
	missing []string
	// unique are the attributes whose values the server allows once.
	unique []connector.UniqueAttribute
	// afterPassword: what the status asks for is another thing once the password is set.
	afterPassword bool
	// status are the rules that express the login status; statusOf are the attributes by which the server does so itself.
	// Elsewhere: the user is kept at a place of its own because of the status.
	status    []plan.Rule
	statusOf  []string
	elsewhere bool
	// belowItself: the entry belongs below where it is itself, so there is no plan until what is between has moved away.
	belowItself bool
	// disables: with all this the user cannot log in, or not for long.
	disables bool
}

// renames reports whether an operation of the draft gives the entry of the object another name or place.
func (d draft) renames(op plan.Operation) bool {
	move, ok := op.(plan.ModifyDN)
	return ok && d.current != nil && move.DN.Exactly(d.current.DN)
}

// leavesPlace reports whether the entry will not be where it is.
func (d draft) leavesPlace() bool {
	return d.plan.DN.Empty() || slices.ContainsFunc(d.plan.Operations, d.renames)
}

// movesChildren reports whether the entry is deleted and what is below it goes to the entry above.
func (d draft) movesChildren() bool {
	return d.current != nil && d.desired.Removal != nil && d.desired.Removal.Action == plan.RemoveMoveChildren
}

// movesOthers reports whether a draft gives entries of other objects another place, or did so in an earlier try that is not
// remembered yet: those below a unit come along with it.
func (w *work) movesOthers(d draft) bool {
	if d.current == nil || w.task.Merged.Object.Ref.Kind != event.KindUnit {
		return false
	}
	if !w.task.DN.Empty() && !d.plan.DN.Empty() && !plan.SameDN(w.comparison(), w.task.DN, d.plan.DN) {
		return true
	}
	return slices.ContainsFunc(d.plan.Operations, func(op plan.Operation) bool {
		_, moves := op.(plan.ModifyDN)
		remove, removes := op.(plan.Delete)
		return moves || removes && (remove.Subtree || d.movesChildren())
	})
}

// draftPlan plans the smallest change that makes the entry what the mapping wants.
func draftPlan(ctx context.Context, w *work) verdict {
	if w.blocked {
		return proceed
	}
	d := &w.draft
	w.purge(&d.desired, d.current)
	if w.leaveAccess(d) {
		d.desired.Account = nil
		d.unique = w.profile.Flavour.UniqueAttributes()
	} else if problem := w.express(d); problem != "" {
		if d.current == nil || d.desired.Removal != nil {
			w.end(event.Failed, event.CodeRefused, problem)
			return w.block()
		}
		w.result.Facets[event.FacetAccess] = event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: problem}
	}
	if !w.members(ctx, d) {
		return w.block()
	}
	w.leaveRefused(d)
	w.leaveName(d)
	w.addPassword(d)
	var err error
	d.plan, err = w.build(ctx, *d)
	var below *plan.BelowItself
	switch {
	case errors.As(err, &below):
		d.belowItself = true
	case err != nil:
		w.failed(err)
		return w.block()
	}
	return proceed
}

func (w *work) build(ctx context.Context, d draft) (plan.Plan, error) {
	if d.movesChildren() {
		children, err := w.target.Children(ctx, d.current.DN)
		if err != nil {
			return plan.Plan{}, err
		}
		operations := plan.MoveChildren(children, d.current.DN.Parent())
		return plan.Plan{Operations: append(operations, plan.Delete{DN: d.current.DN})}, nil
	}
	built, err := plan.Build(d.current, d.desired, plan.Policy{Matching: w.profile.Matching, Hidden: w.profile.Hidden})
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan %s: %w", w.task.Merged.Object.Ref, err)
	}
	return built, nil
}

// leaveName keeps an entry of which the name cannot be told from getting a part of it: the values that name it, and those that only
// one entry may have, change together with the name.
func (w *work) leaveName(d *draft) {
	if w.later == nil && len(w.failures) == 0 || d.current == nil || !d.desired.DN.Empty() || d.desired.Removal != nil {
		return
	}
	m := w.comparison()
	names := func(attribute string) bool {
		return slices.ContainsFunc(d.current.DN.RDN(), func(ava plan.AVA) bool { return plan.SameDescription(m, ava.Type, attribute) }) ||
			slices.ContainsFunc(d.unique, func(u connector.UniqueAttribute) bool { return plan.SameDescription(m, u.Name, attribute) })
	}
	d.desired.Rules = slices.DeleteFunc(slices.Clone(d.desired.Rules), func(r plan.Rule) bool { return names(r.Attribute) })
}
