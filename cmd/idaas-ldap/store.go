package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

type storeCommand struct {
	Migrate  storeMigrateCommand  `cmd:"" help:"Carry all that the store holds over into an empty one, from a file to PostgreSQL or back, while the service does not run."`
	TakeBack storeTakeBackCommand `cmd:"" help:"Let a store be served again of which everything was carried over to another one: what has been done since is done again from it."`
}

type storeMigrateCommand struct {
	configFlag
	To     string `xor:"to" required:"" placeholder:"URL" help:"The empty store: postgres://USER@HOST/DATABASE, or sqlite:PATH; without it --to-file names it. Others see command lines: leave a password out, which is looked for in ~/.pgpass then."`
	ToFile string `xor:"to" required:"" type:"path" placeholder:"FILE" help:"A file with that URL, as a password may be in it; without it --to gives the URL."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text or json; text without it."`
}

// Run carries the store over.
func (c storeMigrateCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	to, err := c.target()
	if err != nil {
		return err
	}
	progress := t.progress("rows are carried over", 0)
	carried, err := app.CarryStore(ctx, cfg, to, progress.of)
	progress.end()
	if err != nil {
		if errors.Is(err, store.ErrReserved) {
			err = fmt.Errorf("%w: stop the service first", err)
		}
		return err
	}
	if c.Output == "json" {
		return writeJSON(t.Out, migrateReport{From: cfg.Store.URL, To: to.URL, KeyFile: string(cfg.Store.KeyFile), Tables: carried})
	}
	rows := int64(0)
	for _, table := range carried {
		rows += table.Rows
	}
	_, err = fmt.Fprintf(t.Out, "%d rows in %d tables are carried over, read back and found the same\n"+
		"%s is as it was, and is not served any more, as what has been done since would be done again from there\n"+
		"now let store.url, or the file of store.url_file, say %s; the key file %s stays the same\n", rows, len(carried), cfg.Store.URL, to.URL, cfg.Store.KeyFile)
	return err //nolint:wrapcheck // Of the terminal.
}

// migrateReport is what is printed for programs.
type migrateReport struct {
	From    string          `json:"from"`
	To      string          `json:"to"`
	KeyFile string          `json:"keyFile"`
	Tables  []store.Carried `json:"tables"`
}

// target is the store to be filled.
func (c storeMigrateCommand) target() (config.Store, error) {
	flag, address := "--to", c.To
	if c.ToFile != "" {
		flag = "--to-file"
		text, err := os.ReadFile(c.ToFile)
		if err != nil {
			return config.Store{}, err //nolint:wrapcheck // It names the file.
		}
		url, err := config.SecretIn(text)
		if err != nil {
			return config.Store{}, fmt.Errorf("%s: %s: %w", flag, c.ToFile, err)
		}
		address = url.Reveal()
	}
	to, err := config.StoreAt(address)
	if err != nil {
		return to, usageError{fmt.Errorf("%s: %w", flag, err)}
	}
	return to, nil
}

type storeTakeBackCommand struct {
	configFlag
}

// Run lets the store be served again.
func (c storeTakeBackCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	where, err := app.TakeStoreBack(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.Out, "%s can be served again; make sure that nobody serves %s beside it\n", cfg.Store.URL, where)
	return err //nolint:wrapcheck // Of the terminal.
}
