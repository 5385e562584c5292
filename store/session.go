package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// session is a connection with its statements, each prepared once. It serves one goroutine at a time.
//
// Statements are not interrupted when a caller goes away: each is short, and one that was broken off in the middle leaves
// a transaction in doubt.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, failure(err)
	}
	return &session{conn: conn, statements: map[string]*sql.Stmt{}}, nil
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(query string, args ...any) (int64, error) {
	statement, err := s.statement(query) //nolint:sqlclosecheck // It is closed with the session.
	if err != nil {
		return 0, err
	}
	result, err := statement.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, failure(err)
	}
	n, err := result.RowsAffected()
	return n, failure(err)
}

// rows runs a statement and calls scan for each row of its result. Nothing else may be run on the session meanwhile.
func (s *session) rows(query string, args []any, scan func(*sql.Rows) error) (err error) {
	statement, err := s.statement(query) //nolint:sqlclosecheck // It is closed with the session.
	if err != nil {
		return err
	}
	rows, err := statement.QueryContext(context.Background(), args...)
	if err != nil {
		return failure(err)
	}
	defer func() { err = errors.Join(err, failure(rows.Close())) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return failure(rows.Err())
}

// row runs a statement whose result has one row at most, and reports whether there was one.
func (s *session) row(query string, args []any, into ...any) (found bool, err error) {
	err = s.rows(query, args, func(rows *sql.Rows) error {
		found = true
		return failure(rows.Scan(into...))
	})
	return found, err
}

func (s *session) statement(query string) (*sql.Stmt, error) {
	if statement, ok := s.statements[query]; ok {
		return statement, nil
	}
	statement, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, failure(err)
	}
	s.statements[query] = statement
	return statement, nil
}

func (s *session) close() error {
	var errs []error
	for _, statement := range s.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
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
