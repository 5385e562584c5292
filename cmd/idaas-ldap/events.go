package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/explain"
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
	Failed    bool   `help:"Failed events. Without this and the next three, those in any state."`
	Held      bool   `help:"Events held for a decision."`
	Waiting   bool   `help:"Events that wait for something, or have not been tried yet."`
	Done      bool   `help:"Events that were applied, skipped or discarded."`
	Object    string `placeholder:"ID" help:"Events of one user, unit or group, by its IDaaS id; of everybody otherwise."`
	Directory string `placeholder:"NAME" help:"Events of one directory; of all of them otherwise."`
	Event     string `placeholder:"ID" help:"One event by its id; all of them otherwise."`
	Since     string `placeholder:"WHEN" help:"Events received since a time such as 2026-01-31T08:00:00Z, or not longer ago than so much, such as 90m or 36h; since ever otherwise."`
}

// filter returns what selects the events. Names that do not exist are wrong usage.
func (s eventSelection) filter(ctx context.Context, cfg *config.Config, memory store.Store, now time.Time) (store.Filter, error) {
	f := store.Filter{Directory: s.Directory, Object: s.Object, EventID: s.Event}
	if err := knownDirectory(cfg, s.Directory); err != nil {
		return f, err
	}
	if s.Event != "" {
		found, err := memory.Events(ctx, store.Filter{EventID: s.Event, Limit: 1})
		if err != nil {
			return f, fmt.Errorf("look for event %s: %w", s.Event, err)
		}
		if len(found) == 0 {
			return f, unknownEvent(ctx, memory, s.Event)
		}
	}
	var err error
	if f.Since, err = since(s.Since, now); err != nil {
		return f, err
	}
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
	return f, nil
}

// since reads the moment that --since names, zero where it names none.
func since(text string, now time.Time) (event.Millis, error) {
	if text == "" {
		return 0, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return event.Millis(now.Add(-ago).UnixMilli()), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, usageError{fmt.Errorf("--since %s is neither a time such as 2026-01-31T08:00:00Z nor so long ago, such as 36h", text)}
	}
	return event.Millis(at.UnixMilli()), nil
}

// unknownEvent says that there is no event of that id, and which one is called almost so.
func unknownEvent(ctx context.Context, memory store.Store, id string) error {
	recent, err := memory.Events(ctx, store.Filter{Limit: maxListed})
	if err != nil {
		return fmt.Errorf("look for event %s: %w", id, err)
	}
	ids := make([]string, len(recent))
	for i, r := range recent {
		ids[i] = r.EventID
	}
	return fmt.Errorf("no event %s is recorded%s; 'idaas-ldap events list' shows those that are", oneLine(id), oneLine(didYouMean(id, ids)))
}

// chosen reports whether anything was chosen at all.
func (s eventSelection) chosen() bool { return s != eventSelection{} }

// maxListed is how many events the store lists at most.
const maxListed = 1000

type eventsListCommand struct {
	configFlag
	eventSelection
	Limit  int    `default:"50" help:"How many events at most, 1 to 1000; 50 without it."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// Run lists events.
func (c eventsListCommand) Run(ctx context.Context, t terminal) error {
	if c.Limit < 1 || c.Limit > maxListed {
		return usageError{fmt.Errorf("--limit %d: a list has 1 to %d events; narrow it with --directory, --object, --since or a state", c.Limit, maxListed)}
	}
	cfg, s, err := c.readStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	filter, err := c.filter(ctx, cfg, s, time.Now())
	if err != nil {
		return err
	}
	filter.Limit = c.Limit
	records, err := s.Events(ctx, filter)
	if err != nil {
		return fmt.Errorf("list events: %w", err)
	}
	if c.Output == "json" {
		return writeJSON(t.Out, append([]store.EventRecord{}, records...)) // none are an empty list
	}
	return t.writeEvents(records)
}

type eventsShowCommand struct {
	configFlag
	ID     string `arg:"" help:"The event's id."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// Run shows one event, once for each directory that it is for.
func (c eventsShowCommand) Run(ctx context.Context, t terminal) error {
	_, s, err := c.readStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	records, err := s.Events(ctx, store.Filter{EventID: c.ID})
	if err != nil {
		return fmt.Errorf("show event %s: %w", c.ID, err)
	}
	if len(records) == 0 {
		return unknownEvent(ctx, s, c.ID)
	}
	if c.Output == "json" {
		return c.writeJSON(ctx, t.Out, s, records)
	}
	decisions, err := s.Audit(ctx, maxListed)
	if err != nil {
		return fmt.Errorf("list who decided about event %s: %w", c.ID, err)
	}
	for _, r := range records {
		fmt.Fprintf(t.Out, "event       %s\ntype        %s\nobject      %s\napplication %s\ndirectory   %s\nhappened    %s\nreceived    %s\nstate       %s (%s)\nreason      %s\n",
			oneLine(r.EventID), oneLine(string(r.Type)), orDash(r.Object.ID != "", oneLine(r.Object.String())), oneLine(r.Application), orDash(r.Directory != "", r.Directory), r.Time, r.ReceivedAt,
			r.Outcome.State, r.Outcome.Code, oneLine(r.Outcome.Message))
		if r.ApprovedBy != "" {
			fmt.Fprintf(t.Out, "approved by %s\n", oneLine(r.ApprovedBy))
		}
		if r.SettledAt != 0 {
			fmt.Fprintf(t.Out, "settled     %s\n", r.SettledAt)
		}
		for _, d := range decisions {
			if strings.HasPrefix(d.About, fmt.Sprintf("delivery %d,", r.Seq)) {
				fmt.Fprintf(t.Out, "decided     %s by %s at %s\n", d.What, oneLine(d.Who), d.At)
			}
		}
		change, err := s.Said(ctx, r.Seq)
		if err != nil {
			return fmt.Errorf("show event %s: %w", c.ID, err)
		}
		fmt.Fprint(t.Out, "\nIt says\n\n")
		if err := t.writeWords(explain.Words(change, r.Application)); err != nil {
			return err
		}
		fmt.Fprintln(t.Out)
	}
	return nil
}

// shownEvent is an event with what it says.
type shownEvent struct {
	store.EventRecord
	Said []explain.Word `json:"said"`
}

func (eventsShowCommand) writeJSON(ctx context.Context, out io.Writer, s store.Store, records []store.EventRecord) error {
	events := make([]shownEvent, len(records))
	for i, r := range records {
		change, err := s.Said(ctx, r.Seq)
		if err != nil {
			return fmt.Errorf("show event %s: %w", r.EventID, err)
		}
		events[i] = shownEvent{r, explain.Words(change, r.Application)}
	}
	return writeJSON(out, events)
}

// writeWords prints what IDaaS has said.
func (t terminal) writeWords(words []explain.Word) error {
	if len(words) == 0 {
		_, err := fmt.Fprintln(t.Out, "nothing about any field")
		return err
	}
	list := table{head: []string{"FIELD", "VALUE", "HAPPENED", "EVENT", "APPLICATION"}}
	for _, w := range words {
		list.row(w.Field, w.Text(), orDash(w.At > 0, w.At.Time().Local().Format(time.DateTime)), orDash(w.EventID != "", w.EventID), orDash(w.Application != "", w.Application))
	}
	return t.writeTable(list)
}

func (t terminal) writeEvents(records []store.EventRecord) error {
	if len(records) == 0 {
		_, err := fmt.Fprintln(t.Out, "no events")
		return err
	}
	list := table{head: []string{"RECEIVED", "EVENT", "TYPE", "OBJECT", "DIRECTORY", "STATE", "REASON"}}
	for _, r := range records {
		list.row(r.ReceivedAt.Time().Local().Format(time.DateTime), r.EventID, r.Type.Short(), orDash(r.Object.ID != "", r.Object.ID),
			orDash(r.Directory != "", r.Directory), string(r.Outcome.State), string(r.Outcome.Code)+": "+r.Outcome.Message)
	}
	return t.writeTable(list)
}

// oneLine keeps a message from breaking a table or a terminal: what cannot be printed is escaped, and nothing else.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		escaped := strconv.QuoteRuneToASCII(r)
		b.WriteString(escaped[1 : len(escaped)-1])
	}
	return b.String()
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
