package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"idaas-ldap/store"
)

// Of each event that is taken in there are eleven keys to be written, which docs/performance.md says of what that costs.
func TestAnEventIsWrittenUnderElevenKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	var keys [2]int
	for i, id := range []string{"evt 1", "evt 2"} { // the first begins to count rows
		e := newEvent(id)
		e.Change.Object.ID += id
		if _, err := s.Accept(t.Context(), 7, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
		keys[i] = keysIn(t, path)
	}
	if n := keys[1] - keys[0]; n != 11 {
		t.Errorf("there are %d keys more", n)
	}
}

// keysIn returns how many entries all trees of a database have.
func keysIn(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT SUM(ncell) FROM dbstat WHERE pagetype = 'leaf'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
