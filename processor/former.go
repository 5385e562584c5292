package processor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// FormerNames is what is remembered of groups that were not to be seen when what names a member of theirs was changed. No search for
// who names the member finds such a group, and nothing in it tells later that it names somebody who is not called so any more.
type FormerNames interface {
	// Listing returns the groups that are known to have a member whose entry is remembered at a DN, as any server may compare, or below it.
	Listing(ctx context.Context, dn plan.DN) ([]event.Ref, error)
	// Listed returns the members of a group whose entries are remembered at a DN or below it, by those DNs.
	Listed(ctx context.Context, group event.Ref, dn plan.DN, m plan.Matching) ([]plan.FormerName, error)
	// KeepFormerNames remembers by what a group may still name members.
	KeepFormerNames(ctx context.Context, group event.Ref, names []plan.FormerName) error
	// FormerNames returns what is remembered of the group of the task.
	FormerNames(ctx context.Context) ([]plan.FormerName, error)
	// DropFormerNames forgets some of that.
	DropFormerNames(ctx context.Context, names []plan.FormerName) error
}

// leaveWord leaves word with the groups that are known to name what is remembered at a DN or below it, and is at another or below that now, and
// that are not to be seen at this moment: whatever replaced its name everywhere else has not found them. Others are also the values by which
// they may name the object of the task.
func (w *work) leaveWord(ctx context.Context, was, is plan.DN, others ...string) error {
	if _, has := w.set.Members(); !has || was.Empty() || w.ref().Kind == event.KindGroup {
		return nil
	}
	groups, err := w.task.Memory.Listing(ctx, was)
	if err != nil {
		return err //nolint:wrapcheck // It names the DN.
	}
	for _, group := range groups {
		seen, err := w.isSeen(ctx, group)
		if err != nil {
			return fmt.Errorf("look for %s, which lists what is at %s: %w", group, was, err)
		}
		if seen {
			continue
		}
		if err := w.leaveWordWith(ctx, group, was, is, others); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) leaveWordWith(ctx context.Context, group event.Ref, was, is plan.DN, others []string) error {
	var names []plan.FormerName
	if w.set.MembersByDN() {
		listed, err := w.task.Memory.Listed(ctx, group, was, w.matching(ctx))
		if err != nil {
			return err //nolint:wrapcheck // It names the DN.
		}
		if names, err = w.withUnconfirmed(ctx, listed, was, is); err != nil {
			return err
		}
	}
	for _, value := range others {
		names = append(names, plan.FormerName{Member: w.ref(), Value: value})
	}
	if len(names) == 0 {
		return nil
	}
	w.result.Touch = append(w.result.Touch, group)
	return w.task.Memory.KeepFormerNames(ctx, group, names) //nolint:wrapcheck // It names the group.
}

// withUnconfirmed adds to the names of members that were below a DN those that they had there as nobody has remembered yet: of a try that
// ended halfway the group may have been seen, and have got the name.
func (w *work) withUnconfirmed(ctx context.Context, listed []plan.FormerName, was, is plan.DN) ([]plan.FormerName, error) {
	names := slices.Clone(listed)
	for _, name := range listed {
		remembered, err := plan.ParseDN(name.Value)
		if err != nil {
			return nil, fmt.Errorf("look for the entry of %s: %w", name.Member, err)
		}
		if name.Member == w.ref() {
			continue // Who is renamed knows those names.
		}
		now, err := w.calledNow(ctx, remembered, plan.Rebase(w.matching(ctx), remembered, was, is))
		if err != nil {
			return nil, err
		}
		if had := plan.Rebase(w.matching(ctx), now, is, was); !had.Empty() && !had.Exactly(remembered) {
			names = append(names, plan.FormerName{Member: name.Member, Value: had.String()})
		}
	}
	return names, nil
}

// ownUp remembers of a group whose try has ended halfway by what it may name members since. Whether it does is not known, and as the
// words about them are not settled, nobody who is renamed meanwhile would look for the group. What the store does not know of
// that, as it could not take it or takes it with the words, is part of the result.
func (w *work) ownUp(ctx context.Context, result Result) Result {
	result.MayName = w.mayName
	if len(w.mayName) == 0 || result.Outcome.State.Settled() {
		return result
	}
	if err := w.task.Memory.KeepFormerNames(ctx, w.ref(), w.mayName); err != nil {
		result.Outcome = outcomeOf(err)
		return result
	}
	result.MayName = nil
	return result
}

// noteJoining notes by what the group may name members once it is written.
func (w *work) noteJoining() {
	noted := map[plan.FormerName]bool{}
	for _, name := range w.mayName {
		noted[name] = true
	}
	for _, name := range w.joining {
		if !noted[name] {
			w.mayName = append(w.mayName, name)
		}
	}
}

// formerlyNamed returns by what groups may have named the object of the task before.
func (w *work) formerlyNamed() []string {
	if !w.isUser() {
		return nil
	}
	if !w.set.MembersByDN() {
		return w.formerMemberValues()
	}
	var values []string
	for _, was := range w.formerly {
		if !was.Empty() {
			values = append(values, was.String())
		}
	}
	return values
}

// refers notes an entry that was seen to refer to the object of the task, or to what is below it.
func (w *work) refers(dn plan.DN) {
	w.referrers[dn.Key()] = append(w.referrers[dn.Key()], dn)
}

// isSeen reports whether the entry of a group is to be seen, or there is none: what names somebody in it has been found then.
func (w *work) isSeen(ctx context.Context, group event.Ref) (bool, error) {
	object, record, found, err := w.task.Memory.Lookup(ctx, group)
	if err != nil || !found || object.Deleted() || record.DN.Empty() {
		return err == nil, err //nolint:wrapcheck // It names the group.
	}
	if slices.ContainsFunc(w.referrers[record.DN.Key()], func(dn plan.DN) bool { return plan.SameDN(w.matching(ctx), dn, record.DN) }) {
		return true, nil
	}
	var entry *plan.Entry
	if record.Link == "" {
		entry, err = w.target.Read(ctx, record.DN, nil)
	} else {
		entry, err = w.target.Find(ctx, plan.Key{Base: w.set.Base(), Link: record.Link})
	}
	return entry != nil, err //nolint:wrapcheck // It names the entry.
}

// formerWords adds to words about members those about whom the group may still name by a former value, and about those who are called so
// now: whether they belong to it decides what becomes of the value.
func (w *work) formerWords(ctx context.Context, words map[string]event.Membership) (map[string]event.Membership, error) {
	var err error
	if w.former, err = w.task.Memory.FormerNames(ctx); err != nil {
		return nil, err //nolint:wrapcheck // It names the group.
	}
	former := w.formerNames()
	if len(former) == 0 {
		return words, nil
	}
	known, err := w.task.Memory.Members(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // It names the group.
	}
	concerned := map[string]bool{}
	for _, name := range former {
		concerned[name.Member.ID] = true
		called, err := w.called(ctx, name.Value, known)
		if err != nil {
			return nil, err
		}
		for _, id := range called {
			concerned[id] = true
		}
	}
	words = maps.Clone(words)
	if words == nil {
		words = map[string]event.Membership{}
	}
	for id := range concerned {
		word, isKnown := known[id]
		if _, said := words[id]; isKnown && !said {
			words[id] = word
		}
	}
	return words, nil
}

// formerNames are by what the group may still name members: as is remembered, and as earlier tries have written it without anybody
// being told.
func (w *work) formerNames() []plan.FormerName { return slices.Concat(w.former, w.task.MayName) }

// called returns the users whom a value names now, of those about whom the group has a word.
func (w *work) called(ctx context.Context, value string, known map[string]event.Membership) ([]string, error) {
	if w.set.MembersByDN() {
		dn, err := plan.ParseDN(value)
		if err != nil {
			return nil, nil //nolint:nilerr // What is no DN is the DN of nobody.
		}
		holder, err := w.holder(ctx, dn)
		return []string{holder.ID}, err
	}
	var called []string
	for id, word := range known {
		if !word.Present {
			continue
		}
		_, record, _, err := w.task.Memory.Lookup(ctx, event.Ref{Kind: event.KindUser, ID: id})
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the user.
		}
		if record.Member == value {
			called = append(called, id)
		}
	}
	return called, nil
}

// formerValues adds to the wanted members that the group names nobody any more by a former value, unless it is one of those.
func (w *work) formerValues(ctx context.Context, attribute string, wanted []plan.MemberValue) []plan.MemberValue {
	as := map[string]bool{}
	for _, v := range wanted {
		as[v.Value] = true // A group may have very many members; few of them are to be compared.
	}
	for _, name := range w.formerNames() {
		if !as[name.Value] && !slices.ContainsFunc(wanted, func(v plan.MemberValue) bool { return w.matching(ctx).Equal(attribute, v.Value, name.Value) }) {
			wanted = append(wanted, plan.MemberValue{Value: name.Value})
		}
	}
	return wanted
}

// dropFormer forgets by what the group may have named members, as it is written what it names now, or gone.
func (w *work) dropFormer(ctx context.Context) error {
	if w.ref().Kind != event.KindGroup {
		return nil
	}
	if w.result.Gone {
		var err error
		if w.former, err = w.task.Memory.FormerNames(ctx); err != nil {
			return err //nolint:wrapcheck // It names the group.
		}
	}
	if len(w.former) == 0 {
		return nil
	}
	return w.task.Memory.DropFormerNames(ctx, w.former) //nolint:wrapcheck // It names the group.
}
