package processor_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/processor"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// memory keeps what the store would keep.
type memory struct {
	objects  map[event.Ref]known
	waits    map[event.Ref][]event.Ref
	members  map[string]map[string]event.Membership
	numbers  map[string]int64 // the highest of a pool, and the one of an object in it
	names    map[string]event.Ref
	former   map[event.Ref][]plan.FormerName
	full     error         // why no former names are kept
	denied   bool          // by the guards
	approved processor.Act // by a person
	granted  processor.Act // by the guards, before
	asked    []processor.Act
	counted  []event.Ref // what the guards were asked about last
	noted    int         // passwords about to be written
	// meanwhile happens once, before it is looked up whose entry has a DN.
	meanwhile func()
	busy      map[event.Ref]bool
}

type known struct {
	plan.Record

	object  event.Object
	pending []event.Change
	tried   bool
	// See processor.Task.
	doubted  plan.DN
	mayName  []plan.FormerName
	before   event.Object
	remained bool
}

// spokenOf returns what is known of the members that events speak about: of all where one asks for the group to be compared.
func (m *memory) spokenOf(group event.Ref, changes []event.Change) map[string]event.Membership {
	known := map[string]event.Membership{}
	for _, c := range changes {
		if c.Type == event.TypeReconcile {
			return maps.Clone(m.members[group.ID])
		}
		for _, member := range c.Members {
			if word, ok := m.members[group.ID][member.User]; ok {
				known[member.User] = word
			}
		}
	}
	return known
}

func (m *memory) rebase(matching plan.Matching, from, to plan.DN) {
	for ref, k := range m.objects {
		k.DN = plan.Rebase(matching, k.DN, from, to)
		m.objects[ref] = k
	}
}

// memoryOf is the memory as one task sees it.
type memoryOf struct {
	*memory
	self event.Ref
}

func (m *memoryOf) Lookup(_ context.Context, ref event.Ref) (event.Object, plan.Record, bool, error) {
	k, ok := m.objects[ref]
	return k.object, k.Record, ok, nil
}

func (m *memoryOf) Linked(_ context.Context, link string) (event.Ref, plan.DN, error) {
	for ref, k := range m.objects {
		if link != "" && k.Link == link {
			return ref, k.DN, nil
		}
	}
	return event.Ref{}, nil, nil
}

func (m *memoryOf) Holder(_ context.Context, dn plan.DN, matching plan.Matching) (event.Ref, error) {
	if happens := m.meanwhile; happens != nil {
		m.meanwhile = nil
		happens()
	}
	byID := func(a, b event.Ref) int { return strings.Compare(a.String(), b.String()) }
	for _, ref := range slices.SortedFunc(maps.Keys(m.objects), byID) {
		if k := m.objects[ref]; plan.SameDN(matching, k.DN, dn) && k.object.Exists() {
			return ref, nil
		}
	}
	return event.Ref{}, nil
}

func (m *memoryOf) Below(_ context.Context, dn plan.DN, matching plan.Matching) ([]plan.DN, error) {
	var below []plan.DN
	for _, k := range m.objects {
		if plan.Below(matching, k.DN, dn) {
			below = append(below, k.DN)
		}
	}
	return below, nil
}

func (m *memoryOf) WaitsFor(_ context.Context, ref event.Ref) ([]event.Ref, error) {
	return m.waits[ref], nil
}

func (m *memoryOf) Allocate(_ context.Context, n mapping.Number, taken ...int64) (int64, error) {
	own := n.Pool + " of " + m.self.String()
	given, ok := m.numbers[own]
	if ok && !slices.Contains(taken, given) {
		return given, nil
	}
	given = max(n.From, m.numbers[n.Pool]+1)
	for slices.Contains(taken, given) {
		given++
	}
	if given > n.To {
		return 0, errors.New("no number is free")
	}
	m.numbers[n.Pool], m.numbers[own] = given, given
	return given, nil
}

func (m *memoryOf) Claim(_ context.Context, pool string, names []string) (string, error) {
	for _, name := range names {
		key := pool + " " + strings.ToLower(name)
		if holder, claimed := m.names[key]; !claimed || holder == m.self {
			m.names[key] = m.self
			return name, nil
		}
	}
	return "", nil
}

func (m *memoryOf) Members(context.Context) (map[string]event.Membership, error) {
	return m.members[m.self.ID], nil
}

func (m *memoryOf) Moved(_ context.Context, link string, dn plan.DN, matching plan.Matching) error {
	k := m.objects[m.self]
	if m.self.Kind == event.KindUnit && !k.DN.Empty() {
		m.rebase(matching, k.DN, dn)
	}
	k.Link, k.DN = link, dn
	m.objects[m.self] = k
	return nil
}

func (m *memoryOf) Hold([]event.Ref) map[event.Ref]bool { return m.busy }

func (m *memoryOf) BeforePassword(context.Context) error {
	m.noted++
	return nil
}

func (m *memoryOf) Permit(_ context.Context, act processor.Act, objects []event.Ref, _ mapping.Limit) (processor.Permission, error) {
	m.asked, m.counted = append(m.asked, act), objects
	approved := act == m.approved
	return processor.Permission{Granted: approved || act == m.granted || !m.denied, Approved: approved, Beyond: "as many as the test says"}, nil
}
