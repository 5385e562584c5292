package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/explain"
	"idaas-ldap/store"
)

type explainCommand struct {
	configFlag
	Directory string `placeholder:"NAME" help:"One directory; all of them otherwise."`
	Output    string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
	Who       string `arg:"" help:"A user, unit or group: its IDaaS id, its name, or the DN of its entry."`
}

// Run tells what is known of somebody, in every directory.
func (c explainCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
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
	now := event.Millis(time.Now().UnixMilli())
	sources, err := app.OpenSources(cfg, quietLog(t.Err), nil, time.Now)
	if err != nil {
		return err
	}
	stories, failed := []explain.Story{}, false
	for _, d := range directories {
		defer d.Server.Close()
		d.RecogniseBy(memory, false)
		if c.Directory != "" && c.Directory != d.Name {
			continue
		}
		found, err := explain.Stories(ctx, memory, explain.Directory{
			Name: d.Name, Inspector: d.Processor, Entries: d.Server, Mapping: d.Mapping(),
		}, c.Who, now)
		if err != nil {
			fmt.Fprintf(t.Err, "%s: %s\n", d.Name, oneLine(err.Error()))
			failed = true
		}
		for i := range found {
			if err := ask(ctx, &found[i], memory, sources, now); err != nil {
				return err
			}
		}
		stories = append(stories, found...)
	}
	if err := c.write(t, stories); err != nil {
		return err
	}
	switch {
	case failed:
		return errReported
	case len(stories) == 0:
		return nobodyKnown(c.Who)
	}
	return nil
}

// askedWithin bounds how long IDaaS is waited for: what is known of somebody is worth showing without it.
const askedWithin = 10 * time.Second

// ask asks IDaaS about the object of a story, where an application that feeds the directory has its API.
func ask(ctx context.Context, story *explain.Story, memory store.Store, sources []*app.Source, now event.Millis) error {
	ctx, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	for _, s := range sources {
		if slices.Contains(s.Feeds(), story.Directory) {
			return story.Ask(ctx, memory, s.Client, now)
		}
	}
	return nil
}

// nobodyKnown says that nothing is known of somebody, and what to look at.
func nobodyKnown(who string) error {
	return fmt.Errorf("nothing is known of %s: no event has spoken of it, and no entry matches; "+
		"name it by its IDaaS id, its name or its DN, and look whether IDaaS has sent anything with 'idaas-ldap events list'", oneLine(who))
}

func (c explainCommand) write(t terminal, stories []explain.Story) error {
	out := t.Out
	if c.Output == "json" {
		return writeJSON(out, stories)
	}
	for i, s := range stories {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := t.writeStory(s); err != nil {
			return err
		}
	}
	return nil
}

// writeStory prints a story for a person.
func (t terminal) writeStory(s explain.Story) error {
	out := t.Out
	holds, err := explain.EntryLDIF(s.Holds)
	if err != nil {
		return err
	}
	if s.Object.Zero() {
		_, err := fmt.Fprintf(out, "%s: an entry that belongs to nobody of whom anything is known\n\nThe directory holds\n\n%s", s.Directory, holds)
		return err
	}
	wants, err := explain.EntryLDIF(s.Wants)
	if err != nil {
		return err
	}
	difference, err := explain.LDIF(s.Difference)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s\n\n", s.Directory, oneLine(s.Object.String()))
	fmt.Fprintf(out, "name        %s\nin IDaaS    %s\nentry       %s\nlink        %s\n",
		oneLine(orDash(s.Name != "", s.Name)), presences[s.Presence], orDash(!s.DN.Empty(), oneLine(s.DN.String())), orDash(s.Link != "", oneLine(s.Link)))
	if s.RemovedAt != 0 {
		fmt.Fprintf(out, "removed     %s; the entry is kept\n", s.RemovedAt)
	}
	for _, e := range s.Held {
		fmt.Fprintf(out, "held        %s (event %s)\n", oneLine(e.Outcome.Message), oneLine(e.EventID))
	}
	if s.Left != nil {
		fmt.Fprintf(out, "kept        %s (event %s)\n", oneLine(s.Left.Outcome.Message), oneLine(s.Left.EventID))
	}
	fmt.Fprintf(out, "next try    %s (%s): %s\n", s.Outcome.State, s.Outcome.Code, oneLine(s.Outcome.Message))
	for _, a := range s.WaitsFor {
		fmt.Fprintf(out, "waits for   %s\n", awaited(a))
	}
	fmt.Fprint(out, "\nLast events\n\n")
	if err := t.writeEvents(s.Events); err != nil {
		return err
	}
	fmt.Fprint(out, "\nWhat IDaaS has said, each field by the event that said it last\n\n")
	if err := t.writeWords(s.Said); err != nil {
		return err
	}
	writeAsked(out, s.Asked)
	for _, part := range []struct{ title, ldif, none string }{
		{"The mapping wants", wants, noWish(s)},
		{"The directory holds", holds, "no entry"},
		{"The difference", difference, "nothing to write"},
	} {
		text := part.ldif
		if text == "" {
			text = part.none + "\n\n"
		}
		fmt.Fprintf(out, "\n%s\n\n%s", part.title, text[:len(text)-1])
	}
	return nil
}

// writeAsked prints what IDaaS says about an object now.
func writeAsked(out io.Writer, a *explain.Asked) {
	if a == nil {
		return
	}
	fmt.Fprintf(out, "\nIDaaS says, asked at %s\n\n", a.At)
	switch {
	case a.Problem != "":
		fmt.Fprintf(out, "nothing: %s\n", oneLine(a.Problem))
	case a.Gone:
		fmt.Fprintln(out, "that there is no such object; 'idaas-ldap pull' shows what follows from it")
	case len(a.Differs) == 0:
		fmt.Fprintln(out, "what is known already")
	}
	for _, name := range slices.Sorted(maps.Keys(a.Differs)) {
		fmt.Fprintf(out, "%s: %s\n", oneLine(name), oneLine(fmt.Sprint(a.Differs[name])))
	}
}

var presences = map[explain.Presence]string{
	explain.Present: "exists",
	explain.Deleted: "deleted",
	explain.Unsaid:  "not said yet; its record has not come",
}

func noWish(s explain.Story) string {
	if s.Presence == explain.Deleted {
		return "that it goes: see the difference"
	}
	return "cannot be told yet: see the next try above"
}

func awaited(a explain.Awaited) string {
	text := oneLine(a.Object.String())
	if a.Name != "" {
		text += " (" + oneLine(a.Name) + ")"
	}
	switch {
	case a.DN != "":
		return text + ", at " + oneLine(a.DN)
	case a.Name != "":
		return text + ", which is not in the directory yet"
	}
	return text + ", of which nothing is known yet"
}
