package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// memory answers the processor's questions about other objects from the store. It serves one job.
type memory struct {
	store store.Store
	units *units
	job   store.Job
	// password is the Seq of the delivery whose password is to be written, zero if there is none.
	password int64
	now      func() event.Millis
	// hold keeps objects from being worked on; held are those that are, and are to be released in the end.
	hold func(by event.Ref, refs []event.Ref) (held []event.Ref, busy map[event.Ref]bool)
	held []event.Ref
	// woken became due by what was remembered meanwhile.
	woken []store.Key
}

func (m *memory) key(ref event.Ref) store.Key {
	return store.Key{Directory: m.job.Key.Directory, Object: ref}
}

func (m *memory) Lookup(ctx context.Context, ref event.Ref) (event.Object, plan.Record, bool, error) {
	l, err := m.units.lookup(ctx, ref, m.lookup)
	return l.object, l.record, l.found, err
}

func (m *memory) lookup(ctx context.Context, ref event.Ref) (looked, error) {
	object, record, err := m.store.Lookup(ctx, m.key(ref))
	if errors.Is(err, store.ErrNotFound) {
		return looked{}, nil
	}
	if err != nil {
		return looked{}, fmt.Errorf("look up %s: %w", ref, err)
	}
	return looked{object, record, true}, nil
}

func (m *memory) Linked(ctx context.Context, link string) (event.Ref, plan.DN, error) {
	if link == "" {
		return event.Ref{}, nil, nil
	}
	found, err := m.store.ByLink(ctx, m.job.Key.Directory, []string{link})
	if err != nil {
		return event.Ref{}, nil, fmt.Errorf("look up whose entry %s is: %w", link, err)
	}
	if len(found) == 0 {
		return event.Ref{}, nil, nil
	}
	return found[0].Object.Ref, found[0].Record.DN, nil
}

func (m *memory) Holder(ctx context.Context, dn plan.DN, matching plan.Matching) (event.Ref, error) {
	candidates, err := m.store.Holders(ctx, m.job.Key.Directory, dn)
	if err != nil {
		return event.Ref{}, fmt.Errorf("look up who has %s: %w", dn, err)
	}
	for _, c := range candidates {
		if plan.SameDN(matching, c.DN, dn) {
			return c.Object, nil
		}
	}
	return event.Ref{}, nil
}

func (m *memory) Below(ctx context.Context, dn plan.DN, matching plan.Matching) ([]plan.DN, error) {
	candidates, err := m.store.Below(ctx, m.job.Key.Directory, dn)
	if err != nil {
		return nil, fmt.Errorf("look up what is below %s: %w", dn, err)
	}
	return slices.DeleteFunc(candidates, func(c plan.DN) bool { return !plan.Below(matching, c, dn) }), nil
}

func (m *memory) WaitsFor(ctx context.Context, ref event.Ref) ([]event.Ref, error) {
	refs, err := m.store.WaitsFor(ctx, m.key(ref))
	if err != nil {
		return nil, fmt.Errorf("look up what %s waits for: %w", ref, err)
	}
	return refs, nil
}

func (m *memory) Allocate(ctx context.Context, n mapping.Number, taken ...int64) (int64, error) {
	number, err := m.store.Allocate(ctx, m.job.Key, n.Pool, n.From, n.To, taken...)
	if err != nil {
		return 0, fmt.Errorf("allocate a %s: %w", n.Pool, err)
	}
	return number, nil
}

func (m *memory) Claim(ctx context.Context, pool string, names []string) (string, error) {
	name, err := m.store.Claim(ctx, m.job.Key, pool, names)
	if err != nil {
		return "", fmt.Errorf("claim a %s for %s: %w", pool, m.job.Key.Object, err)
	}
	return name, nil
}

func (m *memory) Members(ctx context.Context) (map[string]event.Membership, error) {
	members, err := m.store.Memberships(ctx, m.job.Key, nil)
	if err != nil {
		return nil, fmt.Errorf("load the members of %s: %w", m.job.Key.Object, err)
	}
	return members, nil
}

// Moved stores where the entry is, while the job goes on: nothing that is pending is settled by it.
func (m *memory) Moved(ctx context.Context, link string, dn plan.DN, matching plan.Matching) error {
	s := store.Settlement{
		Key: m.job.Key, Version: m.job.Version, Known: m.job.Known, Record: m.job.Record, Attempts: m.job.Attempts, Due: m.now(),
	}
	s.Known.Ref = m.job.Key.Object
	s.Record.Link, s.Record.DN = link, dn
	// The end of the job does not see any more that the link is a new one.
	s.Entered = m.job.Key.Object.Kind == event.KindUser && link != "" && link != m.job.Record.Link
	// Nor that the place is another one: who waits for just that goes on, whatever the job itself waits for.
	s.Wake = s.Entered || !plan.SameDN(matching, dn, m.job.Record.DN)
	if was := m.job.Record.DN; m.job.Key.Object.Kind == event.KindUnit && !was.Empty() {
		s.RenamedFrom, s.RenamedTo, s.Matching = was, dn, matching
	}
	var err error
	if s.WaitsFor, err = m.WaitsFor(ctx, m.job.Key.Object); err != nil {
		return err
	}
	var woken []store.Key
	m.units.settle(m.job.Key.Object, func() { woken, err = m.store.Settle(ctx, m.now(), s) })
	if err != nil {
		return fmt.Errorf("store where %s is: %w", m.job.Key.Object, err)
	}
	m.job.Record = s.Record
	m.woken = append(m.woken, woken...)
	return nil
}

// Hold keeps objects from being worked on until the job ends.
func (m *memory) Hold(refs []event.Ref) (busy map[event.Ref]bool) {
	held, busy := m.hold(m.job.Key.Object, refs)
	m.held = append(m.held, held...)
	return busy
}

func (m *memory) BeforePassword(ctx context.Context) error {
	if m.password == 0 {
		return nil
	}
	if err := m.store.MarkPasswordTried(ctx, m.password); err != nil {
		return fmt.Errorf("note that the password of %s is about to be written: %w", m.job.Key.Object, err)
	}
	return nil
}

// word is what people call a kind of object.
func word(kind event.Kind) string {
	if kind == event.KindUnit {
		return "unit"
	}
	return string(kind)
}

// Permit counts against the guards of the mapping, unless a person has approved just this.
func (m *memory) Permit(ctx context.Context, act processor.Act, objects []event.Ref, limit mapping.Limit) (processor.Permission, error) {
	return m.permit(ctx, act, objects, limit, m.now(), m.store.Spend)
}

// permit asks the guards of the mapping by ask, unless a person has approved just this.
func (m *memory) permit(ctx context.Context, act processor.Act, objects []event.Ref, limit mapping.Limit, now event.Millis,
	ask func(context.Context, store.Spending) (bool, error),
) (processor.Permission, error) {
	for _, p := range m.job.Pending {
		if p.Approved == string(act) {
			return processor.Permission{Granted: true, Approved: true}, nil
		}
	}
	most := map[event.Kind]int{}
	beyond := fmt.Sprintf("%d within %s (max)", limit.Max, limit.Window)
	for _, ref := range objects {
		if _, counted := most[ref.Kind]; counted {
			continue
		}
		known, err := m.store.CountObjects(ctx, m.job.Key.Directory, ref.Kind, limit.Enough())
		if err != nil {
			return processor.Permission{}, fmt.Errorf("count the objects of %s: %w", m.job.Key.Directory, err)
		}
		if most[ref.Kind] = limit.Allows(known); most[ref.Kind] < limit.Max {
			beyond = fmt.Sprintf("%d within %s (percent: %g of %d known %ss, at least 1)", most[ref.Kind], limit.Window, limit.Percent, known, word(ref.Kind))
		}
	}
	ok, err := ask(ctx, store.Spending{
		Directory: m.job.Key.Directory, Act: string(act), Objects: objects,
		Now: now, Window: limit.Window, Max: limit.Max, MaxOf: most,
	})
	if err != nil {
		return processor.Permission{}, fmt.Errorf("ask the guard on %ss: %w", act, err)
	}
	return processor.Permission{Granted: ok, Beyond: beyond}, nil
}
