package app

import (
	"context"
	"errors"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/tracing"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

type tracedJobKey struct{}

// tracedRoute returns a route in which the work on an object is a span.
func tracedRoute(tracer *tracing.Tracer, route dispatch.Route) dispatch.Route {
	if tracer == nil {
		return route
	}
	begin := route.Begin
	route.Begin = func(ctx context.Context, job store.Job) context.Context {
		if begin != nil {
			ctx = begin(ctx, job)
		}
		return context.WithValue(ctx, tracedJobKey{}, job)
	}
	route.Processor = tracedProcessor{route.Processor, tracer, route.Directory}
	return route
}

// tracedProcessor makes a span of the work on an object.
type tracedProcessor struct {
	dispatch.Processor

	tracer    *tracing.Tracer
	directory string
}

// Process works on an object.
func (p tracedProcessor) Process(ctx context.Context, task processor.Task) processor.Result {
	job, _ := ctx.Value(tracedJobKey{}).(store.Job)
	events := make([]tracing.Event, len(job.Pending))
	for i, e := range job.Pending {
		events[i] = tracing.Event{Application: e.Application, ID: e.EventID, Type: string(e.Change.Type), Trace: e.Change.Trace}
	}
	ctx, span := p.tracer.Work(ctx, p.directory, job.Key.Object.String(), events)
	result := p.Processor.Process(ctx, task)
	tracing.Settled(span, string(result.Outcome.State), string(result.Outcome.Code), result.Outcome.State == event.Failed)
	return result
}

// tracedTarget is a directory whose operations are spans.
type tracedTarget struct {
	processor.Target

	tracer    *tracing.Tracer
	directory string
}

func (t tracedTarget) span(ctx context.Context, verb string) (context.Context, func(err error)) {
	ctx, end := t.tracer.Operation(ctx, t.directory, verb)
	return ctx, func(err error) {
		var refused *connector.OutcomeError
		if errors.As(err, &refused) {
			end(refused.Code, true)
			return
		}
		end(0, err != nil)
	}
}

// Find looks for an entry.
func (t tracedTarget) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	ctx, end := t.span(ctx, "search")
	entry, err := t.Target.Find(ctx, key)
	end(err)
	return entry, err //nolint:wrapcheck // The processor is to see it as it is.
}

// Read reads an entry.
func (t tracedTarget) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	ctx, end := t.span(ctx, "read")
	entry, err := t.Target.Read(ctx, dn, attributes)
	end(err)
	return entry, err //nolint:wrapcheck // As above.
}

// ReadNew reads an entry that was just added.
func (t tracedTarget) ReadNew(ctx context.Context, dn plan.DN, key plan.Key) (*plan.Entry, error) {
	ctx, end := t.span(ctx, "read")
	entry, err := t.Target.ReadNew(ctx, dn, key)
	end(err)
	return entry, err //nolint:wrapcheck // As above.
}

// Apply writes.
func (t tracedTarget) Apply(ctx context.Context, op plan.Operation) error {
	ctx, end := t.span(ctx, op.Verb())
	err := t.Target.Apply(ctx, op)
	end(err)
	return err //nolint:wrapcheck // As above.
}

// traced begins the traces of the events of a callback, and notes in them the one of the caller; end is told whether they were taken in.
func (a *App) traced(ctx context.Context, d receiver.Delivery) (end func(err error)) {
	if a.options.Tracer == nil {
		return func(error) {}
	}
	events := make([]tracing.Event, len(d.Changes))
	of := a.options.Tracer.Caller(d.TraceParent)
	for i, c := range d.Changes {
		d.Changes[i].Trace = of
		events[i] = tracing.Event{Application: d.Application, ID: c.ID, Type: string(c.Type), Trace: of}
	}
	return a.options.Tracer.Callback(ctx, events)
}
