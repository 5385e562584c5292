package store

import (
	"database/sql"
	"errors"
	"testing"
)

// SchemaVersion is the version of the schema that this program makes.
func SchemaVersion(t *testing.T) int {
	t.Helper()
	names, err := migrationNames()
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// CopyToVersion makes the database that a program made which knew so many migrations, with the rows of a store, as far as that one knew such.
func CopyToVersion(t *testing.T, s *SQLite, path string, version int) {
	t.Helper()
	MakeOfVersion(t, path, version)
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.address())
	if err != nil {
		t.Fatal(err)
	}
	target, err := newSession(t.Context(), db, sqliteDialect())
	if err != nil {
		t.Fatal(err)
	}
	source, err := newSession(t.Context(), s.db, s.dialect)
	if err != nil {
		t.Fatal(err)
	}
	w, put := wounded{session: source}, putter{session: target, columns: map[string]map[string]bool{}}
	for _, table := range carriedTables {
		if table.name == "version" {
			continue // a new one has its row
		}
		if _, err := w.query(t.Context(), "SELECT * FROM "+table.name, nil, func(r row) (bool, error) {
			_, err := put.row(table.name, r)
			return true, err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(source.close(), target.close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}
