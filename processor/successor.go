package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// followReference brings along one reference to a former name of the entry. A name is free for others as soon as it is known that its
// object is gone, and what refers to it may be brought along later, where that could not be written or stored, or waits for a person.
// So a reference stays that whoever has the name by then is to have.
func (w *work) followReference(ctx context.Context, ref connector.Reference, was, is plan.DN) error {
	holder, err := w.holder(ctx, was)
	if err != nil {
		return err
	}
	if holder == w.ref() {
		return w.replaceReference(ctx, ref, is.String()) // Nobody else gets the name before this task has ended.
	}
	referrer, err := w.holdReferrer(ctx, ref.DN)
	if err != nil {
		return err
	}
	successor, err := w.holder(ctx, was)
	if err != nil {
		return err
	}
	stays, err := w.isToName(ctx, referrer, ref.Attribute, successor)
	switch {
	case err != nil:
		return err
	case !stays:
		return w.replaceReference(ctx, ref, is.String())
	case is.Empty():
		return nil
	}
	both, err := w.isToName(ctx, referrer, ref.Attribute, w.ref())
	if err != nil || !both {
		return err
	}
	return w.addReference(ctx, ref, is.String())
}

// isValueOfSuccessor reports whether a group is to name by a value whoever has got the DN of a user who is gone.
func (w *work) isValueOfSuccessor(ctx context.Context, group event.Ref, value string) (bool, error) {
	if !w.left {
		return false, nil
	}
	for _, was := range w.formerly {
		if was.Empty() {
			continue
		}
		successor, err := w.holder(ctx, was)
		if err != nil {
			return false, err
		}
		if successor.Zero() || successor == w.ref() {
			continue
		}
		_, record, _, err := w.task.Memory.Lookup(ctx, successor)
		if err != nil {
			return false, err //nolint:wrapcheck // It names the user.
		}
		if record.Member != value {
			continue
		}
		if err := w.holdStill(group); err != nil {
			return false, err
		}
		return w.isListed(ctx, group, successor)
	}
	return false, nil
}

// holdReferrer returns the object whose entry is at a DN, the zero reference where it is nobody's, and keeps it from being worked on.
func (w *work) holdReferrer(ctx context.Context, dn plan.DN) (event.Ref, error) {
	entry, err := w.target.Read(ctx, dn, nil)
	if err != nil || entry == nil {
		return event.Ref{}, err //nolint:wrapcheck // It names the entry.
	}
	referrer, err := w.belongsTo(ctx, entry)
	if err != nil || referrer.Zero() {
		return event.Ref{}, err
	}
	return referrer, w.holdStill(referrer)
}

// holdStill keeps an object from being worked on, so that what its entry is to name stays what is known of that until this task has
// ended. Where it is being worked on, the task waits.
func (w *work) holdStill(referrer event.Ref) error {
	if !w.task.Memory.Hold([]event.Ref{referrer})[referrer] {
		return nil
	}
	w.result.WaitsFor = append(w.result.WaitsFor, referrer)
	return fmt.Errorf("%s is being worked on at this moment, and has to be done first", referrer)
}

// isToName reports whether an attribute of the entry of one object is to name another one, by what is known of both.
func (w *work) isToName(ctx context.Context, referrer event.Ref, attribute string, named event.Ref) (bool, error) {
	if referrer.Zero() || named.Zero() {
		return false, nil
	}
	isAttribute := func(name string) bool { return plan.SameDescription(w.matching(ctx), name, attribute) }
	members, hasMembers := w.set.Members()
	if hasMembers && referrer.Kind == event.KindGroup && w.set.MembersByDN() && isAttribute(members.Attribute) {
		return w.isListed(ctx, referrer, named)
	}
	object, _, _, err := w.task.Memory.Lookup(ctx, referrer)
	if err != nil || !object.Exists() {
		return false, err //nolint:wrapcheck // It names the object.
	}
	above, err := w.aboveOf(ctx, object)
	if err != nil {
		return false, err
	}
	for name, refs := range w.set.Named(mapping.Input{Object: object, Above: above}) {
		if isAttribute(name) && slices.Contains(refs, named) {
			return true, nil
		}
	}
	return false, nil
}

// isListed reports whether a user is known to belong to a group, and has an entry that is to be in it.
func (w *work) isListed(ctx context.Context, group, member event.Ref) (bool, error) {
	user, record, _, err := w.task.Memory.Lookup(ctx, member)
	if err != nil || !user.Exists() || record.RemovedAt != 0 {
		return false, err //nolint:wrapcheck // It names the user.
	}
	listed, err := w.task.Memory.Listed(ctx, group, record.DN, w.matching(ctx))
	return slices.ContainsFunc(listed, func(name plan.FormerName) bool { return name.Member == member }), err //nolint:wrapcheck // It names the group.
}

// addReference adds to an entry a value beside one that stays.
func (w *work) addReference(ctx context.Context, ref connector.Reference, is string) error {
	if w.matching(ctx).Equal(ref.Attribute, ref.Value, is) {
		return nil
	}
	op := plan.Modify{DN: ref.DN, Modifications: []plan.Modification{{Type: plan.AddValues, Name: ref.Attribute, Values: []string{is}}}}
	err := w.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	switch {
	case err == nil:
		w.result.Operations = append(w.result.Operations, op)
	case errors.As(err, &outcome) && !outcome.IsNotThere() && outcome.Kind == connector.KindConflict:
		return nil // It is there already.
	}
	return err
}
