package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/internal/audit"
)

// How far a log was forwarded goes with that log: one of another instance, which has the same name there, changes nothing.
func TestEachLogKnowsHowFarItWasForwarded(t *testing.T) {
	record := func(name string, lines int) *trail {
		file := filepath.Join(t.TempDir(), name)
		log, _, err := audit.Open(audit.Config{Path: file, MaxBytes: 1 << 20, Digest: func(string) []byte { return []byte("digest") }, Forward: func([]byte) {}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		for range lines {
			if err := log.Append(audit.Record{Operation: "add", Object: event.Ref{Kind: event.KindUser, ID: "u"}, Outcome: audit.Done}); err != nil {
				t.Fatal(err)
			}
		}
		return &trail{log: log, file: file}
	}
	is := func(of *trail, want int64) {
		t.Helper()
		if seq, err := of.forwarded(); err != nil || seq != want {
			t.Errorf("it goes on after %d (%v), want %d", seq, err, want)
		}
	}
	one, other := record("audit.log", 9), record("audit.log", 5)
	is(one, 9) // the first time it begins with the next line
	if err := rememberForwarded(one.file, 4); err != nil {
		t.Fatal(err)
	}
	is(other, 5)
	is(one, 4)
	if err := rememberForwarded(one.file, 12); err != nil {
		t.Fatal(err)
	}
	is(one, 0) // the log was begun anew
	if err := os.WriteFile(forwardedFile(one.file), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := one.forwarded(); err == nil || !strings.Contains(err.Error(), "audit.log.forwarded") {
		t.Errorf("the error is %v", err)
	}
}
