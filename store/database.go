package store

import (
	"bytes"
	"context"
	"errors"
)

// database is what all stores have in common: the statements that the methods of [Store] are made of, on a writer and readers.
type database struct {
	dialect *dialect
	seal    *Seal
	writer  *writer // nil where nothing is written
	readers *readers
	loads   *loads
	opened  *opened
	fence   *fence // what writes are only done behind; nil where nobody else could write
}

// stop waits for writes under way and ends all sessions.
func (s *database) stop() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	return errors.Join(errs...)
}

// markPlace is where the key has left its mark.
var markPlace = place("mark of the key")

const readMark = "SELECT value FROM meta WHERE name = 'seal'"

// checkMark makes sure that the key belongs to the database, as far as one has left a mark in it.
func checkMark(session *session, seal *Seal) error {
	var has int
	if _, err := session.row(session.hasTable, []any{"meta"}, &has); err != nil || has == 0 {
		return err
	}
	var mark []byte
	if known, err := session.row(readMark, nil, &mark); err != nil || !known {
		return err
	}
	_, err := seal.open(markPlace, mark)
	return err
}

// leaveMark makes sure of the same where several meet a new database at once: the first key leaves a mark.
func (s *database) leaveMark(ctx context.Context) error {
	left := false
	if err := s.readers.read(ctx, func(r *session) error {
		var mark []byte
		var err error
		if left, err = r.row(readMark, nil, &mark); err != nil || !left {
			return err
		}
		_, err = s.seal.open(markPlace, mark)
		return err
	}); err != nil || left {
		return err
	}
	mark := s.seal.close(markPlace, nil)
	if err := s.write(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO meta (name, value) VALUES ('seal', ?) ON CONFLICT (name) DO NOTHING", mark); err != nil {
			return err
		}
		_, err := t.row(readMark, nil, &mark)
		return err
	}); err != nil {
		return err
	}
	_, err := s.seal.open(markPlace, mark)
	return err
}

// Check writes something of the size of a large event and reads it back.
func (s *database) Check(ctx context.Context) error {
	const size = 16 << 10
	wrote := bytes.Repeat([]byte("idaas-ldap check"), size/16)
	return s.write(ctx, func(t *tx) error {
		var read []byte
		if _, err := t.row("INSERT INTO meta (name, value) VALUES ('check', ?) RETURNING value", []any{wrote}, &read); err != nil {
			return err
		}
		if !bytes.Equal(read, wrote) {
			return errors.New("the store does not give back what was written")
		}
		_, err := t.exec("DELETE FROM meta WHERE name = 'check'")
		return err
	})
}
