package store_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// leases has two processes want the same directories.
func (p postgres) leases() {
	t := p.T
	url := p.url()
	var later atomic.Int64 // by how much the clock of the first one is ahead
	clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	one := openPostgres(t, store.PostgresConfig{URL: url, As: "one", Clock: clock})
	two := openPostgres(t, store.PostgresConfig{URL: url, As: "two"})
	first, err := one.Lease(t.Context(), "corp")
	if err != nil {
		t.Fatal(err)
	}
	for what, take := range map[string]func() error{
		"the same directory":      func() error { return second(two.Lease(t.Context(), "corp")) },
		"all of it":               func() error { return second(two.Reserve(t.Context())) },
		"the directory once more": func() error { return second(one.Lease(t.Context(), "corp")) },
	} {
		if err := take(); !errors.Is(err, store.ErrReserved) {
			t.Errorf("%s is given away: %v", what, err)
		}
	}
	other, err := two.Lease(t.Context(), "lab")
	if err != nil {
		t.Fatalf("another directory: %v", err)
	}
	if err := other.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Who finds it taken tries again twice a second, so that this is well below the fifteen seconds within which another one takes over.
	if last := store.LeaseOf(first); last <= 0 || last > 13*time.Second {
		t.Errorf("who is killed keeps others away for %s", last)
	}
	// It is renewed for as long as the database answers.
	for deadline, ends := time.Now().Add(time.Minute), first.Ends(); !first.Ends().After(ends); {
		if time.Now().After(deadline) {
			t.Fatal("the lease is not renewed")
		}
	}

	// Whoever is stopped does not renew.
	if _, err := one.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Fatal(err)
	}
	store.Freeze(first)
	later.Store(int64(time.Minute))
	if ends := first.Ends(); ends.After(clock()) {
		t.Errorf("the lease lasts until %s for the one who was stopped for a minute", ends)
	}
	p.Administer(t, ldaptest.PostgresDatabase, "UPDATE "+schemaOf(url)+".lease SET until = until - 60000")
	taken, err := two.Lease(t.Context(), "corp")
	if err != nil {
		t.Fatalf("after a minute: %v", err)
	}
	key := store.Key{Directory: "corp", Object: userOne}
	for what, write := range map[string]func(store.Store) error{
		"settle":   func(s store.Store) error { return settleOne(t, s, event.Failed) },
		"tried":    func(s store.Store) error { return s.MarkPasswordTried(t.Context(), 1) },
		"allocate": func(s store.Store) error { return second(s.Allocate(t.Context(), key, "uidNumber", 1, 9)) },
		"spend": func(s store.Store) error {
			return second(s.Spend(t.Context(), store.Spending{Directory: "corp", Act: "delete", Objects: []event.Ref{userOne}, Now: 1, Max: 9, Window: time.Hour}))
		},
	} {
		if err := write(first.Store()); !errors.Is(err, store.ErrFenced) {
			t.Errorf("%s by the one who lost the lease: %v", what, err)
		}
	}
	if job, err := two.Load(t.Context(), key, 9); err != nil || len(job.Pending) != 1 || job.Pending[0].PasswordTried || job.Pending[0].Outcome.State != event.Pending {
		t.Errorf("the object was changed: %+v (%v)", job, err)
	}
	if err := settleOne(t, taken.Store(), event.Done); err != nil {
		t.Errorf("settle by the one who has it: %v", err)
	}
	if _, err := one.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_2")}); err != nil {
		t.Errorf("everybody takes events in: %v", err)
	}
	// A lease that is given up is free at once.
	if err := taken.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := one.Lease(t.Context(), "corp")
	if err != nil {
		t.Fatalf("after it was given up: %v", err)
	}
	if err := again.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// outdates has a newer version of the program bring the schema up to date under one that has a lease and writes.
func (p postgres) outdates() {
	t := p.T
	url := p.url()
	s := openPostgres(t, store.PostgresConfig{URL: url})
	lease, err := s.Lease(t.Context(), "corp")
	if err != nil {
		t.Fatal(err)
	}
	version := func(statement string) {
		t.Helper()
		p.Administer(t, ldaptest.PostgresDatabase, "SET search_path = "+schemaOf(url)+"; "+statement)
	}
	version("INSERT INTO schema_version (version) VALUES (99)")
	for what, write := range map[string]func() error{
		"accept": func() error { return second(s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")})) },
		"check":  func() error { return s.Check(t.Context()) },
		"lease":  func() error { return second(s.Lease(t.Context(), "lab")) },
	} {
		if err := write(); !errors.Is(err, store.ErrOutdated) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s with tables of a newer version: %v", what, err)
		}
	}
	for deadline := time.Now().Add(time.Minute); lease.Ends().After(time.Now().Add(-time.Hour)); {
		if time.Now().After(deadline) {
			t.Fatal("the lease is kept from those of the newer version")
		}
	}
	version("DELETE FROM schema_version WHERE version = 99")
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Errorf("after the newer version was taken back: %v", err)
	}
}

func settleOne(t *testing.T, s store.Store, state event.State) error {
	t.Helper()
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 9)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[int64]event.Outcome{}
	for _, pending := range job.Pending {
		outcomes[pending.Seq] = event.Outcome{State: state, Code: event.CodeApplied, Message: "tried"}
	}
	return second(s.Settle(t.Context(), 2, store.Settlement{Key: job.Key, Version: job.Version, Outcomes: outcomes}))
}
