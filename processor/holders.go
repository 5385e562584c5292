package processor

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// placeIsFree looks whether another object is remembered at the place that the entry is about to take. The directory may
// have room there and references to the other one may still name it so, while that is on its way: they would be mixed up.
func (w *work) placeIsFree(ctx context.Context, d draft) (free, again bool) {
	takes := d.current == nil && d.desired.Removal == nil || slices.ContainsFunc(d.plan.Operations, d.renames)
	if !takes || w.chose || d.plan.DN.Empty() {
		return true, false
	}
	self := w.task.Merged.Object.Ref
	holder, err := w.holder(ctx, d.plan.DN)
	switch {
	case err != nil:
		return false, w.failed(err)
	case holder.Zero() || holder == self:
		return true, false
	}
	return false, w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s still is", self, d.plan.DN, holder))
}

// waitForPlace handles a DN that is not free: another entry has it, or it lies below the entry itself.
func (w *work) waitForPlace(ctx context.Context, d draft) (again bool) {
	self, dn := w.task.Merged.Object.Ref, d.desired.DN
	holder, err := w.placeHolder(ctx, dn)
	if err != nil {
		return w.failed(err)
	}
	switch {
	case holder == self:
		return true
	case holder.Zero():
		if left, err := w.hasJustLeft(ctx, dn); left || err != nil {
			return err == nil || w.failed(err)
		}
		if holder, err = w.occupant(ctx, dn); err != nil {
			return w.failed(err)
		}
		if !holder.Zero() && holder != self {
			return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s is", self, dn, holder))
		}
		w.wait(event.CodeDNTaken, fmt.Sprintf(
			"%s belongs at %s, and an entry that is not ours is there: rename or delete it, or add an adopt rule to match in the mapping", self, dn))
		return false
	}
	return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s still is", self, dn, holder))
}

// hasJustLeft looks whether an entry that was in the way, and that nobody is remembered to have, is there no more: whose it
// was has ended its task between the two looks, and nobody is told about that again. It says so once; what is in the way again after
// that, and cannot be read, is waited for.
func (w *work) hasJustLeft(ctx context.Context, dn plan.DN) (bool, error) {
	if w.sawLeave {
		return false, nil
	}
	there, err := w.target.Read(ctx, dn, nil)
	w.sawLeave = err == nil && there == nil
	return w.sawLeave, err
}

// occupant returns the object whose entry the directory has at a DN, by its stable id: somebody may have moved it there, or the
// directory takes more names for one than we know. It returns the zero reference where it is nobody's who exists.
func (w *work) occupant(ctx context.Context, dn plan.DN) (event.Ref, error) {
	there, err := w.target.Read(ctx, dn, nil)
	if err != nil || there == nil {
		return event.Ref{}, err //nolint:wrapcheck // It names the entry.
	}
	ref, _, err := w.task.Memory.Linked(ctx, there.Link)
	if err != nil || ref.Zero() {
		return event.Ref{}, err //nolint:wrapcheck // It names the entry.
	}
	object, _, _, err := w.task.Memory.Lookup(ctx, ref)
	if err != nil || !object.Exists() {
		return event.Ref{}, err //nolint:wrapcheck // It names the object.
	}
	return ref, nil
}

// waitForHolder waits for another object to make room, or steps aside where that one waits for this.
func (w *work) waitForHolder(ctx context.Context, d draft, holder event.Ref, message string) (again bool) {
	circular, err := w.waitsForSelf(ctx, holder)
	if err != nil {
		return w.failed(err)
	}
	if circular && !w.result.DN.Empty() {
		return w.stepAside(ctx, d, holder)
	}
	w.result.Touch = append(w.result.Touch, holder)
	w.wait(event.CodeWaitsForDN, message, holder)
	return false
}

// placeHolder returns the object to wait for: the one that has the DN, or, where the DN lies below the entry of the task
// itself, one of those between them, which has to move away first: the one that waits for the object of the task, or else the nearest.
func (w *work) placeHolder(ctx context.Context, dn plan.DN) (nearest event.Ref, err error) {
	own := w.result.DN
	if own.Empty() || !plan.Below(w.matching(ctx), dn, own) {
		return w.holder(ctx, dn)
	}
	for above := dn.Parent(); plan.Below(w.matching(ctx), above, own); above = above.Parent() {
		holder, err := w.holder(ctx, above)
		if err != nil {
			return event.Ref{}, err
		}
		if holder.Zero() {
			continue
		}
		if nearest.Zero() {
			nearest = holder
		}
		if circular, err := w.waitsForSelf(ctx, holder); circular || err != nil {
			return holder, err
		}
	}
	return nearest, nil
}

// chain bounds how far a chain of objects that wait for each other is followed.
const chain = 32

// waitsForSelf reports whether an object waits, directly or through others, for the object of the task.
func (w *work) waitsForSelf(ctx context.Context, from event.Ref) (bool, error) {
	seen := map[event.Ref]bool{}
	next := []event.Ref{from}
	for len(next) > 0 && len(seen) < chain {
		ref := next[0]
		next = next[1:]
		if ref == w.task.Merged.Object.Ref {
			return true, nil
		}
		if seen[ref] {
			continue
		}
		seen[ref] = true
		waits, err := w.task.Memory.WaitsFor(ctx, ref)
		if err != nil {
			return false, err
		}
		next = append(next, waits...)
	}
	return false, nil
}
