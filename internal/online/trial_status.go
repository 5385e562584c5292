package online

import (
	"context"
	"errors"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// status writes, for every way of keeping a user out, what does it, brings the user to the place that is for it, and takes both back.
func (t *trial) status(ctx context.Context, s *scratch) error {
	account, ok := t.Mapping.Account(mapping.Input{Object: event.Object{Ref: event.Ref{Kind: event.KindUser}}})
	if !ok {
		return nil
	}
	if removal, ok := t.Mapping.Removal(inputOf(s)); ok && removal.Action == plan.RemoveDisable && len(account.Disable.On) == 0 {
		account.Disable.Auto = true
	}
	for _, states := range [][2]event.Account{
		{{StatusSeen: true, Disabled: true}, {StatusSeen: true}},
		{{LockSeen: true, LockedUntil: event.LockedForever}, {LockSeen: true}},
		{{ExpirySeen: true, ExpiresAt: 1}, {ExpirySeen: true}},
	} {
		for _, state := range states {
			account.State = state
			if err := t.express(ctx, s, account); err != nil {
				return err
			}
			if at, elsewhere := account.Place(s.dn, nil, t.Now); elsewhere {
				if _, err := t.thereAndBack(ctx, s, at.Parent()); err != nil {
					return err
				}
			}
		}
	}
	return t.unlock(ctx, s, account)
}

// unlock takes a lock away as if the server itself had set it after wrong passwords. Where that is done by deleting a value, it is
// written first, as there would be nothing to delete.
func (t *trial) unlock(ctx context.Context, s *scratch, account plan.Account) error {
	current, err := t.Server.Read(ctx, s.dn, t.profile.Flavour.StatusAttributes())
	if err != nil || current == nil {
		return err //nolint:wrapcheck // It names the entry.
	}
	own := t.profile.Flavour.OwnLock(t.Now)
	isOwn := func(name string) func(plan.Attribute) bool {
		return func(a plan.Attribute) bool { return strings.EqualFold(a.Name, name) }
	}
	for _, a := range own {
		current.Attributes = append(slices.DeleteFunc(current.Attributes, isOwn(a.Name)), a)
	}
	account.State, account.Unlock = event.Account{LockSeen: true}, true
	status, err := t.profile.Flavour.Status(account, current, t.Now)
	if err != nil {
		return t.untold(err)
	}
	for _, rule := range status.Rules {
		i := slices.IndexFunc(own, isOwn(rule.Attribute))
		if i < 0 {
			continue
		}
		if rule.ByDeletion {
			set := plan.Modification{Type: plan.ReplaceValues, Name: rule.Attribute, Values: own[i].Values}
			if done, err := t.wrote(ctx, s, set); err != nil || !done {
				return err
			}
		}
		if err := t.write(ctx, s, modification(rule)); err != nil {
			return err
		}
	}
	return nil
}

// modification is what makes an entry hold what a rule says.
func modification(rule plan.Rule) plan.Modification {
	if rule.ByDeletion {
		return plan.Modification{Type: plan.DeleteValues, Name: rule.Attribute}
	}
	return plan.Modification{Type: plan.ReplaceValues, Name: rule.Attribute, Values: rule.Values}
}

// express writes a status as the server has it.
func (t *trial) express(ctx context.Context, s *scratch, account plan.Account) error {
	current, err := t.Server.Read(ctx, s.dn, t.profile.Flavour.StatusAttributes())
	if err != nil {
		return err //nolint:wrapcheck // It names the entry.
	}
	status, err := t.profile.Flavour.Status(account, current, t.Now)
	if err != nil {
		return t.untold(err)
	}
	for _, rule := range status.Rules {
		if err := t.write(ctx, s, modification(rule)); err != nil {
			return err
		}
	}
	return nil
}

// members adds the test user to the test group and takes it out again, as the mapping names it there.
func (t *trial) members(ctx context.Context, s *scratch) error {
	rule, ok := t.Mapping.Members()
	user := t.first(event.KindUser)
	if !ok || user == nil {
		return nil
	}
	value := user.member
	if t.Mapping.MembersByDN() {
		value = user.dn.String()
	}
	if value == "" {
		t.note("whether the bind account may write members cannot be tried: the mapping gives no value for the user of the test")
		return nil
	}
	var known *connector.OutcomeError
	for _, kind := range []plan.ModificationType{plan.AddValues, plan.DeleteValues, plan.AddValues} {
		err := t.write(ctx, s, plan.Modification{Type: kind, Name: rule.Attribute, Values: []string{value}})
		if errors.As(err, &known) && (known.Kind == connector.KindConflict || known.Kind == connector.KindAlreadySo || known.EmptiesGroup()) {
			continue // it is one already, or the only one
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inputOf is what the mapping is asked with about an entry of the trial.
func inputOf(s *scratch) mapping.Input {
	return mapping.Input{Object: event.Object{Ref: event.Ref{Kind: s.kind}}, DN: s.dn}
}
