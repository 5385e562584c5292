package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/user"
	"strconv"
	"text/tabwriter"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/store"
)

type eventsCommand struct {
	List    eventsListCommand    `cmd:"" help:"List events, the newest first."`
	Show    eventsShowCommand    `cmd:"" help:"Show one event with all that is recorded of it."`
	Retry   eventsRetryCommand   `cmd:"" help:"Try failed, waiting and held events again now; for held ones this is the approval."`
	Discard eventsDiscardCommand `cmd:"" help:"Give up on events that are not done."`
}

// eventSelection are the flags that choose events.
type eventSelection struct {
	Failed    bool   `help:"Failed events."`
	Held      bool   `help:"Events held for a decision."`
	Waiting   bool   `help:"Events that wait for something, or have not been tried yet."`
	Done      bool   `help:"Events that were applied or skipped."`
	Object    string `placeholder:"ID" help:"Events of one user, unit or group, by its IDaaS id."`
	Directory string `placeholder:"NAME" help:"Events of one directory."`
	Event     string `placeholder:"ID" help:"One event by its id."`
}

func (s eventSelection) filter() store.Filter {
	f := store.Filter{Directory: s.Directory, Object: s.Object, EventID: s.Event}
	if s.Failed {
		f.States = append(f.States, event.Failed)
	}
	if s.Held {
		f.States = append(f.States, event.Held)
	}
	if s.Waiting {
		f.States = append(f.States, event.Waiting, event.Pending)
	}
	if s.Done {
		f.States = append(f.States, event.Done, event.Skipped, event.Discarded)
	}
	return f
}

// chosen reports whether anything was chosen at all.
func (s eventSelection) chosen() bool { return s != eventSelection{} }

type eventsListCommand struct {
	configFlag
	eventSelection
	Limit  int    `default:"50" help:"How many at most, up to 1000."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: ${enum}."`
}

// Run lists events.
func (c eventsListCommand) Run(ctx context.Context, t terminal) error {
	s, err := c.readStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	filter := c.filter()
	filter.Limit = c.Limit
	records, err := s.Events(ctx, filter)
	if err != nil {
		return fmt.Errorf("list events: %w", err)
	}
	if c.Output == "json" {
		return writeJSON(t.Out, append([]store.EventRecord{}, records...)) // none are an empty list
	}
	return writeEvents(t.Out, records)
}

type eventsShowCommand struct {
	configFlag
	ID     string `arg:"" help:"The event's id."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: ${enum}."`
}

// Run shows one event, once for each directory that it is for.
func (c eventsShowCommand) Run(ctx context.Context, t terminal) error {
	s, err := c.readStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	records, err := s.Events(ctx, store.Filter{EventID: c.ID})
	if err != nil {
		return fmt.Errorf("show event %s: %w", c.ID, err)
	}
	if len(records) == 0 {
		return fmt.Errorf("no event %s is recorded; 'idaas-ldap events list' shows those that are", c.ID)
	}
	if c.Output == "json" {
		return writeJSON(t.Out, records)
	}
	for _, r := range records {
		fmt.Fprintf(t.Out, "event       %s\ntype        %s\nobject      %s\napplication %s\ndirectory   %s\nhappened    %s\nreceived    %s\nstate       %s (%s)\nreason      %s\n",
			r.EventID, r.Type, orDash(r.Object.ID != "", r.Object.String()), r.Application, orDash(r.Directory != "", r.Directory), r.Time, r.ReceivedAt,
			r.Outcome.State, r.Outcome.Code, r.Outcome.Message)
		if r.SettledAt != 0 {
			fmt.Fprintf(t.Out, "settled     %s\n", r.SettledAt)
		}
		fmt.Fprintln(t.Out)
	}
	return nil
}

type eventsRetryCommand struct {
	configFlag
	eventSelection
}

// Run makes the chosen events due again.
func (c eventsRetryCommand) Run(ctx context.Context, t terminal) error {
	return c.each(ctx, t, c.eventSelection, func(s store.Store, now event.Millis, by string, seqs []int64) (int, error) {
		keys, err := s.Retry(ctx, now, by, seqs)
		return len(keys), err
	}, "objects are tried again")
}

type eventsDiscardCommand struct {
	configFlag
	eventSelection
}

// Run gives up on the chosen events.
func (c eventsDiscardCommand) Run(ctx context.Context, t terminal) error {
	return c.each(ctx, t, c.eventSelection, func(s store.Store, now event.Millis, by string, seqs []int64) (int, error) {
		return s.Discard(ctx, now, by, seqs)
	}, "events are discarded")
}

// each applies an action to all chosen events, page by page.
func (c configFlag) each(ctx context.Context, t terminal, selection eventSelection, act func(store.Store, event.Millis, string, []int64) (int, error), done string) error {
	if !selection.chosen() {
		return usageError{fmt.Errorf("say which events: --failed, --held, --waiting, --event ID or --object ID")}
	}
	s, err := c.changeStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	filter := selection.filter()
	filter.Limit = 1000
	total := 0
	for {
		records, err := s.Events(ctx, filter)
		if err != nil {
			return fmt.Errorf("choose events: %w", err)
		}
		if len(records) == 0 {
			break
		}
		seqs := make([]int64, len(records))
		for i, r := range records {
			seqs[i] = r.Seq
		}
		n, err := act(s, event.Millis(time.Now().UnixMilli()), operator(), seqs)
		if err != nil {
			return fmt.Errorf("change %d events: %w", len(seqs), err)
		}
		total += n
		filter.Before = seqs[len(seqs)-1]
	}
	_, err = fmt.Fprintf(t.Out, "%d %s\n", total, done)
	return err
}

// operator names who is at the terminal, for the audit log.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username + " on the command line"
	}
	return "command line"
}

func writeEvents(out io.Writer, records []store.EventRecord) error {
	if len(records) == 0 {
		_, err := fmt.Fprintln(out, "no events")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "RECEIVED\tEVENT\tTYPE\tOBJECT\tDIRECTORY\tSTATE\tREASON")
	for _, r := range records {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s: %s\n", r.ReceivedAt.Time().Local().Format(time.DateTime),
			r.EventID, r.Type.Short(), orDash(r.Object.ID != "", r.Object.ID), orDash(r.Directory != "", r.Directory), r.Outcome.State, r.Outcome.Code, oneLine(r.Outcome.Message))
	}
	return table.Flush()
}

// oneLine keeps a message from breaking a table or a terminal.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

func orDash(ok bool, s string) string {
	if !ok {
		return "-"
	}
	return s
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// configFlag is the flag of every command that needs the configuration.
type configFlag struct {
	Config string `required:"" placeholder:"FILE" type:"path" help:"The configuration file."`
}

func (c configFlag) readStore(ctx context.Context, t terminal) (store.Store, error) {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return nil, err
	}
	return app.OpenStoreToRead(ctx, cfg)
}

func (c configFlag) changeStore(ctx context.Context, t terminal) (store.Store, error) {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return nil, err
	}
	return app.OpenStore(ctx, cfg, store.ToChange)
}
