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
func (w *work) members(ctx context.Context, d *draft) bool {
	object := w.task.Merged.Object
	if object.Ref.Kind != event.KindGroup || d.desired.Removal != nil {
		return true
	}
	rule, ok := w.set.Members()
	if !ok {
		return true
	}
	words := object.Members
	if d.current == nil || d.current.Link != w.task.Link {
		// The entry is made, perhaps anew, or was by a try that did not come to its end: with everybody who is known to belong to it.
		known, err := w.task.Memory.Members(ctx)
		if err != nil {
			return w.failed(err)
		}
		known = maps.Clone(known)
		if known == nil {
			known = map[string]event.Membership{}
		}
		maps.Copy(known, words)
		words = known
	}
	words, err := w.formerWords(ctx, words)
	if err != nil {
		return w.failed(err)
	}
	wanted, ok := w.memberValues(ctx, words)
	if !ok {
		return false
	}
	wanted = w.formerValues(ctx, rule.Attribute, wanted)
	if len(wanted) == 0 && d.current != nil {
		return true
	}
	d.desired.Members = &plan.Members{Attribute: rule.Attribute, Placeholder: rule.Placeholder, Values: wanted}
	return w.held(ctx, d)
}

func (w *work) memberValues(ctx context.Context, words map[string]event.Membership) ([]plan.MemberValue, bool) {
	ids := slices.Sorted(maps.Keys(words))
	refs := make([]event.Ref, len(ids))
	for i, id := range ids {
		refs[i] = event.Ref{Kind: event.KindUser, ID: id}
	}
	// Who is renamed at this moment would leave the old name in the group.
	busy := w.task.Memory.Hold(refs)
	var wanted []plan.MemberValue
	for i, id := range ids {
		ref := refs[i]
		if busy[ref] {
			if !w.postpone(ref) {
				return nil, false
			}
			continue
		}
		user, record, found, err := w.task.Memory.Lookup(ctx, ref)
		dn := record.DN
		present, outside := words[id].Present, false
		over := present && user.Exists() && words[id].At.Before(user.Floor)
		if err == nil && present && found && user.Exists() && !over {
			outside, err = w.outside(ctx, user, record)
		}
		switch {
		case err != nil:
			return nil, w.failed(err)
		case outside:
			w.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope, Message: "the scope of the mapping leaves " + ref.String() + " out"}
			continue
		case over:
			w.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeStale, Message: ref.String() + " was deleted after this event and is back; only memberships from after the deletion count"}
			if w.isSaid(ref) || dn.Empty() {
				continue
			}
			present = false // the deletion has not taken the entry along, nor what was known and is over with it
		case found && user.Deleted() && !(present && user.Existence.At.Before(words[id].At)):
			w.result.MemberOutcomes[id] = event.Outcome{State: event.Skipped, Code: event.CodeNoObject, Message: ref.String() + " is gone"}
			continue
		case (!found || dn.Empty() || user.Deleted()) && present:
			// Nobody who is gone joins a group afterwards, so who does is about to come back.
			w.result.MemberOutcomes[id] = event.Outcome{State: event.Waiting, Code: event.CodeWaitsForObject, Message: "waits for " + ref.String() + ", who is not in the directory yet"}
			w.result.WaitsFor = append(w.result.WaitsFor, ref)
			continue
		case !found || dn.Empty():
			continue
		}
		value, err := w.namedAs(user, record)
		if err != nil {
			w.result.MemberOutcomes[id] = withoutValue(ref, err)
			continue
		}
		wanted = append(wanted, plan.MemberValue{Value: value, Present: present})
		w.named[ref], w.memberBy[value] = dn, ref
	}
	return wanted, true
}

// namedAs returns by what a group is to name a user: as the user's entry was written last. A change that is known and not written,
// perhaps as it cannot be, is followed when it is; with another rule the value is another one.
func (w *work) namedAs(user event.Object, record plan.Record) (string, error) {
	if record.Member != "" && !w.set.MembersByDN() && record.MemberRule == w.set.MemberRule() {
		return record.Member, nil
	}
	return w.set.MemberValue(user, record.DN) //nolint:wrapcheck // The caller names the user.
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
// so that nothing would bring it again, or where the group may name the member by a former value, which may be that of now, the task as a whole
// waits, and postpone returns false.
func (w *work) postpone(member event.Ref) bool {
	message := member.String() + " is being worked on at this moment, and has to be done first"
	isFormer := slices.ContainsFunc(w.formerNames(), func(name plan.FormerName) bool { return name.Member == member })
	if isFormer || !w.isSaid(member) {
		w.wait(event.CodeRetry, message, member)
		return false
	}
	w.result.MemberOutcomes[member.ID] = event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: message}
	w.result.WaitsFor = append(w.result.WaitsFor, member)
	return true
}

// isSaid reports whether an event says the word about a member, and brings it again where that waits. If not, only the task as a
// whole can wait.
func (w *work) isSaid(member event.Ref) bool {
	said, isSaid := w.task.Merged.Object.Members[member.ID]
	return isSaid && w.task.Known.Members[member.ID] != said
}

// outside reports whether a user belongs into no group because the mapping leaves the user out: there is no entry, or one that
// is kept for somebody who has left. Nobody waits for that to change: the group becomes due when the user comes back.
func (w *work) outside(ctx context.Context, user event.Object, record plan.Record) (bool, error) {
	if record.DN.Empty() {
		return w.outOfScope(ctx, user)
	}
	return record.RemovedAt != 0, nil
}

func (w *work) outOfScope(ctx context.Context, user event.Object) (bool, error) {
	above, err := w.aboveOf(ctx, user)
	return err == nil && w.set.OutOfScope(user, above), err
}

// held adds to the entry that was read which of the wanted values it has, without reading all members of the group.
func (w *work) held(ctx context.Context, d *draft) bool {
	members := d.desired.Members
	if d.current == nil {
		w.join(members.Values, nil)
		return true
	}
	values := make([]string, 0, len(members.Values)+1)
	for _, v := range members.Values {
		values = append(values, v.Value)
	}
	if members.Placeholder != "" {
		values = append(values, members.Placeholder)
	}
	present, err := w.target.Holding(ctx, d.current.DN, members.Attribute, values)
	if err != nil {
		return w.failed(err)
	}
	w.join(members.Values, present)
	// Nobody counts the members of a group of a hundred thousand. There are others until the server says that a group
	// may not be empty.
	members.Others = !w.lastMember
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

// join notes which members this task brings into the group.
func (w *work) join(values []plan.MemberValue, present map[string]bool) {
	for _, v := range values {
		if v.Present && !present[v.Value] {
			w.joining = append(w.joining, plan.FormerName{Member: w.memberBy[v.Value], Value: v.Value})
		}
	}
}

// joins reports whether this task brings a member into the group by a value.
func (w *work) joins(value string) bool {
	return slices.ContainsFunc(w.joining, func(j plan.FormerName) bool { return j.Value == value })
}

// dropPlaceholder takes the placeholder out of a group that got a member. Somebody who has left the group at this moment, as
// the last one of it, may have put it there after the group was read.
func (w *work) dropPlaceholder(ctx context.Context, d draft) error {
	members := d.desired.Members
	if members == nil || members.Placeholder == "" || d.plan.Empty() || d.current == nil {
		return nil
	}
	if !slices.ContainsFunc(members.Values, func(v plan.MemberValue) bool { return v.Present }) {
		return nil
	}
	present, err := w.target.Holding(ctx, w.result.DN, members.Attribute, []string{members.Placeholder})
	if err != nil || !present[members.Placeholder] {
		return err //nolint:wrapcheck // It names the group.
	}
	return w.replaceReference(ctx, connector.Reference{DN: w.result.DN, Attribute: members.Attribute, Value: members.Placeholder}, "")
}
