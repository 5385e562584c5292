package store

import (
	"database/sql"
	"errors"
	"testing"

	"idaas-ldap/internal/secret"
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

// onPostgres calls look with a session of its own.
func onPostgres(t *testing.T, url secret.Text, look func(*session) error) {
	t.Helper()
	s, err := (&PostgresConfig{URL: url}).connect()
	if err == nil {
		err = errors.Join(s.within(t.Context(), look), s.db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// PostgresVersion returns the version of the schema of a database.
func PostgresVersion(t *testing.T, url secret.Text) (version int) {
	t.Helper()
	onPostgres(t, url, func(s *session) (err error) {
		version, err = versionOf(s)
		return err
	})
	return version
}

// CopyToPostgres makes the tables of an earlier version in an empty schema, with what is in a store of the same version in a file.
func CopyToPostgres(t *testing.T, path string, url secret.Text, version int) {
	t.Helper()
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.address())
	if err != nil {
		t.Fatal(err)
	}
	source, err := newSession(t.Context(), db, sqliteDialect())
	if err != nil {
		t.Fatal(err)
	}
	names, err := migrationNames()
	if err != nil {
		t.Fatal(err)
	}
	onPostgres(t, url, func(target *session) error {
		for i, name := range names[:version] {
			if err := runMigration(t.Context(), target, nil, i, name); err != nil {
				return err
			}
		}
		for _, table := range carriedTables {
			var has int
			if _, err := source.row(source.hasTable, []any{table.name}, &has); err != nil || has == 0 {
				continue
			}
			if table.name != "version" {
				if _, err := target.exec("DELETE FROM " + table.name); err != nil {
					return err
				}
			}
			if err := table.carry(t.Context(), source, target, func(int) {}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(source.close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}
