package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"idaas-ldap/console"
	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// newConsole makes the console. It outlives a change of the configuration, as sessions do, and asks for what is in force.
func (a *App) newConsole() (*console.Console, error) {
	return console.New(console.Config{ //nolint:wrapcheck // It says what it does.
		Store: a.Store, Wake: a.Dispatcher.Wake, Log: a.log, Clock: a.clock.Now, Random: rand.Text, Stopping: a.stopping,
		Origin: func(r *http.Request) (string, bool) {
			origin, _ := receiver.OriginOf(r, a.current.Load().cfg.Admin.TrustedProxies) // guard refuses what cannot be read
			return origin.Household().String(), origin.Secure
		},
		States: func() map[string]string {
			states, reasons := map[string]string{}, a.Dispatcher.Availability()
			for _, d := range a.current.Load().directories {
				states[d.Name] = d.State(reasons[d.Name])
			}
			return states
		},
		Token: func() secret.Text { return a.current.Load().adminToken() },
		Directories: func() []explain.Directory {
			var directories []explain.Directory
			for _, d := range a.current.Load().directories {
				directories = append(directories, explain.Directory{Name: d.Name, Inspector: d.Processor, Entries: d.Server, Mapping: d.Mapping()})
			}
			return directories
		},
		Settings: a.settings,
		Asker: func(directory string) explain.Asker {
			for _, s := range a.current.Load().sources {
				if slices.Contains(s.Feeds(), directory) {
					return s.Client
				}
			}
			return nil
		},
		Trail: func() string {
			if a.options.trail == nil {
				return ""
			}
			return a.options.trail.file
		},
		Workbench: func() []workbench.Directory {
			var all []workbench.Directory
			for _, d := range a.current.Load().directories {
				all = append(all, d.workbench())
			}
			return all
		},
	})
}

// workbench is the directory as it is worked on by who edits its mapping.
func (d *Directory) workbench() workbench.Directory {
	since, refusal := d.fortunes.told()
	return workbench.Directory{
		Name: d.Name, Path: string(d.Config.Mapping), InForce: d.Mapping(), Since: since, Refused: d.mapping.Refused(), Refusal: refusal, Server: d.Server, Reload: d.mapping.Reload,
	}
}

// sampleEvery is how often it is noted how things are.
const sampleEvery = time.Minute

// sample notes minute by minute how things are, for the plots of the console and the metrics, until ctx ends.
func (a *App) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	before := a.metrics.Totals()
	for {
		if err := a.lookAtGuards(ctx); err != nil && ctx.Err() == nil {
			a.log.WithError(err).Warn("cannot look how much of the guards is used")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := a.metrics.Totals()
		if err := a.record(ctx, now, before); err != nil && ctx.Err() == nil {
			a.log.WithError(err).Warn("cannot note how the minute was")
		}
		before = now
	}
}

// record notes how the time between two totals was.
func (a *App) record(ctx context.Context, now, before telemetry.Totals) error {
	s := store.Sample{
		At: event.Millis(a.clock.Now().UnixMilli()), Accepted: now.Accepted - before.Accepted, Failed: now.Failed - before.Failed,
		Operations: now.Operations - before.Operations, Took: now.Took - before.Took,
	}
	for _, d := range a.current.Load().directories {
		counts, err := a.Store.Counts(ctx, d.Name)
		if err != nil {
			return err //nolint:wrapcheck // It says what it does.
		}
		s.Backlog += counts[event.Pending] + counts[event.Waiting]
	}
	return a.Store.RecordSample(ctx, s) //nolint:wrapcheck // It says what it does.
}
