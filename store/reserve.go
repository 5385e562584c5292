package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reservedBy is put behind the path of the database: the file whose lock says that somebody works on what is due.
const reservedBy = "-work"

// Reserve makes the caller the one who works on what is due. The lock is one that SQLite takes on a second, empty database, so
// it is the same on every operating system, and goes with the process that has it.
func (s *SQLite) Reserve(ctx context.Context) (func() error, error) {
	release, err := new(made).reserve(ctx, s.path)
	if err != nil {
		return nil, err
	}
	if err := s.signWork(ctx); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// reserve takes the lock that is beside a database, which need not be there yet.
func (m *made) reserve(ctx context.Context, database string) (func() error, error) {
	path := database + reservedBy
	// Only once: to open and close a file outside of SQLite gives up the locks that this process has on it.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := m.workFile(ctx, path, database); err != nil {
			return nil, fmt.Errorf("reserve the work: %w", plain(path, err))
		}
	}
	db, err := sql.Open("sqlite", fileAddress(path)+"?_pragma=busy_timeout(0)")
	if err != nil {
		return nil, fmt.Errorf("reserve the work: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		closed := db.Close()
		if mayPass(err) {
			return nil, errors.Join(fmt.Errorf("%w: %s has it (%s is locked)", ErrReserved, worker(ctx, database), path), closed)
		}
		return nil, errors.Join(fmt.Errorf("reserve the work: %w", err), closed)
	}
	return func() error {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, conn.Close(), db.Close())
	}, nil
}

// workFile makes the file of the lock, and gives it to the owner of the database where there is one.
func (m *made) workFile(ctx context.Context, path, database string) error {
	if err := m.file(path); err != nil {
		return err
	}
	if err := begin(ctx, path); err != nil {
		return err
	}
	info, err := os.Stat(database)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	return giveTo(path, info)
}

// Who works on what is due is written into the database, for the lock itself tells nobody.
const (
	writeWorker = "INSERT INTO meta (name, value) VALUES ('worker', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	readWorker  = "SELECT value FROM meta WHERE name = 'worker'"
)

// signWork says who works on what is due. It needs the lock.
func (s *SQLite) signWork(ctx context.Context) error {
	err := s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec(writeWorker, []byte(s.as))
		return err
	})
	if err != nil {
		return fmt.Errorf("reserve the work: %w", err)
	}
	return nil
}

// worker says who works on what is due in a database, as far as can be told.
func worker(ctx context.Context, database string) string {
	const unknown = "another process"
	db, err := sql.Open("sqlite", SQLiteConfig{Path: database}.readAddress())
	if err != nil {
		return unknown
	}
	defer func() { _ = db.Close() }() // only read from
	var who []byte
	if err := db.QueryRowContext(ctx, readWorker).Scan(&who); err != nil || len(who) == 0 {
		return unknown
	}
	return string(who)
}

// Reserved reports whether somebody works on what is due in a store. It makes nothing.
func Reserved(ctx context.Context, path string) bool {
	if !exists(path + reservedBy) {
		return false
	}
	release, err := new(made).reserve(ctx, path)
	if err == nil {
		_ = release() // what was not written cannot be lost
	}
	return errors.Is(err, ErrReserved)
}
