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
func (w *work) strays(ctx context.Context) ([]stray, error) {
	var out []stray
	for _, ref := range slices.SortedFunc(maps.Keys(w.named), func(a, b event.Ref) int { return strings.Compare(a.ID, b.ID) }) {
		dn := w.named[ref]
		link, err := w.linkOf(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", ref, err)
		}
		if link == "" {
			// Either somebody has left, or the server has no stable ids and there is no way to tell more.
			stays, err := w.isKnownAt(ctx, ref, dn)
			if err != nil {
				return nil, err
			}
			if stays {
				continue
			}
		}
		there, err := w.target.Read(ctx, dn, nil)
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
func (w *work) verify(ctx context.Context, d draft) error {
	strays, err := w.strays(ctx)
	if err != nil {
		return err
	}
	for _, s := range strays {
		if err := w.elsewhere(ctx, d, s); err != nil {
			return err
		}
	}
	return nil
}

// linkOf returns the stable id of the entry of another object, empty if none is known.
func (w *work) linkOf(ctx context.Context, ref event.Ref) (string, error) {
	_, record, _, err := w.task.Memory.Lookup(ctx, ref)
	return record.Link, err //nolint:wrapcheck // It names the object.
}

// isKnownAt reports whether an object is there, and known to be at a DN.
func (w *work) isKnownAt(ctx context.Context, ref event.Ref, dn plan.DN) (bool, error) {
	object, record, found, err := w.task.Memory.Lookup(ctx, ref)
	at := record.DN
	if err != nil {
		return false, fmt.Errorf("verify %s: %w", ref, err)
	}
	return found && object.Exists() && plan.SameDN(w.matching(ctx), at, dn), nil
}

// refusedForStrays waits for objects that are not where they were, where the server has refused a write that names one:
// not every server takes the name of what is not there.
func (w *work) refusedForStrays(ctx context.Context) (waits bool, err error) {
	strays, err := w.strays(ctx)
	for _, s := range strays {
		w.wait(event.CodeRetry, s.message(), s.ref)
		w.result.Touch = append(w.result.Touch, s.ref)
	}
	return len(strays) > 0, err
}

func (s stray) message() string {
	return fmt.Sprintf("%s is not at %s any more; what refers to it is written when its place is confirmed", s.ref, s.dn)
}

// elsewhere waits for an object that is not where it was any more, after its former DN was taken out of the group again, if
// it is this task that has put it there.
func (w *work) elsewhere(ctx context.Context, d draft, s stray) error {
	w.result.WaitsFor = append(w.result.WaitsFor, s.ref)
	// It may be that only our memory of it is old, because it came along with a unit; then nobody else looks.
	w.result.Touch = append(w.result.Touch, s.ref)
	members := d.desired.Members
	if members == nil {
		w.end(event.Waiting, event.CodeRetry, s.message())
		return nil
	}
	w.result.MemberOutcomes[s.ref.ID] = event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: s.message()}
	value, err := w.memberValue(ctx, s.ref, s.dn)
	if err != nil {
		return err
	}
	if !w.joins(value) {
		return nil // Who renames the entry finds what was there before, and there may be nobody who says it again.
	}
	if !w.isSaid(s.ref) {
		w.end(event.Waiting, event.CodeRetry, s.message())
		if d.current == nil && len(d.desired.Match) > 0 {
			// The next try finds an entry that is not ours yet, and asks again who belongs to the group.
			w.result.Link = w.task.Link
		}
	}
	stays, err := w.isMember(ctx, s.there)
	if err != nil || stays {
		return err
	}
	return w.replaceReference(ctx, connector.Reference{DN: w.result.DN, Attribute: members.Attribute, Value: value}, "")
}

func (w *work) memberValue(ctx context.Context, ref event.Ref, dn plan.DN) (string, error) {
	user, record, _, err := w.task.Memory.Lookup(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("verify %s: %w", ref, err)
	}
	record.DN = dn
	value, err := w.namedAs(user, record)
	if err != nil {
		return "", fmt.Errorf("member value of %s: %w", ref, err)
	}
	return value, nil
}

// isMember reports whether an entry, nil for none, is that of somebody who is known to belong to the group of the task: who
// has got the name of another member keeps the place in the group.
func (w *work) isMember(ctx context.Context, entry *plan.Entry) (bool, error) {
	if entry == nil {
		return false, nil
	}
	known, err := w.task.Memory.Members(ctx)
	if err != nil {
		return false, fmt.Errorf("verify the members: %w", err)
	}
	words := maps.Clone(known)
	if words == nil {
		words = map[string]event.Membership{}
	}
	maps.Copy(words, w.task.Merged.Object.Members)
	for id, word := range words {
		if !word.Present {
			continue
		}
		link, err := w.linkOf(ctx, event.Ref{Kind: event.KindUser, ID: id})
		if err != nil {
			return false, fmt.Errorf("verify the members: %w", err)
		}
		if link == entry.Link {
			return true, nil
		}
	}
	return false, nil
}
