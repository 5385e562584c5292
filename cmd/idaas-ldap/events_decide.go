package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// decision are the flags of commands that decide about events.
type decision struct {
	By  string `placeholder:"WHO" help:"Who decides, for the record; you on this machine if absent."`
	Yes bool   `help:"Do it without asking. Scripts need it for more than one event."`
}

type eventsRetryCommand struct {
	configFlag
	eventSelection
	decision
}

// Run makes the chosen events due again.
func (c eventsRetryCommand) Run(ctx context.Context, t terminal) error {
	return c.each(ctx, t, c.eventSelection, c.decision, action{
		verb: "try again", done: "objects are tried again", states: []event.State{event.Failed, event.Waiting, event.Held},
		act: func(s store.Store, now event.Millis, by string, seqs []int64) (int, error) {
			keys, err := s.Retry(ctx, now, by, seqs)
			return len(keys), err
		},
	})
}

type eventsDiscardCommand struct {
	configFlag
	eventSelection
	decision
}

// Run gives up on the chosen events.
func (c eventsDiscardCommand) Run(ctx context.Context, t terminal) error {
	return c.each(ctx, t, c.eventSelection, c.decision, action{
		verb: "discard", done: "events are discarded", states: []event.State{event.Failed, event.Waiting, event.Held, event.Pending},
		act: func(s store.Store, now event.Millis, by string, seqs []int64) (int, error) {
			return s.Discard(ctx, now, by, seqs)
		},
	})
}

// action is what is done to chosen events.
type action struct {
	verb, done string
	// states are those in which an event takes the action.
	states []event.State
	act    func(s store.Store, now event.Millis, by string, seqs []int64) (int, error)
}

// each applies an action to all chosen events. They are chosen once, so nobody decides about what comes in meanwhile.
func (c configFlag) each(ctx context.Context, t terminal, selection eventSelection, d decision, a action) error {
	if !selection.chosen() {
		return usageError{fmt.Errorf("say which events: --failed, --held, --waiting, --event ID or --object ID")}
	}
	cfg, s, err := c.changeStore(ctx, t)
	if err != nil {
		return err
	}
	defer s.Close()
	filter, err := selection.filter(ctx, cfg, s, time.Now())
	if err != nil {
		return err
	}
	if len(filter.States) == 0 && selection.Event == "" {
		filter.States = a.states
	}
	chosen, err := choose(ctx, s, filter)
	if err != nil {
		return err
	}
	if sure, err := d.confirmed(t, a.verb, len(chosen)); err != nil || !sure {
		return err
	}
	total := 0
	for len(chosen) > 0 {
		n := min(len(chosen), maxListed)
		changed, err := a.act(s, event.Millis(time.Now().UnixMilli()), whoDecides(d.By), chosen[:n])
		if err != nil {
			return fmt.Errorf("change %d events: %w", n, err)
		}
		total, chosen = total+changed, chosen[n:]
	}
	_, err = fmt.Fprintf(t.Out, "%d %s\n", total, a.done)
	return err
}

// choose returns the numbers of all events that a filter selects.
func choose(ctx context.Context, s store.Store, filter store.Filter) ([]int64, error) {
	var seqs []int64
	filter.Limit = maxListed
	for {
		records, err := s.Events(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("choose events: %w", err)
		}
		for _, r := range records {
			seqs = append(seqs, r.Seq)
			filter.Before = r.Seq
		}
		if len(records) < filter.Limit {
			return seqs, nil
		}
	}
}

// confirmed asks before more than one event is decided about.
func (d decision) confirmed(t terminal, verb string, n int) (bool, error) {
	if n <= 1 || d.Yes {
		return true, nil
	}
	if !isTerminal(t.In) {
		return false, usageError{fmt.Errorf("this would %s %d events: look at them with 'idaas-ldap events list', then say --yes", verb, n)}
	}
	return t.asks("%s %d events?", verb, n)
}

// asks puts a question to who sits at the terminal, and reports whether the answer is yes.
func (t terminal) asks(format string, about ...any) (bool, error) {
	fmt.Fprintf(t.Err, format+" [y/N] ", about...)
	answer, err := bufio.NewReader(t.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y"), nil
}

// whoDecides names who decides, for the record: the one that is given, or who runs the command.
func whoDecides(given string) string {
	if given != "" {
		return given
	}
	name, host := "somebody", "this machine"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
