package app_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"idaas-ldap/internal/tracing"
)

// An event is one trace from its callback to the directory, in which nobody is named.
func TestAnEventIsOneTrace(t *testing.T) {
	var mu sync.Mutex
	traces, all := map[string][]string{}, ""
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent tracepb.TracesData
		if err := proto.Unmarshal(body, &sent); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		all += protojson.Format(&sent)
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					traces[string(span.GetTraceId())] = append(traces[string(span.GetTraceId())], span.GetName())
				}
			}
		}
	}))
	defer collector.Close()
	l := newLive(t)
	var err error
	l.options.Tracer, err = tracing.FromEnvironment(t.Context(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL}, "test", l.logger())
	if err != nil {
		t.Fatal(err)
	}
	end := l.begin()
	const good = "200 success APPLIED"
	if got := l.status(); got != good {
		t.Errorf("%s, want %s", got, good)
	}
	// The next event comes with a trace of the caller.
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	l.header = withHeader{"Traceparent": {"00-" + theirs + "-00f067aa0ba902b7-01"}}
	if got := l.status(); got != good {
		t.Errorf("%s, want %s", got, good)
	}
	// And one with headers that say two things at a time, or too much.
	l.header = withHeader{"Traceparent": {"00-" + theirs + "-00f067aa0ba902b7-01", "00-" + theirs + "-00f067aa0ba902b8-01"}, "Tracestate": {strings.Repeat("a=b,", 2000)}}
	if got := l.status(); got != good {
		t.Errorf("%s, want %s", got, good)
	}
	end()
	mu.Lock()
	defer mu.Unlock()
	id, _ := hex.DecodeString(theirs)
	if len(traces) != 3 || traces[string(id)] == nil {
		t.Fatalf("%d traces: %v", len(traces), traces)
	}
	for _, spans := range traces {
		for _, name := range []string{"callback", "reconcile", "ldap search", "ldap add"} {
			if !slices.Contains(spans, name) {
				t.Errorf("there is no span %q among %q", name, spans)
			}
		}
	}
	for _, name := range []string{"Ann", "uid=", "dc=example", "admin"} {
		if strings.Contains(all, name) {
			t.Errorf("%s is in %s", name, all)
		}
	}
}
