package store_test

import (
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// BenchmarkPages measures what the store takes for each page of the console with 100,000 people and 1,000,000 events, half of which are open.
func BenchmarkPages(b *testing.B) {
	const people, events, counted, page = 100_000, 1_000_000, 10_001, 51
	s := open(b, store.SQLiteConfig{Path: filepath.Join(b.TempDir(), "store.db")})
	store.Populate(b, s, people, 0, 0)
	store.PopulateEvents(b, s, events)
	for _, look := range []struct {
		name string
		do   func() error
	}{
		{"overview", func() error {
			_, err := s.CountsUpTo(b.Context(), "corp", counted)
			if err == nil {
				_, err = s.FailuresByReason(b.Context(), counted)
			}
			if err == nil {
				_, err = s.OldestOpen(b.Context(), "corp")
			}
			return err
		}},
		{"held", func() error {
			_, err := s.HeldSets(b.Context(), counted)
			return err
		}},
		{"events", func() error {
			_, err := s.Events(b.Context(), store.Filter{Limit: page})
			return err
		}},
		{"failed", func() error {
			_, err := s.Events(b.Context(), store.Filter{Directory: "corp", States: []event.State{event.Failed}, Limit: page})
			return err
		}},
		{"done", func() error {
			_, err := s.Events(b.Context(), store.Filter{Directory: "corp", States: []event.State{event.Done}, After: events - 5000, Limit: page})
			return err
		}},
		{"people", func() error {
			_, _, err := s.FindByName(b.Context(), store.NameFilter{Prefix: "nobody", Limit: page})
			return err
		}},
	} {
		b.Run(look.name, func(b *testing.B) {
			for b.Loop() {
				if err := look.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
