package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// readers are the sessions that only read. They see what was committed and never wait for the writer.
type readers struct {
	idle   chan *session
	open   int
	damage *damage
}

func newReaders(ctx context.Context, db *sql.DB, d *dialect, n int, damage *damage) (*readers, error) {
	r := &readers{idle: make(chan *session, n), damage: damage}
	for range n {
		s, err := newSession(ctx, db, d)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.open++
		r.idle <- s
	}
	return r, nil
}

// view calls look with a session in a transaction of its own: all that it reads is of one moment.
func (r *readers) view(ctx context.Context, look func(*session) error) error {
	return r.read(ctx, func(s *session) error {
		if _, err := s.exec(s.beginRead); err != nil {
			return err
		}
		err := look(s)
		_, end := s.exec("COMMIT") // nothing was written, so there is nothing to roll back
		if end != nil {
			s.discard()
		}
		return errors.Join(err, end)
	})
}

// read calls look with a session. What one statement reads is of one moment, and what comes after it may be newer, which is half the
// price where there is one statement only.
func (r *readers) read(ctx context.Context, look func(*session) error) error {
	if err := r.damage.err(); err != nil {
		return err
	}
	var s *session
	select {
	case s = <-r.idle:
	case <-ctx.Done():
		return fmt.Errorf("wait to read from the store: %w", ctx.Err())
	}
	if s == nil {
		return errClosed
	}
	defer func() { r.idle <- s }()
	if err := s.attach(ctx); err != nil {
		return fmt.Errorf("read from the store: %w", err)
	}
	defer s.detach()
	return r.damage.look(look(s))
}

// close waits for those who read and closes the sessions.
func (r *readers) close() error {
	var errs []error
	for range r.open {
		errs = append(errs, (<-r.idle).close())
	}
	close(r.idle)
	return errors.Join(errs...)
}
