package tracing_test

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"idaas-ldap/internal/tracing"
)

// memory is an exporter that keeps what it is given, also when it was shut down.
type memory struct{ spans tracetest.SpanStubs }

// ExportSpans keeps spans.
func (m *memory) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	m.spans = append(m.spans, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	return nil
}

// Shutdown does nothing.
func (*memory) Shutdown(context.Context) error { return nil }

func events(ids ...string) []tracing.Event {
	var all []tracing.Event
	for _, id := range ids {
		all = append(all, tracing.Event{Application: "app", ID: id, Type: "ud:user:create"})
	}
	return all
}

// The work on an object is in the trace of its first event, whoever does it and whenever, and knows of the others.
func TestOneTraceFromCallbackToOperation(t *testing.T) {
	exporter := &memory{}
	receiving, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	receiving.Callback(t.Context(), events("one", "two"))(nil)
	receiving.Callback(t.Context(), events("three"))(errors.New("the disk is full"))
	flush(t, receiving, exporter)

	working, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := working.Work(t.Context(), "corp", "user user_1", events("one", "two"))
	_, end := working.Operation(ctx, "corp", "add")
	end(68, true)
	tracing.Settled(span, "failed", "REFUSED", true)
	_, span = working.Work(t.Context(), "corp", "user user_2", nil)
	tracing.Settled(span, "done", "APPLIED", false)
	spans := flush(t, working, exporter)

	if len(spans) != 6 {
		t.Fatalf("%d spans, want 6", len(spans))
	}
	one, two, three, operation, work, alone := spans[0], spans[1], spans[2], spans[3], spans[4], spans[5]
	switch {
	case work.SpanContext.TraceID() != one.SpanContext.TraceID(), work.Parent.SpanID() != one.SpanContext.SpanID():
		t.Error("the work is not in the trace of the callback")
	case len(work.Links) != 1 || work.Links[0].SpanContext.SpanID() != two.SpanContext.SpanID():
		t.Errorf("the links of the work are %v", work.Links)
	case operation.Parent.SpanID() != work.SpanContext.SpanID() || operation.Status.Code != codes.Error || operation.Status.Description != "":
		t.Errorf("the operation is %+v", operation)
	case three.Status.Code != codes.Error || three.SpanContext.TraceID() == one.SpanContext.TraceID():
		t.Errorf("what was not taken in is %+v", three)
	case alone.Parent.IsValid() || alone.SpanContext.TraceID() == work.SpanContext.TraceID():
		t.Errorf("the work that nobody asked for is %+v", alone)
	}
}

// What is not to be sent according to the environment is not, at either end.
func TestSamplingIsThatOfTheEnvironment(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	exporter := &memory{}
	tracer, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	tracer.Callback(t.Context(), events("one"))(nil)
	_, span := tracer.Work(t.Context(), "corp", "user user_1", events("one"))
	tracing.Settled(span, "done", "APPLIED", false)
	if spans := flush(t, tracer, exporter); len(spans) != 0 {
		t.Errorf("%d spans are sent", len(spans))
	}
}

// flush returns the spans that a tracer has made, and closes it.
func flush(t *testing.T, tracer *tracing.Tracer, exporter *memory) tracetest.SpanStubs {
	t.Helper()
	tracer.Close(t.Context())
	return exporter.spans
}

// An event of a caller who has a trace belongs to that, from its callback to the directory, and also for whoever works on it later.
func TestTheTraceOfTheCallerGoesOn(t *testing.T) {
	exporter := &memory{}
	receiving, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	said := events("one")
	said[0].Trace = receiving.Caller("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	receiving.Callback(t.Context(), said)(nil)
	flush(t, receiving, exporter)
	working, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := working.Work(t.Context(), "corp", "user user_1", said)
	_, end := working.Operation(ctx, "corp", "add")
	end(0, false)
	tracing.Settled(span, "done", "APPLIED", false)
	spans := flush(t, working, exporter)
	if len(spans) != 3 {
		t.Fatalf("%d spans, want 3", len(spans))
	}
	callback, operation, work := spans[0], spans[1], spans[2]
	for _, s := range spans {
		if s.SpanContext.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("%s is in the trace %s", s.Name, s.SpanContext.TraceID())
		}
	}
	if callback.Parent.SpanID().String() != "00f067aa0ba902b7" || work.Parent.SpanID() != callback.SpanContext.SpanID() || operation.Parent.SpanID() != work.SpanContext.SpanID() {
		t.Errorf("the parents are %s, %s and %s", callback.Parent.SpanID(), work.Parent.SpanID(), operation.Parent.SpanID())
	}
}

// A caller who does not want a trace has none.
func TestACallerMayLeaveATraceOut(t *testing.T) {
	exporter := &memory{}
	tracer, err := tracing.New(t.Context(), exporter, "v1")
	if err != nil {
		t.Fatal(err)
	}
	said := events("one")
	said[0].Trace = tracer.Caller("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
	tracer.Callback(t.Context(), said)(nil)
	_, span := tracer.Work(t.Context(), "corp", "user user_1", said)
	tracing.Settled(span, "done", "APPLIED", false)
	if spans := flush(t, tracer, exporter); len(spans) != 0 {
		t.Errorf("%d spans are sent", len(spans))
	}
}

// What is no trace is none, and nothing of it is kept.
func TestWhatIsNoTraceIsNotKept(t *testing.T) {
	tracer, err := tracing.New(t.Context(), &memory{}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(t.Context())
	for _, hostile := range []string{
		"x", "00", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz",
		"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", "00-\"};\x00\n-00f067aa0ba902b7-01",
	} {
		if kept := tracer.Caller(hostile); kept != "" {
			t.Errorf("%q is kept as %q", hostile, kept)
		}
	}
	if kept := tracer.Caller("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later"); kept != "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" {
		t.Errorf("one of a later version is kept as %q", kept)
	}
	if kept := (*tracing.Tracer)(nil).Caller("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"); kept != "" {
		t.Errorf("without traces %q is kept", kept)
	}
}
