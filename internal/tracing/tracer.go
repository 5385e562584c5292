package tracing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. A nil one can be closed.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	// deaf: what callers say of their traces does not count.
	deaf bool
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

// Caller returns what a caller says of its trace in a form to be kept; empty where it says nothing that can be read, or is not to be listened to.
func (t *Tracer) Caller(traceParent string) string {
	if t == nil || t.deaf || traceParent == "" {
		return ""
	}
	said := trace.SpanContextFromContext(remote(context.Background(), traceParent))
	if !said.IsValid() {
		return ""
	}
	out := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), said), out)
	return out[traceParentName]
}

// traceParentName is the header of Trace Context that names trace and span.
const traceParentName = "traceparent"

// remote returns a context in which a span of the caller is the parent of the next one.
func remote(ctx context.Context, traceParent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParentName: traceParent})
}

// begin begins the first span of an event: in the trace of the caller, or as the first of a trace of its own.
func (t *Tracer) begin(ctx context.Context, e Event, options ...trace.SpanStartOption) trace.Span {
	ctx = context.WithValue(ctx, eventKey{}, e)
	if e.Trace == "" {
		options = append(options, trace.WithNewRoot())
	} else {
		ctx = remote(trace.ContextWithSpanContext(ctx, trace.SpanContext{}), e.Trace)
	}
	_, span := t.tracer.Start(ctx, "callback", options...)
	return span
}

// Callback begins the first span of each event of a callback; end says whether they were taken in.
func (t *Tracer) Callback(ctx context.Context, events []Event) (end func(err error)) {
	spans := make([]trace.Span, len(events))
	for i, e := range events {
		spans[i] = t.begin(ctx, e, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes(e)...))
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
	return t.begin(ctx, e).SpanContext().WithRemote(true)
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
