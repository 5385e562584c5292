package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

// The command waits for what is about to be tried again, and for nothing that is parked for longer or that others have asked for.
func TestWritingWaitsForWhatIsTriedAgainInAMoment(t *testing.T) {
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	now := time.Now()
	key := func(id string) store.Key {
		return store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: id}}
	}
	w := writing{store: memory, asked: map[store.Key]bool{key("pending"): true, key("now"): true, key("parked"): true, key("done"): true}}
	for id, due := range map[string]time.Time{"pending": {}, "now": now, "parked": now.Add(time.Hour), "done": {}, "of others": now} {
		if err := memory.Ask(t.Context(), event.Millis(now.UnixMilli()), []store.Key{key(id)}); err != nil {
			t.Fatal(err)
		}
		if id == "pending" {
			continue
		}
		job, err := memory.Load(t.Context(), key(id), 10)
		if err != nil {
			t.Fatal(err)
		}
		s := store.Settlement{Key: job.Key, Version: job.Version, Outcomes: map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done}}}
		if !due.IsZero() {
			s.Due, s.Attempts = event.Millis(due.UnixMilli()), 1
			s.Outcomes[job.Pending[0].Seq] = event.Outcome{State: event.Waiting, Code: event.CodeWaitsForObject}
		}
		if _, err := memory.Settle(t.Context(), event.Millis(now.UnixMilli()), s); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.open(t.Context()); err != nil || n != 2 {
		t.Errorf("the command waits for %d: %v", n, err)
	}
}
