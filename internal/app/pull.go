package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/pull"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// Source is IDaaS's own API as one application may see it.
type Source struct {
	Application config.Application
	Client      *pull.Client
	at          string // the key of the configuration that it is made from
	feeds       []pull.Feed
	secret      *reload.Held[secret.Text] // nil where the configuration holds it
	schedule    *pull.Schedule            // nil outside of the service
	turn        *turn                     // to make rounds; nil as well
}

// absentPause is how long after the first time an absent object is asked for again.
const absentPause = time.Minute

// OpenSources makes what the API is asked with, of each application that has it. Nothing is asked yet.
func OpenSources(cfg *config.Config, log logrus.FieldLogger, observe func(reload.Result), now func() time.Time) ([]*Source, error) {
	var sources []*Source
	for i, a := range cfg.Applications {
		if !a.Pull.Enabled() {
			continue
		}
		s, err := openSource(cfg, i, log, observe, now)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

func openSource(cfg *config.Config, i int, log logrus.FieldLogger, observe func(reload.Result), now func() time.Time) (*Source, error) {
	a := cfg.Applications[i]
	at := fmt.Sprintf("applications[%d].pull", i)
	s := &Source{Application: a, at: at, feeds: feeds(cfg, a)}
	ask := func() secret.Text { return a.Pull.ClientSecret }
	if file := a.Pull.ClientSecretFile; file != "" {
		key := at + ".client_secret_file"
		var err error
		s.secret, err = reload.Hold(key, []string{string(file)}, func(files [][]byte, _ *secret.Text) (secret.Text, error) {
			content, err := config.SecretIn(files[0])
			if err != nil {
				return content, &keyError{key, fmt.Errorf("%s %w", file, err)}
			}
			return content, nil
		}, observe)
		if err != nil {
			return nil, located(cfg, key, err)
		}
		ask = s.secret.Value
	}
	var err error
	s.Client, err = pull.NewClient(pull.Config{
		Endpoint: a.Pull.Endpoint, Instance: a.InstanceID, Application: a.ID, ClientID: a.Pull.ClientID, Secret: ask,
		RequestsPerSecond: a.Pull.RequestsPerSecond, RetryLog: telemetry.RetryLogger(log), Clock: now, Rand: newRand(),
	})
	if err != nil {
		return nil, located(cfg, at+".endpoint", err)
	}
	return s, nil
}

// placeOf is the key of the configuration that an error of the API is about.
func (s *Source) placeOf(err error) string {
	var problem *pull.Problem
	switch {
	case !errors.As(err, &problem):
		if errors.Is(err, pull.ErrNoScope) {
			return s.at
		}
		return s.at + ".endpoint"
	case problem.Code == "":
		return s.at + ".endpoint" // Something else answers there.
	case problem.Code == "invalid_client" && s.secret != nil:
		return s.at + ".client_secret_file"
	case problem.Code == "invalid_client":
		return s.at + ".client_secret"
	case problem.Code == "instance_not_found":
		return strings.TrimSuffix(s.at, "pull") + "instance_id"
	case problem.Code == "application_not_found":
		return strings.TrimSuffix(s.at, "pull") + "id"
	}
	return s.at
}

// feeds are the directories that an application feeds. Another one of the same instance, or of one that is not named, may know objects
// that this one does not see.
func feeds(cfg *config.Config, a config.Application) []pull.Feed {
	var out []pull.Feed
	for _, d := range cfg.Directories {
		if !d.FedBy(a.ID) {
			continue
		}
		alone := true
		for _, other := range cfg.Applications {
			alone = alone && (other.ID == a.ID || !d.FedBy(other.ID) || other.InstanceID != "" && other.InstanceID != a.InstanceID)
		}
		out = append(out, pull.Feed{Directory: d.Name, Alone: alone})
	}
	return out
}

// Feeds returns the names of the directories that the application feeds.
func (s *Source) Feeds() []string {
	names := make([]string, len(s.feeds))
	for i, f := range s.feeds {
		names[i] = f.Directory
	}
	return names
}

// Round makes a round. What is known is in one store, how far the round is may be in another.
func (s *Source) Round(known store.Store, rounds store.Rounds, clock pull.Clock, say func(context.Context, []event.Change) error) *pull.Round {
	return &pull.Round{
		API: s.Client, Known: known, Rounds: rounds, Application: s.Application.ID, Instance: s.Application.InstanceID,
		Feeds: s.feeds, Say: say, Pause: absentPause, Clock: clock,
	}
}

// saidWithin is how long a round waits for what it has said to be dealt with, so that not everything is waiting at once.
const saidWithin = time.Minute

// SayTo hands what a round says to a dispatcher, and waits until it is dealt with, or known to be parked.
func (s *Source) SayTo(d *dispatch.Dispatcher, outcomes func([]event.Outcome)) func(context.Context, []event.Change) error {
	return func(ctx context.Context, changes []event.Change) error {
		ticket, err := d.Accept(ctx, s.Application.ID, s.Application.InstanceID, changes)
		if err != nil {
			return fmt.Errorf("take in what IDaaS says: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, saidWithin)
		defer cancel()
		outcomes(ticket.Wait(ctx))
		return nil
	}
}

// schedule has the service make rounds, once the setup runs.
func (a *App) schedule(in *setup) {
	for _, s := range in.sources {
		s.turn = &turn{name: "pull:" + s.Application.ID, store: a.Store, clock: a.clock, drained: a.Dispatcher.Drained}
		s.schedule = &pull.Schedule{
			Leads: s.turn.leads,
			Round: func() *pull.Round {
				return s.Round(a.Store, s.turn.rounds(), a.clock, s.SayTo(a.Dispatcher, func([]event.Outcome) {}))
			},
			Rounds: a.Store, Application: s.Application.ID, Every: s.Application.Pull.Every,
			AtStart: map[string]pull.Start{config.PullAlways: pull.Always, config.PullNever: pull.Never}[s.Application.Pull.AtStart],
			Clock:   a.clock, Rand: newRand(), Log: a.log.WithField(telemetry.FieldApplication, s.Application.ID), Observer: pulled{a.metrics, a.notifier},
		}
	}
}

// pulled shows rounds in the metrics, and tells of those that have failed.
type pulled struct {
	metrics  *telemetry.Metrics
	notifier *notify.Notifier
}

// Pulled counts a round.
func (p pulled) Pulled(application string, progress pull.Progress, err error) {
	var took time.Duration
	if err == nil {
		took = max(progress.Finished.Time().Sub(progress.Started.Time()), time.Millisecond)
	}
	p.metrics.Pulled(application, map[string]int{
		"listed": progress.Units + progress.Users + progress.Groups, "changed": progress.Changed, "absent": progress.Absent, "unlisted": progress.Unlisted,
	}, took)
	if err != nil && !errors.Is(err, context.Canceled) {
		p.notifier.Tell(notify.News{Kind: notify.Pull, Subject: application, Text: err.Error()})
	}
}

// Planned notes when rounds were and will be.
func (p pulled) Planned(application string, succeeded, next time.Time) {
	p.metrics.Planned(application, succeeded, next)
}

// readGroups has the groups read of which an event does not say who is in them.
func (a *App) readGroups(d receiver.Delivery) {
	for _, s := range a.current.Load().sources {
		if s.Application.ID != d.Application {
			continue
		}
		for _, c := range d.Changes {
			if effect := c.Type.Effect(); c.Object.Kind == event.KindGroup && len(c.Members) == 0 && (effect == event.EffectAssert || effect == event.EffectPatch) {
				now := event.Millis(a.clock.Now().UnixMilli())
				s.schedule.Read(c.Object.ID, min(max(c.Stamp.Event, 1), now))
			}
		}
	}
}
