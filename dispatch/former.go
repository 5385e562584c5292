package dispatch

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

func (m *memory) Listing(ctx context.Context, dn plan.DN) ([]event.Ref, error) {
	groups, err := m.store.Listing(ctx, m.job.Key.Directory, dn)
	if err != nil {
		return nil, fmt.Errorf("look up which groups list what is at %s: %w", dn, err)
	}
	return groups, nil
}

func (m *memory) Listed(ctx context.Context, group event.Ref, dn plan.DN, matching plan.Matching) ([]plan.FormerName, error) {
	members, err := m.store.Listed(ctx, m.key(group), dn)
	if err != nil {
		return nil, fmt.Errorf("look up whom %s lists at %s: %w", group, dn, err)
	}
	var names []plan.FormerName
	for _, member := range members {
		if plan.SameDN(matching, member.DN, dn) || plan.Below(matching, member.DN, dn) {
			names = append(names, plan.FormerName{Member: member.Object, Value: member.DN.String()})
		}
	}
	return names, nil
}

func (m *memory) KeepFormerNames(ctx context.Context, group event.Ref, names []plan.FormerName) error {
	if err := m.store.KeepFormerNames(ctx, m.key(group), names); err != nil {
		return fmt.Errorf("remember by what %s may name members: %w", group, err)
	}
	return nil
}

func (m *memory) FormerNames(ctx context.Context) ([]plan.FormerName, error) {
	names, err := m.store.FormerNames(ctx, m.job.Key)
	if err != nil {
		return nil, fmt.Errorf("look up by what %s may name members: %w", m.job.Key.Object, err)
	}
	return names, nil
}

func (m *memory) DropFormerNames(ctx context.Context, names []plan.FormerName) error {
	if err := m.store.DropFormerNames(ctx, m.job.Key, names); err != nil {
		return fmt.Errorf("forget by what %s may have named members: %w", m.job.Key.Object, err)
	}
	return nil
}

// KeepFormerNames remembers nothing, as nothing is renamed.
func (m *previewMemory) KeepFormerNames(context.Context, event.Ref, []plan.FormerName) error {
	return nil
}

// DropFormerNames forgets nothing, as nothing is written.
func (m *previewMemory) DropFormerNames(context.Context, []plan.FormerName) error { return nil }
