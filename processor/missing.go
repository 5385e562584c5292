package processor

import (
	"context"
	"errors"
	"fmt"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// missingParent handles a place whose entry above is missing: one that the mapping fixes is made, a unit that is not
// where it was is looked at first.
func (w *work) missingParent(ctx context.Context, d draft) (again bool) {
	parent := d.plan.DN.Parent()
	if place, fixed := w.set.PlaceEntry(parent); fixed && !w.placeMade {
		w.placeMade = true
		return w.makePlace(ctx, place)
	}
	self := w.task.Merged.Object
	unit := event.Ref{Kind: event.KindUnit, ID: self.PrimaryUnit()}
	if unit.ID == "" || unit.ID == event.RootUnitID || !w.set.ReadsAbove(self.Ref.Kind) {
		w.wait(event.CodeWaitsForObject, fmt.Sprintf("the entry above %s is missing: create %s", d.plan.DN, parent))
		return false
	}
	w.result.Touch = append(w.result.Touch, unit)
	w.wait(event.CodeWaitsForObject, fmt.Sprintf("%s is not at %s any more; it is put back first", unit, parent), unit)
	return false
}

func (w *work) makePlace(ctx context.Context, place plan.Desired) (again bool) {
	built, err := plan.Build(nil, place, plan.Policy{Matching: w.matching(ctx)})
	if err != nil {
		return w.failed(fmt.Errorf("plan %s: %w", place.DN, err))
	}
	for _, op := range built.Operations {
		err := w.target.Apply(ctx, op)
		var outcome *connector.OutcomeError
		if errors.As(err, &outcome) && outcome.Kind == connector.KindExists {
			return true
		}
		if err != nil {
			return w.failed(fmt.Errorf("make %s, which the mapping names as a place: %w", place.DN, err))
		}
		w.result.Operations = append(w.result.Operations, op)
	}
	return true
}
