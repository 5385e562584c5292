package store_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// listening is what a store was told.
type listening struct {
	*testing.T
	heard chan store.Notice
}

// listen has a store tell of what others do until the test ends.
func listen(t *testing.T, s store.Store) listening {
	t.Helper()
	l := listening{t, make(chan store.Notice, 100)}
	ctx, stop := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() { s.Listen(ctx, func(n store.Notice) { l.heard <- n }) })
	t.Cleanup(func() {
		stop()
		listening.Wait()
	})
	return l
}

// hears waits for the next thing that is told.
func (l listening) hears(want store.Notice) {
	l.Helper()
	select {
	case got := <-l.heard:
		if got.What != want.What || got.Directory != want.Directory || !slices.Equal(got.Seqs, want.Seqs) {
			l.Errorf("heard %+v and not %+v", got, want)
		}
	case <-time.After(time.Minute):
		l.Fatalf("%+v is not heard", want)
	}
}

// What one process does the others are told, in the order in which it is done, and of what it does itself it hears nothing.
func (p postgres) tell() {
	t := p.T
	const directory = "o'hare 2"
	url := p.url()
	one, two := openPostgres(t, store.PostgresConfig{URL: url}), openPostgres(t, store.PostgresConfig{URL: url})
	heard := listen(t, one)
	missed := store.Notice{What: store.NoticeMissed}
	heard.hears(missed)
	event1, event2 := newEvent("evt_1"), newEvent("evt_2")
	for _, e := range []*store.NewEvent{&event1, &event2} {
		e.Targets = []store.Target{{Directory: directory}}
	}
	if _, err := one.Accept(t.Context(), 1, []store.NewEvent{event1}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Accept(t.Context(), 1, []store.NewEvent{event2}); err != nil {
		t.Fatal(err)
	}
	heard.hears(store.Notice{What: store.NoticeWork, Directory: directory})
	lease, err := two.Lease(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	job, err := two.Load(t.Context(), store.Key{Directory: directory, Object: userOne}, 9)
	if err != nil {
		t.Fatal(err)
	}
	done := event.Outcome{State: event.Done, Code: event.CodeApplied}
	other := event.Ref{Kind: event.KindGroup, ID: "group_1"}
	if _, err := lease.Store().Settle(t.Context(), 2, store.Settlement{Key: job.Key, Version: job.Version, Outcomes: map[int64]event.Outcome{2: done}, Touch: []event.Ref{other}}); err != nil {
		t.Fatal(err)
	}
	heard.hears(store.Notice{What: store.NoticeSettled, Directory: directory, Seqs: []int64{2}})
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard.hears(store.Notice{What: store.NoticeFree, Directory: directory})
	p.Administer(t, ldaptest.PostgresDatabase, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
	heard.hears(missed)
	if n, err := two.Retry(t.Context(), 3, "me", []int64{1}); err != nil {
		t.Fatalf("%v (%v)", n, err)
	}
	if err := two.Ask(t.Context(), 3, []store.Key{{Directory: directory, Object: other}}); err != nil {
		t.Fatal(err)
	}
	heard.hears(store.Notice{What: store.NoticeWork, Directory: directory})
}

// A first push is no slower than what comes later: the server knows of tables that have grown before it would look by itself, and finds many
// of a directory by their ids and does not read all of it.
func (p postgres) grows() {
	t := p.T
	s := openPostgres(t, store.PostgresConfig{URL: p.url(), Growth: 1000})
	next := 0
	comes := func(documents int) {
		for range documents {
			var events []store.NewEvent
			for range 100 {
				events = append(events, typicalEvent(next))
				next++
			}
			if _, err := s.Accept(t.Context(), 1, events); err != nil {
				t.Fatal(err)
			}
		}
	}
	comes(20)
	for !store.HasGathered(t, s, "work") {
		comes(1) // what is written lets it look; it does so beside us
	}
	store.Gather(t, s)
	for _, statement := range []string{
		"SELECT object, instance FROM owner WHERE directory = ? AND kind = ? AND object = ANY (?)",
		"SELECT object, asked FROM work WHERE directory = ? AND kind = ? AND object = ANY (?)",
		"SELECT seq FROM delivery WHERE directory = ? AND kind = ? AND state IN ('pending', 'waiting') AND object = ANY (?) ORDER BY seq + 0 LIMIT ?",
	} {
		steps := strings.Join(store.PostgresPlanAsServed(t, s, statement), "\n")
		if !regexp.MustCompile(`Index Cond: .*\(object = ANY `).MatchString(steps) {
			t.Errorf("%s...\n%s", statement[:40], steps)
		}
	}
}

// Behind a pooler nothing is heard, and nothing fails.
func (p postgres) deaf(pooled secret.Text) {
	t := p.T
	one, two := openPostgres(t, store.PostgresConfig{URL: pooled}), openPostgres(t, store.PostgresConfig{URL: pooled})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		one.Listen(ctx, func(n store.Notice) { t.Errorf("heard %+v", n) })
	}()
	if _, err := two.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Error(err)
	}
	stop()
	<-done
}
