package app

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/console"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/syslog"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/internal/tracing"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// App is the running product.
type App struct {
	Store      store.Store
	Dispatcher *dispatch.Dispatcher

	log     *logrus.Logger
	clock   dispatch.Clock
	metrics *telemetry.Metrics
	options Options
	version string
	current atomic.Pointer[setup]
	lanes   func(ctx context.Context) // of the first setup
	front   *receiver.Handler         // of the setup in force
	changes chan change
	server  *receiver.Server
	admin   *receiver.Server
	console *console.Console
	// notifier tells people what watch has found.
	notifier *notify.Notifier
	watch    *watch
	// guards is how much of what they let through was used at the last look.
	guards atomic.Pointer[[]telemetry.GuardUse]
	// forwarder sends the audit log to a syslog server, nil where none is named.
	forwarder *syslog.Forwarder
	// stopping is closed when Run ends.
	stopping chan struct{}

	mu      sync.Mutex
	refused error    // why the last Reload changed nothing, nil if it was good
	kept    []string // what of the configuration takes a restart
}

// Directories returns the directories that are fed now.
func (a *App) Directories() []*Directory { return a.current.Load().directories }

// Open makes the product from a configuration: directories, store, dispatcher, receiver and admin listener, in this
// order. After it has returned the addresses are bound; nothing is served before Run.
func Open(ctx context.Context, cfg *config.Config, log *logrus.Logger, version string) (*App, error) {
	return OpenWith(ctx, cfg, log, version, Options{})
}

// Options are what nobody configures. The zero value of each is what is usual.
type Options struct {
	// Clock is by what ends what ends by itself, a lock or an account.
	Clock dispatch.Clock
	// AtOnce is how many objects of a directory are worked on at a time, and how much of what they wait for at the same moment is looked
	// up, read or stored together at most, up to 512: with one nothing is.
	AtOnce int
	// LookEvery is the pause between two looks at what other instances have done, of which they tell us where they can.
	LookEvery time.Duration
	// NewsEvery is how often it is looked whether there is something to tell.
	NewsEvery time.Duration
	// Tracer follows events to what is written; nil for none. It is closed with the product.
	Tracer *tracing.Tracer

	trail *trail
}

func (o Options) orUsual() Options {
	if o.Clock == nil {
		o.Clock = dispatch.SystemClock{}
	}
	if o.NewsEvery == 0 {
		o.NewsEvery = newsEvery
	}
	return o
}

// OpenWith is Open with options.
func OpenWith(ctx context.Context, cfg *config.Config, log *logrus.Logger, version string, options Options) (*App, error) {
	options = options.orUsual()
	a := &App{
		log: log, clock: options.Clock, options: options, version: version, metrics: telemetry.NewMetrics(version, options.Clock.Now), changes: make(chan change),
		stopping: make(chan struct{}),
	}
	if err := a.open(ctx, cfg); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// builder makes setups that follow the one in force, nil at the start.
func (a *App) builder(former *setup) builder {
	return builder{log: a.log, metrics: a.metrics, clock: a.clock, atOnce: a.options.AtOnce, former: former}
}

func (a *App) open(ctx context.Context, cfg *config.Config) error {
	in, err := a.builder(nil).build(cfg)
	if err != nil {
		return err
	}
	a.current.Store(in)
	a.notifier = notify.New(notify.Config{Clock: a.clock, Log: a.log, Observer: a.metrics, Instance: InstanceName()}, in.notifications())
	a.watch = newWatch(a)
	if err := mayListen(ctx, cfg); err != nil {
		return err
	}
	if err := a.openStore(ctx, cfg); err != nil {
		return err
	}
	if a.options.trail, err = openTrail(ctx, cfg, a.Store, a.log, a.clock); err != nil {
		return err
	}
	if a.forwarder, err = a.openForwarder(cfg); err != nil {
		return err
	}
	a.Dispatcher = newDispatcher(a.Store, nil, a.log, observer{a.metrics, a}, a.options)
	a.lanes = a.Dispatcher.Reroute(routesTo(a.Store, in.directories, a.options))
	a.schedule(in)
	a.configured(in)
	a.metrics.WatchBacklog(ctx, a.backlog)
	a.metrics.WatchState(a.state)
	a.front = receiver.NewHandler(a.receiverConfig(in))
	if a.console, err = a.newConsole(); err != nil {
		return err
	}
	if a.server, err = receiver.Listen(ctx, a.listener(in, a.front)); err != nil {
		return listenProblem(cfg, "receiver.listen", err)
	}
	if a.admin, err = receiver.Listen(ctx, a.adminListener(in)); err != nil {
		return listenProblem(cfg, "admin.listen", err)
	}
	return nil
}

// receiverConfig says how events are taken in.
func (a *App) receiverConfig(in *setup) receiver.Config {
	r := in.cfg.Receiver
	return receiver.Config{
		Path: r.Path, Verifier: in.verifier, Intake: intake{a}, AllowFrom: r.AllowFrom, TrustedProxies: r.TrustedProxies,
		AnswerWithin: r.AnswerWithin, MaxBodyBytes: r.MaxBodyBytes, Limits: limits(r.Limits), Log: a.log, Clock: a.clock.Now,
		Observe: func(result string, took time.Duration) {
			if result != "ok" {
				a.metrics.Rejected(result)
				return
			}
			a.metrics.Request(r.Path, http.StatusOK, took)
		},
	}
}

// listener says where events are taken in.
func (a *App) listener(in *setup, handler http.Handler) receiver.ServerConfig {
	r := in.cfg.Receiver
	return receiver.ServerConfig{
		Listen: r.Listen, Certificate: shown(in.certificate), Handler: handler, Limits: limits(r.Limits), TrustedProxies: r.TrustedProxies,
		Log: a.log, Clock: a.clock.Now,
	}
}

// adminListener says where health, metrics and the console are shown.
func (a *App) adminListener(in *setup) receiver.ServerConfig {
	return receiver.ServerConfig{
		Listen: in.cfg.Admin.Listen, Certificate: shown(in.adminCertificate), Handler: a.adminHandler(), Limits: limits(in.cfg.Receiver.Limits), Log: a.log, Clock: a.clock.Now,
	}
}

// Address returns where callbacks are taken in, AdminAddress where health and metrics are shown.
func (a *App) Address() net.Addr { return a.server.Address() }

// AdminAddress returns where health and metrics are shown.
func (a *App) AdminAddress() net.Addr { return a.admin.Address() }

// pruneEvery is how often settled events beyond the retention are removed.
const pruneEvery = time.Hour

// Run serves until ctx ends. Then requests under way are answered, what is being written is finished, and the rest waits
// in the store for the next start.
func (a *App) Run(ctx context.Context) error {
	a.log.WithFields(logrus.Fields{"listen": a.Address().String(), "path": a.current.Load().cfg.Receiver.Path, "admin": a.AdminAddress().String()}).Info("ready for events")
	a.lookAtCertificates() // before anybody can ask for metrics
	// The parts that work on events outlive those that take them in, so that a request under way gets its answer.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, func() { close(a.stopping) })
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	var front, back sync.WaitGroup
	failures := make(chan error, 2)
	serve := func(s *receiver.Server, name string) {
		if err := s.Run(ctx); err != nil {
			failures <- fmt.Errorf("%s: %w", name, err)
			stop()
		}
	}
	front.Go(func() { serve(a.server, "receiver") })
	front.Go(func() { serve(a.admin, "admin") })
	back.Go(func() { a.supervise(inner) })
	back.Go(func() { a.prune(inner) })
	back.Go(func() { a.Store.Listen(inner, a.Dispatcher.Hear) })
	back.Go(func() { a.sample(inner) })
	back.Go(func() { boundMemory(inner) })
	back.Go(func() { a.watchCertificates(inner) })
	back.Go(func() { a.notifier.Run(inner) })
	back.Go(func() { a.watch.run(inner, a.options.NewsEvery) })
	if a.forwarder != nil {
		back.Go(func() { a.forwarder.Run(inner) })
	}
	back.Go(func() { a.options.trail.keep(inner, a.Store, a.log) })
	front.Wait()
	stopInner()
	back.Wait()
	a.close()
	close(failures)
	a.log.Info("stopped")
	return <-failures
}

// prune removes what is older than the retention until ctx ends.
func (a *App) prune(ctx context.Context) {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		n, err := a.Store.Prune(ctx, event.Millis(a.clock.Now().Add(-a.current.Load().cfg.Store.Retention).UnixMilli()))
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.WithError(err).Error("cannot remove old events from the store")
		case n > 0:
			a.log.WithField("events", n).Info("old events were removed from the store")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) close() {
	defer a.options.Tracer.Close(context.Background())
	if in := a.current.Load(); in != nil {
		in.close(a.log)
	}
	if a.Store != nil {
		a.options.trail.close(a.Store, a.log)
		if err := a.Store.Close(); err != nil {
			a.log.WithError(err).Error("cannot close the store")
		}
	}
}

// newRand returns a source for jitter, seeded by the system's.
func newRand() *mathrand.Rand {
	var seed [16]byte
	_, _ = rand.Read(seed[:])                                                                                        // never fails
	return mathrand.New(mathrand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:]))) // Jitter needs no secrecy.
}

// intake hands what the receiver has verified to the dispatcher.
type intake struct{ app *App }

func (i intake) Accept(ctx context.Context, d receiver.Delivery) (receiver.Ticket, error) {
	end := i.app.traced(ctx, d)
	ticket, err := i.app.Dispatcher.Accept(ctx, d.Application, d.Instance, d.Changes)
	end(err)
	if err != nil {
		return nil, err
	}
	i.app.metrics.Accepted(d.Application, len(d.Changes))
	i.app.readGroups(d)
	return ticket, nil
}
