package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// migrations are the versions of the schema, each on top of the one before, in the order of their names.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion makes the table that says which of them a database has.
const schemaVersion = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"

// migrate brings the schema up to date in one transaction, and refuses a database of a later version of the program: it
// may mean something by its data that this one does not know. The mark of a store that is yet to get everything is made with it.
func migrate(ctx context.Context, s *session, seal *Seal, arriving bool) error {
	if err := s.script(ctx, s.beginChange); err != nil {
		return fmt.Errorf("begin the migration: %w", err)
	}
	err := migrateWithin(ctx, s, seal)
	if err == nil && arriving {
		err = markArriving(s)
	}
	if err != nil {
		return errors.Join(err, s.script(ctx, "ROLLBACK"))
	}
	if err := s.script(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit the migration: %w", err)
	}
	return nil
}

func migrateWithin(ctx context.Context, s *session, seal *Seal) error {
	version, err := versionOf(s)
	if err != nil {
		return err
	}
	names, err := migrationNames()
	if err != nil {
		return err
	}
	if version > len(names) {
		return newerVersion(version, len(names))
	}
	if version > 0 && version < len(names) && s.lockChange != "" {
		if err := s.script(ctx, s.lockChange); err != nil {
			return fmt.Errorf("wait for those who write: %w", err)
		}
	}
	for i := version; i < len(names); i++ {
		if err := runMigration(ctx, s, seal, i, names[i]); err != nil {
			return err
		}
	}
	return nil
}

// runMigration brings a schema of a version to the next one.
func runMigration(ctx context.Context, s *session, seal *Seal, version int, name string) error {
	if version == 0 {
		if err := s.script(ctx, schemaVersion); err != nil {
			return fmt.Errorf("prepare the schema version: %w", err)
		}
	}
	text, err := fs.ReadFile(migrations, name)
	if err != nil {
		return fmt.Errorf("read a migration: %w", err)
	}
	if err := s.script(ctx, s.words(string(text))); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	if err := errors.Join(bindRows(s, seal, name), nameRows(s, seal, name)); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	if _, err := s.exec("INSERT INTO schema_version (version) VALUES (?)", version+1); err != nil {
		return fmt.Errorf("note the schema version %d: %w", version+1, err)
	}
	return nil
}

// migrationNames returns the migrations in order.
func migrationNames() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations: %w", err)
	}
	return names, nil
}

// versionOf returns the schema version of a database, zero where it has none yet.
func versionOf(s *session) (int, error) {
	var has, version int
	_, err := s.row(s.hasTable, []any{"schema_version"}, &has)
	if err == nil && has > 0 {
		_, err = s.row("SELECT COALESCE(MAX(version), 0) FROM schema_version", nil, &version)
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	return version, nil
}

func newerVersion(version, known int) error {
	return fmt.Errorf("the database was written by a newer version of this program (schema %d, known here %d): run that version, "+
		"or restore a backup from before", version, known)
}
