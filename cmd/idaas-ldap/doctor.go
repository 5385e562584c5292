package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

type doctorCommand struct {
	configFlag
	Salvage string `placeholder:"FILE" type:"path" help:"Copy all that can be read, and is as it was written, into this new store; without it nothing is written anywhere."`
	By      string `placeholder:"WHO" help:"Who does, for the record; you on this machine if absent."`
	Output  string `enum:"text,json" default:"text" help:"Form of the output: text or json; text without it."`
}

// Run says what of a store can be read, and saves it where that is asked for.
func (c doctorCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := onlyFile(cfg); err != nil {
		return err
	}
	path := string(cfg.Store.SQLite())
	if store.Reserved(ctx, path) {
		return fmt.Errorf("the service works with the store %s, which changes while it is looked at: stop it first", path)
	}
	d := doctorOf(cfg)
	found, err := d.Examine(ctx)
	if err != nil {
		return err //nolint:wrapcheck // It names the store.
	}
	report := doctorReport{Store: path, KeyFile: d.KeyFile, Diagnosis: found}
	if c.Salvage != "" {
		if _, err := d.Salvage(ctx, c.Salvage, whoDecides(c.By)); err != nil {
			return err //nolint:wrapcheck // It names both.
		}
		report.Saved = c.Salvage
	}
	if c.Output == "json" {
		err = writeJSON(t.Out, report)
	} else {
		err = report.print(t.Out)
	}
	if err == nil && !found.Healthy() && c.Salvage == "" {
		return errReported
	}
	return err
}

func doctorOf(cfg *config.Config) store.Doctor {
	d := store.Doctor{Path: string(cfg.Store.SQLite()), KeyFile: string(cfg.Store.KeyFile), Now: event.Millis(time.Now().UnixMilli())}
	for _, directory := range cfg.Directories {
		d.Directories = append(d.Directories, directory.Name)
	}
	return d
}

// doctorReport is what is printed for programs.
type doctorReport struct {
	Store   string `json:"store"`
	KeyFile string `json:"keyFile"`
	// Saved is the new store; empty where none was asked for.
	Saved string `json:"saved,omitempty"`
	store.Diagnosis
}

// littleSpace is less than what a day of events may take.
const littleSpace = 64 << 20

// print says it for a person.
func (r doctorReport) print(out io.Writer) error {
	var b strings.Builder
	if r.Healthy() {
		fmt.Fprintf(&b, "nothing is wrong with the store %s\n", r.Store)
	} else {
		fmt.Fprintf(&b, "the store %s is not as it should be: %s\n", r.Store, cmp.Or(r.Problem, "rows of it are not as they were written, or cannot be read"))
	}
	if r.Free >= 0 && r.Free < littleSpace {
		fmt.Fprintf(&b, "its file system takes %d more bytes only: make room, for events are refused with 503 where there is none\n", r.Free)
	}
	switch {
	case !r.KeyOpens && len(r.Tables) == 0:
	case !r.KeyOpens:
		fmt.Fprintf(&b, "the key %s opens nothing in it, where %d objects and %d events can be seen: put back the key that it was made with\n",
			r.KeyFile, r.seen("object"), r.seen("event"))
	default:
		r.rows(&b)
	}
	r.next(&b)
	_, err := io.WriteString(out, b.String())
	return err //nolint:wrapcheck // Of the terminal.
}

func (r doctorReport) seen(table string) int64 { return r.Table(table).Read + r.Table(table).Refused }

// rows says what can be read.
func (r doctorReport) rows(b *strings.Builder) {
	for _, d := range r.Directories {
		fmt.Fprintf(b, "%s: %d objects can be read, of %d the entry is known; %d events were not through\n", oneLine(d.Directory), d.Objects, d.Linked, d.Unfinished)
		if len(d.Lost) > 0 {
			fmt.Fprintf(b, "%s: %d objects cannot: %s\n", oneLine(d.Directory), len(d.Lost), oneLine(strings.Join(d.Lost, ", ")))
		}
	}
	for _, t := range r.Tables {
		if !t.Broken && t.Refused+t.Lost == 0 {
			continue
		}
		fmt.Fprintf(b, "table %s: %d rows can be read, %d are not as they were written, of %d only the name is left", t.Table, t.Read, t.Refused, t.Lost)
		if t.Broken {
			b.WriteString("; a part of it cannot be read, and what was in it may not be counted here")
		}
		b.WriteString("\n")
	}
}

// next says what to do.
func (r doctorReport) next(b *strings.Builder) {
	switch {
	case r.Saved != "":
		fmt.Fprintf(b, "%s has what can be read. Let store.url name it, with the same key, then catch up by 'idaas-ldap pull --apply' or a full push in IDaaS, and see what is left by 'idaas-ldap reconcile'; "+
			"events that were not through are held, see 'events list --held'\n", r.Saved)
	case r.Healthy() || !r.KeyOpens:
	default:
		b.WriteString("a backup is better than what can be saved: 'idaas-ldap restore'. Without one, 'idaas-ldap doctor --salvage FILE' saves what can be read.\n" +
			"A full push or 'idaas-ldap pull --apply' brings back users, units, groups and members that are lost, and finds their entries by their IDaaS id. " +
			"It does not bring back events that were not through, passwords among them, what guards held and counted, which values of an attribute with 'authority: merge' are ours, " +
			"and, as a push, whom IDaaS has deleted meanwhile\n")
	}
}
