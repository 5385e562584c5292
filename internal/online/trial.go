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
	"idaas-ldap/mapping"
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
}

// trial tries what the bind account may do, on entries of its own.
type trial struct {
	*Report
	Directory
	profile *connector.Profile
	made    []scratch // in the order in which they were made
}

// scratch is an entry of the trial.
type scratch struct {
	kind  event.Kind
	dn    plan.DN // where it is now
	class string
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
	for _, e := range t.Sample.Entries {
		if e.Add.DN.Empty() {
			t.note("whether the bind account may write a %s cannot be tried: the mapping makes none of the test: %s", e.Kind, e.Reason)
			continue
		}
		if err := t.entry(ctx, e); err != nil {
			return err
		}
	}
	if err := t.move(ctx); err != nil {
		return err
	}
	for i := range slices.Backward(t.made) { // who is below an entry before it
		if err := t.rename(ctx, &t.made[i]); err != nil {
			return err
		}
	}
	return nil
}

// entry makes one entry and writes everything in it once more.
func (t *trial) entry(ctx context.Context, e SampleEntry) error {
	s := scratch{kind: e.Kind, dn: e.Add.DN, class: t.classOf(e.Add)}
	added, err := t.add(ctx, e.Add, s)
	if err != nil || !added {
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
func (t *trial) add(ctx context.Context, op plan.Add, s scratch) (added bool, err error) {
	err = t.Server.Apply(ctx, op)
	if lacksRight(err) {
		err = t.Server.Apply(ctx, t.bare(op))
	}
	switch {
	case err == nil:
		t.made = append(t.made, s)
		return true, nil
	case lacksRight(err):
		t.lacks(err, "add an entry of "+s.class+" below "+s.dn.Parent().String(), connector.Want{Act: connector.ActAdd, Below: s.dn.Parent(), Class: s.class})
		return false, nil
	}
	return false, t.untold(err)
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
func (t *trial) attributes(ctx context.Context, op plan.Add, s scratch) error {
	var errs []error
	for _, a := range op.Attributes {
		named := slices.ContainsFunc(s.dn.RDN(), func(ava plan.AVA) bool { return strings.EqualFold(ava.Type, a.Name) })
		if named || strings.EqualFold(a.Name, "objectClass") {
			continue
		}
		errs = append(errs, t.write(ctx, s, plan.Modification{Type: plan.ReplaceValues, Name: a.Name, Values: a.Values}))
	}
	return errors.Join(errs...)
}

func (t *trial) write(ctx context.Context, s scratch, m plan.Modification) error {
	err := t.Server.Apply(ctx, plan.Modify{DN: s.dn, Modifications: []plan.Modification{m}})
	if lacksRight(err) {
		t.lacks(err, fmt.Sprintf("write %s of an entry of %s below %s", m.Name, s.class, s.dn.Parent()),
			connector.Want{Act: connector.ActWrite, Below: s.dn.Parent(), Class: s.class, Attribute: m.Name})
		return nil
	}
	return t.untold(err)
}

func (t *trial) password(ctx context.Context, s scratch) error {
	rule := t.Mapping.PasswordRule()
	if !t.PasswordSync || !rule.Write {
		return nil
	}
	err := t.Server.Apply(ctx, plan.SetPassword{DN: s.dn, Password: t.Sample.Password, Hash: rule.Hash})
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

// status writes what keeps a user out, and takes it back.
func (t *trial) status(ctx context.Context, s scratch) error {
	account, ok := t.Mapping.Account(mapping.Input{Object: event.Object{Ref: event.Ref{Kind: event.KindUser}}})
	if !ok {
		return nil
	}
	account.State = barred
	current, err := t.Server.Read(ctx, s.dn, t.profile.Flavour.StatusAttributes())
	if err != nil {
		return err //nolint:wrapcheck // It names the entry.
	}
	status, err := t.profile.Flavour.Status(account, current, t.Now)
	if err != nil {
		return t.untold(err)
	}
	for _, rule := range status.Rules {
		if err := t.write(ctx, s, plan.Modification{Type: plan.ReplaceValues, Name: rule.Attribute, Values: rule.Values}); err != nil {
			return err
		}
	}
	return nil
}

// members adds the test user to the test group, and takes it out again.
func (t *trial) members(ctx context.Context, s scratch) error {
	rule, ok := t.Mapping.Members()
	i := slices.IndexFunc(t.made, func(m scratch) bool { return m.kind == event.KindUser })
	if !ok || i < 0 || !t.Mapping.MembersByDN() {
		return nil
	}
	user := []string{t.made[i].dn.String()}
	var known *connector.OutcomeError
	for _, kind := range []plan.ModificationType{plan.DeleteValues, plan.AddValues} {
		err := t.write(ctx, s, plan.Modification{Type: kind, Name: rule.Attribute, Values: user})
		if errors.As(err, &known) && (known.Kind == connector.KindConflict || known.EmptiesGroup()) {
			continue // it is no member, or the only one
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rename gives an entry another name.
func (t *trial) rename(ctx context.Context, s *scratch) error {
	rdn := s.dn.RDN()
	name := slices.Clone(rdn)
	name[0].Value += "-2"
	return t.modifyDN(ctx, s, plan.ModifyDN{DN: s.dn, NewRDN: name, DeleteOldRDN: true}, "rename")
}

// move brings the test user, where it is below the test unit, above that and back. Where people have one place whatever their unit
// nobody moves.
func (t *trial) move(ctx context.Context) error {
	user := slices.IndexFunc(t.made, func(m scratch) bool { return m.kind == event.KindUser })
	unit := slices.IndexFunc(t.made, func(m scratch) bool { return m.kind == event.KindUnit })
	if user < 0 || unit < 0 || !t.made[user].dn.Parent().Equal(t.made[unit].dn) {
		return nil
	}
	u, below := &t.made[user], t.made[unit].dn
	for _, superior := range []plan.DN{below.Parent(), below} {
		if u.dn.Parent().Equal(superior) {
			continue // it may not leave
		}
		if err := t.modifyDN(ctx, u, plan.ModifyDN{DN: u.dn, NewRDN: u.dn.RDN(), NewSuperior: superior, DeleteOldRDN: true}, "move"); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) modifyDN(ctx context.Context, s *scratch, op plan.ModifyDN, verb string) error {
	err := t.Server.Apply(ctx, op)
	if lacksRight(err) {
		t.lacks(err, fmt.Sprintf("%s an entry of %s below %s", verb, s.class, s.dn.Parent()), connector.Want{Act: connector.ActRename, Below: s.dn.Parent(), Class: s.class})
		return nil
	}
	if err != nil {
		return t.untold(err)
	}
	before := s.dn
	s.dn = op.NewDN()
	for i := range t.made {
		if at := t.made[i].dn; at.Below(before) {
			t.made[i].dn = at.Rebase(before, s.dn)
		}
	}
	return nil
}

// clean removes what was made, the last first.
func (t *trial) clean(ctx context.Context) {
	for _, s := range slices.Backward(t.made) {
		err := t.Server.Apply(ctx, plan.Delete{DN: s.dn, Subtree: s.kind == event.KindUnit})
		switch {
		case lacksRight(err):
			t.lacks(err, "delete an entry of "+s.class+", so remove "+s.dn.String()+" by hand", connector.Want{Act: connector.ActDelete, Below: s.dn.Parent(), Class: s.class})
		case err != nil:
			t.problem("remove %s by hand, it was a test: %v", s.dn, err)
		}
	}
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

func (t *trial) lacks(err error, what string, want connector.Want) {
	want.Who = t.Who
	t.problem("the bind account may not %s (%v). This grants it: %s", what, err, t.profile.Flavour.Grant(want))
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
