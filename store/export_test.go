package store

import (
	"database/sql"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// MakeOfVersion makes the database that a program made which knew so many migrations.
func MakeOfVersion(t *testing.T, path string, version int) {
	t.Helper()
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.address())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, err := migrationNames()
	if err == nil {
		_, err = conn.ExecContext(t.Context(), schemaVersion)
	}
	for i := 0; i < version && err == nil; i++ {
		err = runMigration(t.Context(), conn, i, names[i])
	}
	if err = errors.Join(err, conn.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// sessions calls look for each session of the store; a closed one has none left but that of the writer.
func (s *SQLite) sessions(look func(*session)) {
	look(s.writer.session)
	for range s.readers.open {
		r, open := <-s.readers.idle
		if !open {
			return
		}
		look(r)
		s.readers.idle <- r
	}
}

// Statements returns the text of every statement that the store has run so far.
func Statements(s *SQLite) []string {
	var texts []string
	s.sessions(func(session *session) {
		for text := range maps.Keys(session.statements) {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	})
	slices.Sort(texts)
	return texts
}

// QueryOf returns the statement of a list.
func QueryOf(f Filter) string {
	query, _ := f.query()
	return query
}

// PlanOf returns the steps by which the store runs a statement, as SQLite tells them.
func PlanOf(t *testing.T, s *SQLite, statement string) []string {
	t.Helper()
	var steps []string
	err := s.readers.view(t.Context(), func(session *session) error {
		rows, err := session.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, slices.Repeat([]any{1}, strings.Count(statement, "?"))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			steps = append(steps, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return steps
}

// Steps returns how many operations SQLite's machine has run for the statements of the store so far: some for each row that is
// visited, and none for what is skipped by an index.
func Steps(t *testing.T, s *SQLite) int64 {
	t.Helper()
	tls := libc.NewTLS()
	defer tls.Close()
	total := int64(0)
	s.sessions(func(session *session) {
		if err := session.conn.Raw(func(conn any) error {
			db := uintptr(reflect.ValueOf(conn).Elem().FieldByName("db").Uint())
			for statement := sqlite3.Xsqlite3_next_stmt(tls, db, 0); statement != 0; statement = sqlite3.Xsqlite3_next_stmt(tls, db, statement) {
				total += int64(sqlite3.Xsqlite3_stmt_status(tls, statement, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 0))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
	return total
}
