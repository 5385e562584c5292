package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// applyFailed decides what an operation that was not confirmed means for the task. It reports whether another look at
// the entry is worthwhile: wherever the directory was not as planned, or it is unknown whether the write happened.
func (r *run) applyFailed(ctx context.Context, d draft, err error) (again bool) {
	var outcome *connector.OutcomeError
	if !errors.As(err, &outcome) {
		return r.failed(err)
	}
	switch outcome.Kind {
	case connector.KindMissingParent, connector.KindConflict, connector.KindRefused:
		waits, err := r.refusedForStrays(ctx)
		if err != nil {
			return r.failed(err)
		}
		if waits {
			return false
		}
	}
	switch outcome.Kind {
	case connector.KindAlreadySo, connector.KindConflict:
		return true
	case connector.KindExists:
		if r.chose {
			return true // Somebody has taken the name meanwhile; the next one is tried.
		}
		return r.waitForPlace(ctx, d)
	case connector.KindNotUnique:
		return r.notUnique(ctx, d, outcome)
	case connector.KindMissingParent:
		return r.missingParent(ctx, d)
	case connector.KindNotEmpty:
		return r.notEmpty(ctx, d)
	default:
		if outcome.InDoubt {
			return true
		}
		if members := d.desired.Members; members != nil && members.Placeholder != "" && d.current != nil && !r.lastMember && outcome.EmptiesGroup() {
			r.lastMember = true
			return true
		}
		return r.failed(err)
	}
}

// setPassword writes the password. It returns false where the task must end because it is not known whether the
// password was written.
func (r *run) setPassword(ctx context.Context, op plan.SetPassword) bool {
	if err := r.task.Memory.BeforePassword(ctx); err != nil {
		return r.failed(err)
	}
	err := r.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	switch {
	case err == nil:
		r.wrote(op)
		r.passwordSet = true
	case errors.As(err, &outcome) && outcome.Kind == connector.KindAlreadySo:
		r.passwordSet = true
	case errors.As(err, &outcome) && outcome.Kind == connector.KindPasswordRefused && outcome.History && r.task.PasswordTried:
		// A try before a crash has written it: the history knows it from then.
		r.wrote(op)
		r.passwordSet = true
	case errors.As(err, &outcome) && outcome.RefusesPassword():
		r.result.PasswordOutcome = &event.Outcome{State: event.Failed, Code: event.CodePasswordRefused, Message: outcome.Explain()}
	default:
		return r.failed(err)
	}
	r.noPassword = true
	return true
}

// placeIsFree looks whether another object is remembered at the place that the entry is about to take. The directory may
// have room there and references to the other one may still name it so, while that is on its way: they would be mixed up.
func (r *run) placeIsFree(ctx context.Context, d draft) (free, again bool) {
	takes := d.current == nil && d.desired.Removal == nil || slices.ContainsFunc(d.plan.Operations, d.renames)
	if !takes || r.chose || d.plan.DN.Empty() {
		return true, false
	}
	self := r.task.Merged.Object.Ref
	holder, err := r.task.Memory.Holder(ctx, d.plan.DN)
	switch {
	case err != nil:
		return false, r.failed(err)
	case holder.Zero() || holder == self:
		return true, false
	}
	return false, r.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s still is", self, d.plan.DN, holder))
}

// waitForPlace handles a DN that is not free: another entry has it, or it lies below the entry itself.
func (r *run) waitForPlace(ctx context.Context, d draft) (again bool) {
	self, dn := r.task.Merged.Object.Ref, d.desired.DN
	holder, err := r.placeHolder(ctx, dn)
	if err != nil {
		return r.failed(err)
	}
	switch {
	case holder == self:
		return true
	case holder.Zero():
		if left, err := r.hasJustLeft(ctx, dn); left || err != nil {
			return err == nil || r.failed(err)
		}
		r.wait(event.CodeDNTaken, fmt.Sprintf(
			"%s belongs at %s, and an entry that is not ours is there: rename or delete it, or add an adopt rule to match in the mapping", self, dn))
		return false
	}
	return r.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s still is", self, dn, holder))
}

// hasJustLeft looks whether an entry that was in the way, and that nobody is remembered to have, is there no more: whose it
// was has settled between the two looks, and nobody is told about that again. It says so once; what is in the way again after
// that, and cannot be read, is waited for.
func (r *run) hasJustLeft(ctx context.Context, dn plan.DN) (bool, error) {
	if r.sawLeave {
		return false, nil
	}
	there, err := r.target.Read(ctx, dn, nil)
	r.sawLeave = err == nil && there == nil
	return r.sawLeave, err
}

// waitForHolder waits for another object to make room, or steps aside where that one waits for this.
func (r *run) waitForHolder(ctx context.Context, d draft, holder event.Ref, message string) (again bool) {
	circular, err := r.waitsForSelf(ctx, holder)
	if err != nil {
		return r.failed(err)
	}
	if circular && !r.result.DN.Empty() {
		return r.stepAside(ctx, d, holder)
	}
	r.result.Touch = append(r.result.Touch, holder)
	r.wait(event.CodeWaitsForDN, message, holder)
	return false
}

// notUnique handles a value that the directory wants only once and that another entry has. Where that is an object of ours
// it may be about to change, so it is waited for like a place that is taken. Servers do not say which value it is, so the
// name of the entry and all that are usually wanted once are looked for.
func (r *run) notUnique(ctx context.Context, d draft, refused *connector.OutcomeError) (again bool) {
	self := r.task.Merged.Object.Ref
	stranger := ""
	for _, ava := range uniqueValues(d) {
		others, err := r.target.Referring(ctx, r.set.Base(), []string{ava.Type}, ava.Value)
		if err != nil {
			return r.failed(err)
		}
		for _, other := range others {
			holder, err := r.task.Memory.Holder(ctx, other.DN)
			if err != nil {
				return r.failed(err)
			}
			if !holder.Zero() && holder != self {
				return r.waitForHolder(ctx, d, holder, fmt.Sprintf("%s is to have the %s %s, and so has %s still, at %s", self, ava.Type, ava.Value, holder, other.DN))
			}
			if !holder.Zero() {
				continue
			}
			there, err := r.target.Read(ctx, other.DN, nil)
			switch {
			case err != nil:
				return r.failed(err)
			case there == nil:
			case d.current != nil && there.Link != "" && there.Link == d.current.Link:
				return true // it is our own, which has come along with a unit at this moment
			default:
				stranger = fmt.Sprintf("%s is to have the %s %s, and %s has it, an entry that is not ours", self, ava.Type, ava.Value, other.DN)
			}
		}
	}
	// Where nobody is found, the one who had it has given it up at this moment, and may not have said so yet.
	holder, err := r.placeHolder(ctx, d.desired.DN)
	switch {
	case err != nil:
		return r.failed(err)
	case !holder.Zero() && holder != self:
		return r.waitForHolder(ctx, d, holder, fmt.Sprintf("%s belongs at %s, where %s was until now", self, d.desired.DN, holder))
	case stranger != "":
		r.wait(event.CodeDNTaken, fmt.Sprintf("%s: change or delete that one, or add an adopt rule to match in the mapping; %s", stranger, refused.Reason()))
		return false
	case !r.refusedOnce:
		r.refusedOnce = true
		return true
	}
	return r.failed(refused)
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
func (r *run) placeHolder(ctx context.Context, dn plan.DN) (event.Ref, error) {
	own := r.result.DN
	if own.Empty() || !dn.Below(own) {
		return r.task.Memory.Holder(ctx, dn)
	}
	for above := dn.Parent(); above.Below(own); above = above.Parent() {
		holder, err := r.task.Memory.Holder(ctx, above)
		if err != nil || !holder.Zero() {
			return holder, err
		}
	}
	return event.Ref{}, nil
}

// chain bounds how far a chain of objects that wait for each other is followed.
const chain = 32

// waitsForSelf reports whether an object waits, directly or through others, for the object of the task.
func (r *run) waitsForSelf(ctx context.Context, from event.Ref) (bool, error) {
	seen := map[event.Ref]bool{}
	next := []event.Ref{from}
	for len(next) > 0 && len(seen) < chain {
		ref := next[0]
		next = next[1:]
		if ref == r.task.Merged.Object.Ref {
			return true, nil
		}
		if seen[ref] {
			continue
		}
		seen[ref] = true
		waits, err := r.task.Memory.WaitsFor(ctx, ref)
		if err != nil {
			return false, err
		}
		next = append(next, waits...)
	}
	return false, nil
}

// missingParent handles a place whose entry above is missing: one that the mapping fixes is made, a unit that is not
// where it was is looked at first.
func (r *run) missingParent(ctx context.Context, d draft) (again bool) {
	parent := d.plan.DN.Parent()
	if place, fixed := r.set.PlaceEntry(parent); fixed && !r.placeMade {
		r.placeMade = true
		return r.makePlace(ctx, place)
	}
	self := r.task.Merged.Object
	unit := event.Ref{Kind: event.KindUnit, ID: self.PrimaryUnit()}
	if unit.ID == "" || unit.ID == event.RootUnitID || !r.set.ReadsAbove(self.Ref.Kind) {
		r.wait(event.CodeWaitsForObject, fmt.Sprintf("the entry above %s is missing: create %s", d.plan.DN, parent))
		return false
	}
	r.result.Touch = append(r.result.Touch, unit)
	r.wait(event.CodeWaitsForObject, fmt.Sprintf("%s is not at %s any more; it is put back first", unit, parent), unit)
	return false
}

func (r *run) makePlace(ctx context.Context, place plan.Desired) (again bool) {
	built, err := plan.Build(nil, place, plan.Policy{Matching: plan.DefaultMatching()})
	if err != nil {
		return r.failed(fmt.Errorf("plan %s: %w", place.DN, err))
	}
	for _, op := range built.Operations {
		err := r.target.Apply(ctx, op)
		var outcome *connector.OutcomeError
		if errors.As(err, &outcome) && outcome.Kind == connector.KindExists {
			return true
		}
		if err != nil {
			return r.failed(fmt.Errorf("make %s, which the mapping names as a place: %w", place.DN, err))
		}
		r.result.Operations = append(r.result.Operations, op)
	}
	return true
}

// emptyWithin is how long a unit that is to be deleted may take to become empty before the deletion counts as failed.
const emptyWithin = 24 * time.Hour

// childrenNamed is how many entries a message about a unit that is not empty names, and waits for.
const childrenNamed = 5

func (r *run) notEmpty(ctx context.Context, d draft) (again bool) {
	children, err := r.target.Children(ctx, d.current.DN, childrenNamed)
	if err != nil {
		return r.failed(err)
	}
	if len(children) == 0 {
		return true
	}
	names := ""
	for _, child := range children {
		names += " " + child.RDN().String()
		holder, err := r.task.Memory.Holder(ctx, child)
		if err != nil {
			return r.failed(err)
		}
		if !holder.Zero() {
			r.result.WaitsFor = append(r.result.WaitsFor, holder)
			continue
		}
		// Nobody would say when it goes. If it was ours and has gone meanwhile, that has been said already.
		still, err := r.target.Read(ctx, child, []string{"objectClass"})
		if err != nil {
			return r.failed(err)
		}
		if still == nil {
			r.result.WaitsFor = nil
			return true
		}
	}
	message := fmt.Sprintf("%s is to be deleted and still holds entries, among them%s", d.current.DN, names)
	since := r.task.Merged.Object.Existence.At.Event
	if d.desired.Removal.FailNotEmpty || r.task.Now-since > event.Millis(emptyWithin.Milliseconds()) {
		r.end(event.Failed, event.CodeNotEmpty, message+". Move or delete them and retry")
		r.result.WaitsFor = nil
		return false
	}
	r.wait(event.CodeWaitsForEmpty, message)
	return false
}
