package mappingtest

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// memory is what would be remembered of the objects of a test: who has an entry in its directory with the id in IDaaS was given
// it before, and of nobody else anything is known but what the test tells.
type memory struct {
	*stage
	self  event.Ref
	taken map[int64]bool
}

// Lookup returns what the test tells of another object, and where its entry is.
func (m *memory) Lookup(_ context.Context, ref event.Ref) (event.Object, plan.Record, bool, error) {
	record, told := m.others[ref]
	if !told {
		record = event.Values{event.FieldID: ref.ID}
	}
	object := known(ref.Kind, record)
	entry, err := m.recordOf(object, told)
	if err != nil && ref.Kind == event.KindUser && !m.set.MembersByDN() {
		return object, plan.Record{DN: m.set.Base()}, true, nil // where it is does not matter
	}
	return object, entry, err == nil && (told || !entry.DN.Empty()), err
}

// Linked knows nobody by an entry.
func (m *memory) Linked(context.Context, string) (event.Ref, plan.DN, error) {
	return event.Ref{}, nil, nil
}

// Holder returns the object of the test whose entry has a DN.
func (m *memory) Holder(_ context.Context, dn plan.DN, matching plan.Matching) (event.Ref, error) {
	candidates := map[event.Ref]event.Values{m.self: m.test.Record}
	for ref, record := range m.others {
		candidates[ref] = record
	}
	for ref, record := range candidates {
		if entry := m.ours(known(ref.Kind, record)); entry != nil && plan.SameDN(matching, entry.DN, dn) {
			return ref, nil
		}
	}
	return event.Ref{}, nil
}

// Below remembers nobody.
func (m *memory) Below(context.Context, plan.DN, plan.Matching) ([]plan.DN, error) { return nil, nil }

// WaitsFor knows nobody who waits.
func (m *memory) WaitsFor(context.Context, event.Ref) ([]event.Ref, error) { return nil, nil }

// Allocate gives out the lowest number that no entry of the directory has.
func (m *memory) Allocate(_ context.Context, n mapping.Number, taken ...int64) (int64, error) {
	for _, number := range taken {
		m.taken[number] = true
	}
	for number := n.From; number <= n.To; number++ {
		if !m.taken[number] {
			return number, nil
		}
	}
	return 0, fmt.Errorf("no number of %s from %d to %d is free", n.Pool, n.From, n.To)
}

// Claim gives out the first name.
func (m *memory) Claim(_ context.Context, _ string, names []string) (string, error) {
	return names[0], nil
}

// Members knows of no member but those of the event.
func (m *memory) Members(context.Context) (map[string]event.Membership, error) { return nil, nil }

// Listing knows of no group.
func (m *memory) Listing(context.Context, plan.DN) ([]event.Ref, error) { return nil, nil }

// Listed knows of no group either.
func (m *memory) Listed(context.Context, event.Ref, plan.DN, plan.Matching) ([]plan.FormerName, error) {
	return nil, nil
}

// KeepFormerNames forgets them: a test ends with its event.
func (m *memory) KeepFormerNames(context.Context, event.Ref, []plan.FormerName) error { return nil }

// FormerNames remembers none.
func (m *memory) FormerNames(context.Context) ([]plan.FormerName, error) { return nil, nil }

// DropFormerNames has none to forget.
func (m *memory) DropFormerNames(context.Context, []plan.FormerName) error { return nil }

// Hold finds nobody busy.
func (m *memory) Hold([]event.Ref) map[event.Ref]bool { return nil }

// Moved forgets where the entry is: a test ends with its event.
func (m *memory) Moved(context.Context, string, plan.DN, plan.Matching) error { return nil }

// BeforePassword has nothing to record.
func (m *memory) BeforePassword(context.Context) error { return nil }

// Permit lets everything pass: a test looks at one event, and guards count many.
func (m *memory) Permit(context.Context, processor.Act, []event.Ref, mapping.Limit) (processor.Permission, error) {
	return processor.Permission{Granted: true}, nil
}
