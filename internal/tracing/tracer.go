package tracing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. A nil one can be closed.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New returns a tracer that hands spans to an exporter. How many, and how they are collected, the variables of the environment say.
func New(ctx context.Context, exporter sdk.SpanExporter, version string) (*Tracer, error) {
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", program), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about), sdk.WithIDGenerator(generator{}))
	return &Tracer{provider: provider, tracer: provider.Tracer(program)}, nil
}

const program = "idaas-ldap"

// mostLinks is how many other events the span of one object is linked to at most.
const mostLinks = 32

// closeWithin is how long the last spans may take on their way.
const closeWithin = 5 * time.Second

// Close sends what was not sent yet.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter says in the log what it could not send
}

// Callback begins the trace of each event of a callback; end says whether they were taken in.
func (t *Tracer) Callback(ctx context.Context, events []Event) (end func(err error)) {
	spans := make([]trace.Span, len(events))
	for i, e := range events {
		_, spans[i] = t.tracer.Start(context.WithValue(ctx, eventKey{}, e), "callback", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes(e)...))
	}
	return func(err error) {
		for _, span := range spans {
			if err != nil {
				span.SetStatus(codes.Error, "not taken in")
			}
			span.End()
		}
	}
}

func attributes(e Event) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("idaas.application", e.Application), attribute.String("idaas.event.id", e.ID), attribute.String("idaas.event.type", e.Type),
	}
}

// Work begins the span of the work on an object, in the trace of the first of its events and linked to the others.
func (t *Tracer) Work(ctx context.Context, directory, object string, events []Event) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("idaas.directory", directory), attribute.String("idaas.object", object)),
	}
	for i, e := range events[:min(len(events), mostLinks)] {
		if i > 0 {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: t.first(ctx, e), Attributes: attributes(e)}))
		}
	}
	if len(events) > 0 {
		options = append(options, trace.WithAttributes(attributes(events[0])...))
		ctx = trace.ContextWithRemoteSpanContext(ctx, t.first(ctx, events[0]))
	}
	return t.tracer.Start(ctx, "reconcile", options...)
}

// first returns what is known of the first span of an event: its ids, and, by a span that is never ended and so never sent, whether its
// trace is one of those that are sent.
func (t *Tracer) first(ctx context.Context, e Event) trace.SpanContext {
	_, span := t.tracer.Start(context.WithValue(ctx, eventKey{}, e), "callback", trace.WithNewRoot())
	return span.SpanContext().WithRemote(true)
}

// Operation begins the span of an operation of LDAP; end takes the result code, and whether it failed.
func (t *Tracer) Operation(ctx context.Context, directory, verb string) (context.Context, func(code uint16, failed bool)) {
	ctx, span := t.tracer.Start(ctx, "ldap "+verb, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("idaas.directory", directory), attribute.String("ldap.operation", verb)))
	return ctx, func(code uint16, failed bool) {
		span.SetAttributes(attribute.Int("ldap.result_code", int(code)))
		if failed {
			span.SetStatus(codes.Error, "") // what the server says may name somebody
		}
		span.End()
	}
}

// Settled ends the span of the work on an object with what became of it.
func Settled(span trace.Span, state, code string, failed bool) {
	span.SetAttributes(attribute.String("idaas.state", state), attribute.String("idaas.code", code))
	if failed {
		span.SetStatus(codes.Error, code)
	}
	span.End()
}
