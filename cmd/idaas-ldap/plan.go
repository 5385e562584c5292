package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
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
	Directory string `placeholder:"NAME" help:"One directory; all that the event is for otherwise."`
	At        moment `placeholder:"TIME" help:"Verify a recorded callback as of this time (RFC 3339); now otherwise."`
	Offline   bool   `help:"Plan against an empty directory, and connect to none."`
	Output    string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
	Event     string `arg:"" help:"A file of events. ${events}"`
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
	input := eventInput{path: c.Event, at: c.At.Time, id: func(n int) string { return fmt.Sprintf("event-%d", n) }}
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
	progress := t.progress("events are planned", len(changes)*len(directories))
	defer progress.end()
	shown := []plannedEvent{}
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
			progress.at(len(shown))
			p, err := planOf(ctx, d.Name, preview, change)
			if err != nil {
				return err
			}
			shown = append(shown, p)
			failed = failed || p.Outcome.State == event.Failed
			if c.Output == "text" {
				progress.end()
				p.write(t.Out)
			}
		}
	}
	progress.end()
	if planned == 0 {
		return usageError{fmt.Errorf("no directory is fed by this event; look at directories[].name and directories[].applications")}
	}
	if c.Output == "json" {
		if err := writeJSON(t.Out, shown); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// plannedEvent is what an event would come to in one directory.
type plannedEvent struct {
	Directory string        `json:"directory"`
	Event     string        `json:"eventId"`
	Type      event.Type    `json:"type"`
	Object    *event.Ref    `json:"object"` // null where it is about none
	Outcome   event.Outcome `json:"outcome"`
	LDIF      string        `json:"ldif"`
}

// planOf plans one event.
func planOf(ctx context.Context, directory string, preview *dispatch.Preview, change event.Change) (plannedEvent, error) {
	p := plannedEvent{Directory: directory, Event: change.ID, Type: change.Type}
	if change.Problem != "" {
		p.Outcome = event.Outcome{State: event.Failed, Code: event.CodeMalformed, Message: change.Problem}
		return p, nil
	}
	if change.Object.Zero() {
		p.Outcome = event.Outcome{State: event.Skipped, Code: event.CodeNoObject, Message: "it is about nobody"}
		return p, nil
	}
	p.Object = &change.Object
	result, err := preview.Plan(ctx, change, event.Millis(time.Now().UnixMilli()))
	if err != nil {
		return p, err //nolint:wrapcheck // It names the object.
	}
	var ldif strings.Builder
	err = plan.WriteLDIF(&ldif, result.Operations...)
	p.Outcome, p.LDIF = result.Outcome, ldif.String()
	return p, err //nolint:wrapcheck // It says what was tried.
}

// write prints the plan as LDIF with comments.
func (p plannedEvent) write(out io.Writer) {
	object := "-"
	if p.Object != nil {
		object = p.Object.String()
	}
	fmt.Fprintf(out, "# %s %s, %s, in %s\n", oneLine(p.Type.Short()), oneLine(p.Event), oneLine(object), p.Directory)
	switch {
	case p.Object == nil && p.Outcome.State == event.Failed:
		fmt.Fprintf(out, "# would fail: %s\n\n", oneLine(p.Outcome.Message))
	case p.Object == nil:
		fmt.Fprintf(out, "# nothing would be written\n\n")
	case p.Outcome.State != event.Done:
		fmt.Fprintf(out, "# %s (%s): %s\n\n", p.Outcome.State, p.Outcome.Code, oneLine(p.Outcome.Message))
	case p.LDIF == "":
		fmt.Fprintf(out, "# nothing to write: %s\n\n", oneLine(p.Outcome.Message))
	}
	fmt.Fprint(out, p.LDIF)
}
