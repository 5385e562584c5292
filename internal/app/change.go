package app

import (
	"context"
	"sync"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/telemetry"
)

// change asks for another configuration to be put in force. Wrong is why there is none.
type change struct {
	cfg   *config.Config
	wrong error
	done  chan struct{} // closed when it is decided
}

// Reload puts a configuration in force that was read again, with all that it names, as a whole: where something is wrong, all stays
// as it is. Wrong is why it could not be read, nil if it could. A login that was refused is tried again at once. It needs Run.
func (a *App) Reload(ctx context.Context, cfg *config.Config, wrong error) {
	asked := change{cfg: cfg, wrong: wrong, done: make(chan struct{})}
	select {
	case a.changes <- asked:
	case <-ctx.Done():
		return
	}
	select {
	case <-asked.done:
	case <-ctx.Done():
	}
}

// supervise runs what is in force until ctx ends, and puts something else in force where that is asked for. What was in force before
// finishes what it has begun, beside what follows it.
func (a *App) supervise(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	stop := func() {}
	start := func(s *setup, lanes func(context.Context)) {
		stop()
		var inner context.Context
		inner, stop = context.WithCancel(ctx)
		running.Go(func() { s.run(inner, lanes, a.log) })
	}
	start(a.current.Load(), a.lanes)
	for {
		select {
		case <-ctx.Done():
			stop()
			return
		case asked := <-a.changes:
			err := asked.wrong
			if err == nil {
				err = a.put(ctx, asked.cfg, start)
			}
			if err != nil {
				a.stay(ctx, err)
			}
			close(asked.done)
		}
	}
}

// stay says why everything is in force as it was. Logins that were refused are tried again all the same.
func (a *App) stay(ctx context.Context, why error) {
	if ctx.Err() != nil {
		return
	}
	a.said(func() { a.refused = why })
	a.metrics.Reloaded(false)
	a.log.WithError(why).Error("the configuration and what it names was read again and is not good; everything stays in force as it was")
	in := a.current.Load()
	for _, h := range in.files() {
		_ = h.Check() // whoever shows the state of the file shows what is wrong
	}
	for _, d := range in.directories {
		d.Server.LogInAgain()
	}
}

// said changes what is told of the configuration.
func (a *App) said(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// put builds what a configuration says and puts it in force at once.
func (a *App) put(ctx context.Context, cfg *config.Config, start func(s *setup, lanes func(context.Context))) error {
	before := a.current.Load()
	cfg, kept := keep(before.cfg, cfg)
	next, err := a.builder(before).build(cfg)
	if err != nil {
		return err
	}
	lanes := a.Dispatcher.Reroute(routesTo(a.Store, next.directories, a.options))
	a.schedule(next)
	a.current.Store(next)
	a.front = a.front.With(a.receiverConfig(next))
	a.server.Change(a.listener(next, a.front))
	a.admin.Change(a.adminListener(next))
	if err := telemetry.Adjust(a.log, cfg.Log.Level, cfg.Log.Format); err != nil {
		a.log.WithError(err).Error("the log stays as it was")
	}
	a.configured(next)
	a.notifier.Change(next.notifications())
	start(next, lanes)
	a.said(func() { a.refused, a.kept = nil, kept })
	a.metrics.Reloaded(true)
	a.log.Info("the configuration and all that it names was read again and is in force; 'idaas-ldap reconcile' shows what it changes for everybody")
	for _, p := range kept {
		a.log.WithField(telemetry.FieldReason, p).Warn("a part of the configuration takes a restart")
	}
	a.lookAtCertificates()
	a.tellChanges(ctx, before, next)
	return nil
}

// keep returns a configuration with what cannot change while the service runs as it was, and says what that is.
func keep(before, cfg *config.Config) (next *config.Config, kept []string) {
	changed := *cfg
	note := func(key, message string) { kept = append(kept, cfg.Problem(key, message).String()) }
	if was, is := &before.Receiver, &changed.Receiver; was.Listen != is.Listen {
		is.Listen, is.TLS = was.Listen, was.TLS
		note("receiver.listen", "an address takes a restart; until then it is "+was.Listen+", with receiver.tls as it was")
	}
	if was, is := &before.Admin, &changed.Admin; was.Listen != is.Listen {
		*is = *was
		note("admin.listen", "an address takes a restart; until then it is "+was.Listen+", with all of admin as it was")
	}
	if was, is := before.Store, changed.Store; was.URL != is.URL || !was.Postgres().Equal(is.Postgres()) || was.KeyFile != is.KeyFile {
		changed.Store = was
		changed.Store.Retention = is.Retention
		note("store.url", "the store takes a restart; until then it is "+was.URL+" with the key in "+string(was.KeyFile))
	}
	if was, is := &before.Audit, &changed.Audit; *was != *is {
		*is = *was
		note("audit", "the audit log takes a restart; until then it is as it was")
	}
	return &changed, kept
}

// configured tells the metrics what there is.
func (a *App) configured(s *setup) {
	directories := make([]string, len(s.directories))
	for i, d := range s.directories {
		directories[i] = d.Name
	}
	var files []string
	for _, h := range s.files() {
		if !isMapping(h) {
			files = append(files, h.What())
		}
	}
	a.metrics.Configured(directories, files)
}

// tellChanges says which directories come and go, and what waits for those that go.
func (a *App) tellChanges(ctx context.Context, before, next *setup) {
	for _, d := range next.directories {
		if before.directory(d.Name) == nil {
			a.log.WithField(telemetry.FieldDirectory, d.Name).Info("the directory is new; 'Synchronize' in IDaaS brings everybody into it")
		}
	}
	for _, d := range before.directories {
		if next.directory(d.Name) != nil {
			continue
		}
		entry := a.log.WithField(telemetry.FieldDirectory, d.Name)
		counts, err := a.Store.Counts(ctx, d.Name)
		if err != nil {
			entry = entry.WithError(err)
		}
		waiting := counts[event.Pending] + counts[event.Waiting] + counts[event.Held]
		entry.WithFields(logrus.Fields{"waiting": waiting, "failed": counts[event.Failed]}).
			Warn("the directory is not in the configuration any more; what was not applied yet stays in the store until it is named again")
	}
}
