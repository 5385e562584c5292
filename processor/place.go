package processor

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// settleFound settles the place of an entry that is not where it is remembered. That comes before all that may keep the task, as
// those below a unit wait until its place is settled. It returns false where the task has ended instead, or is to be tried alone.
func (r *run) settleFound(ctx context.Context, current *plan.Entry) bool {
	if r.task.DN.Empty() || r.task.DN.Equal(current.DN) {
		return true
	}
	if r.task.Merged.Object.Ref.Kind == event.KindUnit && !r.task.Alone {
		r.result.NeedsAlone = true
		return false
	}
	return r.settlePlace(ctx, current.Link, current.DN)
}

// settleStopped settles the place of an entry although the mapping cannot tell what it should be, which may stay so for long.
func (r *run) settleStopped(ctx context.Context) {
	if r.result.NeedsAlone || len(r.result.Operations) > 0 || r.result.Outcome.Code == event.CodeUnavailable {
		return
	}
	if current := r.remembered(ctx); current != nil && current.Link == r.task.Link {
		r.settleFound(ctx, current)
	}
}

// settlePlace makes sure that the place of the entry is remembered before the entry leaves it. Where it is not, as an earlier
// try has ended halfway, references may name the entry there and at the remembered place. With a third place one of these would
// be forgotten if this try ended halfway as well, and whoever got that name later would be referred to. So references are
// brought to where the entry is, and that is remembered. It returns false where the task has ended instead.
func (r *run) settlePlace(ctx context.Context, link string, at plan.DN) bool {
	if r.task.DN.Equal(at) {
		return true
	}
	above, err := r.unsettledAbove(ctx, at)
	switch {
	case err != nil:
		return r.failed(err)
	case !above.Zero():
		r.result.Touch = append(r.result.Touch, above)
		r.wait(event.CodeRetry, fmt.Sprintf("%s is below %s now, which has to settle first", r.task.Merged.Object.Ref, above), above)
		return false
	}
	r.result.DN = at
	if err := r.follow(ctx); err != nil {
		return r.failed(err)
	}
	if err := r.task.Memory.Moved(ctx, link, at); err != nil {
		r.result.DN = r.task.DN
		return r.failed(fmt.Errorf("remember that %s is at %s: %w", r.task.Merged.Object.Ref, at, err))
	}
	r.task.Link, r.task.DN, r.result.Link = link, at, link
	// All names from before are free for others now, and what refers to these is not ours to bring along.
	r.formerly = []plan.DN{at}
	return true
}

// unsettledAbove returns the object above the place where the entry is that is remembered elsewhere; the zero reference if there is
// none. That one is still to bring along the references to all that is below it. It finds them by the names below its former place
// that follow from what is remembered there and from what is really below it, and the entry getting another name of its own would
// change both. As who waits is below who is waited for, these two never wait for each other.
func (r *run) unsettledAbove(ctx context.Context, at plan.DN) (event.Ref, error) {
	for above := at.Parent(); above.Below(r.set.Base()); above = above.Parent() {
		if _, fixed := r.set.PlaceEntry(above); fixed {
			continue
		}
		there, err := r.target.Read(ctx, above, nil)
		if err != nil {
			return event.Ref{}, fmt.Errorf("look for what is above %s: %w", at, err)
		}
		if there == nil {
			continue
		}
		ref, remembered, err := r.task.Memory.Linked(ctx, there.Link)
		if err != nil {
			return event.Ref{}, err //nolint:wrapcheck // It names the entry.
		}
		if !ref.Zero() && !remembered.Equal(above) {
			return ref, nil
		}
	}
	return event.Ref{}, nil
}
