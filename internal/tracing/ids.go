package tracing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"

	"go.opentelemetry.io/otel/trace"
)

// Event is what a trace is about.
type Event struct {
	Application, ID, Type string
	// Trace is what the caller said of its trace, as [Tracer.Caller] returns it; empty for none.
	Trace string
}

// ids are those of the trace of an event that belongs to no other one, and of its first span.
func (e Event) ids() (trace.TraceID, trace.SpanID) {
	sum := sha256.Sum256([]byte(e.Application + "\x00" + e.ID))
	return trace.TraceID(sum[:16]), trace.SpanID(sum[16:24])
}

type eventKey struct{}

// generator gives the first span of an event the ids of that, and all others random ones.
type generator struct{}

// NewIDs returns the ids of a span that has no parent.
func (g generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if e, ok := ctx.Value(eventKey{}).(Event); ok {
		return e.ids()
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:])         // never fails
	return id, g.NewSpanID(ctx, id) // not one of an event
}

// NewSpanID returns the id of a span within a trace.
func (generator) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if e, ok := ctx.Value(eventKey{}).(Event); ok {
		_, id := e.ids()
		return id
	}
	var id trace.SpanID
	_, _ = rand.Read(id[:]) // never fails
	return id
}
