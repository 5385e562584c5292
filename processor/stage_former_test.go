package processor_test

import (
	"context"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

func (m *memoryOf) Listing(_ context.Context, dn plan.DN) ([]event.Ref, error) {
	var groups []event.Ref
	for id := range m.members {
		if len(m.listed(id, dn, plan.DefaultMatching())) > 0 {
			groups = append(groups, group(id))
		}
	}
	return groups, nil
}

func (m *memoryOf) Listed(_ context.Context, group event.Ref, dn plan.DN, matching plan.Matching) ([]plan.FormerName, error) {
	return m.listed(group.ID, dn, matching), nil
}

func (m *memoryOf) listed(group string, dn plan.DN, matching plan.Matching) (names []plan.FormerName) {
	for id, word := range m.members[group] {
		if at := m.objects[user(id)].DN; word.Present && !at.Empty() && (plan.SameDN(matching, at, dn) || plan.Below(matching, at, dn)) {
			names = append(names, plan.FormerName{Member: user(id), Value: at.String()})
		}
	}
	return names
}

func (m *memoryOf) KeepFormerNames(_ context.Context, group event.Ref, names []plan.FormerName) error {
	if m.full != nil {
		return m.full
	}
	m.former[group] = append(m.former[group], names...)
	return nil
}

func (m *memoryOf) FormerNames(context.Context) ([]plan.FormerName, error) {
	return m.former[m.self], nil
}

func (m *memoryOf) DropFormerNames(_ context.Context, names []plan.FormerName) error {
	m.former[m.self] = slices.DeleteFunc(m.former[m.self], func(name plan.FormerName) bool { return slices.Contains(names, name) })
	return nil
}
