package tracing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/sirupsen/logrus"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// How often a request is repeated, and how much of an answer is read.
const (
	repeats                  = 3
	largestAnswer      int64 = 64 << 10
	leastPause               = time.Second
	longestRepeatPause       = 10 * time.Second
)

// client posts spans to a collector, as OTLP over HTTP has it. The exporter of the SDK for that brings gRPC along.
type client struct {
	endpoint string
	header   http.Header
	http     *retryablehttp.Client
	log      logrus.FieldLogger
	failing  atomic.Bool // and that is in the log
}

func newClient(endpoint string, header http.Header, timeout time.Duration, trusted *tls.Config, log logrus.FieldLogger) *client {
	c := &client{endpoint: endpoint, header: header, log: log, http: retryablehttp.NewClient()}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // It is documented to be one.
	transport.TLSClientConfig = trusted
	c.http.Logger = nil
	c.http.HTTPClient = &http.Client{
		Transport: transport, Timeout: timeout,
		// A redirect would carry the headers to whomever it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.http.RetryMax, c.http.RetryWaitMin, c.http.RetryWaitMax = repeats, leastPause, longestRepeatPause
	c.http.Backoff = func(least, longest time.Duration, attempt int, response *http.Response) time.Duration {
		return min(retryablehttp.DefaultBackoff(least, longest, attempt, response), longest) // also where the collector asks for hours
	}
	c.http.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return c
}

// Start does nothing: a connection is made when there is something to send.
func (c *client) Start(context.Context) error { return nil }

// Stop closes connections.
func (c *client) Stop(context.Context) error {
	c.http.HTTPClient.CloseIdleConnections()
	return nil
}

// UploadTraces posts spans. Those that cannot be sent are lost; that is said once, and again after it has worked.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := c.post(ctx, spans)
	switch {
	case err == nil:
		c.failing.Store(false)
	case !c.failing.Swap(true):
		c.log.WithError(err).Warn("traces cannot be sent, and are lost until they can")
	}
	return nil
}

func (c *client) post(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans}) // on the wire this is the request of the service
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, body)
	if err != nil {
		return errors.New("the endpoint cannot be used")
	}
	request.Header = c.header.Clone()
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("User-Agent", program)
	response, err := c.http.Do(request)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // the endpoint may have a secret in it
		}
		return fmt.Errorf("post: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, largestAnswer)) // so that the connection can be used again
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("post: the answer is %s", response.Status)
	}
	return nil
}
