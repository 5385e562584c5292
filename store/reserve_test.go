package store_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/store"
)

// Who finds the work reserved changes nothing in the database, not even to bring it up to date, and is told who has it.
func TestWhoFindsTheWorkReservedChangesNothing(t *testing.T) {
	p := newPlace(t)
	serving := func(as string) (*store.SQLite, error) {
		return store.Open(t.Context(), store.SQLiteConfig{Path: p.path, Reserve: true, As: as}, p.key, rand.Reader)
	}
	running, err := serving("process 17 on here")
	if err != nil {
		t.Fatal(err)
	}
	older(t, p.path)
	unchanged(t, p.folder, func() {
		var wrong *store.Misconfigured
		_, err := serving("process 18 on here")
		if !errors.Is(err, store.ErrReserved) || errors.As(err, &wrong) || !strings.Contains(err.Error(), "process 17 on here has it") {
			t.Errorf("the second one that serves: %v", err)
		}
	})
	if err := running.Close(); err != nil {
		t.Fatal(err)
	}
	newest(t, p.path)
	again, err := serving("process 18 on here")
	if err != nil {
		t.Fatalf("after the first one has ended: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// Where the store cannot be made, nothing is left of the reservation.
func TestNoReservationIsLeftOfAStoreThatCannotBeMade(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "store.key")
	_, err := store.Open(t.Context(), store.SQLiteConfig{Path: filepath.Join(folder, "data", "store.db"), Reserve: true}, key, strings.NewReader("too short"))
	if err == nil {
		t.Fatal("a store with half a key was made")
	}
	if _, err := os.Stat(filepath.Join(folder, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the store is there: %v", err)
	}
}

// older makes a database look like one of an older version, newest takes that back.
func older(t *testing.T, path string) {
	t.Helper()
	alter(t, path, "UPDATE schema_version SET version = version - 1")
}

func newest(t *testing.T, path string) {
	t.Helper()
	alter(t, path, "UPDATE schema_version SET version = version + 1")
}
