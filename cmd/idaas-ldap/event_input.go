package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
	"idaas-ldap/receiver"
)

// eventForms is the help on files of events, the same for every command that takes one.
const eventForms = "As in the tests of a mapping, { type: user:create, user: { id: user_1, username: ann } }, one or a list, in YAML or JSON; " +
	"a decrypted event or document, and a callback body as received, are recognised. - is standard input."

// eventInput is a file of events.
type eventInput struct {
	path string
	// at is as of when a recorded callback is verified; zero for now.
	at time.Time
	// id names events that have no id, by their number.
	id func(number int) string
}

// read returns the events, and the application that a recorded callback is of; empty for other files. A callback is opened with the
// keys of the configuration, which may be nil for other files.
func (i eventInput) read(ctx context.Context, t terminal, cfg *config.Config) (application string, changes []event.Change, err error) {
	source, err := i.load(t.In)
	if err != nil {
		return "", nil, configError{fmt.Errorf("read the events: %w", err)}
	}
	file, err := mapping.ReadEvents(i.path, source, mapping.Filling{ID: i.id, At: event.Millis(time.Now().UnixMilli())})
	if err != nil {
		return "", nil, err //nolint:wrapcheck // It names the file.
	}
	for _, unread := range file.Unread {
		fmt.Fprintf(t.Err, "warning: %s: %s\n", i.path, oneLine(unread))
	}
	if file.Callback == "" {
		return "", file.Events, nil
	}
	if cfg == nil {
		return "", nil, usageError{fmt.Errorf("%s is a callback, and only a configuration has the keys that open it: add --config FILE", i.path)}
	}
	return i.open(ctx, t, cfg, file.Callback)
}

func (i eventInput) load(in io.Reader) ([]byte, error) {
	if i.path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(i.path)
}

// open verifies and decrypts a callback as the service would.
func (i eventInput) open(ctx context.Context, t terminal, cfg *config.Config, token string) (string, []event.Change, error) {
	clock := time.Now
	if !i.at.IsZero() {
		clock = func() time.Time { return i.at }
	}
	verifier, err := app.NewVerifier(cfg, quietLog(t.Err), clock)
	if err != nil {
		return "", nil, err
	}
	document, err := verifier.Open(ctx, token)
	var rejection *receiver.Rejection
	if errors.As(err, &rejection) {
		hint := ""
		if i.at.IsZero() {
			hint = "; a recorded callback is verified as of its time with --at"
		}
		return "", nil, fmt.Errorf("the callback would be answered with %d: %w%s", rejection.Status, err, hint)
	}
	return document.Application, document.Changes, err
}
