package processor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// want asks the mapping what the entry should be. Where it cannot tell, the place and the record wait; where the entry
// is gets confirmed all the same, and it steps aside for who waits for its place.
func want(ctx context.Context, w *work) verdict {
	result, ok := w.desire(ctx)
	if !ok {
		if w.result.Outcome.State == event.Skipped {
			return ended
		}
		w.confirmStopped(ctx)
		return w.blockedUnless(w.wantPlace())
	}
	w.draft.desired, w.draft.missing, w.failures = result.Desired, result.Missing, result.Failed
	switch {
	case result.Undecided && len(result.Failed) > 0:
		w.failed(result.Failed[0])
		w.confirmStopped(ctx)
		return w.blockedUnless(w.wantPlace())
	case len(w.required) > 0:
		return w.wantLater(ctx)
	}
	return proceed
}

// wantLater goes on where the mapping needs objects that are not there yet. Of a user who has an entry, all that does not depend
// on them is written now; anything else waits.
func (w *work) wantLater(ctx context.Context) verdict {
	w.wait(event.CodeWaitsForObject, "waits for "+naming(w.required)+", which is not in the directory yet", w.required...)
	w.makeRoom(ctx)
	w.confirmStopped(ctx)
	if later := w.result.Outcome; later.Code == event.CodeWaitsForObject && !w.result.NeedsAlone && w.isUser() && w.ours(w.found) && !w.leaves {
		w.later = &later
		w.result.Outcome = event.Outcome{}
		return proceed
	}
	return w.block()
}

func naming(refs []event.Ref) string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.String()
	}
	return strings.Join(names, " and ")
}

// desire asks the mapping, and whatever the mapping asks for in turn, until it can say what the entry should be.
func (w *work) desire(ctx context.Context) (mapping.Result, bool) {
	object := w.task.Merged.Object
	in := mapping.Input{
		Object:   object,
		DN:       w.result.DN,
		Resolved: map[event.Ref]plan.DN{},
		Open:     map[event.Ref]bool{},
		Numbers:  map[string]int64{},
		Names:    map[string]string{},
		Owned:    func(attribute string) []string { return owned(w.comparison(), w.task.Owned, attribute) },
		Deleted:  object.Deleted(),
	}
	if !w.resolveAbove(ctx, &in) {
		return mapping.Result{}, false
	}
	for range questions {
		result, err := w.set.Desired(in)
		var unresolved *mapping.Unresolved
		var skipped *mapping.Skipped
		switch {
		case err == nil:
			w.open = result.Open
			return result, true
		case errors.Is(err, mapping.ErrOutOfScope) && !in.Deleted:
			ours, lookErr := w.hasMade(ctx, in)
			if lookErr != nil {
				return mapping.Result{}, w.failed(lookErr)
			}
			if !ours {
				w.end(event.Skipped, event.CodeOutOfScope, object.Ref.String()+": "+err.Error())
				return mapping.Result{}, false
			}
			// What is ours and leaves the scope is the same as if it were gone.
			in.Deleted, w.leaves = true, true
		case errors.Is(err, mapping.ErrOutOfScope):
			w.end(event.Skipped, event.CodeOutOfScope, object.Ref.String()+": "+err.Error())
			return mapping.Result{}, false
		case errors.As(err, &skipped):
			w.end(event.Skipped, event.CodeOutOfScope, skipped.Error())
			return mapping.Result{}, false
		case errors.As(err, &unresolved):
			if !w.resolve(ctx, &in, unresolved) {
				return mapping.Result{}, false
			}
		default:
			return mapping.Result{}, w.failed(err)
		}
	}
	w.end(event.Failed, event.CodeMapping, "the mapping keeps asking for more objects; a rule of it refers to itself")
	return mapping.Result{}, false
}

// hasMade reports whether an object has an entry of ours. Where none is linked there may be one with its id all the same: it was made
// before a crash, or its making was never answered.
func (w *work) hasMade(ctx context.Context, in mapping.Input) (bool, error) {
	if w.task.Link != "" {
		return true, nil
	}
	found, err := w.find(ctx, w.set.ByID(in))
	return found != nil && w.by != nil, err
}

// questions bounds how often a mapping may ask for something before it answers.
const questions = 8

// resolveAbove finds the unit that a user or a unit belongs to, where one is known.
func (w *work) resolveAbove(ctx context.Context, in *mapping.Input) bool {
	if in.Deleted {
		return true
	}
	above, err := w.aboveOf(ctx, in.Object)
	if err != nil {
		return w.failed(err)
	}
	in.Above = above
	return true
}

// aboveOf returns the unit that an object belongs to, nil where none is known or the mapping does not read it.
func (w *work) aboveOf(ctx context.Context, object event.Object) (*mapping.Above, error) {
	switch id := object.PrimaryUnit(); {
	case id == "" || !w.set.ReadsAbove(object.Ref.Kind):
		return nil, nil
	case id == event.RootUnitID:
		return w.set.RootAbove(), nil
	default:
		return w.unitAbove(ctx, id)
	}
}

// unitAbove returns a unit where one is known and has an entry, nil otherwise.
func (w *work) unitAbove(ctx context.Context, id string) (*mapping.Above, error) {
	unit, record, found, err := w.task.Memory.Lookup(ctx, event.Ref{Kind: event.KindUnit, ID: id})
	if err != nil || !found || !unit.Exists() || record.DN.Empty() {
		return nil, err //nolint:wrapcheck // It names the unit.
	}
	return &mapping.Above{Object: unit, DN: record.DN}, nil
}

// resolve answers what the mapping asked for. It returns false where the task ends instead.
func (w *work) resolve(ctx context.Context, in *mapping.Input, asked *mapping.Unresolved) bool {
	for _, needed := range asked.Objects {
		if err := w.resolveOne(ctx, in, needed); err != nil {
			return w.failed(err)
		}
	}
	return w.decide(ctx, in, asked)
}

// resolveOne finds where an object is that something refers to, or leaves that open. What is open follows when the object is there.
func (w *work) resolveOne(ctx context.Context, in *mapping.Input, needed mapping.Needed) error {
	ref := needed.Ref
	isUnit := in.Above == nil && ref == event.Ref{Kind: event.KindUnit, ID: in.Object.PrimaryUnit()}
	other, record, found, err := w.task.Memory.Lookup(ctx, ref)
	if err != nil {
		return err //nolint:wrapcheck // It names the object.
	}
	outside := false
	if found && ref.Kind == event.KindUser && !other.Deleted() && record.DN.Empty() {
		if outside, err = w.outOfScope(ctx, other); err != nil {
			return err
		}
	}
	switch {
	case outside:
		// Nobody knows whether the mapping will ever let that user in. The reference is written on the day it does.
		in.Resolved[ref] = nil
	case found && other.Deleted() && !isUnit:
		in.Resolved[ref] = nil // gone, and nobody knows whether for good; a reference to it says nothing
		return nil
	case !found || record.DN.Empty() || isUnit:
		in.Open[ref] = true
		if needed.Required {
			w.required = append(w.required, ref)
			return nil
		}
	default:
		in.Resolved[ref], w.named[ref] = record.DN, record.DN
		return nil
	}
	if !slices.Contains(w.result.WaitsFor, ref) {
		w.result.WaitsFor = append(w.result.WaitsFor, ref)
	}
	return nil
}
