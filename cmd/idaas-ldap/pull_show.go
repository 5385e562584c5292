package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

// pullPreview shows what a round says, and what it would write to each directory.
type pullPreview struct {
	application string
	directories []string
	planners    []*dispatch.Preview
	out         io.Writer
	json        bool
	failed      bool
}

// begin gives the round the scope that is remembered, in the place where it notes how far it is, unless another one is meant.
func (p *pullPreview) begin(ctx context.Context, known store.Store, round *pull.Round, newScope bool) error {
	round.NewScope = newScope
	note, err := known.Note(ctx, pull.NoteName(p.application))
	if err != nil || note == nil {
		return err
	}
	status, err := pull.StatusOf(ctx, known, p.application)
	if err != nil {
		return err
	}
	status.Last = pull.Progress{} // a preview begins at the beginning
	if note, err = json.Marshal(status); err != nil {
		return fmt.Errorf("take over the scope: %w", err)
	}
	return round.Rounds.SetNote(ctx, pull.NoteName(p.application), note, p.application, nil)
}

// pullLine is one line of the output in JSON.
type pullLine struct {
	Application string         `json:"application"`
	Directory   string         `json:"directory"`
	Object      event.Ref      `json:"object"`
	Gone        bool           `json:"gone,omitempty"`
	Fields      event.Values   `json:"fields,omitempty"`
	Members     []event.Member `json:"members,omitempty"`
	Outcome     event.Outcome  `json:"outcome"`
	LDIF        string         `json:"ldif,omitempty"`
}

// say plans what is news, for each directory.
func (p *pullPreview) say(ctx context.Context, changes []event.Change) error {
	for _, change := range changes {
		for i, planner := range p.planners {
			result, err := planner.Plan(ctx, change, event.Millis(time.Now().UnixMilli()))
			if err == nil {
				err = p.show(p.directories[i], change, result)
			}
			if err != nil {
				return err
			}
			p.failed = p.failed || result.Outcome.State == event.Failed
		}
	}
	return nil
}

func (p *pullPreview) show(directory string, change event.Change, result processor.Result) error {
	var ldif bytes.Buffer
	if err := plan.WriteLDIF(&ldif, result.Operations...); err != nil {
		return fmt.Errorf("write LDIF: %w", err)
	}
	gone := change.Type == event.TypePullAbsent
	if p.json {
		delete(change.Fields, event.FieldID)
		return json.NewEncoder(p.out).Encode(pullLine{
			Application: p.application, Directory: directory, Object: change.Object, Gone: gone, Fields: change.Fields, Members: change.Members, Outcome: result.Outcome, LDIF: ldif.String(),
		})
	}
	verb := "changed"
	if gone {
		verb = "gone"
	}
	fmt.Fprintf(p.out, "# %s in IDaaS: %s, in %s\n", verb, oneLine(change.Object.String()), directory)
	if len(result.Operations) == 0 {
		fmt.Fprintf(p.out, "# %s: %s\n\n", result.Outcome.Code, oneLine(result.Outcome.Message))
		return nil
	}
	_, err := p.out.Write(ldif.Bytes())
	return err
}

// summary shows what a round came to.
func (c pullCommand) summary(t terminal, application string, progress pull.Progress) error {
	if c.Output == "json" {
		return json.NewEncoder(t.Out).Encode(struct {
			Application string        `json:"application"`
			Summary     pull.Progress `json:"summary"`
		}{application, progress})
	}
	_, err := fmt.Fprintf(t.Out, "# %s: %s\n", application, oneLine(progress.String()))
	return err
}
