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
	"time"

	"idaas-ldap/event"
)

// Restored says what came of a restore.
type Restored struct {
	Backed
	// Former is where the database is now that was there before; empty where there was none.
	Former string
}

// Restore puts a backup in the place of the store's database, which is kept beside it under another name. Nobody may serve it
// meanwhile ([ErrReserved]). What fails leaves the database as it was.
//
// The directory has gone on since the backup was made, and nothing in it may be set back: what waited then is held until a person
// decides, no password that waited is kept, and a reading of IDaaS's own API begins anew.
func Restore(ctx context.Context, cfg SQLiteConfig, keyFile, backup, by string, now time.Time) (Restored, error) {
	held, err := ExamineBackup(ctx, backup, keyFile)
	if err != nil {
		return Restored{}, err
	}
	fail := func(err error) (Restored, error) {
		return Restored{}, fmt.Errorf("restore %s to %s: %w", backup, cfg.Path, err)
	}
	if cfg.Seal, err = LoadKey(keyFile); err != nil {
		return fail(err)
	}
	var made made
	release, err := made.reserve(ctx, cfg.Path)
	if err != nil {
		return fail(err)
	}
	former, err := cfg.exchange(ctx, backup, by, now)
	if err = errors.Join(err, release()); err != nil {
		made.undo(cfg.Path)
		return fail(err)
	}
	return Restored{Backed: held, Former: former}, nil
}

// exchange puts a copy of the backup, made ready, in the place of the database.
func (cfg SQLiteConfig) exchange(ctx context.Context, backup, by string, now time.Time) (former string, err error) {
	ready := cfg.Path + "-restoring"
	if err := copyFile(backup, ready, cfg.Path); err != nil {
		return "", err
	}
	defer func() {
		for _, suffix := range besides {
			_ = os.Remove(ready + suffix) // it has its real name by then, or is of no use
		}
	}()
	if err := makeReady(ctx, SQLiteConfig{Path: ready, Access: ToServe, Seal: cfg.Seal, Log: cfg.Log, Large: cfg.Large}, "the backup was made that was restored",
		AuditRecord{At: event.Millis(now.UnixMilli()), Who: by, What: "restore", About: "the backup " + filepath.Base(backup)}); err != nil {
		return "", err
	}
	if exists(cfg.Path) {
		former = cfg.Path + "-before-" + now.UTC().Format("20060102T150405Z")
		if err := cfg.keep(ctx, former); err != nil {
			return "", err
		}
	}
	if err := os.Rename(ready, cfg.Path); err != nil {
		return "", err //nolint:wrapcheck // The error names both.
	}
	return former, syncFolder(filepath.Dir(cfg.Path))
}

// besides are what SQLite keeps beside a database, and the database itself.
var besides = []string{"", "-wal", "-shm"}

// keep gives the database a second name, so that at every moment there is one under its own. Its write-ahead log goes into it first;
// that of one that cannot be opened any more goes along.
func (cfg SQLiteConfig) keep(ctx context.Context, former string) error {
	db, err := sql.Open("sqlite", fileAddress(cfg.Path)+"?_pragma="+busyTimeout)
	if err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	_, _ = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := db.Close(); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	if err := giveName(cfg.Path, former); err != nil {
		return err
	}
	for _, suffix := range besides[1:] {
		if err := os.Rename(cfg.Path+suffix, former+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err //nolint:wrapcheck // The error names both.
		}
	}
	return nil
}

// copyFile copies a file for its owner only, who is that of the database, or of its folder where there is none yet.
func copyFile(from, to, like string) error {
	source, err := os.Open(from)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	defer source.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err //nolint:wrapcheck // The error names the path.
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	_, err = io.Copy(file, source)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	owner, err := os.Stat(like)
	if errors.Is(err, fs.ErrNotExist) {
		owner, err = os.Stat(filepath.Dir(like))
	}
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	return giveTo(to, owner)
}

// makeReady brings the copy of a store up to date, and takes from it what may not be done any more without somebody who looks. It waited since
// something, which is said to that person.
func makeReady(ctx context.Context, cfg SQLiteConfig, since string, record AuditRecord) error {
	s, err := OpenSQLite(ctx, cfg)
	if err != nil {
		return err
	}
	err = s.writer.do(ctx, func(t *tx) error { return t.setBack(since, record) })
	return errors.Join(err, s.Close())
}

func (t *tx) setBack(since string, record AuditRecord) error {
	for _, statement := range []string{
		`UPDATE work SET due = NULL WHERE EXISTS (SELECT 1 FROM delivery d WHERE d.directory = work.directory AND d.kind = work.kind AND d.object = work.object
			AND (d.state IN ('pending', 'waiting') OR d.state = 'held' AND d.act = '` + actVanish + `'))`,
		"DELETE FROM reading",
		"DELETE FROM meta WHERE name LIKE 'note:%' AND name NOT LIKE 'note:alive:%'",
		"UPDATE delivery SET password = NULL, tried = FALSE WHERE password IS NOT NULL",
	} {
		if _, err := t.exec(statement); err != nil {
			return err
		}
	}
	_, err := t.exec(`UPDATE delivery SET state = 'held', code = ?, message = ?, act = '', approved = FALSE, approver = '', settled = 0
		WHERE state IN ('pending', 'waiting') OR state = 'held' AND act = '`+actVanish+`'`, string(event.CodeRestored),
		"it waited when "+since+", and may be out of date: catch up first ('idaas-ldap pull', or a full push in IDaaS), then 'events retry' or 'events discard'; a password is not kept")
	if err != nil {
		return err
	}
	return t.audit(record)
}
