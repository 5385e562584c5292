package pull

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// walk reads the units of the scope and the users in them, one unit at a time: that is what is read again after a stop.
func (r *Round) walk(ctx context.Context) error {
	for {
		open, err := r.Rounds.Marked(ctx, r.Application, event.KindUnit, store.ReadingOpen, 1)
		if err != nil || len(open) == 0 {
			return err //nolint:wrapcheck // It says what was read.
		}
		if err := r.unit(ctx, open[0]); err != nil {
			return err
		}
		if err := r.keep(ctx, done(open[0])); err != nil {
			return err
		}
	}
}

// unit reads what is in one unit.
func (r *Round) unit(ctx context.Context, ref event.Ref) error {
	if slices.Contains(r.status.Last.Scope.Units, ref.ID) && ref.ID != event.RootUnitID {
		// Nobody lists the topmost units of a scope.
		if there, err := r.topmost(ctx, ref); err != nil || !there {
			return err
		}
	}
	whole, err := r.API.Units(ctx, ref.ID, func(records []Record) error { return r.below(ctx, ref, records) })
	if whole, err = r.lost(ref, whole, err); err != nil {
		return err
	}
	inIt, err := r.API.Users(ctx, ref.ID, func(records []Record) error { return r.users(ctx, ref.ID, records) })
	if inIt, err = r.lost(ref, inIt, err); err != nil {
		return err
	}
	if !whole || !inIt {
		r.unproven("what is in %s changed all the time while it was read", ref)
	}
	return nil
}

// mostUnits is how many units there may be. A hundred thousand take half a day at five requests a second.
func (r *Round) mostUnits() int { return cmp.Or(r.MostUnits, 100_000) }

// below says what is news of the units below one.
func (r *Round) below(ctx context.Context, ref event.Ref, records []Record) error {
	if most := r.mostUnits(); r.status.Last.Units+len(records) > most {
		return fmt.Errorf("list the units below %s: %s has named more than %d units so far, as if the tree of them had no end; the round cannot be ended", ref.ID, r.API.host, most)
	}
	return r.listed(ctx, records, store.ReadingOpen)
}

// topmost says what a unit of the scope itself is like, and reports whether it can be read.
func (r *Round) topmost(ctx context.Context, ref event.Ref) (there bool, err error) {
	record, err := r.API.Get(ctx, ref)
	if err == nil {
		return true, r.listed(ctx, []Record{record}, store.ReadingOpen)
	}
	_, err = r.lost(ref, false, err)
	return false, err
}

// mostLost is how many units are named that went away. For the rest it is enough that there were some.
const mostLost = 20

// lost notes that a unit went away between its listing and its reading, which makes a gap that proves nothing, and nothing worse.
func (r *Round) lost(ref event.Ref, whole bool, err error) (bool, error) {
	if !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrOutside) {
		return whole, err
	}
	if p := &r.status.Last; len(p.Lost) < mostLost && !slices.Contains(p.Lost, ref.ID) {
		p.Lost = append(p.Lost, ref.ID)
		r.unproven("%s cannot be read: %v", ref, err)
	}
	return true, nil
}

// listed says what is news of units or groups that lists show whole, and marks them.
func (r *Round) listed(ctx context.Context, records []Record, stage store.Reading) error {
	var changes []event.Change
	var marks []store.Mark
	for _, record := range records {
		ref := record.Change.Object
		if ref == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
			continue
		}
		known, err := r.knownOf(ctx, ref, false)
		if err != nil {
			return err
		}
		if c, news := News(known, record); news {
			changes = append(changes, named(c, known))
		}
		marks = append(marks, store.Mark{Object: ref, Stage: stage})
		switch ref.Kind {
		case event.KindUnit:
			r.status.Last.Units++
		case event.KindGroup:
			r.status.Last.Groups++
		}
	}
	if err := r.say(ctx, changes); err != nil {
		return err
	}
	return r.keep(ctx, marks...)
}

// users says what is news of the users that are listed in a unit.
func (r *Round) users(ctx context.Context, unit string, records []Record) error {
	var changes []event.Change
	var marks []store.Mark
	for _, record := range records {
		c, news, err := r.user(ctx, unit, record)
		switch {
		case errors.Is(err, ErrAbsent) || errors.Is(err, ErrOutside):
			continue // It went away meanwhile; without a mark it is asked for later.
		case err != nil:
			return err
		case news:
			changes = append(changes, c)
		}
		marks = append(marks, done(record.Change.Object))
		r.status.Last.Users++
	}
	if err := r.say(ctx, changes); err != nil {
		return err
	}
	return r.keep(ctx, marks...)
}

// user returns what is news of a user that is listed in a unit. The user is asked for alone where the list shows a change.
func (r *Round) user(ctx context.Context, unit string, record Record) (event.Change, bool, error) {
	known, err := r.knownOf(ctx, record.Change.Object, false)
	if err != nil {
		return event.Change{}, false, err
	}
	_, news := News(known, record)
	moved := slices.ContainsFunc(known, func(o event.Object) bool { return o.Exists() && !isIn(o, unit) })
	if !r.Full && !news && !moved {
		return event.Change{}, false, nil
	}
	whole, err := r.API.Get(ctx, record.Change.Object)
	if err != nil {
		return event.Change{}, false, err
	}
	c, news := News(known, whole)
	return named(c, known), news, nil
}

// isIn reports whether a user is known to be in a unit, as its primary one or as one of several.
func isIn(user event.Object, unit string) bool {
	if user.PrimaryUnit() == unit {
		return true
	}
	list, direct := user.Facts[event.FieldUnits], user.Facts[event.FieldPrimaryUnit]
	units, _ := list.Value.([]any)
	return !list.At.Before(direct.At) && slices.ContainsFunc(units, func(u any) bool {
		fields, _ := u.(map[string]any)
		return fields["id"] == unit
	})
}
