package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	_ "modernc.org/sqlite" // the driver
)

// SQLiteConfig is what the embedded store is made from.
type SQLiteConfig struct {
	// Path is the database file. It and its folder are made, for their owner only, where they do not exist; others lose
	// their right to read the file where they have it.
	Path string
	// Access is what it is opened for.
	Access Access
	Seal   *Seal
	// Reserve makes [Open] reserve the work on what is due, until the store is closed; As says who does, for whoever finds it
	// reserved.
	Reserve bool
	As      string
	// Log, if set, is told when the upkeep of the file fails. That loses nothing.
	Log logrus.FieldLogger
	// Large is from how many bytes on a database is served before all of it was checked for damage; zero for what is usual.
	Large int64
	// Damaged, if set, is called once when damage is found while the database is in use. Nothing is read from it or written to it
	// any more: every method fails with [ErrDamaged].
	Damaged func(error)
	// MaxPages bounds the size of the database, 4 KiB each; zero for no bound. Beyond it the store is full.
	MaxPages int
	// Simulated is for simulations: nobody but this process may open the database, one reads at a time, and the system decides when something
	// is on disk, so that a power cut may lose it, and the end of the process does not.
	Simulated bool
	// Together is how much of what waits at the same moment is stored or read together at most; zero for what is usual.
	Together int

	arriving bool // another store is carried over to it
	leaving  bool // it is carried over to another store, or taken back
}

// SQLite is the embedded store: one file, one process that writes to it heavily, others that may look at it and change
// single rows.
type SQLite struct {
	database

	path    string
	as      string
	db      *sql.DB
	readDB  *sql.DB
	upkeep  *upkeep
	damage  *damage
	release func() error // of the work, nil where it is not reserved
	closed  sync.Once
}

var _ Store = (*SQLite)(nil)

// readSessions is how many may read at the same time.
const readSessions = 8

// OpenSQLite opens the embedded store with a key that is at hand; where it is opened to serve it is made if absent and its schema
// brought up to date. It refuses a folder on a network file system, a database that is damaged or of a newer version of the
// program, and one that was made with another key ([ErrWrongKey]), and changes nothing where it does.
func OpenSQLite(ctx context.Context, cfg SQLiteConfig) (*SQLite, error) {
	if cfg.Seal == nil {
		return nil, errors.New("open the store: it has no key")
	}
	there, err := databaseAt(cfg.Path)
	switch {
	case err != nil:
	case there:
		err = cfg.examine(ctx)
	case cfg.Access != ToServe:
		err = ErrNoStore
	}
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", cfg.Path, plain(cfg.Path, err))
	}
	return openLooked(ctx, cfg, there)
}

// openLooked opens a database that was looked at before, or makes it.
func openLooked(ctx context.Context, cfg SQLiteConfig, there bool) (*SQLite, error) {
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = silent
	}
	s := &SQLite{
		database: database{dialect: sqliteDialect().together(cfg.Together), seal: cfg.Seal, loads: newLoads(cfg.Together), opened: newOpened()}, path: cfg.Path, as: cfg.As,
		damage: &damage{path: cfg.Path, log: cfg.Log, tell: cfg.Damaged},
	}
	if err := s.open(ctx, cfg, there); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", cfg.Path, plain(cfg.Path, err)), s.Close())
	}
	return s, nil
}

func (s *SQLite) open(ctx context.Context, cfg SQLiteConfig, there bool) error {
	if !there {
		if err := prepareFile(ctx, cfg.Path); err != nil {
			return err
		}
	}
	if cfg.Access == ToRead {
		return s.openReaders(ctx, cfg.readAddress(), readSessions)
	}
	return s.openWriter(ctx, cfg)
}

// prepareFile makes the file of a database with its first page.
func prepareFile(ctx context.Context, path string) error {
	var made made
	err := made.file(path)
	if err == nil {
		err = begin(ctx, path)
	}
	if err != nil {
		made.undo(path)
	}
	return err
}

// begin makes the first page of a new database, in which it is said that pages can be given back later. Saying it is a write:
// where every connection did it, one that is refused would change the file.
func begin(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", fileAddress(path)+"?_pragma="+busyTimeout+"&_pragma=auto_vacuum(INCREMENTAL)")
	if err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	_, err = db.ExecContext(ctx, schemaVersion)
	return errors.Join(err, db.Close())
}

// busyTimeout is the patience with another process that holds the lock for one small transaction. Within this process nobody
// else writes.
const busyTimeout = "busy_timeout(2000)"

func fileAddress(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// address returns the data source name with the settings that every connection has.
func (cfg SQLiteConfig) address() string {
	pragmas := []string{
		busyTimeout,
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"secure_delete(ON)",
		"temp_store(MEMORY)", // a file for what it takes to undo one statement costs more than the statement
		"foreign_keys(ON)",
		"journal_size_limit(67108864)",
		"wal_autocheckpoint(8000)", // pages that change again and again are copied once for 32 MiB of the log, and not once for 4
	}
	files := ""
	if cfg.Simulated {
		pragmas, files = append(pragmas, "synchronous(OFF)"), "vfs=unix-excl&" // locks are kept in memory, and no other process is asked
	}
	if cfg.MaxPages > 0 {
		pragmas = append(pragmas, "max_page_count("+strconv.Itoa(cfg.MaxPages)+")")
	}
	return fileAddress(cfg.Path) + "?" + files + "_dqs=false&_defensive=true&_pragma=" + strings.Join(pragmas, "&_pragma=")
}

func (s *SQLite) openReaders(ctx context.Context, address string, n int) error {
	var err error
	if s.readDB, err = sql.Open("sqlite", address); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	s.readers, err = newReaders(ctx, s.readDB, s.dialect, n, s.damage)
	return err
}

func (s *SQLite) openWriter(ctx context.Context, cfg SQLiteConfig) error {
	if err := restrict(cfg.Path); err != nil {
		return err
	}
	var err error
	if s.db, err = sql.Open("sqlite", cfg.address()+"&_pragma=cache_size(-32768)"); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	session, err := firstSession(ctx, s.db, s.dialect)
	if err != nil {
		return err
	}
	s.writer = newWriter(session, s.damage, cfg.Together, func(int64) {})
	if cfg.Access == ToServe {
		if err := migrate(ctx, session, s.seal, cfg.arriving); err != nil {
			return err
		}
	}
	readers := readSessions
	if cfg.Simulated {
		readers = 1
	}
	if err := s.openReaders(ctx, cfg.address()+"&_query_only=true", readers); err != nil {
		return err
	}
	if err := s.leaveMark(ctx); err != nil {
		return err
	}
	first := func(context.Context) error { return nil }
	switch note := noteOfDamage(cfg.Path); {
	case cfg.Access != ToServe:
	case exists(note):
		// All of it was looked through just now.
		if err := os.Remove(note); err != nil {
			return err //nolint:wrapcheck // The error names the path.
		}
	case cfg.isLarge():
		first = s.check
	}
	s.upkeep = newUpkeep(s.writer, cfg.Log.WithField("store", cfg.Path), first)
	return nil
}

// restrict takes the right to read the database from others than its owner.
func restrict(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(path, 0o600)
	}
	return err //nolint:wrapcheck // The error names the path.
}

// firstSession connects to the database. While another process makes the write-ahead log or, as the last one that has the
// file open, removes it, SQLite refuses at once and does not wait for its busy timeout; so that is done here.
func firstSession(ctx context.Context, db *sql.DB, d *dialect) (*session, error) {
	const patience, pause = 3 * time.Second, 10 * time.Millisecond
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		session, err := newSession(ctx, db, d)
		if !errors.Is(err, ErrUnavailable) {
			return session, err
		}
		select {
		case <-within.Done():
			return nil, err
		case <-again.C:
		}
	}
}

// largeUsual is what takes a fifth of a second to be checked.
const largeUsual = 64 << 20

// isLarge reports whether it takes long to check all of the database. Then that is done while it is served, as whoever starts again after a
// power cut has no time; when damage is found then, the service ends its work.
func (cfg *SQLiteConfig) isLarge() bool {
	info, err := os.Stat(cfg.Path)
	return err == nil && info.Size() >= cmp.Or(cfg.Large, largeUsual)
}

// check looks through all of the database while it is in use.
func (s *SQLite) check(ctx context.Context) error {
	return s.readers.read(ctx, func(r *session) error { return quickCheck(ctx, r.conn) })
}

// quickCheck refuses a damaged database before anything is built on it.
func quickCheck(ctx context.Context, conn *sql.Conn) error {
	var result string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if result != "ok" {
		return damagedBy(errors.New(result))
	}
	return nil
}

// Close waits for writes under way and closes the store.
func (s *SQLite) Close() error {
	var err error
	s.closed.Do(func() { err = s.close() })
	return err
}

func (s *SQLite) close() error {
	var errs []error
	if s.upkeep != nil {
		s.upkeep.stop()
	}
	errs = append(errs, s.stop())
	for _, db := range []*sql.DB{s.readDB, s.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.release != nil {
		errs = append(errs, s.release())
	}
	return errors.Join(errs...)
}
