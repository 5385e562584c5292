package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// The writer's limits.
const (
	writeBatch  = 512             // units in one transaction at most
	writeQueue  = 2048            // units that may wait
	writeWithin = 3 * time.Second // how long a unit may wait for its turn
)

// writer is the one writer of the database. Callers hand in units of work; those that wait are written in one
// transaction, so that one sync to disk serves many callers. Each unit is whole or not at all, whatever the others do.
type writer struct {
	conn       *sql.Conn
	units      chan *unit
	done       chan struct{}
	close      sync.Once
	statements map[string]*sql.Stmt
}

// unit is one piece of work and where its result goes.
type unit struct {
	ctx    context.Context //nolint:containedctx // The unit travels through a channel; its context decides whether it starts.
	work   func(*tx) error
	result chan error
}

// tx is the transaction at hand, with statements prepared once.
type tx struct {
	writer *writer
	ctx    context.Context //nolint:containedctx // It lives as long as the transaction.
}

func newWriter(conn *sql.Conn) *writer {
	w := &writer{conn: conn, units: make(chan *unit, writeQueue), done: make(chan struct{}), statements: map[string]*sql.Stmt{}}
	go w.run()
	return w
}

// do runs work in a transaction and returns when it is on disk. ErrUnavailable means that nothing was written.
func (w *writer) do(ctx context.Context, work func(*tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	u := &unit{ctx: ctx, work: work, result: make(chan error, 1)}
	select {
	case <-w.done:
		return fmt.Errorf("%w: it is closed", ErrUnavailable)
	case w.units <- u:
	case <-ctx.Done():
		return fmt.Errorf("%w: too much waits to be written: %w", ErrUnavailable, ctx.Err())
	}
	// Once a unit has started its result counts; before, the writer sees that its context has ended.
	select {
	case err := <-u.result:
		return err
	case <-w.done:
		select {
		case err := <-u.result:
			return err
		default:
			return fmt.Errorf("%w: it is closed", ErrUnavailable)
		}
	}
}

// run is the writer's goroutine; stop ends it.
func (w *writer) run() {
	defer close(w.done)
	for u := range w.units {
		if u == nil {
			return
		}
		batch := []*unit{u}
		stopping := false
	collect:
		for len(batch) < writeBatch {
			select {
			case next := <-w.units:
				if next == nil {
					stopping = true
					break collect
				}
				batch = append(batch, next)
			default:
				break collect
			}
		}
		w.write(batch)
		if stopping {
			return
		}
	}
}

// stop lets what was handed in be written and ends the writer.
func (w *writer) stop() {
	w.close.Do(func() { w.units <- nil })
	<-w.done
}

// write runs a batch in one transaction and tells every caller.
func (w *writer) write(batch []*unit) {
	ctx := context.Background()
	results := make([]error, len(batch))
	err := w.exec(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		for i, u := range batch {
			results[i] = w.one(ctx, u)
		}
		if err = w.exec(ctx, "COMMIT"); err != nil {
			_ = w.exec(ctx, "ROLLBACK") // the commit's error is the one to tell
		}
	}
	for i, u := range batch {
		if err != nil {
			results[i] = unavailable(err)
		}
		u.result <- results[i]
	}
}

// one runs a unit so that its failure undoes only its own writes.
func (w *writer) one(ctx context.Context, u *unit) error {
	if err := u.ctx.Err(); err != nil {
		return fmt.Errorf("%w: too much waits to be written: %w", ErrUnavailable, err)
	}
	if err := w.exec(ctx, "SAVEPOINT unit"); err != nil {
		return unavailable(err)
	}
	err := u.work(&tx{writer: w, ctx: ctx})
	if err != nil {
		if undo := w.exec(ctx, "ROLLBACK TO unit"); undo != nil {
			return unavailable(undo)
		}
	}
	if release := w.exec(ctx, "RELEASE unit"); release != nil {
		return unavailable(release)
	}
	return err
}

func (w *writer) exec(ctx context.Context, query string) error {
	statement, err := w.statement(ctx, query)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(ctx)
	return err //nolint:wrapcheck // Callers say what they were doing.
}

func (w *writer) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := w.statements[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // Callers say what they were doing.
	}
	w.statements[query] = s
	return s, nil
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	statement, err := t.writer.statement(t.ctx, query)
	if err != nil {
		return 0, unavailable(err)
	}
	result, err := statement.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, unavailable(err)
	}
	n, err := result.RowsAffected()
	return n, unavailable(err)
}

// insert runs an INSERT and returns the id of the new row.
func (t *tx) insert(query string, args ...any) (int64, error) {
	statement, err := t.writer.statement(t.ctx, query)
	if err != nil {
		return 0, unavailable(err)
	}
	result, err := statement.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, unavailable(err)
	}
	id, err := result.LastInsertId()
	return id, unavailable(err)
}

// rows runs a query and calls scan for each row.
func (t *tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	statement, err := t.writer.statement(t.ctx, query)
	if err != nil {
		return unavailable(err)
	}
	rows, err := statement.QueryContext(t.ctx, args...)
	if err != nil {
		return unavailable(err)
	}
	return each(rows, scan)
}

// each calls scan for each row and closes the rows.
func each(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer func() { _ = rows.Close() }() // Err tells
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return unavailable(rows.Err())
}

// unavailable marks an error of the database as one that a later try may not meet.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
