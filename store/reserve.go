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
	path := s.path + reservedBy
	// Only once: to open and close a file outside of SQLite gives up the locks that this process has on it.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := prepareFile(ctx, path); err != nil {
			return nil, fmt.Errorf("reserve the work: %w", plain(path, err))
		}
		if err := s.giveAway(path); err != nil {
			return nil, fmt.Errorf("reserve the work: %w", err)
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
			return nil, errors.Join(fmt.Errorf("%w (%s is locked)", ErrReserved, path), closed)
		}
		return nil, errors.Join(fmt.Errorf("reserve the work: %w", err), closed)
	}
	return func() error {
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, conn.Close(), db.Close())
	}, nil
}

// giveAway gives the file of the lock to the owner of the database.
func (s *SQLite) giveAway(path string) error {
	database, err := os.Stat(s.path)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	return giveTo(path, database)
}

// Reserved reports whether somebody works on what is due in a store. It makes nothing.
func Reserved(ctx context.Context, path string) bool {
	if !exists(path + reservedBy) {
		return false
	}
	release, err := (&SQLite{path: path}).Reserve(ctx)
	if err == nil {
		_ = release() // what was not written cannot be lost
	}
	return errors.Is(err, ErrReserved)
}
