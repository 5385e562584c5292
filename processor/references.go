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

// follow corrects what other entries say of an entry that was renamed, or whose object is gone, where the server has not
// done so itself. It starts from where the entry was at the last write that was remembered, so that a crash in between leaves
// nothing behind, and from where it was found, as somebody may have moved it since. Where it fails, the entry is remembered
// at its former place for the same reason: the next try starts from there.
func (w *work) follow(ctx context.Context) error {
	err := w.followNames(ctx)
	if err != nil {
		w.result.DN, w.result.Gone = w.task.DN, false
	}
	return err
}

func (w *work) followNames(ctx context.Context) error {
	before := len(w.followed)
	for _, was := range w.formerly {
		step := followed{was: was.String(), is: w.result.DN.String(), left: w.left}
		if was.Empty() || !w.left && plan.SameDN(w.matching(ctx), was, w.result.DN) || slices.Contains(w.followed, step) {
			continue
		}
		if err := w.followFrom(ctx, was); err != nil {
			return err
		}
		w.followed = append(w.followed, step)
	}
	if err := w.followMemberValue(ctx); err != nil {
		return err
	}
	if len(w.followed) == before {
		return nil
	}
	is := w.result.DN
	if w.left && w.draft.movesChildren() {
		is = w.task.DN.Parent()
	}
	return w.leaveWord(ctx, w.task.DN, is, w.formerlyNamed()...)
}

// followed is a change of place, or of the value by which groups name a member, that references were brought along with.
type followed struct {
	was, is string
	left    bool
}

// followFrom corrects what other entries say of the entry under one of its former names.
func (w *work) followFrom(ctx context.Context, was plan.DN) error {
	is := w.result.DN
	attributes := w.referring()
	kept := is
	if w.left {
		is = nil
	}
	err := w.eachReference(ctx, attributes, was.String(), func(ref connector.Reference) error { return w.followReference(ctx, ref, was, is) })
	if err != nil {
		return err
	}
	// A server that follows renames by itself, at its leisure, may have put the new DN of an entry that is kept in the place
	// of the old one before that was removed; it is looked for last, as from here on it has nothing to replace.
	if w.left && !kept.Empty() && !plan.SameDN(w.matching(ctx), kept, was) {
		if err := w.replaceReferences(ctx, attributes, kept.String(), ""); err != nil {
			return err
		}
	}
	if w.task.Merged.Object.Ref.Kind == event.KindUnit && !w.left {
		return w.followBelow(ctx, was, is)
	}
	return nil
}

// referring returns the attributes of the mapping that hold DNs.
func (w *work) referring() []string {
	attributes := w.set.References()
	if rule, ok := w.set.Members(); ok && w.set.MembersByDN() {
		attributes = append(attributes, rule.Attribute)
	}
	return attributes
}

// followBelow corrects what other entries say of those that came along when the entry above them was renamed.
func (w *work) followBelow(ctx context.Context, was, is plan.DN) error {
	if err := w.fetchLeftBehind(ctx, was, is); err != nil {
		return err
	}
	references, err := w.referringBelow(ctx, is, was)
	if err != nil {
		return err
	}
	if err := w.rebaseReferences(ctx, references, was, is); err != nil {
		return err
	}
	return w.followUnconfirmedBelow(ctx, was, is)
}

// followUnconfirmedBelow corrects what other entries say of those that are below units which came along, and which have a name of their
// own that is still to be followed. Who has come below such a unit lately, and is not remembered there yet, may be
// referred to by its former name; with the new name above that, nothing would lead there.
func (w *work) followUnconfirmedBelow(ctx context.Context, was, is plan.DN) error {
	remembered, err := w.rememberedBelow(ctx, was)
	if err != nil {
		return fmt.Errorf("look up what is below %s: %w", was, err)
	}
	for _, dn := range remembered {
		if !plan.SameDescription(w.matching(ctx), dn.RDN()[0].Type, was.RDN()[0].Type) {
			continue // Units are named alike, and nothing is below what is none.
		}
		came := plan.Rebase(w.matching(ctx), dn, was, is)
		at, err := w.calledNow(ctx, dn, came)
		if err != nil {
			return err
		}
		if at.Empty() || plan.SameDN(w.matching(ctx), at, came) {
			continue
		}
		references, err := w.target.ReferringBelow(ctx, w.set.Base(), w.referring(), at, dn, nil)
		if err != nil {
			return fmt.Errorf("find references to what is below %s: %w", at, err)
		}
		if err := w.rebaseReferences(ctx, references, dn, at); err != nil {
			return err
		}
	}
	return nil
}

// rebaseReferences corrects references to entries that were below one entry and are below another.
func (w *work) rebaseReferences(ctx context.Context, references []connector.Reference, was, is plan.DN) error {
	for _, ref := range references {
		w.refers(ref.DN)
		named, err := plan.ParseDN(ref.Value)
		if err != nil {
			return fmt.Errorf("correct %s of %s: %w", ref.Attribute, ref.DN, err)
		}
		is, err := w.calledNow(ctx, named, plan.Rebase(w.matching(ctx), named, was, is))
		if err != nil {
			return err
		}
		if err := w.replaceReference(ctx, ref, is.String()); err != nil {
			return fmt.Errorf("correct %s of %s: %w", ref.Attribute, ref.DN, err)
		}
	}
	return nil
}

// calledNow returns where the entry is that is remembered at a DN and should have come along to another; the empty DN if it is
// gone, so that nothing is to refer to it any more. It may have got a name of its own that references do not follow yet. Where
// this try ends halfway, they are found neither by what is remembered nor by what the entry is called, unless that is what they
// say now. One that is not proven to be gone counts as having come along.
func (w *work) calledNow(ctx context.Context, remembered, came plan.DN) (plan.DN, error) {
	holder, err := w.holder(ctx, remembered)
	if err != nil || holder.Zero() {
		return came, err //nolint:wrapcheck // It names the DN.
	}
	link, err := w.linkOf(ctx, holder)
	if err != nil || link == "" {
		return came, err //nolint:wrapcheck // It names the object.
	}
	entry, err := w.target.Find(ctx, plan.Key{Base: w.set.Base(), Link: link})
	if err != nil {
		return nil, fmt.Errorf("look for the entry of %s: %w", holder, err)
	}
	if entry != nil {
		return entry.DN, nil
	}
	gone, err := w.isGone(ctx, holder, came)
	if err != nil || gone {
		return nil, err
	}
	return came, nil
}

// referringBelow returns what refers to entries that are below at and were below was. An entry may have got another name of
// its own meanwhile, to which references are still to follow, so those are looked for by which it is remembered as well.
func (w *work) referringBelow(ctx context.Context, at, was plan.DN) ([]connector.Reference, error) {
	remembered, err := w.rememberedBelow(ctx, was)
	if err != nil {
		return nil, fmt.Errorf("look up what is below %s: %w", was, err)
	}
	references, err := w.target.ReferringBelow(ctx, w.set.Base(), w.referring(), at, was, remembered)
	if err != nil {
		return nil, fmt.Errorf("find references to what is below %s: %w", at, err)
	}
	return references, nil
}

// followChild corrects what other entries say of one that was moved out of a unit that is going to be deleted, and of
// what came along with it.
func (w *work) followChild(ctx context.Context, move plan.ModifyDN) error {
	if err := w.replaceReferences(ctx, w.referring(), move.DN.String(), move.NewDN().String()); err != nil {
		return err
	}
	if err := w.leaveWord(ctx, move.DN, move.NewDN()); err != nil {
		return err
	}
	return w.followBelow(ctx, move.DN, move.NewDN())
}

// followChildren corrects what other entries still say of those that were moved out of a unit by an earlier try, which ended before
// it came to that.
func (w *work) followChildren(ctx context.Context, unit plan.DN) error {
	references, err := w.referringBelow(ctx, unit, unit)
	if err != nil {
		return err
	}
	return w.rebaseReferences(ctx, references, unit, unit.Parent())
}

// dropBelow removes what other entries say of those that are going to be deleted together with the one above them.
func (w *work) dropBelow(ctx context.Context, dn plan.DN) error {
	references, err := w.referringBelow(ctx, dn, dn)
	if err != nil {
		return err
	}
	for _, ref := range references {
		if plan.Within(w.matching(ctx), ref.DN, dn) {
			continue // it goes too
		}
		if err := w.replaceReference(ctx, ref, ""); err != nil {
			return fmt.Errorf("correct %s of %s: %w", ref.Attribute, ref.DN, err)
		}
	}
	return w.leaveWord(ctx, dn, dn)
}

// followMemberValue corrects groups that name their members by something else than the DN. Any field may be in that, and upper and
// lower case may count in it, so it changes also where the entry stays where it is.
func (w *work) followMemberValue(ctx context.Context) error {
	rule, hasMembers := w.set.Members()
	if !hasMembers || w.set.MembersByDN() || w.task.Known.Ref.Kind != event.KindUser {
		return nil
	}
	after, err := w.set.MemberValue(w.task.Merged.Object, w.result.DN)
	former := w.formerMemberValues()
	switch {
	case w.left:
		after = ""
	case err != nil:
		// The former one goes all the same, as it may soon be somebody else's, unless the entry still is called so.
		stays, err := w.isCalled(ctx, rule.Attribute, former)
		if stays || err != nil {
			return err
		}
		after = ""
	}
	for _, before := range former {
		step := followed{was: before, is: after, left: w.left}
		if before == after || slices.Contains(w.followed, step) {
			continue
		}
		if err := w.replaceMemberValue(ctx, rule.Attribute, before, after); err != nil {
			return err
		}
		w.followed = append(w.followed, step)
	}
	w.result.Member, w.result.MemberRule = after, w.set.MemberRule()
	return nil
}

// isCalled reports whether the entry still has a name by which groups name the user: memberUid holds what uid does (RFC 2307).
func (w *work) isCalled(ctx context.Context, attribute string, names []string) (bool, error) {
	if len(names) == 0 || !plan.SameDescription(w.matching(ctx), attribute, "memberUid") {
		return false, nil
	}
	present, err := w.target.Holding(ctx, w.result.DN, "uid", names)
	return present[names[0]], err //nolint:wrapcheck // It names the entry.
}

// formerMemberValues returns by what groups may name the user: by what is remembered or, where nothing is, by what follows from the
// record of before. Only what is remembered is sure: a record that could not be written is known all the same. Where the entry was found under
// another user name than is remembered, a try that was cut off has given it that, and may have given it to the groups.
func (w *work) formerMemberValues() []string {
	var values []string
	if w.task.Member != "" {
		values = append(values, w.task.Member)
	}
	for _, was := range w.formerly {
		value, err := "", error(nil)
		switch {
		case was.Empty():
		case w.task.Member == "":
			value, err = w.set.MemberValue(w.task.Known, was)
		case w.isMemberByUserName():
			value = userName(was)
		}
		if err == nil && value != "" && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}

// isMemberByUserName reports whether groups name users by what entries are called: memberUid holds what uid does (RFC 2307).
func (w *work) isMemberByUserName() bool {
	rule, _ := w.set.Members()
	if !plan.SameDescription(w.comparison(), rule.Attribute, "memberUid") {
		return false
	}
	value, err := w.set.MemberValue(w.task.Merged.Object, w.result.DN)
	return w.left || err == nil && value == userName(w.result.DN)
}

// userName is by what an entry is called whose RDN is a user name and nothing else, empty for any other.
func userName(dn plan.DN) string {
	if dn.Empty() || len(dn[0]) != 1 || !plan.SameAttribute(dn[0][0].Type, "uid") {
		return ""
	}
	return dn[0][0].Value
}

// replaceMemberValue replaces a value that names a member in the groups that are ours. Unlike a DN it is nobody's by itself: in the
// group of somebody else, such as that of the administrators of a host, it was not written for this user.
func (w *work) replaceMemberValue(ctx context.Context, attribute, was, is string) error {
	references, err := w.target.Referring(ctx, w.set.Base(), []string{attribute}, was)
	if err != nil {
		return fmt.Errorf("find groups with the member %s: %w", was, err)
	}
	for _, ref := range references {
		w.refers(ref.DN)
		group, err := w.holder(ctx, ref.DN)
		switch {
		case err != nil:
			return err
		case group.Kind != event.KindGroup:
			continue
		}
		stays, err := w.isValueOfSuccessor(ctx, group, was)
		if err == nil && !stays {
			err = w.replaceReference(ctx, ref, is)
		}
		if err != nil {
			return fmt.Errorf("correct %s of %s: %w", ref.Attribute, ref.DN, err)
		}
	}
	return nil
}

// replaceReferences replaces a value in every entry that has it in one of the attributes, or removes it where there is
// no new one.
func (w *work) replaceReferences(ctx context.Context, attributes []string, was, is string) error {
	return w.eachReference(ctx, attributes, was, func(ref connector.Reference) error { return w.replaceReference(ctx, ref, is) })
}

// eachReference corrects a value in every entry that has it in one of the attributes.
func (w *work) eachReference(ctx context.Context, attributes []string, was string, correct func(connector.Reference) error) error {
	if len(attributes) == 0 {
		return nil
	}
	references, err := w.target.Referring(ctx, w.set.Base(), attributes, was)
	if err != nil {
		return fmt.Errorf("find references to %s: %w", was, err)
	}
	for _, ref := range references {
		w.refers(ref.DN)
		if err := correct(ref); err != nil {
			return fmt.Errorf("correct %s of %s: %w", ref.Attribute, ref.DN, err)
		}
	}
	return nil
}

// replaceReference replaces a value in one entry, or removes it. An entry that is not there any more may have been renamed since it was
// found, with the value in it, so that is an error: who tries again finds it where it is.
func (w *work) replaceReference(ctx context.Context, ref connector.Reference, is string) error {
	if is != "" && w.matching(ctx).Equal(ref.Attribute, ref.Value, is) {
		return nil // To the server it is the value that is there, which would go with the former one.
	}
	change := func(replacement string) plan.Modify {
		var changes []plan.Modification
		if replacement != "" {
			changes = append(changes, plan.Modification{Type: plan.AddValues, Name: ref.Attribute, Values: []string{replacement}})
		}
		return plan.Modify{DN: ref.DN, Modifications: append(changes, plan.Modification{Type: plan.DeleteValues, Name: ref.Attribute, Values: []string{ref.Value}})}
	}
	op := change(is)
	err := w.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	members, _ := w.set.Members()
	isLast := errors.As(err, &outcome) && is == "" && outcome.EmptiesGroup() && members.Placeholder != ""
	if isLast {
		op = change(members.Placeholder)
		err = w.target.Apply(ctx, op)
	}
	if errors.As(err, &outcome) && is != "" && outcome.Kind == connector.KindConflict {
		// The new value may be there already; then only the old one has to go.
		op = change("")
		err = w.target.Apply(ctx, op)
	}
	switch {
	case err == nil:
		w.result.Operations = append(w.result.Operations, op)
		if isLast && ref.Value != members.Placeholder {
			return w.dropNeedless(ctx, ref.DN, members)
		}
		return nil
	case errors.As(err, &outcome) && !outcome.IsNotThere() && (outcome.Kind == connector.KindAlreadySo || outcome.Kind == connector.KindConflict):
		return nil // the server, or somebody else, has done it meanwhile
	}
	return err
}

// dropNeedless takes the placeholder out of a group again that has got a member since the last one was to leave it, which nobody but the
// server can tell: it refuses where there is none.
func (w *work) dropNeedless(ctx context.Context, group plan.DN, members mapping.MemberRule) error {
	op := plan.Modify{DN: group, Modifications: []plan.Modification{{Type: plan.DeleteValues, Name: members.Attribute, Values: []string{members.Placeholder}}}}
	err := w.target.Apply(ctx, op)
	var outcome *connector.OutcomeError
	switch {
	case err == nil:
		w.result.Operations = append(w.result.Operations, op)
	case errors.As(err, &outcome) && (outcome.EmptiesGroup() || outcome.IsNotThere() || outcome.Kind == connector.KindAlreadySo || outcome.Kind == connector.KindConflict):
		return nil
	}
	return err
}
