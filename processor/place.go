package processor

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// takePlace asks the guards and gets the place of the entry ready: where it is now is remembered before it leaves that, and
// nobody else is where it is going to be.
func takePlace(ctx context.Context, w *work) verdict {
	d := w.draft
	if w.blocked {
		return proceed
	}
	if d.current != nil && !w.confirmFound(ctx, d.current) {
		return w.block()
	}
	if d.belowItself {
		return w.once(w.waitForPlace(ctx, d))
	}
	if !w.spares(ctx, d) {
		return w.block()
	}
	if d.current != nil {
		if !w.looking {
			if held := w.heldBack(ctx, d); held != nil {
				w.result.Outcome = *held
				return w.block()
			}
		}
		w.formerly = append(w.formerly, d.current.DN)
	}
	if w.movesOthers(d) && !w.task.Alone {
		w.result.NeedsAlone = true
		return ended
	}
	if d.current != nil && d.leavesPlace() && !w.confirmPlace(ctx, d.current.Link, d.current.DN) {
		return w.block()
	}
	free, again := w.placeIsFree(ctx, d)
	if free {
		return proceed
	}
	return w.once(again)
}

// confirmFound confirms the place of an entry that is not where it is remembered. That comes before all that may keep the task, as
// those below a unit wait until its place is confirmed. It returns false where the task has ended instead, or is to be tried alone.
func (w *work) confirmFound(ctx context.Context, current *plan.Entry) bool {
	if w.task.DN.Empty() || plan.SameDN(w.matching(ctx), w.task.DN, current.DN) {
		return true
	}
	if w.task.Merged.Object.Ref.Kind == event.KindUnit && !w.task.Alone {
		w.result.NeedsAlone = true
		return false
	}
	return w.confirmPlace(ctx, current.Link, current.DN)
}

// confirmStopped confirms the place of an entry although the mapping cannot tell what it should be, which may stay so for long.
func (w *work) confirmStopped(ctx context.Context) {
	if w.result.NeedsAlone || len(w.result.Operations) > 0 || w.result.Outcome.Code == event.CodeUnavailable {
		return
	}
	if w.ours(w.found) {
		w.confirmFound(ctx, w.found)
	}
}

// confirmPlace makes sure that the place of the entry is remembered before the entry leaves it. Where it is not, as an earlier
// try has ended halfway, references may name the entry there and at the remembered place. With a third place one of these would
// be forgotten if this try ended halfway as well, and whoever got that name later would be referred to. So references are
// brought to where the entry is, and that is remembered. It returns false where the task has ended instead.
func (w *work) confirmPlace(ctx context.Context, link string, at plan.DN) bool {
	if plan.SameDN(w.matching(ctx), w.task.DN, at) {
		return true
	}
	above, err := w.unconfirmedAbove(ctx, at)
	switch {
	case err != nil:
		return w.failed(err)
	case !above.Zero():
		w.result.Touch = append(w.result.Touch, above)
		w.wait(event.CodeRetry, fmt.Sprintf("%s is below %s now, whose place has to be confirmed first", w.task.Merged.Object.Ref, above), above)
		return false
	}
	w.result.DN = at
	if err := w.follow(ctx); err != nil {
		return w.failed(err)
	}
	if err := w.task.Memory.Moved(ctx, link, at, w.comparison()); err != nil {
		w.result.DN = w.task.DN
		return w.failed(fmt.Errorf("remember that %s is at %s: %w", w.task.Merged.Object.Ref, at, err))
	}
	w.task.Link, w.task.DN, w.result.Link = link, at, link
	// All names from before are free for others now, and what refers to these is not ours to bring along.
	w.formerly = []plan.DN{at}
	return true
}

// unconfirmedAbove returns the object above the place where the entry is that is remembered elsewhere; the zero reference if there is
// none. That one is still to bring along the references to all that is below it. It finds them by the names below its former place
// that follow from what is remembered there and from what is really below it, and the entry getting another name of its own would
// change both. As who waits is below who is waited for, these two never wait for each other.
func (w *work) unconfirmedAbove(ctx context.Context, at plan.DN) (event.Ref, error) {
	for above := at.Parent(); plan.Below(w.matching(ctx), above, w.set.Base()); above = above.Parent() {
		if _, fixed := w.set.PlaceEntry(above); fixed {
			continue
		}
		there, err := w.target.Read(ctx, above, nil)
		if err != nil {
			return event.Ref{}, fmt.Errorf("look for what is above %s: %w", at, err)
		}
		if there == nil {
			continue
		}
		ref, remembered, err := w.task.Memory.Linked(ctx, there.Link)
		if err != nil {
			return event.Ref{}, err //nolint:wrapcheck // It names the entry.
		}
		if !ref.Zero() && !plan.SameDN(w.matching(ctx), remembered, above) {
			return ref, nil
		}
	}
	return event.Ref{}, nil
}
