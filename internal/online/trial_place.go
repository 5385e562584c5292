package online

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// placeAt makes an entry that the mapping names for others to be below, where it is missing and the mapping lets it be made. It
// reports whether it is there.
func (t *trial) placeAt(ctx context.Context, dn plan.DN) (there bool, err error) {
	entry, err := t.Server.Read(ctx, dn, nil)
	if err != nil || entry != nil {
		return entry != nil, err //nolint:wrapcheck // It names the entry.
	}
	desired, made := t.Mapping.PlaceEntry(dn)
	if !made {
		return false, nil // the look at the places has said so
	}
	built, err := plan.Build(nil, desired, plan.Policy{Matching: t.profile.Matching})
	if err != nil {
		return false, t.untold(err)
	}
	for _, op := range built.Operations {
		add, ok := op.(plan.Add)
		if !ok {
			continue
		}
		there, err = t.add(ctx, add, &scratch{kind: event.KindUnit, dn: dn, class: t.classOf(add), place: true})
		if isThere(err) {
			return true, nil // the service has made it at this moment
		}
	}
	return there, err
}

// move brings the test user, where it is below the test unit, above that and back. Where people have one place whatever their unit
// nobody moves.
func (t *trial) move(ctx context.Context) error {
	u, unit := t.first(event.KindUser), t.first(event.KindUnit)
	if u == nil || unit == nil || !u.dn.Parent().Equal(unit.dn) {
		return nil
	}
	_, err := t.thereAndBack(ctx, u, unit.dn.Parent())
	return err
}

// moveUnit brings the test unit, with what is below it, below another one and back, where units are below each other.
func (t *trial) moveUnit(ctx context.Context) error {
	unit := t.first(event.KindUnit)
	if unit == nil || !slices.ContainsFunc(t.made, func(m *scratch) bool { return m.kind == event.KindUnit && m.dn.Below(unit.dn) }) {
		return nil // units have one place whatever is above them
	}
	other := slices.IndexFunc(t.made, func(m *scratch) bool { return m.kind == event.KindUnit && !m.place && !m.dn.Within(unit.dn) })
	if other < 0 {
		return nil
	}
	_, err := t.thereAndBack(ctx, unit, t.made[other].dn)
	return err
}

// renameAll gives every entry another name, who is below an entry before it, so that the test unit has others below it.
func (t *trial) renameAll(ctx context.Context) error {
	for _, s := range slices.Backward(t.made) {
		if s.place {
			continue
		}
		if _, err := t.modifyDN(ctx, s, plan.ModifyDN{DN: s.dn, NewRDN: another(s.dn), DeleteOldRDN: true}); err != nil {
			return err
		}
	}
	return nil
}

// leave brings the test user and the test group to where the mapping keeps those who are gone, and back, unless they are deleted there
// at last.
func (t *trial) leave(ctx context.Context) error {
	for _, kind := range []event.Kind{event.KindUser, event.KindGroup} {
		s := t.first(kind)
		if s == nil {
			continue
		}
		removal, ok := t.Mapping.Removal(inputOf(s))
		if !ok || removal.Action != plan.RemoveMove {
			continue
		}
		went, err := t.thereAndBack(ctx, s, removal.MoveTo)
		if err != nil {
			return err
		}
		if !went || removal.PurgeAfter <= 0 {
			continue
		}
		if err := t.purge(ctx, s, removal.MoveTo); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes an entry of the trial among the leavers, as is done when they were kept for long enough. Where that is not allowed it
// goes back, to be deleted with the others.
func (t *trial) purge(ctx context.Context, s *scratch, leavers plan.DN) error {
	home := s.dn.Parent()
	if moved, err := t.modifyDN(ctx, s, moveTo(s.dn, leavers)); err != nil || !moved {
		return err
	}
	err := t.deleteAt(ctx, s, s.dn)
	if lacksRight(err) {
		t.lacks(err, fmt.Sprintf("delete an entry of %s below %s", s.class, leavers), connector.Want{Act: connector.ActDelete, Below: leavers, Class: s.class})
		_, err = t.modifyDN(ctx, s, moveTo(s.dn, home))
		return err
	}
	if err == nil {
		t.made = slices.DeleteFunc(t.made, func(m *scratch) bool { return m == s })
	}
	return t.untold(err)
}

// thereAndBack moves an entry to another place and back, and reports whether both went.
func (t *trial) thereAndBack(ctx context.Context, s *scratch, place plan.DN) (went bool, err error) {
	home := s.dn.Parent()
	if place.Equal(home) {
		return false, nil
	}
	there, err := t.placeAt(ctx, place)
	if err != nil || !there {
		return false, err
	}
	moved, err := t.modifyDN(ctx, s, moveTo(s.dn, place))
	if err != nil || !moved {
		return false, err
	}
	return t.modifyDN(ctx, s, moveTo(s.dn, home))
}

func moveTo(dn, place plan.DN) plan.ModifyDN {
	return plan.ModifyDN{DN: dn, NewRDN: dn.RDN(), NewSuperior: place, DeleteOldRDN: true}
}

// another is another name for an entry.
func another(dn plan.DN) plan.RDN {
	name := slices.Clone(dn.RDN())
	name[0].Value += "-2"
	return name
}

// modifyDN renames or moves an entry, and names the right that is missing for it.
func (t *trial) modifyDN(ctx context.Context, s *scratch, op plan.ModifyDN) (moved bool, err error) {
	moved, err = t.shift(ctx, s, op)
	if !lacksRight(err) {
		return moved, t.untold(err)
	}
	at := s.dn.Parent()
	want := connector.Want{Act: connector.ActRename, Below: at, Class: s.class, Attribute: s.dn.RDN()[0].Type}
	what := fmt.Sprintf("rename an entry of %s below %s", s.class, at)
	if !op.NewSuperior.Empty() {
		what = fmt.Sprintf("move an entry of %s from below %s to below %s", s.class, at, op.NewSuperior)
		// Who may rename the entry where it is lacks what only a move takes.
		if renamed, _ := t.shift(ctx, s, plan.ModifyDN{DN: s.dn, NewRDN: another(s.dn), DeleteOldRDN: true}); renamed {
			want.Act, want.From, want.Below = connector.ActMove, at, op.NewSuperior
		}
	}
	t.lacks(err, what, want)
	return false, nil
}

// shift renames or moves an entry and notes where it and what is below it are then.
func (t *trial) shift(ctx context.Context, s *scratch, op plan.ModifyDN) (moved bool, err error) {
	if err := t.apply(ctx, op); err != nil {
		s.maybe, t.doubt = append(s.maybe, op.NewDN()), true
		return false, err
	}
	before := s.dn
	s.dn = op.NewDN()
	for _, other := range t.made {
		if other.dn.Below(before) {
			other.dn = other.dn.Rebase(before, s.dn)
		}
	}
	return true, nil
}

// clean removes what was made, the lowest first. Of an entry with one below it that stays nothing can be told.
func (t *trial) clean(ctx context.Context) {
	slices.SortStableFunc(t.made, func(a, b *scratch) int { return len(b.dn) - len(a.dn) })
	var stay []*scratch
	for _, s := range t.made {
		if !t.withAllBelow(s) && slices.ContainsFunc(stay, func(below *scratch) bool { return below.dn.Below(s.dn) }) {
			if !s.place {
				t.note("%s stays with what is below it, so remove it by hand as well", s.dn)
			}
			stay = append(stay, s)
		} else if !t.remove(ctx, s) {
			stay = append(stay, s)
		}
	}
}

// remove removes one, and reports whether it is gone.
func (t *trial) remove(ctx context.Context, s *scratch) (gone bool) {
	err := t.deleteAt(ctx, s, s.dn)
	for _, dn := range s.maybe {
		if isAbsent(err) {
			err = t.deleteAt(ctx, s, dn)
		}
	}
	switch {
	case err == nil, isAbsent(err) && t.doubt:
		return true
	case s.place && lacksRight(err):
		t.note("%s stays, which the mapping names: the test has made it, and the bind account may not delete it", s.dn)
	case s.place && (isOf(err, connector.KindNotEmpty) || isOf(err, connector.KindHiddenBelow)): // others have come there
	case lacksRight(err):
		act, what := connector.ActDelete, "delete an entry of "+s.class
		if t.withAllBelow(s) {
			act, what = connector.ActDeleteSubtree, what+" with all below it"
		}
		t.lacks(err, what+", so remove "+s.dn.String()+" by hand", connector.Want{Act: act, Below: s.dn.Parent(), Class: s.class})
	default:
		t.problem("remove %s by hand, it was a test: %v", s.dn, err)
	}
	return false
}

// withAllBelow reports whether the mapping deletes such an entry together with what is below it, which some servers want a right of its
// own for.
func (t *trial) withAllBelow(s *scratch) bool {
	removal, ok := t.Mapping.Removal(inputOf(s))
	return ok && (removal.Subtree || removal.Action == plan.RemoveSubtree) && !s.place
}

// deleteAt deletes an entry of the trial; once more where that failed, or may have failed. What may have come to be below a unit without our
// knowing goes with it then.
func (t *trial) deleteAt(ctx context.Context, s *scratch, dn plan.DN) error {
	op := plan.Delete{DN: dn, Subtree: t.withAllBelow(s)}
	err := t.apply(ctx, op)
	if err == nil || lacksRight(err) || isAbsent(err) {
		return err
	}
	op.Subtree = op.Subtree || s.kind == event.KindUnit && !s.place
	again := t.apply(ctx, op)
	if isAbsent(again) {
		return nil // the first one was done
	}
	return again
}
