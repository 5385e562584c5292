package pull

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// absentAtOnce is how many objects that were not listed are looked up in the store at a time.
const absentAtOnce = 100

// missing asks for everybody who is known and was not listed, where that can prove anything.
func (r *Round) missing(ctx context.Context) error {
	if err := r.byGroup(ctx); err != nil {
		return err
	}
	if err := r.sameScope(ctx); err != nil {
		return err
	}
	p := &r.status.Last
	p.Unlisted = 0
	for _, feed := range r.Feeds {
		for _, kind := range []event.Kind{event.KindUser, event.KindGroup, event.KindUnit} {
			if err := r.unlisted(ctx, feed, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// byGroup asks for users who were seen in nothing but a group of the scope.
func (r *Round) byGroup(ctx context.Context) error {
	for {
		open, err := r.Rounds.Marked(ctx, r.Application, event.KindUser, store.ReadingOpen, absentAtOnce)
		if err != nil || len(open) == 0 {
			return err //nolint:wrapcheck // It says what was read.
		}
		for _, ref := range open {
			if err := r.lookAt(ctx, ref); err != nil {
				return err
			}
		}
	}
}

// sameScope notes where the scope changed while it was read.
func (r *Round) sameScope(ctx context.Context) error {
	now, err := r.API.Scope(ctx)
	if err == nil && !now.Equal(r.status.Last.Scope) {
		r.unproven("the synchronization scope changed while it was read: it was %s and is %s", r.status.Last.Scope, now)
	}
	return err
}

// unlisted asks for the objects of a kind that a directory knows, or has heard of, and that were not listed, or counts them where that would
// prove nothing.
func (r *Round) unlisted(ctx context.Context, feed Feed, kind event.Kind) error {
	p := &r.status.Last
	provable := len(p.Unproven) == 0 && feed.Alone && (kind != event.KindGroup || p.NoGroups == "")
	marksOf := r.Application
	if store.Rounds(r.Known) != r.Rounds {
		marksOf = "" // those in the store are of another round
	}
	for after := ""; ; {
		ids, err := r.Known.Unmarked(ctx, marksOf, r.Instance, feed.Directory, kind, after, absentAtOnce)
		if err != nil || len(ids) == 0 {
			return err //nolint:wrapcheck // It says what was read.
		}
		for _, id := range ids {
			after = id
			ref := event.Ref{Kind: kind, ID: id}
			if ref == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
				continue
			}
			marked, err := r.Rounds.HasMark(ctx, r.Application, ref)
			switch {
			case err != nil:
				return err //nolint:wrapcheck // It says what was read.
			case marked:
			case !provable:
				p.Unlisted++
			default:
				if err := r.lookAt(ctx, ref); err != nil {
					return err
				}
			}
		}
	}
}

// lookAt asks for one object. Who can be read is in IDaaS, whatever the lists say.
func (r *Round) lookAt(ctx context.Context, ref event.Ref) error {
	p := &r.status.Last
	record, err := r.API.Get(ctx, ref)
	switch {
	case errors.Is(err, ErrAbsent):
		p.AbsentAt = event.Millis(r.Clock.Now().UnixMilli())
		return r.keep(ctx, store.Mark{Object: ref, Stage: store.ReadingAbsent})
	case errors.Is(err, ErrOutside):
		p.Unlisted++ // gone, or in a unit that is outside: nobody can tell
		return r.keep(ctx, done(ref))
	case err != nil:
		return err
	}
	known, err := r.knownOf(ctx, ref, false)
	if err != nil {
		return err
	}
	if c, news := News(known, record); news {
		if err := r.say(ctx, []event.Change{named(c, known)}); err != nil {
			return err
		}
	}
	return r.keep(ctx, done(ref))
}

// again asks once more for those who were absent, after a pause, and says of those who still are that they are gone. Whoever was read
// meanwhile is not.
func (r *Round) again(ctx context.Context) error {
	p := &r.status.Last
	if p.AbsentAt == 0 {
		return nil
	}
	if err := r.wait(ctx, p.AbsentAt.Time().Add(r.Pause)); err != nil {
		return err
	}
	if err := r.sameScope(ctx); err != nil {
		return err
	}
	for _, kind := range []event.Kind{event.KindUser, event.KindGroup, event.KindUnit} {
		for {
			refs, err := r.Rounds.Marked(ctx, r.Application, kind, store.ReadingAbsent, 1)
			if err != nil {
				return err //nolint:wrapcheck // It says what was read.
			}
			if len(refs) == 0 {
				break
			}
			if err := r.confirm(ctx, refs[0]); err != nil {
				return err
			}
			if err := r.keep(ctx, done(refs[0])); err != nil {
				return err
			}
		}
	}
	return nil
}

// confirm says that an object is gone, if it is proven.
func (r *Round) confirm(ctx context.Context, ref event.Ref) error {
	p := &r.status.Last
	if len(p.Unproven) > 0 {
		p.Unlisted++
		return nil
	}
	asked := r.API.now()
	_, err := r.API.Get(ctx, ref)
	if !errors.Is(err, ErrAbsent) {
		if err == nil || errors.Is(err, ErrOutside) {
			p.Unlisted++
			return nil
		}
		return err
	}
	known, err := r.knownOf(ctx, ref, false)
	if err != nil {
		return err
	}
	c, over := absent(ref, asked), false
	for i, o := range known {
		waits, err := r.waits(ctx, r.Feeds[i], c)
		switch {
		case err != nil:
			return err
		case !r.Feeds[i].Alone && (waits || o.Exists()):
			p.Unlisted++ // The word would go to that directory too, and who feeds it as well may know better.
			return nil
		case waits, o.Exists() && !c.Stamp.Before(o.Existence.At):
			over = true
		}
	}
	if !over {
		return nil // Nobody knows it, or a callback has told of it just now.
	}
	return r.say(ctx, []event.Change{named(c, known)})
}

// waits reports whether an event waits in a directory for the record of an object that nobody knows there, and is older than the word that
// there is none.
func (r *Round) waits(ctx context.Context, feed Feed, gone event.Change) (bool, error) {
	changes, merged, err := r.underWay(ctx, feed, gone.Object, false)
	if err != nil || merged.Object.Exists() {
		return false, err
	}
	for i, c := range changes {
		if c.Type.Effect() == event.EffectPatch && merged.Roles[i] == event.Effective && !gone.Stamp.Before(c.Stamp) {
			return true, nil
		}
	}
	return false, nil
}

// wait waits for a moment.
func (r *Round) wait(ctx context.Context, moment time.Time) error {
	reached, stop := r.Clock.At(moment)
	defer stop()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait before absent objects are asked for again: %w", ctx.Err())
	}
}
