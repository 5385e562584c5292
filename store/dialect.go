package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"
)

// dialect is what a database says in its own way. The statements and the schema of this package are SQL that SQLite and PostgreSQL
// understand alike.
type dialect struct {
	// words puts the database's own in the place of that which has no common name in a migration.
	words func(migration string) string
	// text puts a statement into the form that the database reads; args and found are for what goes in and comes out. None of them is
	// needed where nothing differs.
	text  func(statement string) string
	args  func(args []any) []any
	found func(into []any)
	// oneOf ends a condition that a column has one of several values. Source is what an INSERT has behind the columns for the first n of several
	// rows, which are all alike.
	oneOf  func(sizes []int, values []any) (condition string, args []any)
	source func(sizes []int, rows [][]any) (source string, args []any, n int)
	// sizes are the numbers of rows of statements that are about many, the largest first.
	sizes []int
	// announce returns statements that tell others of notices; not needed where there are no others.
	announce func([]Notice) string
	// hasTable reports in one row whether there is a table with a name.
	hasTable string
	// beginWrite begins a transaction that is going to write, while nobody else does. beginRead begins one that sees one moment only,
	// and beginChange one that changes the schema.
	beginWrite, beginRead, beginChange string
	// lockChange lets those who write end before the schema is changed, where it is there; not needed where nobody else can be at it.
	lockChange string
	// lasting: a session has one connection for all its life, on which statements stay prepared.
	lasting bool
	// beginAlone begins a transaction that may be silent for long while nobody else writes.
	beginAlone string
	// lastNumber returns the last number that was given to a row of a table, and numberFrom lets the next one be larger than that.
	lastNumber func(s *session, table, column string) (int64, error)
	numberFrom func(s *session, table, column string, last int64) error
	// copyRows adds many rows at once, analyze is what a statement begins with that looks at a table for the planner. Neither is needed.
	copyRows func(ctx context.Context, conn *sql.Conn, table string, columns []string, rows [][]any) error
	analyze  string
	// longest bounds how long a statement may take; zero for as long as it takes.
	longest time.Duration
}

// mayPass reports whether an error of the database is about its surroundings (disk full, no connection, somebody else is writing), so
// that the same work may succeed later.
func mayPass(err error) bool {
	return errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || sqliteMayPass(err) || postgresMayPass(err)
}
