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
	return New(ctx, exporter, version)
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
	if protocol := v.of("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; it is http/protobuf, for which collectors listen on port 4318", protocol)
	}
	return true, nil
}

// usualTimeout is how long one request may take.
const usualTimeout = 10 * time.Second

func (v variables) client(log logrus.FieldLogger) (*client, error) {
	endpoint, err := v.endpoint()
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for pair := range strings.SplitSeq(v.of("HEADERS"), ",") {
		name, value, both := strings.Cut(strings.TrimSpace(pair), "=")
		if name == "" && !both {
			continue
		}
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if err != nil || !both {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS: not a list of NAME=VALUE with commas between") // without the values, which are secrets
		}
		header.Set(strings.TrimSpace(name), value)
	}
	timeout := usualTimeout
	if text := v.of("TIMEOUT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
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
