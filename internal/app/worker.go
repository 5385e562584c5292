package app

import (
	"context"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Worker is the part of the product that works on what is due, without the part that takes events in. Whoever runs one has
// reserved the work in the store.
type Worker struct {
	Dispatcher *dispatch.Dispatcher

	directories []*Directory
	trail       *trail
	log         logrus.FieldLogger
	store       store.Store
}

// OpenWorker makes a worker from a configuration, on a store that is open already.
func OpenWorker(ctx context.Context, cfg *config.Config, s store.Store, log logrus.FieldLogger) (*Worker, error) {
	directories, err := OpenDirectories(cfg, log, nil)
	if err != nil {
		return nil, err
	}
	w := &Worker{directories: directories, log: log, store: s}
	if w.trail, err = openTrail(ctx, cfg, s, log, dispatch.SystemClock{}); err != nil {
		w.Close()
		return nil, err
	}
	w.Dispatcher = newDispatcher(s, directories, log, nil, Options{trail: w.trail}.orUsual())
	return w, nil
}

// Close closes what OpenWorker has opened. The dispatcher must have ended.
func (w *Worker) Close() {
	for _, d := range w.directories {
		d.Server.Close()
	}
	w.trail.close(w.store, w.log)
}

// newDispatcher makes a dispatcher for directories. The observer may be nil.
func newDispatcher(s store.Store, directories []*Directory, log logrus.FieldLogger, observer dispatch.Observer, options Options) *dispatch.Dispatcher {
	return dispatch.New(dispatch.Config{
		Store: s, Routes: routesTo(s, directories, options), Clock: options.Clock, Rand: newRand(), Log: log, Observer: observer, LookEvery: options.LookEvery,
	})
}

// routesTo leads events to directories, which the store knows.
func routesTo(s store.Store, directories []*Directory, options Options) []dispatch.Route {
	routes := make([]dispatch.Route, len(directories))
	for i, d := range directories {
		d.RecogniseBy(s, true)
		route, target := d.route(), processor.Target(d.Server)
		if options.Tracer != nil {
			target = tracedTarget{target, options.Tracer, d.Name}
			route.Processor = processor.New(target, func() *mapping.Set { return d.Mapping() })
		}
		routes[i] = tracedRoute(options.Tracer, options.trail.follow(d, target, route))
	}
	return routes
}
