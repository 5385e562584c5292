package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

type backupCommand struct {
	configFlag
	File   string `arg:"" type:"path" help:"The file to make. Nothing is replaced by it."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text or json; text without it."`
}

// Run copies the store as it is at this moment, also while the service writes to it.
func (c backupCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := onlyFile(cfg); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.SQLiteConfig{Path: string(cfg.Store.SQLite()), Access: store.ToRead}, string(cfg.Store.KeyFile), nil)
	if err != nil {
		return err //nolint:wrapcheck // It names the store.
	}
	if err := errors.Join(s.Backup(ctx, c.File), s.Close()); err != nil {
		return err
	}
	held, err := store.ExamineBackup(ctx, c.File, string(cfg.Store.KeyFile))
	if err != nil {
		return err //nolint:wrapcheck // It names the backup.
	}
	if c.Output == "json" {
		return writeJSON(t.Out, backupReport{File: c.File, KeyFile: string(cfg.Store.KeyFile), Backed: held})
	}
	_, err = fmt.Fprintf(t.Out, "%s holds %s\nthe key that opens it, %s, is not in it: keep a copy of that as well, and in another place\n", c.File, content(held), cfg.Store.KeyFile)
	return err //nolint:wrapcheck // Of the terminal.
}

// onlyFile refuses a store that is no file.
func onlyFile(cfg *config.Config) error {
	if cfg.Store.Postgres().Empty() {
		return nil
	}
	return fmt.Errorf("the store is the database %s: a server is backed up and restored by its own means, such as pg_dump and pg_restore; docs/scale.md says what to mind", cfg.Store.URL)
}

// backupReport is what 'backup' and 'restore' print for programs.
type backupReport struct {
	File    string `json:"file"`
	KeyFile string `json:"keyFile"`
	// Former is where the store is now that was there before.
	Former string `json:"former,omitempty"`
	store.Backed
}

// content says what is in a backup.
func content(b store.Backed) string {
	last := "no event yet"
	if b.Last > 0 {
		last = "the last of " + time.UnixMilli(b.Last).Format(time.RFC3339)
	}
	return fmt.Sprintf("%d objects and %d events, %s; %d were not through", b.Objects, b.Events, last, b.Waiting)
}

type restoreCommand struct {
	configFlag
	By     string `placeholder:"WHO" help:"Who restores, for the record; you on this machine if absent."`
	Yes    bool   `help:"Do it without asking. Scripts need it."`
	File   string `arg:"" type:"path" help:"A file that 'backup' has made."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text or json; text without it."`
}

// Run puts a backup in the place of the store, which is kept beside it.
func (c restoreCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := onlyFile(cfg); err != nil {
		return err
	}
	held, err := store.ExamineBackup(ctx, c.File, string(cfg.Store.KeyFile))
	if err != nil {
		return err //nolint:wrapcheck // It names the backup.
	}
	fmt.Fprintf(t.Err, "%s holds %s\n", c.File, content(held))
	if sure, err := c.confirmed(t, cfg); err != nil || !sure {
		return err
	}
	got, err := store.Restore(ctx, store.SQLiteConfig{Path: string(cfg.Store.SQLite())}, string(cfg.Store.KeyFile), c.File, whoDecides(c.By), time.Now())
	if err != nil {
		if errors.Is(err, store.ErrReserved) {
			err = fmt.Errorf("%w: stop it first", err)
		}
		return err //nolint:wrapcheck // It names both.
	}
	if c.Output == "json" {
		return writeJSON(t.Out, backupReport{File: c.File, KeyFile: string(cfg.Store.KeyFile), Former: got.Former, Backed: got.Backed})
	}
	fmt.Fprintf(t.Out, "%s is restored\n", cfg.Store.SQLite())
	if got.Former != "" {
		fmt.Fprintf(t.Out, "the store from before is %s\n", got.Former)
	}
	if got.Waiting > 0 {
		fmt.Fprintf(t.Out, "%d events waited when the backup was made and are held now: see 'events list --held' after catching up\n", got.Waiting)
	}
	_, err = fmt.Fprintln(t.Out, "what has happened since is caught up by 'idaas-ldap pull --apply', or by a full push in IDaaS; 'idaas-ldap reconcile' then shows what is left")
	return err //nolint:wrapcheck // Of the terminal.
}

// confirmed asks before the store is exchanged.
func (c restoreCommand) confirmed(t terminal, cfg *config.Config) (bool, error) {
	if c.Yes {
		return true, nil
	}
	if !isTerminal(t.In) {
		return false, usageError{fmt.Errorf("this would take the place of %s: say --yes", cfg.Store.SQLite())}
	}
	return t.asks("put it in the place of %s?", cfg.Store.SQLite())
}
