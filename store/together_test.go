package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"idaas-ldap/store"
)

func TestSeveralMayMakeTheStoreAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	cfg := store.SQLiteConfig{Path: path, Seal: seal(t, 1)}
	const openers = 4
	results := make(chan error, openers)
	for range openers {
		go func() {
			s, err := store.OpenSQLite(t.Context(), cfg)
			if err == nil {
				err = errors.Join(s.Check(t.Context()), s.Close())
			}
			results <- err
		}()
	}
	for range openers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
