package tracing

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
)

// variables are those of the environment by their names.
type variables map[string]string

// of returns the value of a variable of the exporter: the one for traces, or else the one for everything.
func (v variables) of(name string) string {
	return cmp.Or(v["OTEL_EXPORTER_OTLP_TRACES_"+name], v["OTEL_EXPORTER_OTLP_"+name])
}

// FromEnvironment returns the tracer that the standard variables ask for; nil where they ask for none. Nothing is sent yet.
func FromEnvironment(ctx context.Context, environ []string, version string, log logrus.FieldLogger) (*Tracer, error) {
	v := variables{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "OTEL_") {
			v[name] = value
		}
	}
	wanted, err := v.wanted()
	if err != nil || !wanted {
		return nil, err
	}
	client, err := v.client(log)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("begin to send traces: %w", err)
	}
	tracer, err := New(ctx, exporter, version)
	if err == nil {
		tracer.deaf = !v.listens()
	}
	return tracer, err
}

// The ways in which a caller may say which trace a request belongs to. What comes as baggage is not looked at, as nothing here needs it.
const (
	traceContext  = "tracecontext"
	baggage       = "baggage"
	noPropagators = "none"
)

// propagators are those that are asked for.
func (v variables) propagators() []string {
	var names []string
	for name := range strings.SplitSeq(cmp.Or(strings.TrimSpace(v["OTEL_PROPAGATORS"]), traceContext+","+baggage), ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

// listens reports whether what callers say of their traces counts.
func (v variables) listens() bool {
	return slices.Contains(v.propagators(), traceContext) && !slices.Contains(v.propagators(), noPropagators)
}

// wanted reports whether traces are to be sent.
func (v variables) wanted() (bool, error) {
	if strings.EqualFold(v["OTEL_SDK_DISABLED"], "true") {
		return false, nil
	}
	switch exporter := v["OTEL_TRACES_EXPORTER"]; exporter {
	case "none":
		return false, nil
	case "":
		if v.of("ENDPOINT") == "" {
			return false, nil
		}
	case "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not supported; it is otlp or none", exporter)
	}
	if err := v.forSDK(); err != nil {
		return false, err
	}
	if protocol := v.of("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; it is http/protobuf, for which collectors listen on port 4318", protocol)
	}
	return true, nil
}

// headerName and headerValue are what HTTP takes (RFC 9110 section 5).
var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	headerValue = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
)

// headersIn reads a list of headers. Errors are without the values, which are secrets.
func headersIn(list string) (http.Header, error) {
	header := http.Header{}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, both := strings.Cut(strings.TrimSpace(pair), "=")
		if name == "" && !both {
			continue
		}
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil || !both || !headerName.MatchString(name) || !headerValue.MatchString(value) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS: not a list of NAME=VALUE with commas between")
		}
		header.Set(name, value)
	}
	return header, nil
}

// usualTimeout is how long one request may take, and mostMilliseconds what may be given.
const (
	usualTimeout     = 10 * time.Second
	mostMilliseconds = 1_000_000
)

// samplers are those that the SDK has.
var samplers = []string{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}

// forSDK checks the variables that the SDK reads by itself, as it takes a wrong one for none without a word in the log.
func (v variables) forSDK() error {
	sampler, share := v["OTEL_TRACES_SAMPLER"], v["OTEL_TRACES_SAMPLER_ARG"]
	if sampler != "" && !slices.Contains(samplers, strings.ToLower(strings.TrimSpace(sampler))) {
		return fmt.Errorf("OTEL_TRACES_SAMPLER: %q is not supported; it is one of %s", sampler, strings.Join(samplers, ", "))
	}
	for _, name := range v.propagators() {
		if !slices.Contains([]string{traceContext, baggage, noPropagators}, name) {
			return fmt.Errorf("OTEL_PROPAGATORS: %q is not supported; it is %s, %s or %s, or several of them with commas between", name, traceContext, baggage, noPropagators)
		}
	}
	if n, err := strconv.ParseFloat(strings.TrimSpace(share), 64); share != "" && strings.Contains(strings.ToLower(sampler), "ratio") && (err != nil || !(n >= 0 && n <= 1)) {
		return fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %q is not a number between 0 and 1", share)
	}
	for _, name := range []string{"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"} {
		if n, err := strconv.Atoi(strings.TrimSpace(v[name])); v[name] != "" && (err != nil || n <= 0 || n > mostMilliseconds) {
			return fmt.Errorf("%s: %q is not a number between 1 and %d", name, v[name], mostMilliseconds)
		}
	}
	return nil
}

func (v variables) client(log logrus.FieldLogger) (*client, error) {
	endpoint, err := v.endpoint()
	if err != nil {
		return nil, err
	}
	header, err := headersIn(v.of("HEADERS"))
	if err != nil {
		return nil, err
	}
	timeout := usualTimeout
	if text := v.of("TIMEOUT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 || n > mostMilliseconds {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT: %q is not a number of milliseconds", text)
		}
		timeout = time.Duration(n) * time.Millisecond
	}
	trusted := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := v.of("CERTIFICATE"); path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		trusted.RootCAs = x509.NewCertPool()
		if !trusted.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate in PEM", path)
		}
	}
	return newClient(endpoint, header, timeout, trusted, log), nil
}

// endpoint returns where traces are posted to.
func (v variables) endpoint() (string, error) {
	name, text := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", v["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
	if text == "" {
		name = "OTEL_EXPORTER_OTLP_ENDPOINT"
		text = strings.TrimSuffix(cmp.Or(v[name], "http://localhost:4318"), "/") + "/v1/traces"
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New(name + ": not a URL; write it as https://HOST:4318")
	}
	return text, nil
}
