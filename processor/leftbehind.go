package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// fetchLeftBehind moves entries to where a unit is that the server has left at its former place. Only those are touched that are
// remembered there as ours, and only while no other unit has that place.
func (w *work) fetchLeftBehind(ctx context.Context, was, is plan.DN) error {
	remembered, err := w.rememberedBelow(ctx, was)
	if err != nil {
		return fmt.Errorf("look up what is below %s: %w", was, err)
	}
	left, err := w.target.LeftBehind(ctx, is, was, remembered)
	if err != nil {
		return fmt.Errorf("look for what was left at %s: %w", was, err)
	}
	if len(left) == 0 {
		return nil
	}
	another, err := w.target.Read(ctx, was, nil)
	if err != nil {
		return fmt.Errorf("look for another entry at %s: %w", was, err)
	}
	if another != nil {
		return nil
	}
	slices.SortFunc(left, func(a, b plan.DN) int { return cmp.Compare(len(a), len(b)) }) // what is above brings others along
	for _, dn := range left {
		came := plan.Rebase(w.matching(ctx), dn, was, is)
		if err := w.fetch(ctx, plan.ModifyDN{DN: dn, NewRDN: came.RDN(), NewSuperior: came.Parent(), DeleteOldRDN: true}); err != nil {
			return err
		}
	}
	return nil
}

// fetch moves an entry that was left behind, once. Where that does not help, people are told of it.
func (w *work) fetch(ctx context.Context, move plan.ModifyDN) error {
	there, err := w.target.Read(ctx, move.DN, nil)
	if err != nil || there == nil {
		return err //nolint:wrapcheck // It names the entry.
	}
	ref, remembered, err := w.task.Memory.Linked(ctx, there.Link)
	if err != nil || ref.Zero() || !plan.SameDN(w.matching(ctx), remembered, move.DN) {
		return err //nolint:wrapcheck // It names the object.
	}
	if err := w.target.Apply(ctx, move); err != nil {
		var refused *connector.OutcomeError
		if !errors.As(err, &refused) || !refused.ForGood() {
			return err //nolint:wrapcheck // It names the entry.
		}
		w.tellLeftBehind(move, err.Error())
		return nil
	}
	w.result.Operations = append(w.result.Operations, move)
	came, err := w.target.Read(ctx, move.NewDN(), nil)
	if err != nil {
		return err //nolint:wrapcheck // It names the entry.
	}
	if came == nil || came.Link != there.Link {
		w.tellLeftBehind(move, "the server says that it has moved it, and does not find it there")
	}
	return nil
}

// tellLeftBehind notes what people are to know of an entry that stays where it was.
func (w *work) tellLeftBehind(move plan.ModifyDN, why string) {
	w.leftBehind = append(w.leftBehind, leftBehindText(move.DN, move.NewDN(), why))
}

func leftBehindText(at, belongs plan.DN, why string) string {
	return fmt.Sprintf("the server has left %s at the former place of the unit, and it could not be moved to %s: %s. Rename the unit back to its former name, "+
		"and the server finds it below that again; before the unit is renamed anew, export the database of the server and import it", at, belongs, why)
}

// isLeftBehind reports whether the entry of the object itself is one that the server has left at the former place of a unit: there is
// nothing above it any more, and no object is remembered there.
func (w *work) isLeftBehind(ctx context.Context, d draft) (bool, error) {
	if !w.profile.Flavour.LeavesBehind() || d.current == nil || d.plan.DN.Empty() {
		return false, nil
	}
	above := d.current.DN.Parent()
	for _, at := range []plan.DN{above, d.plan.DN.Parent()} {
		there, err := w.target.Read(ctx, at, nil)
		if err != nil || (there == nil) != at.Exactly(above) {
			return false, err //nolint:wrapcheck // It names the entry.
		}
	}
	holder, err := w.holder(ctx, above)
	return err == nil && holder.Zero(), err
}
