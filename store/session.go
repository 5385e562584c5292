package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// session is a way to the database with the statements that were run on it. It serves one goroutine at a time. Where it is not
// lasting, it has a connection from attach to detach only, each time one that works.
//
// Statements are not interrupted when a caller goes away: each is short, and one that was broken off in the middle leaves
// a transaction in doubt.
type session struct {
	*dialect
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]statement
	touched    int64 // rows that were changed or read
}

// statement is one that can be run: one that was prepared, or the text of one with the connection that runs it.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

// scanner is one row of a result.
type scanner interface {
	Scan(into ...any) error
}

func newSession(ctx context.Context, db *sql.DB, d *dialect) (*session, error) {
	s := &session{dialect: d, db: db, statements: map[string]statement{}}
	if !d.lasting {
		return s, nil
	}
	var err error
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, failure(err)
	}
	return s, nil
}

// attach gives a session its connection.
func (s *session) attach(ctx context.Context) error {
	if s.lasting {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.longest)
	defer cancel()
	var err error
	s.conn, err = s.db.Conn(ctx)
	return failure(err)
}

// detach takes the connection back, for others to use.
func (s *session) detach() {
	if !s.lasting && s.conn != nil {
		_ = s.conn.Close() // one that is broken was seen to be by whoever used it
		s.conn = nil
	}
}

// discard lets nobody use the connection any more: nobody knows what state it is in.
func (s *session) discard() {
	if !s.lasting && s.conn != nil {
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// patience bounds one statement.
func (s *session) patience() (context.Context, context.CancelFunc) {
	if s.longest == 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), s.longest)
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(query string, args ...any) (int64, error) {
	statement, err := s.statement(query)
	if err != nil {
		return 0, err
	}
	ctx, done := s.patience()
	defer done()
	result, err := statement.ExecContext(ctx, args...)
	if err != nil {
		return 0, failure(err)
	}
	n, err := result.RowsAffected()
	s.touched += n
	return n, failure(err)
}

// script runs statements that have no arguments, for as long as it takes.
func (s *session) script(ctx context.Context, statements string) error {
	_, err := s.conn.ExecContext(ctx, statements)
	return failure(err)
}

// rows runs a statement and calls scan for each row of its result. Nothing else may be run on the session meanwhile.
func (s *session) rows(query string, args []any, scan func(scanner) error) (err error) {
	statement, err := s.statement(query)
	if err != nil {
		return err
	}
	ctx, done := s.patience()
	defer done()
	rows, err := statement.QueryContext(ctx, args...)
	if err != nil {
		return failure(err)
	}
	defer func() { err = errors.Join(err, failure(rows.Close())) }()
	var row scanner = rows
	if s.found != nil {
		row = finder{rows, s.found}
	}
	for rows.Next() {
		s.touched++
		if err := scan(row); err != nil {
			return err
		}
	}
	return failure(rows.Err())
}

// finder is a row whose texts are not what they were when they were stored.
type finder struct {
	scanner
	found func(into []any)
}

// Scan reads the row.
func (f finder) Scan(into ...any) error {
	err := f.scanner.Scan(into...)
	if err == nil {
		f.found(into)
	}
	return err //nolint:wrapcheck // It stands for the row.
}

// row runs a statement whose result has one row at most, and reports whether there was one.
func (s *session) row(query string, args []any, into ...any) (found bool, err error) {
	err = s.rows(query, args, func(row scanner) error {
		found = true
		return failure(row.Scan(into...))
	})
	return found, err
}

func (s *session) statement(query string) (statement, error) {
	if known, ok := s.statements[query]; ok {
		return known, nil
	}
	if !s.lasting {
		s.statements[query] = unprepared{s, s.text(query)}
		return s.statements[query], nil
	}
	prepared, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, failure(err)
	}
	s.statements[query] = prepared
	return prepared, nil
}

// unprepared is the text of a statement. A pooler gives each transaction another connection, on which nothing is prepared.
type unprepared struct {
	session *session
	text    string
}

// ExecContext runs a statement that has no result.
func (u unprepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.session.conn.ExecContext(ctx, u.text, u.session.args(args)...) //nolint:wrapcheck // It stands for the connection.
}

// QueryContext runs a statement that has a result.
func (u unprepared) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.session.conn.QueryContext(ctx, u.text, u.session.args(args)...) //nolint:wrapcheck // It stands for the connection.
}

func (s *session) close() error {
	var errs []error
	for _, statement := range s.statements {
		if prepared, ok := statement.(*sql.Stmt); ok {
			errs = append(errs, prepared.Close())
		}
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(errs...)
}

// failure marks an error of the database as ErrUnavailable where a later try may not meet it.
func failure(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrUnavailable):
		return err
	case mayPass(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("the database: %w", err)
	}
}
