package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	_ "modernc.org/sqlite" // the driver
)

// SQLiteConfig is what the embedded store is made from.
type SQLiteConfig struct {
	// Path is the database file; it and its folder are made, for their owner only, where they do not exist.
	Path string
	Seal *Seal
	// Log, if set, is told when the upkeep of the file fails. That loses nothing.
	Log logrus.FieldLogger
	// MaxPages bounds the size of the database, 4 KiB each; zero for no bound.
	MaxPages int
}

// SQLite is the embedded store: one file, one process that writes to it heavily, others that may look at it and change
// single rows.
type SQLite struct {
	seal   *Seal
	writer *writer
	writes *sql.DB
	reads  *sql.DB
}

var _ Store = (*SQLite)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// OpenSQLite opens or makes the embedded store and brings its schema up to date.
func OpenSQLite(ctx context.Context, cfg SQLiteConfig) (*SQLite, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("make the store's folder: %w", err)
	}
	if err := refuseNetwork(filepath.Dir(cfg.Path)); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	_ = file.Close() // it was only made
	s := &SQLite{seal: cfg.Seal}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", cfg.Path, err), s.Close())
	}
	return s, nil
}

func (s *SQLite) open(ctx context.Context, cfg SQLiteConfig) error {
	pragmas := []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)", "journal_size_limit(67108864)"}
	if cfg.MaxPages > 0 {
		pragmas = append(pragmas, "max_page_count("+strconv.Itoa(cfg.MaxPages)+")")
	}
	dsn := "file:" + (&url.URL{Path: cfg.Path}).EscapedPath() + "?_pragma=" + strings.Join(pragmas, "&_pragma=")
	var err error
	if s.writes, err = sql.Open("sqlite", dsn); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	conn, err := s.writes.Conn(ctx)
	if err != nil {
		return err //nolint:wrapcheck // As above.
	}
	if err := check(ctx, conn); err != nil {
		return err
	}
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	if s.reads, err = sql.Open("sqlite", dsn+"&_pragma=query_only(ON)"); err != nil {
		return err //nolint:wrapcheck // As above.
	}
	const readers = 8
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	s.writer = newWriter(conn)
	return s.checkSeal(ctx)
}

// check refuses a damaged database before anything is built on it.
func check(ctx context.Context, conn *sql.Conn) error {
	var result string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged (%s): restore it from a backup, or move it away and start a full push in IDaaS", result)
	}
	return nil
}

// migrate runs the schema files that the database has not seen, each in one transaction.
func migrate(ctx context.Context, conn *sql.Conn) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	sort.Strings(names)
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	if version > len(names) {
		return fmt.Errorf("the database is of a newer version of this program (schema %d, known %d): run that version", version, len(names))
	}
	for i := version; i < len(names); i++ {
		text, err := migrations.ReadFile(names[i])
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s;\nPRAGMA user_version = %d;\nCOMMIT;", text, i+1)
		if _, err := conn.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("run %s: %w", names[i], err)
		}
	}
	return nil
}

// checkSeal makes sure that the key belongs to the database: the first key that meets it leaves a mark.
func (s *SQLite) checkSeal(ctx context.Context) error {
	const row = "meta seal"
	mark, err := s.seal.close(row, []byte("idaas-ldap"))
	if err != nil {
		return err
	}
	if err := s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("INSERT INTO meta (name, value) VALUES ('seal', ?) ON CONFLICT (name) DO NOTHING", mark)
		return err
	}); err != nil {
		return err
	}
	var stored []byte
	if err := s.reads.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'seal'").Scan(&stored); err != nil {
		return unavailable(err)
	}
	_, err = s.seal.open(row, stored)
	return err
}

// Check writes something and reads it back.
func (s *SQLite) Check(ctx context.Context) error {
	return s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("INSERT INTO meta (name, value) VALUES ('check', 1) ON CONFLICT (name) DO UPDATE SET value = 1 - meta.value")
		return err
	})
}

// Close waits for writes under way and closes the store.
func (s *SQLite) Close() error {
	if s.writer != nil {
		s.writer.stop()
		_ = s.writer.conn.Close() // closing the database below tells what went wrong
	}
	var errs []error
	for _, db := range []*sql.DB{s.reads, s.writes} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
