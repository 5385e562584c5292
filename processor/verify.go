package processor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// stray is an object that is not where it was when its DN was looked up, with the entry that is there now, nil for none.
type stray struct {
	ref   event.Ref
	dn    plan.DN
	there *plan.Entry
}

// strays looks once more at the objects whose DNs go into what is written.
func (r *run) strays(ctx context.Context) ([]stray, error) {
	var out []stray
	for _, ref := range slices.SortedFunc(maps.Keys(r.named), func(a, b event.Ref) int { return strings.Compare(a.ID, b.ID) }) {
		dn := r.named[ref]
		link, err := r.task.Memory.Link(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", ref, err)
		}
		if link == "" {
			// Either somebody has left, or the server has no stable ids and there is no way to tell more.
			stays, err := r.isKnownAt(ctx, ref, dn)
			if err != nil {
				return nil, err
			}
			if stays {
				continue
			}
		}
		there, err := r.target.Read(ctx, dn, nil)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", ref, err)
		}
		if there == nil || there.Link != link || link == "" {
			out = append(out, stray{ref, dn, there})
		}
	}
	return out, nil
}

// verify makes sure that what was written names the right entries. One that was renamed meanwhile has looked for references
// before ours was there, or finds it gone that ours was to be removed: so the object of the task waits for it and says its
// word again, by the new name. One that is renamed from now on finds what we wrote.
func (r *run) verify(ctx context.Context, d draft) error {
	strays, err := r.strays(ctx)
	if err != nil {
		return err
	}
	for _, s := range strays {
		if err := r.elsewhere(ctx, d, s); err != nil {
			return err
		}
	}
	return nil
}

// isKnownAt reports whether an object is there, and known to be at a DN.
func (r *run) isKnownAt(ctx context.Context, ref event.Ref, dn plan.DN) (bool, error) {
	object, at, found, err := r.task.Memory.Lookup(ctx, ref)
	if err != nil {
		return false, fmt.Errorf("verify %s: %w", ref, err)
	}
	return found && object.Exists() && at.Equal(dn), nil
}

// refusedForStrays waits for objects that are not where they were, where the server has refused a write that names one:
// not every server takes the name of what is not there.
func (r *run) refusedForStrays(ctx context.Context) (waits bool, err error) {
	strays, err := r.strays(ctx)
	for _, s := range strays {
		r.wait(event.CodeRetry, s.message(), s.ref)
		r.result.Touch = append(r.result.Touch, s.ref)
	}
	return len(strays) > 0, err
}

func (s stray) message() string {
	return fmt.Sprintf("%s is not at %s any more; what refers to it is written when it has settled", s.ref, s.dn)
}

// elsewhere waits for an object that is not where it was any more, after its former DN was taken out of the group again, if
// it is this task that has put it there.
func (r *run) elsewhere(ctx context.Context, d draft, s stray) error {
	r.result.WaitsFor = append(r.result.WaitsFor, s.ref)
	// It may be that only our memory of it is old, because it came along with a unit; then nobody else looks.
	r.result.Touch = append(r.result.Touch, s.ref)
	members := d.desired.Members
	if members == nil {
		r.end(event.Waiting, event.CodeRetry, s.message())
		return nil
	}
	r.result.MemberOutcomes[s.ref.ID] = event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: s.message()}
	value, err := r.memberValue(ctx, s.ref, s.dn)
	if err != nil {
		return err
	}
	if !r.joins[value] {
		return nil // Who renames the entry finds what was there before, and there may be nobody who says it again.
	}
	if !r.isSaid(s.ref) {
		r.end(event.Waiting, event.CodeRetry, s.message())
		if d.current == nil && len(d.desired.Match) > 0 {
			// The next try finds an entry that is not ours yet, and asks again who belongs to the group.
			r.result.Link = r.task.Link
		}
	}
	stays, err := r.isMember(ctx, s.there)
	if err != nil || stays {
		return err
	}
	return r.replaceReference(ctx, connector.Reference{DN: r.result.DN, Attribute: members.Attribute, Value: value}, "")
}

func (r *run) memberValue(ctx context.Context, ref event.Ref, dn plan.DN) (string, error) {
	user, _, _, err := r.task.Memory.Lookup(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("verify %s: %w", ref, err)
	}
	value, err := r.set.MemberValue(user, dn)
	if err != nil {
		return "", fmt.Errorf("member value of %s: %w", ref, err)
	}
	return value, nil
}

// isMember reports whether an entry, nil for none, is that of somebody who is known to belong to the group of the task: who
// has got the name of another member keeps the place in the group.
func (r *run) isMember(ctx context.Context, entry *plan.Entry) (bool, error) {
	if entry == nil {
		return false, nil
	}
	known, err := r.task.Memory.Members(ctx)
	if err != nil {
		return false, fmt.Errorf("verify the members: %w", err)
	}
	words := maps.Clone(known)
	if words == nil {
		words = map[string]event.Membership{}
	}
	maps.Copy(words, r.task.Merged.Object.Members)
	for id, word := range words {
		if !word.Present {
			continue
		}
		link, err := r.task.Memory.Link(ctx, event.Ref{Kind: event.KindUser, ID: id})
		if err != nil {
			return false, fmt.Errorf("verify the members: %w", err)
		}
		if link == entry.Link {
			return true, nil
		}
	}
	return false, nil
}
