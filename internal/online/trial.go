package online

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Sample is what is written to find out about rights: one entry of each kind, as the mapping would have it.
type Sample struct {
	Entries  []SampleEntry
	Password secret.Text
}

// SampleEntry is one of them.
type SampleEntry struct {
	Kind event.Kind
	Add  plan.Add
	// Reason says why there is none, where the mapping makes none of the sample.
	Reason string
	// Extra: it is made only for others to be above or below it.
	Extra bool
	// Member is the value that stands for a user in a group, where that is not the DN.
	Member string
}

// trial tries what the bind account may do, on entries of its own.
type trial struct {
	*Report
	Directory
	profile *connector.Profile
	made    []*scratch // in the order in which they were made
	// doubt: the answer to a write was lost or was a failure that may have left half of it done, so an entry may be elsewhere than noted.
	doubt bool
	// lacking is what was found not to be allowed.
	lacking []string
}

// scratch is an entry of the trial.
type scratch struct {
	kind  event.Kind
	dn    plan.DN // where it is now
	class string
	// maybe is where it can be instead.
	maybe []plan.DN
	// member is the value that stands for it in a group.
	member string
	// place: it is none of the sample but one that the mapping names, which was not there.
	place bool
}

// try makes the sample, does to it everything that the mapping can need, and removes it.
func (r *Report) try(ctx context.Context, d Directory, profile *connector.Profile) error {
	t := &trial{Report: r, Directory: d, profile: profile}
	before := len(r.Problems)
	err := t.acts(ctx)
	t.clean(context.WithoutCancel(ctx))
	if err == nil && len(r.Problems) == before {
		r.note("the bind account may do all that the mapping can need; it was tried on entries with %s in their names, which are removed", d.TestName)
	}
	return err
}

func (t *trial) acts(ctx context.Context) error {
	if t.Mapping.Handles(event.KindUnit) {
		if _, err := t.placeAt(ctx, t.Mapping.Root()); err != nil {
			return err
		}
	}
	for _, e := range t.Sample.Entries {
		if e.Add.DN.Empty() {
			t.note("whether the bind account may write a %s cannot be tried: the mapping makes none of the test: %s", e.Kind, e.Reason)
			continue
		}
		if lacks := t.unmade(e); lacks != nil {
			t.note("what a %s takes is not tried before the %s of the test can be made; run this again then", e.Kind, lacks.Kind)
			continue
		}
		if err := t.entry(ctx, e); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{t.move, t.moveUnit, t.renameAll, t.leave} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// unmade is an entry of the sample that another one is below or names, and that could not be made; nil if there is none.
func (t *trial) unmade(e SampleEntry) *SampleEntry {
	for i, other := range t.Sample.Entries {
		needs := e.Add.DN.Below(other.Add.DN) || slices.ContainsFunc(e.Add.Attributes, func(a plan.Attribute) bool {
			return slices.Contains(a.Values, other.Add.DN.String())
		})
		isMade := slices.ContainsFunc(t.made, func(m *scratch) bool { return m.dn.Equal(other.Add.DN) })
		if !other.Add.DN.Empty() && needs && !isMade && !e.Extra {
			return &t.Sample.Entries[i]
		}
	}
	return nil
}

// apply makes one operation. One that has begun is not cut off when the context ends: nobody could say then what there is to be removed.
func (t *trial) apply(ctx context.Context, op plan.Operation) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op.Verb(), op.Target(), err)
	}
	return t.Server.Apply(context.WithoutCancel(ctx), op) //nolint:wrapcheck // It names the entry.
}

// entry makes one entry and writes everything in it once more.
func (t *trial) entry(ctx context.Context, e SampleEntry) error {
	s := &scratch{kind: e.Kind, dn: e.Add.DN, class: t.classOf(e.Add), member: e.Member}
	if e.Extra && t.first(e.Kind) == nil {
		return nil // that none can be made has been said
	}
	added, err := t.add(ctx, e.Add, s)
	if err != nil || !added || e.Extra {
		return err
	}
	if err := t.attributes(ctx, e.Add, s); err != nil {
		return err
	}
	switch e.Kind {
	case event.KindUser:
		return errors.Join(t.password(ctx, s), t.status(ctx, s))
	case event.KindGroup:
		return t.members(ctx, s)
	}
	return nil
}

// add makes an entry; where that is refused as a whole, with nothing but what it must have.
func (t *trial) add(ctx context.Context, op plan.Add, s *scratch) (added bool, err error) {
	err = t.apply(ctx, op)
	if lacksRight(err) {
		err = t.apply(ctx, t.bare(op))
	}
	switch {
	case err == nil:
		t.made = append(t.made, s)
		return true, nil
	case lacksRight(err):
		t.lacks(err, "add an entry of "+s.class+" below "+s.dn.Parent().String(), connector.Want{Act: connector.ActAdd, Below: s.dn.Parent(), Class: s.class})
		return false, nil
	case !isThere(err):
		t.made, t.doubt = append(t.made, s), true
	}
	return false, t.untold(err)
}

// isThere reports whether a server says that an entry is there already.
func isThere(err error) bool { return isOf(err, connector.KindExists) }

// isAbsent reports whether a server says that an entry that was to be deleted is not there.
func isAbsent(err error) bool { return isOf(err, connector.KindConflict) }

func isOf(err error, kind connector.Kind) bool {
	var refused *connector.OutcomeError
	return errors.As(err, &refused) && refused.Kind == kind
}

// first is the first entry of a kind, nil if there is none.
func (t *trial) first(kind event.Kind) *scratch {
	i := slices.IndexFunc(t.made, func(m *scratch) bool { return m.kind == kind && !m.place })
	if i < 0 {
		return nil
	}
	return t.made[i]
}

// bare is an entry with its name and what its classes demand.
func (t *trial) bare(op plan.Add) plan.Add {
	needed := []string{"objectClass"}
	for _, ava := range op.DN.RDN() {
		needed = append(needed, ava.Type)
	}
	for _, a := range op.Attributes {
		if strings.EqualFold(a.Name, "objectClass") && t.profile.Schema != nil {
			for _, class := range a.Values {
				needed = append(needed, t.profile.Schema.Demands(class)...)
			}
		}
	}
	out := plan.Add{DN: op.DN}
	for _, a := range op.Attributes {
		if slices.ContainsFunc(needed, func(n string) bool { return strings.EqualFold(n, a.Name) }) {
			out.Attributes = append(out.Attributes, a)
		}
	}
	return out
}

// attributes writes every attribute of an entry by itself.
func (t *trial) attributes(ctx context.Context, op plan.Add, s *scratch) error {
	var errs []error
	for _, a := range op.Attributes {
		named := slices.ContainsFunc(s.dn.RDN(), func(ava plan.AVA) bool { return strings.EqualFold(ava.Type, a.Name) })
		if named || strings.EqualFold(a.Name, "objectClass") && !t.addsClasses(s.kind) {
			continue
		}
		errs = append(errs, t.write(ctx, s, plan.Modification{Type: plan.ReplaceValues, Name: a.Name, Values: a.Values}))
	}
	return errors.Join(errs...)
}

// addsClasses reports whether the mapping takes entries of a kind over that can lack one of its object classes.
func (t *trial) addsClasses(kind event.Kind) bool {
	return t.Mapping.Adopts(kind) && t.profile.Schema != nil && len(t.profile.Flavour.AddedClasses(t.profile.Schema, t.Mapping.ObjectClasses(kind))) > 0
}

func (t *trial) write(ctx context.Context, s *scratch, m plan.Modification) error {
	_, err := t.wrote(ctx, s, m)
	return err
}

// wrote makes a modification, and reports whether that was allowed.
func (t *trial) wrote(ctx context.Context, s *scratch, m plan.Modification) (done bool, err error) {
	err = t.apply(ctx, plan.Modify{DN: s.dn, Modifications: []plan.Modification{m}})
	if lacksRight(err) {
		t.lacks(err, fmt.Sprintf("write %s of an entry of %s below %s", m.Name, s.class, s.dn.Parent()),
			connector.Want{Act: connector.ActWrite, Below: s.dn.Parent(), Class: s.class, Attribute: m.Name})
		return false, nil
	}
	return err == nil, t.untold(err)
}

func (t *trial) password(ctx context.Context, s *scratch) error {
	rule := t.Mapping.PasswordRule()
	if !t.PasswordSync || !rule.Write {
		return nil
	}
	err := t.apply(ctx, plan.SetPassword{DN: s.dn, Password: t.Sample.Password, Hash: rule.Hash})
	var refused *connector.OutcomeError
	switch {
	case lacksRight(err):
		t.lacks(err, "set the password of an entry of "+s.class+" below "+s.dn.Parent().String(), connector.Want{Act: connector.ActPassword, Below: s.dn.Parent(), Class: s.class})
		return nil
	case errors.As(err, &refused) && refused.Kind == connector.KindPasswordRefused:
		t.note("whether the bind account may set passwords cannot be told: the policy refuses the one of the test: %v", err)
		return nil
	}
	return t.untold(err)
}

// classOf names what an entry is.
func (t *trial) classOf(op plan.Add) string {
	for _, a := range op.Attributes {
		if !strings.EqualFold(a.Name, "objectClass") {
			continue
		}
		if t.profile.Schema != nil {
			if class := t.profile.Schema.Structural(a.Values); class != "" {
				return class
			}
		}
		return a.Values[len(a.Values)-1]
	}
	return "top"
}

// lacks says once what is not allowed, however often it was tried.
func (t *trial) lacks(err error, what string, want connector.Want) {
	if slices.Contains(t.lacking, what) {
		return
	}
	t.lacking = append(t.lacking, what)
	want.Who, want.Below, want.From = t.Who, t.lasting(want.Below), t.lasting(want.From)
	t.problem("the bind account may not %s (%v). This grants it: %s", what, err, t.profile.Flavour.Grant(want))
}

// lasting is the lowest entry that is none of the trial at or above another one, for a right that outlives the trial.
func (t *trial) lasting(dn plan.DN) plan.DN {
	top := dn
	above := func(trial plan.DN) {
		if !trial.Empty() && dn.Within(trial) && len(trial) <= len(top) {
			top = trial.Parent()
		}
	}
	for _, s := range t.made {
		if !s.place {
			above(s.dn)
		}
	}
	for _, e := range t.Sample.Entries {
		above(e.Add.DN) // also of one that could not be made
	}
	return top
}

// untold is about an error that is no matter of rights.
func (t *trial) untold(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the rights of the bind account cannot be tried: %w", err)
}

// lacksRight reports whether a server says that the account may not do this.
func lacksRight(err error) bool {
	var refused *connector.OutcomeError
	return errors.As(err, &refused) && refused.LacksRight()
}
