package pull

import (
	"context"
	"errors"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// groups reads the groups and their members. Which right the groups need is not written anywhere; without it they stay as they are.
func (r *Round) groups(ctx context.Context) error {
	whole, err := r.API.Groups(ctx, func(records []Record) error { return r.listed(ctx, records, store.ReadingOpen) })
	switch {
	case errors.Is(err, ErrDenied):
		r.status.Last.NoGroups = err.Error()
		return nil
	case err != nil:
		return err
	case !whole:
		r.unproven("the list of groups changed all the time while it was read")
	}
	for {
		open, err := r.Rounds.Marked(ctx, r.Application, event.KindGroup, store.ReadingOpen, 1)
		if err != nil || len(open) == 0 {
			return err //nolint:wrapcheck // It says what was read.
		}
		marks, err := r.group(ctx, open[0])
		if err != nil {
			return err
		}
		if err := r.keep(ctx, append(marks, done(open[0]))...); err != nil {
			return err
		}
	}
}

// group says what is news of the members of a group. It returns those who are in the scope by nothing but their group.
func (r *Round) group(ctx context.Context, ref event.Ref) ([]store.Mark, error) {
	known, err := r.knownOf(ctx, ref, true)
	if err != nil {
		return nil, err
	}
	c, members, err := r.members(ctx, ref, known, 0)
	switch {
	case errors.Is(err, ErrAbsent), errors.Is(err, ErrOutside):
		return nil, nil // It went away meanwhile, and is looked at in the next round.
	case err != nil:
		return nil, err
	case len(c.Members) > 0:
		if err := r.say(ctx, []event.Change{c}); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(r.status.Last.Scope.Groups, ref.ID) {
		return nil, nil
	}
	var marks []store.Mark
	for user := range members {
		marks = append(marks, store.Mark{Object: event.Ref{Kind: event.KindUser, ID: user}, Stage: store.ReadingOpen})
	}
	return marks, nil
}

// members asks for the members of a group and returns what is news of them. Before anybody is taken out of the group it is asked for once
// more. Since is a moment up to which the API shows everything, where one is known.
func (r *Round) members(ctx context.Context, ref event.Ref, known []event.Object, since event.Millis) (event.Change, map[string]bool, error) {
	c := event.Change{Type: event.TypePull, Object: ref, Fields: event.Values{event.FieldID: ref.ID}}
	members, asked, whole, err := r.API.Members(ctx, ref.ID)
	if err != nil {
		return c, nil, err
	}
	c.Stamp = event.Stamp{Event: max(asked-settling, min(since, asked), 1)}
	c.Members = Memberships(known, members, whole, c.Stamp)
	if slices.ContainsFunc(c.Members, func(m event.Member) bool { return !m.Present }) {
		again, _, alsoWhole, err := r.API.Members(ctx, ref.ID)
		if err != nil {
			return c, nil, err
		}
		c.Members = slices.DeleteFunc(c.Members, func(m event.Member) bool { return !m.Present && (!alsoWhole || again[m.User]) })
	}
	return named(c, known), members, nil
}

// Group says what is news of one group and its members, because an event about it did not say. It is no part of a round.
func (r *Round) Group(ctx context.Context, id string, since event.Millis) error {
	ref := event.Ref{Kind: event.KindGroup, ID: id}
	record, err := r.API.Get(ctx, ref)
	if errors.Is(err, ErrAbsent) {
		return nil // A deletion has an event of its own.
	}
	if err != nil {
		return err
	}
	known, err := r.knownOf(ctx, ref, true)
	if err != nil {
		return err
	}
	c, news := News(known, record)
	with, _, err := r.members(ctx, ref, known, since)
	if err != nil {
		return err
	}
	var changes []event.Change
	if news {
		changes = append(changes, named(c, known))
	}
	if len(with.Members) > 0 {
		changes = append(changes, with)
	}
	if len(changes) == 0 {
		return nil
	}
	return r.Say(ctx, changes)
}
