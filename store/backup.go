package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// Backup writes the database as it is at one moment into a new file, for its owner only, while others read and write it. The copy
// holds no key: what is sealed in it opens with the key of the store and with no other. It is looked through before it gets its name,
// so a file of that name is whole, and what was there under that name is never replaced.
func (s *SQLite) Backup(ctx context.Context, path string) error {
	if exists(path) {
		return fmt.Errorf("back up to %s: it is there already, and a backup replaces nothing: choose another name", path)
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer os.Remove(part.Name()) // it has its real name by then, or is of no use
	if err = copyDatabase(ctx, s.path, part.Name()); err == nil {
		_, err = examineBackup(ctx, part.Name(), s.seal)
	}
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = giveName(part.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return nil
}

// copyDatabase writes what was committed of a database into an empty file.
func copyDatabase(ctx context.Context, path, to string) error {
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.readAddress())
	if err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	db.SetMaxOpenConns(1)
	// A connection for questions alone may not write elsewhere either.
	_, err = db.ExecContext(ctx, "PRAGMA query_only = OFF")
	if err == nil {
		_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	}
	return errors.Join(failure(err), db.Close())
}

// giveName gives a file its name, where nothing has it.
func giveName(part, path string) error {
	err := os.Link(part, path)
	if err != nil && !errors.Is(err, fs.ErrExist) && !exists(path) {
		err = os.Rename(part, path) // where the file system knows no second name
	}
	return errors.Join(err, syncFolder(filepath.Dir(path)))
}

// Backed says what a backup holds.
type Backed struct {
	// Events and Objects are how many there are of each; Waiting are events that were not through when it was made.
	Events  int64 `json:"events"`
	Objects int64 `json:"objects"`
	Waiting int64 `json:"waiting"`
	// Last is when the newest of the events was received, in milliseconds since 1970; zero where there is none.
	Last int64 `json:"last"`
}

// ExamineBackup looks through a backup with the key of the store, and changes nothing.
func ExamineBackup(ctx context.Context, path, keyFile string) (Backed, error) {
	seal, err := LoadKey(keyFile)
	if err != nil {
		return Backed{}, &Misconfigured{Key: true, Err: err}
	}
	held, err := examineBackup(ctx, path, seal)
	if err != nil {
		return Backed{}, fmt.Errorf("read the backup %s: %w", path, err)
	}
	return held, nil
}

// errNoBackup says that a file holds something else.
var errNoBackup = errors.New("it is no backup of a store of this program: 'idaas-ldap backup' makes one")

func examineBackup(ctx context.Context, path string, seal *Seal) (Backed, error) {
	there, err := databaseAt(path)
	if err == nil && !there {
		err = errNoBackup
	}
	if err != nil {
		return Backed{}, err
	}
	// Whatever its size it is looked through: nobody waits for it, and nothing is worse than a backup that is none.
	cfg := SQLiteConfig{Path: path, Large: math.MaxInt64}
	db, err := sql.Open("sqlite", cfg.readAddress())
	if err != nil {
		return Backed{}, err //nolint:wrapcheck // The caller names the file.
	}
	r, err := firstSession(ctx, db, sqliteDialect())
	if err != nil {
		return Backed{}, errors.Join(notOurs(err), db.Close())
	}
	held, err := contentOf(ctx, r, seal)
	return held, errors.Join(notOurs(err), r.close(), db.Close())
}

// notOurs puts what SQLite says of a file that it cannot read into words for a backup.
func notOurs(err error) error {
	if err != nil && isDamage(err) {
		return fmt.Errorf("%w (%w), or it is damaged: take another one", errNoBackup, err)
	}
	return err
}

func contentOf(ctx context.Context, r *session, seal *Seal) (held Backed, err error) {
	if err := quickCheck(ctx, r.conn); err != nil {
		return held, err
	}
	version, err := versionOf(r)
	if err != nil {
		return held, err
	}
	if version == 0 {
		return held, errNoBackup
	}
	if err := checkVersion(r, ToServe); err != nil {
		return held, err
	}
	if err := checkMark(r, seal); err != nil {
		return held, err
	}
	_, err = r.row(`SELECT (SELECT COUNT(*) FROM event), (SELECT COALESCE(MAX(received), 0) FROM event), (SELECT COUNT(*) FROM object WHERE present),
		(SELECT COUNT(*) FROM delivery WHERE state IN ('pending', 'waiting') OR state = 'held' AND act = '`+actVanish+`')`, nil, &held.Events, &held.Last, &held.Objects, &held.Waiting)
	return held, err
}
