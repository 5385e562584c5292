package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// DoneTogetherFrom says from how many pieces of work on a store does them by the same statements.
func DoneTogetherFrom(t *testing.T, s *SQLite, pieces int) {
	t.Helper()
	s.doneTogetherFrom(t, pieces)
}

// PostgresDoneTogetherFrom says the same of a store on PostgreSQL.
func PostgresDoneTogetherFrom(t *testing.T, s *Postgres, pieces int) {
	t.Helper()
	s.doneTogetherFrom(t, pieces)
}

func (s *database) doneTogetherFrom(t *testing.T, pieces int) {
	t.Helper()
	s.loads.from = pieces
	if err := s.writer.between(t.Context(), func(context.Context, *sql.Conn) error {
		s.writer.together = pieces
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// BePatient lets whoever writes wait for as long as it takes.
func BePatient(s *SQLite) { s.writer.within = time.Hour }

// BePatientOnPostgres does the same on PostgreSQL.
func BePatientOnPostgres(s *Postgres) { s.writer.within = time.Hour }

// WriteAtOnce makes calls, each of which writes once, and lets none of them be written before all of them wait. The store is to be patient.
func WriteAtOnce(t *testing.T, s *SQLite, calls ...func() error) {
	t.Helper()
	s.writeAtOnce(t, calls)
}

// WriteAtOnceOnPostgres does the same on PostgreSQL.
func WriteAtOnceOnPostgres(t *testing.T, s *Postgres, calls ...func() error) {
	t.Helper()
	s.writeAtOnce(t, calls)
}

func (s *database) writeAtOnce(t *testing.T, calls []func() error) {
	t.Helper()
	results := make(chan error, len(calls))
	if err := s.writer.between(t.Context(), func(context.Context, *sql.Conn) error {
		for i, call := range calls {
			go func() { results <- call() }()
			for deadline := time.Now().Add(time.Minute); len(s.writer.units) <= i; runtime.Gosched() {
				if time.Now().After(deadline) {
					return fmt.Errorf("call %d does not write", i)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range calls {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
}

// LoadAtOnce makes calls, each of which loads once, and lets none of them read before all of them wait.
func LoadAtOnce(t *testing.T, s *SQLite, calls ...func() error) {
	t.Helper()
	s.loads.mu.Lock()
	s.loads.reading = loadsAtOnce
	s.loads.mu.Unlock()
	results := make(chan error, len(calls))
	for _, call := range calls {
		go func() { results <- call() }()
	}
	waiting := func() int {
		s.loads.mu.Lock()
		defer s.loads.mu.Unlock()
		return len(s.loads.waiting)
	}
	for deadline := time.Now().Add(time.Minute); waiting() < len(calls); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d calls load", waiting(), len(calls))
		}
	}
	for range loadsAtOnce {
		s.loads.pass()
	}
	for range calls {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
}

// Content returns all that is in a database, one line for a row. Of what is sealed it is how long it is.
func Content(t *testing.T, s *SQLite) string {
	t.Helper()
	var lines []string
	err := s.readers.view(t.Context(), func(session *session) error {
		for _, table := range []string{"event", "delivery", "object", "membership", "work", "dependency", "claim", "owner", "version"} {
			rows, err := session.conn.QueryContext(t.Context(), "SELECT * FROM "+table)
			if err != nil {
				return err
			}
			defer rows.Close()
			names, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				values, into := make([]any, len(names)), make([]any, len(names))
				for i := range values {
					into[i] = &values[i]
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				line := table
				for i, value := range values {
					if sealed, ok := value.([]byte); ok && slices.Contains([]string{"payload", "password", "facts", "owned"}, names[i]) {
						value = len(sealed)
					}
					line += fmt.Sprintf(" %s=%v", names[i], value)
				}
				lines = append(lines, line)
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
