package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/time/rate"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// Config says where the API is and who asks.
type Config struct {
	// Endpoint is the scheme and host: https, or http to this machine.
	Endpoint string
	// Instance and Application are the ids in the paths of the API.
	Instance, Application string
	// ClientID is who asks; that of the application if it is empty. Secret returns what it asks with, now.
	ClientID string
	Secret   func() secret.Text
	// RequestsPerSecond bounds what is asked, repeats included.
	RequestsPerSecond int
	// Transport may be nil for the usual one, which takes a proxy from the environment.
	Transport http.RoundTripper
	// RetryLog, which may be nil, is told of repeats.
	RetryLog retryablehttp.LeveledLogger
	Clock    func() time.Time
	Rand     *rand.Rand
}

// How often and how long a request is tried.
const (
	repeats                        = 6
	leastPause, longestPause       = time.Second, time.Minute
	longestAsked                   = 10 * time.Minute // that a pause asked for by IDaaS is kept to
	answeredWithin                 = 30 * time.Second
	largestAnswer            int64 = 8 << 20
	largestErrorAnswer       int64 = 64 << 10
	longestToken                   = 16 << 10 // of access, or to the next page
	clocksDiffer                   = time.Hour
)

// Client asks the API. It is safe for concurrent use.
type Client struct {
	cfg  Config
	host string
	base string // everything of an address up to the application
	http *retryablehttp.Client

	mu      sync.Mutex
	token   secret.Text
	renewAt time.Time
	ahead   time.Duration // by how much the clock of IDaaS is ahead of ours, at least
	asked   int
}

// NewClient returns a client for one application. It asks nothing yet.
func NewClient(cfg Config) (*Client, error) {
	endpoint, err := endpointOf(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	if cfg.ClientID == "" {
		cfg.ClientID = cfg.Application
	}
	_, host, _ := strings.Cut(endpoint, "://")
	c := &Client{cfg: cfg, host: host, base: endpoint + "/v2/" + url.PathEscape(cfg.Instance) + "/" + url.PathEscape(cfg.Application)}
	client := retryablehttp.NewClient()
	client.Logger = nil
	if cfg.RetryLog != nil {
		client.Logger = cfg.RetryLog
	}
	transport := cfg.Transport
	if transport == nil {
		transport = client.HTTPClient.Transport
	}
	client.HTTPClient = &http.Client{
		Transport: &paced{next: transport, limit: rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), 1), count: c.count},
		Timeout:   answeredWithin,
		// A redirect would carry the token to whomever it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = repeats, leastPause, longestPause
	client.CheckRetry, client.Backoff, client.ErrorHandler = mayRetry, c.pause, retryablehttp.PassthroughErrorHandler
	c.http = client
	return c, nil
}

// endpointOf checks an endpoint and returns it without a slash at its end.
func endpointOf(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return "", fmt.Errorf("the endpoint %.200q is not a scheme and a host, such as https://eiam-developerapi.cn-hangzhou.aliyuncs.com", text)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u.Scheme + "://" + u.Host, nil
	}
	return "", fmt.Errorf("the endpoint %.200q is not https; the token that it is asked with would be readable on the way", text)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// paced is a transport that sends no more than so many requests in a second.
type paced struct {
	next  http.RoundTripper
	limit *rate.Limiter
	count func()
}

// RoundTrip sends a request when its turn has come.
func (p *paced) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := p.limit.Wait(request.Context()); err != nil {
		return nil, fmt.Errorf("wait for the next turn: %w", err)
	}
	p.count()
	return p.next.RoundTrip(request) //nolint:wrapcheck // It stands in for the transport.
}

func (c *Client) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
}

// Requests returns how many requests were sent so far, repeats included.
func (c *Client) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// get asks for something below the application. It returns a moment, by the clock of IDaaS, at which the answer was not made yet: every
// change until then is in it.
func (c *Client) get(ctx context.Context, what string, into any, query url.Values, path ...string) (event.Millis, error) {
	address := c.base
	for _, segment := range path {
		if segment == "" || segment == "." || segment == ".." {
			return 0, fmt.Errorf("%s: %q is no id", what, segment)
		}
		address += "/" + url.PathEscape(segment)
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	for renewed := false; ; renewed = true {
		token, err := c.access(ctx)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", what, err)
		}
		asked := c.now()
		err = c.authorized(ctx, address, token, into)
		if err == nil {
			return asked, nil
		}
		if renewed || !errors.Is(err, errToken) {
			return 0, fmt.Errorf("%s: %w", what, err)
		}
		c.forget(token)
	}
}

func (c *Client) authorized(ctx context.Context, address string, token secret.Text, into any) error {
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	return c.do(request, into, token)
}

// do sends a request with a secret in it, and reads the answer to it.
func (c *Client) do(request *retryablehttp.Request, into any, with secret.Text) error {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "idaas-ldap")
	response, err := c.http.Do(request)
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	if err := c.keepTime(response.Header.Get("Date")); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return problemOf(response).without(with)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
	switch {
	case err != nil:
		return unreachable(err)
	case int64(len(body)) > largestAnswer:
		return errors.New("the answer of IDaaS is larger than 8 MiB")
	}
	if problem := problemIn(response.StatusCode, body); problem.refuses() {
		return problem.without(with)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer of IDaaS is not the JSON that was expected: %w", err)
	}
	return nil
}

// unreachable leaves the address out of an error: it names people, and the message says already what was asked.
func unreachable(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return fmt.Errorf("IDaaS does not answer in time: %w", err)
	}
	return fmt.Errorf("IDaaS cannot be asked: %w", err)
}

// keepTime notes what time it is at IDaaS. The Date of an answer (RFC 9110 section 6.6.1) has seconds and is older than its receipt, so the
// time that is kept is never ahead of the one there. What clocks say that are far apart would make every word old, or none.
func (c *Client) keepTime(date string) error {
	there, err := http.ParseTime(date)
	if err != nil {
		return nil // An answer need not tell the time.
	}
	ahead := there.Sub(c.cfg.Clock())
	if ahead.Abs() > clocksDiffer {
		return fmt.Errorf("the clock of IDaaS, or of what answers in its place, says %s, which is %s from that of this machine; set the clock", there.Format(time.RFC3339), ahead.Abs().Round(time.Minute))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
	return nil
}

// now is the time at IDaaS, or a little before.
func (c *Client) now() event.Millis {
	c.mu.Lock()
	defer c.mu.Unlock()
	return event.Millis(c.cfg.Clock().Add(c.ahead).UnixMilli())
}
