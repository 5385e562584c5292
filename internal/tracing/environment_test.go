package tracing_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"idaas-ldap/internal/tracing"
)

func TestTheEnvironmentSaysWhetherAndHow(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		on      bool
		problem string
	}{
		"nothing":           {},
		"an endpoint":       {environ: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, on: true},
		"one for traces":    {environ: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:1/x", "OTEL_EXPORTER_OTLP_TIMEOUT=100"}, on: true},
		"an exporter":       {environ: []string{"OTEL_TRACES_EXPORTER=otlp"}, on: true},
		"none":              {environ: []string{"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}},
		"switched off":      {environ: []string{"OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=otlp"}},
		"another exporter":  {environ: []string{"OTEL_TRACES_EXPORTER=zipkin"}, problem: `OTEL_TRACES_EXPORTER: "zipkin" is not supported`},
		"gRPC":              {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, problem: "port 4318"},
		"no URL":            {environ: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"}, problem: "OTEL_EXPORTER_OTLP_ENDPOINT: not a URL"},
		"a wrong timeout":   {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, problem: "not a number of milliseconds"},
		"wrong headers":     {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=c4n4ry"}, problem: "NAME=VALUE"},
		"no header":         {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=api key=c4n4ry"}, problem: "NAME=VALUE"},
		"no name of one":    {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS==c4n4ry"}, problem: "NAME=VALUE"},
		"another line":      {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=a=c4n4ry%0Ab:c"}, problem: "NAME=VALUE"},
		"an age":            {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TIMEOUT=99999999999999"}, problem: "not a number of milliseconds"},
		"another sampler":   {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_TRACES_SAMPLER=some"}, problem: `OTEL_TRACES_SAMPLER: "some"`},
		"another share":     {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=10%"}, problem: "OTEL_TRACES_SAMPLER_ARG"},
		"a share":           {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"}, on: true},
		"propagators":       {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=baggage, tracecontext"}, on: true},
		"other propagators": {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=tracecontext,b3"}, problem: `OTEL_PROPAGATORS: "b3" is not supported`},
		"a wrong delay":     {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_BSP_SCHEDULE_DELAY=5s"}, problem: "OTEL_BSP_SCHEDULE_DELAY"},
		"no certificate":    {environ: []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_CERTIFICATE=none.pem"}, problem: "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		"something of ours": {environ: []string{"IDAAS_LDAP_LOG_LEVEL=info", "OTEL_SERVICE_NAME=x"}},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, err := tracing.FromEnvironment(t.Context(), tt.environ, "v1", logrus.New())
			if err == nil {
				defer tracer.Close(t.Context())
			}
			switch {
			case tt.problem == "" && err != nil, tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem) || strings.Contains(err.Error(), "c4n4ry")):
				t.Errorf("the error is %v, want %q", err, tt.problem)
			case (tracer != nil) != tt.on:
				t.Errorf("it is on: %t", tracer != nil)
			}
		})
	}
}

// A real listener gets what the standard says; one that refuses is in the log once, without the headers.
func TestSpansArePostedToTheCollector(t *testing.T) {
	var mu sync.Mutex
	var paths, keys, services []string
	status := http.StatusOK
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent tracepb.TracesData
		if err := proto.Unmarshal(body, &sent); err != nil || len(sent.GetResourceSpans()) == 0 {
			t.Errorf("it is no request: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		paths, keys = append(paths, r.URL.Path), append(keys, r.Header.Get("Api-Key"))
		for _, a := range sent.GetResourceSpans()[0].GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				services = append(services, a.GetValue().GetStringValue())
			}
		}
		w.WriteHeader(status)
	}))
	defer collector.Close()
	var said bytes.Buffer
	log := logrus.New()
	log.SetOutput(&said)
	send := func() {
		tracer, err := tracing.FromEnvironment(t.Context(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL + "/", "OTEL_EXPORTER_OTLP_HEADERS=api-key=c4n4ry%3D"}, "v1", log)
		if err != nil {
			t.Fatal(err)
		}
		tracer.Callback(t.Context(), events("one"))(nil)
		tracer.Close(t.Context())
	}
	send()
	mu.Lock()
	if len(paths) != 1 || paths[0] != "/v1/traces" || keys[0] != "c4n4ry=" || len(services) != 1 || services[0] != "idaas-ldap" || said.Len() > 0 {
		t.Errorf("posted to %v with %v by %v: %s", paths, keys, services, said.String())
	}
	status = http.StatusForbidden
	mu.Unlock()
	send()
	if text := said.String(); strings.Count(text, "traces cannot be sent") != 1 || !strings.Contains(text, "403 Forbidden") || strings.Contains(text, "c4n4ry") {
		t.Errorf("the log says %s", text)
	}
}

// Which callers are listened to says the variable that is usual for that.
func TestTheEnvironmentSaysWhetherCallersCount(t *testing.T) {
	const said = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for propagators, counts := range map[string]bool{"": true, "tracecontext": true, "tracecontext,baggage": true, "baggage": false, "none": false, "tracecontext,none": false} {
		tracer, err := tracing.FromEnvironment(t.Context(), []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=" + propagators}, "v1", logrus.New())
		if err != nil {
			t.Fatal(err)
		}
		if got := tracer.Caller(said); (got == said) != counts || !counts && got != "" {
			t.Errorf("with %q what a caller says becomes %q", propagators, got)
		}
		tracer.Close(t.Context())
	}
}
