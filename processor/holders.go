package processor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/connector"
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
	holder, err := w.task.Memory.Holder(ctx, d.plan.DN)
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
		w.wait(event.CodeDNTaken, fmt.Sprintf(
			"%s belongs at %s, and an entry that is not ours is there: rename or delete it, or add an adopt rule to match in the mapping", self, dn))
		return false
	}
	return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s still is", self, dn, holder))
}

// hasJustLeft looks whether an entry that was in the way, and that nobody is remembered to have, is there no more: whose it
// was has settled between the two looks, and nobody is told about that again. It says so once; what is in the way again after
// that, and cannot be read, is waited for.
func (w *work) hasJustLeft(ctx context.Context, dn plan.DN) (bool, error) {
	if w.sawLeave {
		return false, nil
	}
	there, err := w.target.Read(ctx, dn, nil)
	w.sawLeave = err == nil && there == nil
	return w.sawLeave, err
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

// notUnique handles a value that the directory wants only once and that another entry has. Where that is an object of ours
// it may be about to change, so it is waited for like a place that is taken. Servers do not say which value it is, so the
// name of the entry and all that are usually wanted once are looked for.
func (w *work) notUnique(ctx context.Context, d draft, refused *connector.OutcomeError) (again bool) {
	self := w.task.Merged.Object.Ref
	stranger := ""
	for _, ava := range uniqueValues(d) {
		others, err := w.target.Referring(ctx, w.set.Base(), []string{ava.Type}, ava.Value)
		if err != nil {
			return w.failed(err)
		}
		for _, other := range others {
			holder, err := w.task.Memory.Holder(ctx, other.DN)
			if err != nil {
				return w.failed(err)
			}
			if !holder.Zero() && holder != self {
				return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s is to have the %s %s, and so has %s still, at %s", self, ava.Type, ava.Value, holder, other.DN))
			}
			if !holder.Zero() {
				continue
			}
			there, err := w.target.Read(ctx, other.DN, nil)
			switch {
			case err != nil:
				return w.failed(err)
			case there == nil:
			case d.current != nil && there.Link != "" && there.Link == d.current.Link:
				return true // it is our own, which has come along with a unit at this moment
			default:
				if freed, err := w.freeLeaver(ctx, there, ava.Type); freed || err != nil {
					return err == nil || w.failed(err)
				}
				stranger = fmt.Sprintf("%s is to have the %s %s, and %s has it, an entry that is not ours", self, ava.Type, ava.Value, other.DN)
			}
		}
	}
	// Where nobody is found, the one who had it has given it up at this moment, and may not have said so yet.
	holder, err := w.placeHolder(ctx, d.desired.DN)
	switch {
	case err != nil:
		return w.failed(err)
	case !holder.Zero() && holder != self:
		return w.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s was until now", self, d.desired.DN, holder))
	case stranger != "":
		w.wait(event.CodeDNTaken, fmt.Sprintf("%s: change or delete that one, or add an adopt rule to match in the mapping; %s", stranger, refused.Reason()))
		return false
	case !w.refusedOnce:
		w.refusedOnce = true
		return true
	}
	return w.failed(refused)
}

// uniqueValues returns the wanted values that no other entry may have.
func uniqueValues(d draft) plan.RDN {
	values := slices.Clone(d.desired.DN.RDN())
	for _, unique := range d.unique {
		for _, rule := range d.desired.Rules {
			if !strings.EqualFold(rule.Attribute, unique.Name) {
				continue
			}
			for _, v := range rule.Values {
				values = append(values, plan.AVA{Type: rule.Attribute, Value: v})
			}
		}
	}
	return values
}

// placeHolder returns the object to wait for: the one that has the DN, or, where the DN lies below the entry of the task
// itself, the nearest object between them, which has to move away first.
func (w *work) placeHolder(ctx context.Context, dn plan.DN) (event.Ref, error) {
	own := w.result.DN
	if own.Empty() || !dn.Below(own) {
		return w.task.Memory.Holder(ctx, dn)
	}
	for above := dn.Parent(); above.Below(own); above = above.Parent() {
		holder, err := w.task.Memory.Holder(ctx, above)
		if err != nil || !holder.Zero() {
			return holder, err
		}
	}
	return event.Ref{}, nil
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
