//go:build !race

package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// What a page of a list or a search costs does not grow with what else there is.
func TestAPageCostsTheSameHoweverMuchThereIs(t *testing.T) {
	small, large := listed(t, 500, 2000), listed(t, 100_000, 40_000)
	for name, steps := range large {
		if steps > small[name]*1.2+200 {
			t.Errorf("%s takes %.0f steps where much is known, and %.0f where little is", name, steps, small[name])
		}
	}
}

// listed returns how many steps the database takes for each page that the console asks for.
func listed(t *testing.T, people, events int) map[string]float64 {
	t.Helper()
	s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db")})
	store.Populate(t, s, people, 0, 0)
	store.PopulateEvents(t, s, events)
	key := store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: "ann"}}
	settlement := settlementOf(key, true)
	settlement.Known.Facts = map[string]event.Fact{event.FieldUsername: {Value: "ann"}, "displayName": {Value: "Ann Lee"}}
	if _, err := s.Settle(t.Context(), 8, settlement); err != nil {
		t.Fatal(err)
	}
	steps := map[string]float64{}
	run := func(name string, look func() (int, error)) {
		t.Helper()
		before := store.WorkOf(t, s)
		n, err := look()
		if err != nil || n == 0 {
			t.Fatalf("%s: %d, %v", name, n, err)
		}
		steps[name] = store.WorkOf(t, s).Steps - before.Steps
	}
	list := func(name string, f store.Filter) {
		t.Helper()
		f.Limit = 50
		run(name, func() (int, error) {
			records, err := s.Events(t.Context(), f)
			return len(records), err
		})
	}
	for _, name := range []string{"ann", "ann l"} {
		run("who is called "+name, func() (int, error) {
			found, _, err := s.FindByName(t.Context(), store.NameFilter{Prefix: name, Limit: 50})
			return len(found), err
		})
	}
	newest := int64(events)
	list("the newest events", store.Filter{})
	list("the events before one", store.Filter{Before: newest / 2})
	list("the events of one type among the last", store.Filter{Type: event.TypeUserUpdateInfo, After: newest - 1000})
	list("the events of one directory among the last", store.Filter{Directory: "corp", States: []event.State{event.Done}, After: newest - 1000})
	for _, state := range []event.State{event.Pending, event.Waiting, event.Failed, event.Held} {
		list("what is "+string(state), store.Filter{Directory: "corp", States: []event.State{state}})
		list(fmt.Sprintf("what is %s before one", state), store.Filter{Directory: "corp", States: []event.State{state}, Before: newest / 2})
	}
	list("what a guard holds", store.Filter{Held: store.HeldSet{Directory: "corp", Code: event.CodeGuarded, Act: "delete"}})
	const most = 100
	run("how much waits", func() (int, error) {
		counts, err := s.CountsUpTo(t.Context(), "corp", most)
		return int(counts[event.Waiting]), err
	})
	run("what is held by reason", func() (int, error) {
		sets, err := s.HeldSets(t.Context(), most)
		return len(sets), err
	})
	run("what has failed by reason", func() (int, error) {
		failures, err := s.FailuresByReason(t.Context(), most)
		return len(failures), err
	})
	run("what waits longest", func() (int, error) {
		oldest, err := s.OldestOpen(t.Context(), "corp")
		return int(oldest), err
	})
	list("the events of one group", store.Filter{Object: "g_1"})
	list("the events of one group before one", store.Filter{Object: "g_1", Before: newest / 2})
	list("one event", store.Filter{EventID: "evt_000007"})
	return steps
}
