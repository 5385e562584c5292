package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// A machine that loses power leaves the write-ahead log cut off or with a part that never reached the disk. Whatever was
// answered lies before that part and is there; of what lies behind there is nothing, and nothing by halves.
func TestTornLogLosesOnlyWhatLiesBehindTheTear(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := open(t, store.SQLiteConfig{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, store.SQLiteConfig{Path: path})
	const calls, perCall, tears = 8, 3, 10
	ends := make([]int, calls) // of the log, after each call
	for i := range ends {
		events := make([]store.NewEvent, perCall)
		for n := range events {
			events[n] = newEvent(fmt.Sprintf("evt_%d_%d", i, n))
		}
		if _, err := s.Accept(t.Context(), 1, events); err != nil {
			t.Fatal(err)
		}
		ends[i] = len(read(t, path+"-wal"))
	}
	database, log := read(t, path), read(t, path+"-wal")
	if ends[0] == 0 || ends[calls-1] != len(log) {
		t.Fatalf("the log ends at %v and has %d bytes", ends, len(log))
	}
	spoils := map[string]func(at int) []byte{
		"cut off": func(at int) []byte { return log[:at] },
		"a sector is another": func(at int) []byte {
			spoilt := bytes.Clone(log)
			copy(spoilt[at:min(at+512, len(log))], bytes.Repeat([]byte{0x5a}, 512))
			return spoilt
		},
		"one bit is wrong": func(at int) []byte {
			spoilt := bytes.Clone(log)
			spoilt[at] ^= 4
			return spoilt
		},
	}
	for name, spoil := range spoils {
		for i := range tears {
			at := (len(log)-1)*i/tears + i%7*11
			kept := int64(0)
			for _, end := range ends {
				if end <= at {
					kept += perCall
				}
			}
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				t.Parallel()
				opensWith(t, database, spoil(at), kept)
			})
		}
	}
}

// opensWith expects that a store with these files has so many pending events and takes another one.
func opensWith(t *testing.T, database, log []byte, kept int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	for name, content := range map[string][]byte{path: database, path + "-wal": log} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, store.SQLiteConfig{Path: path})
	if counts, err := s.Counts(t.Context(), "corp"); err != nil || counts[event.Pending] != kept {
		t.Fatalf("there are %v events, not %d (%v)", counts, kept, err)
	}
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_after")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, store.SQLiteConfig{Path: path})
	if counts, err := s.Counts(t.Context(), "corp"); err != nil || counts[event.Pending] != kept+1 {
		t.Fatalf("after one more there are %v events (%v)", counts, err)
	}
}
