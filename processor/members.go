package processor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// members adds the wanted memberships of a group to the draft. A member that has no entry yet is waited for, without
// holding up the others.
func (r *run) members(ctx context.Context, d *draft) bool {
	object := r.task.Merged.Object
	if object.Ref.Kind != event.KindGroup || d.desired.Removal != nil {
		return true
	}
	rule, ok := r.set.Members()
	if !ok {
		return true
	}
	words := object.Members
	if d.current == nil || d.current.Link != r.task.Link {
		// The entry is made, perhaps anew, or was by a try that did not come to its end: with everybody who is known to belong to it.
		known, err := r.task.Memory.Members(ctx)
		if err != nil {
			return r.failed(err)
		}
		known = maps.Clone(known)
		if known == nil {
			known = map[string]event.Membership{}
		}
		maps.Copy(known, words)
		words = known
	}
	wanted, ok := r.memberValues(ctx, words)
	if !ok {
		return false
	}
	if len(wanted) == 0 && d.current != nil {
		return true
	}
	d.desired.Members = &plan.Members{Attribute: rule.Attribute, Placeholder: rule.Placeholder, Values: wanted}
	return r.held(ctx, d)
}

func (r *run) memberValues(ctx context.Context, words map[string]event.Membership) ([]plan.MemberValue, bool) {
	ids := slices.Sorted(maps.Keys(words))
	refs := make([]event.Ref, len(ids))
	for i, id := range ids {
		refs[i] = event.Ref{Kind: event.KindUser, ID: id}
	}
	// Who is renamed at this moment would leave the old name in the group.
	busy := r.task.Memory.Hold(refs)
	var wanted []plan.MemberValue
	for i, id := range ids {
		ref := refs[i]
		if busy[ref] {
			if !r.postpone(ref) {
				return nil, false
			}
			continue
		}
		user, dn, found, err := r.task.Memory.Lookup(ctx, ref)
		present, outside := words[id].Present, false
		over := present && user.Exists() && words[id].At.Before(user.Floor)
		if err == nil && present && found && user.Exists() && !over {
			outside, err = r.outside(ctx, user, dn)
		}
		switch {
		case err != nil:
			return nil, r.failed(err)
		case outside:
			r.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope, Message: "the scope of the mapping leaves " + ref.String() + " out"}
			continue
		case over:
			r.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeStale, Message: ref.String() + " was deleted after this event and is back; only memberships from after the deletion count"}
			if r.isSaid(ref) || dn.Empty() {
				continue
			}
			present = false // the deletion has not taken the entry along, nor what was known and is over with it
		case found && user.Deleted() && !(present && user.Existence.At.Before(words[id].At)):
			r.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeNoObject, Message: ref.String() + " is gone"}
			continue
		case (!found || dn.Empty() || user.Deleted()) && present:
			// Nobody who is gone joins a group afterwards, so who does is about to come back.
			r.result.MemberOutcomes[id] = event.Outcome{State: event.Waiting, Code: event.CodeWaitsForObject, Message: "waits for " + ref.String() + ", who is not in the directory yet"}
			r.result.WaitsFor = append(r.result.WaitsFor, ref)
			continue
		case !found || dn.Empty():
			continue
		}
		value, err := r.set.MemberValue(user, dn)
		if err != nil {
			r.result.MemberOutcomes[id] = withoutValue(ref, err)
			continue
		}
		wanted = append(wanted, plan.MemberValue{Value: value, Present: present})
		r.named[ref] = dn
	}
	return wanted, true
}

// withoutValue is the outcome of a word about a member for whom the mapping gives no value. It does not hold up the others.
func withoutValue(member event.Ref, err error) event.Outcome {
	var skipped *mapping.Skipped
	if errors.As(err, &skipped) {
		return event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope, Message: skipped.Error()}
	}
	return outcomeOf(fmt.Errorf("member value of %s: %w", member, err))
}

// postpone lets the word about a member who is being worked on wait, without holding up the others. Where no event says it,
// so that nothing would bring it again, the task as a whole waits, and postpone returns false.
func (r *run) postpone(member event.Ref) bool {
	message := member.String() + " is being worked on at this moment, and has to be done first"
	if !r.isSaid(member) {
		r.wait(event.CodeRetry, message, member)
		return false
	}
	r.result.MemberOutcomes[member.ID] = event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: message}
	r.result.WaitsFor = append(r.result.WaitsFor, member)
	return true
}

// isSaid reports whether an event says the word about a member, and brings it again where that waits. If not, only the task as a
// whole can wait.
func (r *run) isSaid(member event.Ref) bool {
	said, isSaid := r.task.Merged.Object.Members[member.ID]
	return isSaid && r.task.Known.Members[member.ID] != said
}

// outside reports whether a user belongs into no group because the mapping leaves the user out: there is no entry, or one that
// is kept for somebody who has left. Nobody waits for that to change: the group becomes due when the user comes back.
func (r *run) outside(ctx context.Context, user event.Object, dn plan.DN) (bool, error) {
	switch {
	case dn.Empty():
		return r.outOfScope(ctx, user)
	case !r.set.KeepsLeavers():
		return false, nil
	}
	return r.task.Memory.Left(ctx, user.Ref) //nolint:wrapcheck // It names the user.
}

func (r *run) outOfScope(ctx context.Context, user event.Object) (bool, error) {
	var above *mapping.Above
	var err error
	switch id := user.PrimaryUnit(); {
	case id == "" || !r.set.ReadsAbove(event.KindUser):
	case id == event.RootUnitID:
		above = r.set.RootAbove()
	default:
		above, err = r.unitAbove(ctx, id)
	}
	return err == nil && r.set.OutOfScope(user, above), err
}

// held adds to the entry that was read which of the wanted values it has, without reading all members of the group.
func (r *run) held(ctx context.Context, d *draft) bool {
	members := d.desired.Members
	if d.current == nil {
		r.joining(members.Values, nil)
		return true
	}
	values := make([]string, 0, len(members.Values)+1)
	for _, v := range members.Values {
		values = append(values, v.Value)
	}
	if members.Placeholder != "" {
		values = append(values, members.Placeholder)
	}
	present, err := r.target.Holding(ctx, d.current.DN, members.Attribute, values)
	if err != nil {
		return r.failed(err)
	}
	r.joining(members.Values, present)
	// Nobody counts the members of a group of a hundred thousand. There are others until the server says that a group
	// may not be empty.
	members.Others = !r.lastMember
	var has []string
	for _, v := range values {
		if present[v] {
			has = append(has, v)
		}
	}
	d.current = d.current.Clone()
	d.current.Attributes = append(d.current.Attributes, plan.Attribute{Name: members.Attribute, Values: has})
	return true
}

// joining notes which values this task brings into the group.
func (r *run) joining(values []plan.MemberValue, present map[string]bool) {
	for _, v := range values {
		if v.Present && !present[v.Value] {
			r.joins[v.Value] = true
		}
	}
}

// dropPlaceholder takes the placeholder out of a group that got a member. Somebody who has left the group at this moment, as
// the last one of it, may have put it there after the group was read.
func (r *run) dropPlaceholder(ctx context.Context, d draft) error {
	members := d.desired.Members
	if members == nil || members.Placeholder == "" || d.plan.Empty() || d.current == nil {
		return nil
	}
	if !slices.ContainsFunc(members.Values, func(v plan.MemberValue) bool { return v.Present }) {
		return nil
	}
	present, err := r.target.Holding(ctx, r.result.DN, members.Attribute, []string{members.Placeholder})
	if err != nil || !present[members.Placeholder] {
		return err //nolint:wrapcheck // It names the group.
	}
	return r.replaceReference(ctx, connector.Reference{DN: r.result.DN, Attribute: members.Attribute, Value: members.Placeholder}, "")
}
