package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
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
	Seal *Seal
	// Log, if set, is told when the upkeep of the file fails. That loses nothing.
	Log logrus.FieldLogger
	// MaxPages bounds the size of the database, 4 KiB each; zero for no bound. Beyond it the store is full.
	MaxPages int
}

// SQLite is the embedded store: one file, one process that writes to it heavily, others that may look at it and change
// single rows.
type SQLite struct {
	path    string
	seal    *Seal
	db      *sql.DB
	readDB  *sql.DB
	writer  *writer
	readers *readers
	upkeep  *upkeep
	closed  sync.Once
}

var _ Store = (*SQLite)(nil)

// readSessions is how many may read at the same time.
const readSessions = 8

// OpenSQLite opens or makes the embedded store and brings its schema up to date. It refuses a folder on a network file
// system, a database that is damaged or of a newer version of the program, and one that was made with another key
// ([ErrWrongKey]).
func OpenSQLite(ctx context.Context, cfg SQLiteConfig) (*SQLite, error) {
	if cfg.Seal == nil {
		return nil, errors.New("open the store: it has no key")
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		cfg.Log = silent
	}
	if err := prepareFile(ctx, cfg.Path); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", cfg.Path, err)
	}
	s := &SQLite{path: cfg.Path, seal: cfg.Seal}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", cfg.Path, err), s.Close())
	}
	return s, nil
}

// prepareFile makes the file, so that it is its owner's from its first byte on. The files that SQLite puts beside it get
// the mode of this one.
func prepareFile(ctx context.Context, path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	if err := refuseNetwork(folder); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	info, err := file.Stat()
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = file.Chmod(0o600)
	}
	if err = errors.Join(err, file.Close()); err != nil || info.Size() > 0 {
		return err
	}
	return begin(ctx, path)
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
	}
	if cfg.MaxPages > 0 {
		pragmas = append(pragmas, "max_page_count("+strconv.Itoa(cfg.MaxPages)+")")
	}
	return fileAddress(cfg.Path) + "?_dqs=false&_defensive=true&_pragma=" + strings.Join(pragmas, "&_pragma=")
}

func (s *SQLite) open(ctx context.Context, cfg SQLiteConfig) error {
	var err error
	if s.db, err = sql.Open("sqlite", cfg.address()+"&_pragma=cache_size(-65536)"); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	session, err := firstSession(ctx, s.db)
	if err != nil {
		return err
	}
	s.writer = newWriter(session)
	if err := quickCheck(ctx, session.conn); err != nil {
		return err
	}
	if err := migrate(ctx, session.conn); err != nil {
		return err
	}
	if s.readDB, err = sql.Open("sqlite", cfg.address()+"&_query_only=true"); err != nil {
		return err //nolint:wrapcheck // As above.
	}
	if s.readers, err = newReaders(ctx, s.readDB, readSessions); err != nil {
		return err
	}
	if err := s.checkSeal(ctx); err != nil {
		return err
	}
	s.upkeep = newUpkeep(s.writer, cfg.Log.WithField("store", cfg.Path))
	return nil
}

// firstSession connects to the database. While another process makes the write-ahead log or, as the last one that has the
// file open, removes it, SQLite refuses at once and does not wait for its busy timeout; so that is done here.
func firstSession(ctx context.Context, db *sql.DB) (*session, error) {
	const patience, pause = 3 * time.Second, 10 * time.Millisecond
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		session, err := newSession(ctx, db)
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

// quickCheck refuses a damaged database before anything is built on it.
func quickCheck(ctx context.Context, conn *sql.Conn) error {
	var result string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged (%s): restore it from a backup, or move it away and start a full push in IDaaS", result)
	}
	return nil
}

// checkSeal makes sure that the key belongs to the database: the first key that meets it leaves a mark.
func (s *SQLite) checkSeal(ctx context.Context) error {
	where := place("mark of the key")
	mark, err := s.seal.close(where, nil)
	if err != nil {
		return err
	}
	if err := s.writer.do(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO meta (name, value) VALUES ('seal', ?) ON CONFLICT (name) DO NOTHING", mark); err != nil {
			return err
		}
		_, err := t.row("SELECT value FROM meta WHERE name = 'seal'", nil, &mark)
		return err
	}); err != nil {
		return err
	}
	_, err = s.seal.open(where, mark)
	return err
}

// Check writes something of the size of a large event and reads it back.
func (s *SQLite) Check(ctx context.Context) error {
	const size = 16 << 10
	wrote := bytes.Repeat([]byte("idaas-ldap check"), size/16)
	return s.writer.do(ctx, func(t *tx) error {
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
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	for _, db := range []*sql.DB{s.readDB, s.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
