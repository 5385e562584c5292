package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/receiver"
)

type planCommand struct {
	configFlag
	Directory string    `placeholder:"NAME" help:"One directory; all that the event is for otherwise."`
	At        time.Time `placeholder:"TIME" help:"Verify a recorded callback as of this time (RFC 3339)."`
	Offline   bool      `help:"Plan against an empty directory, and connect to none."`
	Event     string    `arg:"" help:"A callback body as received, a decrypted document or event; - for standard input."`
}

// Run shows what an event would write.
func (c planCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	application, changes, err := c.read(ctx, t, cfg)
	if err != nil {
		return err
	}
	directories, err := app.OpenDirectories(cfg, quietLog(t.Err), nil)
	if err != nil {
		return err
	}
	memory, err := app.OpenStoreToRead(ctx, cfg)
	if err != nil {
		return err
	}
	defer memory.Close()
	planned, failed := 0, false
	for _, d := range directories {
		defer d.Server.Close()
		d.RecogniseBy(memory, false)
		if c.Directory != "" && c.Directory != d.Name || application != "" && !d.Config.FedBy(application) {
			continue
		}
		planned++
		planner := dispatch.Planner(d.Processor)
		if c.Offline {
			nothing, err := memdir.Empty(d.Config.Type, time.Now, rand.Reader)
			if err != nil {
				return err //nolint:wrapcheck // It says what was tried.
			}
			planner = processor.New(nothing, d.Mapping)
		}
		preview := dispatch.NewPreview(memory, d.Name, planner)
		for _, change := range changes {
			ok, err := c.show(ctx, t.Out, d.Name, preview, change)
			if err != nil {
				return err
			}
			failed = failed || !ok
		}
	}
	if planned == 0 {
		return usageError{fmt.Errorf("no directory is fed by this event; look at directories[].name and directories[].applications")}
	}
	if failed {
		return errReported
	}
	return nil
}

// show prints one event's plan as LDIF with comments; it reports false for an event that would fail.
func (c planCommand) show(ctx context.Context, out io.Writer, directory string, preview *dispatch.Preview, change event.Change) (bool, error) {
	fmt.Fprintf(out, "# %s %s, %s, in %s\n", oneLine(change.Type.Short()), oneLine(change.ID), oneLine(orDash(!change.Object.Zero(), change.Object.String())), directory)
	switch {
	case change.Problem != "":
		fmt.Fprintf(out, "# would fail: %s\n\n", oneLine(change.Problem))
		return false, nil
	case change.Object.Zero():
		fmt.Fprintf(out, "# nothing would be written\n\n")
		return true, nil
	}
	result, err := preview.Plan(ctx, change, event.Millis(time.Now().UnixMilli()))
	if err != nil {
		return false, err
	}
	switch result.Outcome.State {
	case event.Done:
		if len(result.Operations) == 0 {
			fmt.Fprintf(out, "# nothing to write: %s\n\n", oneLine(result.Outcome.Message))
		}
	default:
		fmt.Fprintf(out, "# %s (%s): %s\n\n", result.Outcome.State, result.Outcome.Code, oneLine(result.Outcome.Message))
	}
	return result.Outcome.State != event.Failed, plan.WriteLDIF(out, result.Operations...)
}

// read returns the changes in a file that holds a callback body, a document or an event.
func (c planCommand) read(ctx context.Context, t terminal, cfg *config.Config) (application string, changes []event.Change, err error) {
	data, err := c.load(t.In)
	if err != nil {
		return "", nil, configError{err}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return "", nil, usageError{fmt.Errorf("%s holds no JSON object: %w", c.Event, err)}
	}
	switch {
	case members["event"] != nil:
		return c.open(ctx, t, cfg, members["event"])
	case members["eventData"] != nil:
		document, err := event.Decode(data)
		return "", document.Changes, asUsage(err)
	case members["eventType"] != nil:
		wrapped, err := json.Marshal(map[string]any{"eventData": []json.RawMessage{data}})
		if err != nil {
			return "", nil, fmt.Errorf("wrap the event: %w", err)
		}
		document, err := event.Decode(wrapped)
		return "", document.Changes, asUsage(err)
	}
	return "", nil, usageError{fmt.Errorf("%s is neither a callback body (event), a document (eventData) nor an event (eventType)", c.Event)}
}

func (c planCommand) load(in io.Reader) ([]byte, error) {
	if c.Event == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(c.Event)
}

// open verifies and decrypts a callback body as the service would.
func (c planCommand) open(ctx context.Context, t terminal, cfg *config.Config, raw json.RawMessage) (string, []event.Change, error) {
	var token string
	if err := json.Unmarshal(bytes.TrimSpace(raw), &token); err != nil {
		return "", nil, usageError{errors.New("the member event is not text")}
	}
	clock := time.Now
	if !c.At.IsZero() {
		clock = func() time.Time { return c.At }
	}
	verifier, err := app.NewVerifier(cfg, quietLog(t.Err), clock)
	if err != nil {
		return "", nil, err
	}
	document, err := verifier.Open(ctx, token)
	var rejection *receiver.Rejection
	if errors.As(err, &rejection) {
		hint := ""
		if c.At.IsZero() {
			hint = "; a recorded callback is verified as of its time with --at"
		}
		return "", nil, fmt.Errorf("the callback would be answered with %d: %w%s", rejection.Status, err, hint)
	}
	return document.Application, document.Changes, err
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}
