package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

type planCommand struct {
	configFlag
	Directory string    `placeholder:"NAME" help:"One directory; all that the event is for otherwise."`
	At        time.Time `placeholder:"TIME" help:"Verify a recorded callback as of this time (RFC 3339); now otherwise."`
	Offline   bool      `help:"Plan against an empty directory, and connect to none."`
	Event     string    `arg:"" help:"A file of events. ${events}"`
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
	input := eventInput{path: c.Event, at: c.At, id: func(n int) string { return fmt.Sprintf("event-%d", n) }}
	application, changes, err := input.read(ctx, t, cfg)
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
