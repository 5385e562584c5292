package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Access is what a store is opened for.
type Access int

// The kinds of access.
const (
	// ToServe: the store is made where there is none, and brought up to date.
	ToServe Access = iota
	// ToChange: single rows are changed in a store that is there and up to date.
	ToChange
	// ToRead: nothing is written. Every method that would fails with ErrReadOnly.
	ToRead
)

// ErrReadOnly is what a method that writes returns on a store that was opened to read.
var ErrReadOnly = errors.New("the store was opened to be read only")

// ErrNoStore says that there is no database where one is to be read or changed.
var ErrNoStore = errors.New("there is no store yet: 'idaas-ldap serve' makes it when it starts")

// Misconfigured is a store that cannot be opened and will not be by trying again: what the configuration names is not what it
// should be.
type Misconfigured struct {
	// Key: it is the key, and not the database.
	Key bool
	Err error
}

// Error says what is wrong and what to do.
func (e *Misconfigured) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Misconfigured) Unwrap() error { return e.Err }

// Open opens the embedded store with the key in a file of 64 hex digits. Where the store is made its key is made from random,
// for its owner only; beside a database there is never a new one, as nothing in it would open any more. What fails leaves the
// disk as it was. Where the work is reserved, that comes before anything is made or brought up to date.
func Open(ctx context.Context, cfg SQLiteConfig, keyFile string, random io.Reader) (*SQLite, error) {
	there, err := cfg.look(ctx, keyFile)
	if err != nil {
		return nil, openError(err)
	}
	var made made
	release := func() error { return nil }
	if cfg.Reserve {
		release, err = made.reserve(ctx, cfg.Path)
	}
	if err == nil && !there {
		cfg.Seal, err = made.keyed(cfg.Path, keyFile, random)
	}
	var s *SQLite
	if err == nil {
		s, err = openLooked(ctx, cfg, there)
	}
	if err == nil && cfg.Reserve {
		err = s.signWork(ctx)
	}
	if err != nil {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
		if release != nil {
			err = errors.Join(err, release())
		}
		made.undo(cfg.Path)
		return nil, openError(err)
	}
	s.release = release
	return s, nil
}

// Examine reports why Open would fail, and changes nothing.
func Examine(ctx context.Context, cfg SQLiteConfig, keyFile string) error {
	_, err := cfg.look(ctx, keyFile)
	return openError(err)
}

// look is the part of opening that changes nothing: it reports whether there is a database, takes its key, and finds what would
// keep the rest from succeeding.
func (cfg *SQLiteConfig) look(ctx context.Context, keyFile string) (there bool, err error) {
	there, err = databaseAt(cfg.Path)
	switch {
	case err != nil:
		return false, fmt.Errorf("open the store %s: %w", cfg.Path, err)
	case !there && cfg.Access != ToServe:
		return false, fmt.Errorf("open the store %s: %w", cfg.Path, ErrNoStore)
	}
	cfg.Seal, err = LoadKey(keyFile)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && there:
		return there, &Misconfigured{Key: true, Err: fmt.Errorf(
			"open the store %s: the file %s with the key that it was made with is not there: put it back; no other key opens the store, so none is made", cfg.Path, keyFile)}
	case missing:
		err = mayMake(keyFile)
		if err != nil {
			err = fmt.Errorf("make the store's key %s: %w", keyFile, err)
		}
	}
	if err != nil {
		return there, &Misconfigured{Key: true, Err: err}
	}
	if !there {
		if err := mayMake(cfg.Path); err != nil {
			return false, fmt.Errorf("make the store %s: %w", cfg.Path, err)
		}
		return false, nil
	}
	if err := cfg.examine(ctx); err != nil {
		return true, fmt.Errorf("open the store %s: %w", cfg.Path, plain(cfg.Path, err))
	}
	return true, nil
}

// mayMake reports why a file, with the folders that it lacks, cannot be made.
func mayMake(path string) error {
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is not a folder", folder)
		case err == nil && !mayWrite(folder):
			return fmt.Errorf("the folder %s cannot be written by this user", folder)
		case err == nil:
			return refuseNetwork(folder)
		case folder == filepath.Dir(folder):
			return err //nolint:wrapcheck // The error names the path.
		}
	}
}

// openError marks what does not pass by itself.
func openError(err error) error {
	var known *Misconfigured
	var refused *sqlite.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, ErrNoStore) || errors.Is(err, ErrReserved) || errors.Is(err, ErrHasContent) || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.As(err, &refused) {
		switch refused.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		default:
			return err
		}
	}
	return &Misconfigured{Key: errors.Is(err, ErrWrongKey), Err: err}
}

// databaseAt reports whether there is a database, and refuses what cannot be one.
func databaseAt(path string) (bool, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err //nolint:wrapcheck // The error names the path.
	case info.IsDir():
		return false, errors.New("it is a folder; name a file in it in store.url")
	case !info.Mode().IsRegular():
		return false, errors.New("it is not a file")
	}
	return info.Size() > 0, nil
}

// made are the files and folders that were made, so that they can be unmade where something fails later.
type made []string

// keyed makes the empty file of a database and its key. The file comes first, so that no key is left where no database can be.
func (m *made) keyed(path, keyFile string, random io.Reader) (*Seal, error) {
	if err := m.file(path); err != nil {
		return nil, fmt.Errorf("make the store %s: %w", path, err)
	}
	if err := m.folder(filepath.Dir(keyFile)); err != nil {
		return nil, fmt.Errorf("make the store's key %s: %w", keyFile, err)
	}
	known := exists(keyFile)
	seal, err := LoadOrCreateKey(keyFile, random)
	if err == nil && !known {
		*m = append(*m, keyFile)
	}
	return seal, err
}

// folder makes a folder and those above it, for their owner only.
func (m *made) folder(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err //nolint:wrapcheck // The error names the path.
	}
	if above := filepath.Dir(path); above != path {
		if err := m.folder(above); err != nil {
			return err
		}
	}
	err := os.Mkdir(path, 0o700)
	if err == nil {
		*m = append(*m, path)
	} else if errors.Is(err, fs.ErrExist) {
		err = nil // by somebody else, a moment ago
	}
	return err //nolint:wrapcheck // The error names the path.
}

// file makes an empty file, so that it is its owner's from its first byte on. The files that SQLite puts beside it get its
// mode.
func (m *made) file(path string) error {
	folder := filepath.Dir(path)
	if err := m.folder(folder); err != nil {
		return err
	}
	if err := refuseNetwork(folder); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		*m = append(*m, path)
		err = file.Close()
	} else if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return err //nolint:wrapcheck // The error names the path.
}

// undo removes them unless the database has content by now.
func (m *made) undo(database string) {
	if there, err := databaseAt(database); !there && err == nil {
		m.unmake()
	}
}

// unmake removes them, the last first. A folder in which there is something else stays.
func (m *made) unmake() {
	for i := len(*m) - 1; i >= 0; i-- {
		_ = os.Remove((*m)[i]) // what stays is an empty file or a folder
	}
	*m = nil
}

// notWritable is what can be done about a database in which nothing can be written.
func notWritable(path string) error {
	return fmt.Errorf("it, or its folder %s in which SQLite keeps two more files, cannot be written by this user: run as the user that owns them, or give them to the one of the service", filepath.Dir(path))
}

// examine looks at a database that is there without changing it: whether it is whole, of a version that this program knows, made
// with the key, and may be written where that is wanted.
func (cfg *SQLiteConfig) examine(ctx context.Context) error {
	db, err := sql.Open("sqlite", cfg.readAddress())
	if err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	session, err := firstSession(ctx, db, sqliteDialect())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	err = sample(ctx, session.conn)
	if err == nil && (!cfg.isLarge() || exists(noteOfDamage(cfg.Path)) || isOutdated(session)) {
		err = quickCheck(ctx, session.conn)
	}
	if err == nil {
		err = checkVersion(session, cfg.Access)
	}
	if err == nil {
		err = checkMark(session, cfg.Seal)
	}
	if err == nil {
		err = checkArrived(session, cfg.arriving)
	}
	if err == nil {
		err = checkStays(session, cfg.Access, cfg.leaving)
	}
	if err == nil && cfg.Access != ToRead && !(mayWrite(cfg.Path) && mayWrite(filepath.Dir(cfg.Path))) {
		err = notWritable(cfg.Path)
	}
	return errors.Join(err, session.close(), db.Close())
}

// isOutdated reports whether the schema is about to be changed, or nobody knows.
func isOutdated(s *session) bool {
	version, err := versionOf(s)
	names, unnamed := migrationNames()
	return err != nil || unnamed != nil || version < len(names)
}

// checkVersion refuses a schema that does not serve.
func checkVersion(s *session, access Access) error {
	version, err := versionOf(s)
	if err != nil {
		return err
	}
	names, err := migrationNames()
	if err != nil {
		return err
	}
	known := len(names)
	switch {
	case version > known:
		return newerVersion(version, known)
	case version == 0 && access != ToServe:
		return ErrNoStore
	case version < known && access != ToServe:
		return fmt.Errorf("the database is of an older version of this program (schema %d, here %d): 'idaas-ldap serve' brings it up to date when it starts, and nothing else does", version, known)
	}
	return nil
}

// readAddress is the data source name for those who only look. Where another process has the database open they use what it
// keeps beside it and leave that; where none has, SQLite makes that for a moment, or nothing at all where the folder cannot be
// written.
func (cfg SQLiteConfig) readAddress() string {
	address := fileAddress(cfg.Path) + "?_dqs=false&_defensive=true&_pragma=" + busyTimeout + "&_pragma=temp_store(MEMORY)&_query_only=true&mode="
	switch {
	case exists(cfg.Path+"-wal") && exists(cfg.Path+"-shm"):
		return address + "ro"
	case mayWrite(filepath.Dir(cfg.Path)) && mayWrite(cfg.Path):
		return address + "rw"
	default:
		return address + "ro&immutable=1"
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// plain puts an error that people meet when the store is opened into words that say what to do.
func plain(path string, err error) error {
	if isDamage(err) && !errors.Is(err, ErrDamaged) {
		return damagedBy(err)
	}
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code() & 0xff {
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w (%w)", notWritable(path), err)
	}
	return err
}
