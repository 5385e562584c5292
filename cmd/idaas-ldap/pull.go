package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

type pullCommand struct {
	configFlag
	Application string `placeholder:"ID" help:"One application; all that have pull.endpoint otherwise."`
	Apply       bool   `help:"Catch up, within the guards of the mapping. A running service does it, and this command does where none runs."`
	Full        bool   `help:"Ask for each account alone: some changes show in no list."`
	NewScope    bool   `help:"The synchronization scope was made narrower on purpose: whoever is not in it any more and is gone may be deleted."`
	Output      string `enum:"text,json" default:"text" help:"Form of the output: text, which is LDIF, or json, one object in a line with the summary last; text without it."`
}

// Run reads the organization and shows what differs, or catches up.
func (c pullCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	sources, err := c.sources(cfg, t)
	if err != nil {
		return err
	}
	run := c.preview
	if c.Apply {
		run = c.apply
	}
	clean, err := run(ctx, t, cfg, sources)
	if err != nil {
		return err
	}
	if !clean {
		return errReported
	}
	return nil
}

// sources are the applications that were asked for.
func (c pullCommand) sources(cfg *config.Config, t terminal) ([]*app.Source, error) {
	names := make([]string, len(cfg.Applications))
	for i, a := range cfg.Applications {
		names[i] = a.ID
	}
	if c.Application != "" && !slices.Contains(names, c.Application) {
		return nil, usageError{fmt.Errorf("there is no application %s%s; look at applications[].id", c.Application, didYouMean(c.Application, names))}
	}
	sources, err := app.OpenSources(cfg, quietLog(t.Err), nil, time.Now)
	if err != nil {
		return nil, err
	}
	sources = slices.DeleteFunc(sources, func(s *app.Source) bool { return c.Application != "" && s.Application.ID != c.Application })
	if len(sources) == 0 {
		return nil, usageError{errors.New("IDaaS's own API is not configured; give applications[].pull.endpoint and client_secret_file")}
	}
	return sources, nil
}

// preview shows what a round would say and write, and changes nothing.
func (c pullCommand) preview(ctx context.Context, t terminal, cfg *config.Config, sources []*app.Source) (bool, error) {
	known, err := app.OpenStoreToRead(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer known.Close()
	directories, err := app.OpenDirectories(cfg, quietLog(t.Err), nil)
	if err != nil {
		return false, err
	}
	for _, d := range directories {
		defer d.Server.Close()
		d.RecogniseBy(known, false)
	}
	clean := true
	for _, s := range sources {
		rounds, err := app.TemporaryStore(ctx)
		if err != nil {
			return false, err
		}
		show := &pullPreview{application: s.Application.ID, out: t.Out, json: c.Output == "json"}
		for _, d := range directories {
			if slices.Contains(s.Feeds(), d.Name) {
				show.directories = append(show.directories, d.Name)
				show.planners = append(show.planners, dispatch.NewPreview(known, d.Name, d.Processor))
			}
		}
		round := s.Round(known, rounds, dispatch.SystemClock{}, show.say)
		round.Full, round.Pause = c.Full, 0
		if err := show.begin(ctx, known, round, c.NewScope); err != nil {
			return false, errors.Join(err, rounds.Close())
		}
		ok, err := c.shown(ctx, t, s, round)
		if err := errors.Join(err, rounds.Close()); err != nil {
			return false, err
		}
		clean = clean && ok && !show.failed
	}
	return clean, nil
}

// shown makes a round of this process with its progress, and shows what it came to.
func (c pullCommand) shown(ctx context.Context, t terminal, s *app.Source, round *pull.Round) (bool, error) {
	line := t.progress("requests", 0)
	round.Told = func(p pull.Progress) { line.say("%s: %s, %s", s.Application.ID, p.Stage, p) }
	progress, err := round.Run(ctx)
	line.end()
	if err != nil {
		fmt.Fprintf(t.Err, "%s: %v\n", s.Application.ID, err)
	}
	return err == nil, c.summary(t, s.Application.ID, progress)
}

// apply catches up.
func (c pullCommand) apply(ctx context.Context, t terminal, cfg *config.Config, sources []*app.Source) (bool, error) {
	s, err := app.OpenStore(ctx, cfg, store.ToChange)
	if err != nil {
		return false, err
	}
	defer s.Close()
	release, err := s.Reserve(ctx)
	if errors.Is(err, store.ErrReserved) {
		return c.ask(ctx, t, s, sources)
	}
	if err != nil {
		return false, err
	}
	clean, err := c.catchUp(ctx, t, cfg, s, sources)
	return clean, errors.Join(err, release())
}

// catchUp makes the rounds in this process, which is the service until then.
func (c pullCommand) catchUp(ctx context.Context, t terminal, cfg *config.Config, s store.Store, sources []*app.Source) (bool, error) {
	worker, err := app.OpenWorker(ctx, cfg, s, quietLog(t.Err))
	if err != nil {
		return false, err
	}
	defer worker.Close()
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		worker.Dispatcher.Run(running)
	}()
	defer func() {
		stop()
		<-ended
	}()
	clean := true
	for _, source := range sources {
		counts := map[event.State]int{}
		round := source.Round(s, s, dispatch.SystemClock{}, source.SayTo(worker.Dispatcher, func(outcomes []event.Outcome) {
			for _, o := range outcomes {
				counts[o.State]++
			}
		}))
		round.Full, round.NewScope = c.Full, c.NewScope
		ok, err := c.shown(ctx, t, source, round)
		if err != nil {
			return false, err
		}
		clean = clean && ok
		for _, state := range []event.State{event.Waiting, event.Held, event.Failed} {
			if counts[state] > 0 {
				clean = false
				fmt.Fprintf(t.Err, "%d are %s: 'idaas-ldap events list --%s' shows which, and why\n", counts[state], state, state)
			}
		}
	}
	return clean, nil
}

// takenUpWithin is how long nothing may happen before a running service counts as one that does not make rounds.
const takenUpWithin = 2 * time.Minute

// ask has the running service make the rounds, and follows them.
func (c pullCommand) ask(ctx context.Context, t terminal, s store.Store, sources []*app.Source) (bool, error) {
	clean := true
	for _, source := range sources {
		id := source.Application.ID
		before, err := pull.StatusOf(ctx, s, id)
		if err != nil {
			return false, err
		}
		if err := pull.Ask(ctx, s, id, pull.Request{At: event.Millis(time.Now().UnixMilli()), Full: c.Full, NewScope: c.NewScope}); err != nil {
			return false, err
		}
		status, err := c.follow(ctx, t, s, id, before)
		if err != nil {
			return false, err
		}
		if err := c.summary(t, id, status.Last); err != nil {
			return false, err
		}
		if status.Last.Problem != "" {
			fmt.Fprintf(t.Err, "%s: %s\n", id, status.Last.Problem)
			clean = false
		}
	}
	return clean, nil
}

// follow waits until the running service has tried a round since the last one.
func (c pullCommand) follow(ctx context.Context, t terminal, s store.Store, application string, before pull.Status) (pull.Status, error) {
	line := t.progress("requests", 0)
	defer line.end()
	moved, requests := time.Now(), before.Last.Requests
	for {
		status, err := pull.StatusOf(ctx, s, application)
		if err != nil {
			return status, err
		}
		asked, err := pull.Asked(ctx, s, application)
		if status.Last.Requests != requests {
			moved, requests = time.Now(), status.Last.Requests
		}
		switch {
		case err != nil:
			return status, err
		case asked == nil && status.Tried > before.Tried:
			return status, nil
		case asked != nil && time.Since(moved) > takenUpWithin:
			return status, fmt.Errorf("the running service does not take it up; has it the configuration with pull for %s? Restart it", application)
		}
		line.say("%s: %s, %s", application, status.Last.Stage, status.Last)
		select {
		case <-ctx.Done():
			return status, fmt.Errorf("the running service goes on without this command: %w", ctx.Err())
		case <-time.After(lookEvery):
		}
	}
}
