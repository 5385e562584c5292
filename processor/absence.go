package processor

import (
	"context"
	"fmt"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// isProvenGone decides whether the entry of an object that is to be removed, and is not seen, is gone. One that is linked has been looked
// into before; one that was made and has never been seen since is remembered by its place alone.
func (w *work) isProvenGone(ctx context.Context) verdict {
	if w.task.DN.Empty() {
		w.task.DN = w.task.Doubted
	}
	if w.task.DN.Empty() && !w.task.Tried.Ref.Zero() {
		w.task.DN = w.triedAt(ctx)
	}
	switch {
	case w.task.DN.Empty(), w.task.Link != "" && w.leaves: // vanished has looked at the places as well
		return proceed
	case w.task.Link != "":
		return w.seesPlaces(ctx)
	}
	there, err := w.target.Read(ctx, w.task.DN, nil)
	if err != nil {
		w.failed(err)
		return ended
	}
	if there != nil {
		return proceed // It is somebody else's, so ours is not there.
	}
	if v := w.vanished(ctx); v != proceed || w.leaves {
		return v
	}
	return w.seesPlaces(ctx)
}

// triedAt is where the entry would have been made that may have been made, empty where it could not.
func (w *work) triedAt(ctx context.Context) plan.DN {
	before := w.begin(Task{Merged: event.Merged{Object: w.task.Tried, PasswordFrom: -1}, Now: w.task.Now, Memory: w.task.Memory})
	before.lookAfresh()
	before.profile = w.profile
	result, ok := before.desire(ctx)
	if !ok || len(before.required) > 0 || result.Undecided {
		return nil
	}
	return result.Desired.DN
}

// seesPlaces makes sure that the places of the mapping are seen which the entry was below: where one is hidden, all in it is. One that
// is made where it is missing is made, for the server says then whether it is there.
func (w *work) seesPlaces(ctx context.Context) verdict {
	for _, place := range w.set.Places() {
		if !plan.Below(w.comparison(), w.task.DN, place.DN) {
			continue
		}
		seen, err := w.seesPlace(ctx, place.DN)
		if err != nil {
			w.failed(err)
			return ended
		}
		if !seen {
			if w.result.Outcome.Code == event.CodeUnavailable {
				return ended // so it could not be made
			}
			w.wait(event.CodeRetry, fmt.Sprintf("neither the entry of %s nor %s above it, a place of the mapping, is to be seen; let the bind account see that, or add it", w.ref(), place.DN))
			return ended
		}
	}
	return proceed
}

func (w *work) seesPlace(ctx context.Context, dn plan.DN) (bool, error) {
	there, err := w.target.Read(ctx, dn, nil)
	entry, isMade := w.set.PlaceEntry(dn)
	if err != nil || there != nil || !isMade || w.placeMade {
		return there != nil, err //nolint:wrapcheck // It names the entry.
	}
	w.placeMade = true
	if !w.makePlace(ctx, entry) {
		return false, nil
	}
	there, err = w.target.Read(ctx, dn, nil)
	return there != nil, err //nolint:wrapcheck // It names the entry.
}

// mayBeHidden reports whether whoever has a value that the server has refused may be in a place that is not to be seen, and waits then.
// A place that is made when it is needed may be missing, unless the object belongs in it.
func (w *work) mayBeHidden(ctx context.Context, refused *connector.OutcomeError) bool {
	for _, place := range w.set.Places() {
		there, err := w.target.Read(ctx, place.DN, nil)
		if err != nil {
			w.failed(err)
			return true
		}
		if _, isMade := w.set.PlaceEntry(place.DN); there == nil && (!isMade || plan.Below(w.comparison(), w.draft.desired.DN, place.DN)) {
			w.wait(event.CodeRetry, fmt.Sprintf("%s; %s, a place of the mapping, is not to be seen, and whoever has the value may be in it", refused.Reason(), place.DN))
			return true
		}
	}
	return false
}
