package receiver

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/sirupsen/logrus"
)

// How a key set is fetched.
const (
	fetchGap                      = 30 * time.Second // between fetches that tokens cause, and after one that failed
	firstGap                      = 5 * time.Second  // as long as there never was a set
	fetchWithin                   = 4 * time.Second  // one that a token waits for
	renewAllIn                    = 20 * time.Second // one in the background, with its repeats
	maxRedirects                  = 3
	retryWaitLeast, retryWaitMost = 200 * time.Millisecond, time.Second
)

// RemoteConfig says where a key set is and how it is fetched.
type RemoteConfig struct {
	URL string
	// Transport may be nil for the usual one.
	Transport http.RoundTripper
	// Retries is how often one fetch is repeated, and RetryLog, which may be nil, is told of it.
	Retries  int
	RetryLog retryablehttp.LeveledLogger
	Log      logrus.FieldLogger
	Clock    func() time.Time
}

// RemoteKeys is the key set that IDaaS publishes for an application. It is fetched anew every minute or sooner, and once more
// when a token does not verify, though not more often than every 30 seconds; the last good set stays in force for a while
// when IDaaS does not answer.
type RemoteKeys struct {
	url    string
	client *retryablehttp.Client
	log    logrus.FieldLogger
	clock  func() time.Time

	mu       sync.Mutex
	fetching chan struct{} // closed when the fetch under way has ended; nil if there is none
	tried    time.Time
	failure  error
	keys     keySet // nil as long as there never was a set
	leftOut  string
	etag     string
	renewed  time.Time // when the set was last said to be in force
	fresh    freshness
}

// NewRemoteKeys returns the key set at a URL; it is fetched when it is needed, and by Run.
func NewRemoteKeys(cfg RemoteConfig) *RemoteKeys {
	client := retryablehttp.NewClient()
	client.Logger = nil
	if cfg.RetryLog != nil {
		client.Logger = cfg.RetryLog
	}
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = cfg.Retries, retryWaitLeast, retryWaitMost
	client.CheckRetry = retryablehttp.ErrorPropagatedRetryPolicy
	client.HTTPClient.Timeout = 5 * time.Second
	client.HTTPClient.CheckRedirect = sameOrigin
	if cfg.Transport != nil {
		client.HTTPClient.Transport = cfg.Transport
	}
	return &RemoteKeys{url: cfg.URL, client: client, log: cfg.Log.WithField("url", cfg.URL), clock: cfg.Clock}
}

// sameOrigin lets the endpoint send us to another path of its own and nowhere else: the configuration names whom to trust.
func sameOrigin(request *http.Request, via []*http.Request) error {
	switch first := via[0].URL; {
	case request.URL.Scheme != first.Scheme || request.URL.Host != first.Host:
		return fmt.Errorf("the endpoint redirects to %.200q, which is another scheme or host; configure the URL that is meant", request.URL.Redacted())
	case len(via) > maxRedirects:
		return errors.New("the endpoint redirects too often")
	}
	return nil
}

// Run keeps the set fresh until ctx ends.
func (r *RemoteKeys) Run(ctx context.Context) {
	for {
		r.fetch(ctx, 0, renewAllIn)
		timer := time.NewTimer(r.pause())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// pause is how long to wait for the next fetch.
func (r *RemoteKeys) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.keys == nil:
		return firstGap
	case r.failure != nil:
		return fetchGap
	}
	return r.fresh.refresh
}

// Find returns the keys with an id.
func (r *RemoteKeys) Find(kid string) ([]*rsa.PublicKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.unusable(); err != nil {
		return nil, err
	}
	return r.keys[kid], nil
}

// unusable says why no token can be verified now.
func (r *RemoteKeys) unusable() error {
	switch {
	case r.keys == nil && r.failure == nil:
		return fmt.Errorf("%w: none was fetched from %s yet", ErrNoKeys, r.url)
	case r.keys == nil:
		return fmt.Errorf("%w: none could be fetched from %s yet: %w", ErrNoKeys, r.url, r.failure)
	case len(r.keys) == 0:
		return fmt.Errorf("%w: %s: %w", ErrNoKeys, r.url, errNoUsableKey)
	case r.failure != nil && r.clock().Sub(r.renewed) > r.fresh.refresh+r.fresh.stale:
		return fmt.Errorf("%w: the one of %s is too old: %w", ErrNoKeys, r.renewed.UTC().Format(time.RFC3339), r.failure)
	}
	return nil
}

// State tells whether a set was ever loaded, and what there is to say about it: ok, or what is wrong.
func (r *RemoteKeys) State() (loaded bool, state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.unusable(); err != nil {
		return r.keys != nil, err.Error()
	}
	if r.failure != nil {
		return true, "the one of " + r.renewed.UTC().Format(time.RFC3339) + " is in force: " + r.failure.Error()
	}
	return true, "ok"
}

// Confirmed returns when IDaaS last said that the set is in force, zero while there never was one.
func (r *RemoteKeys) Confirmed() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renewed
}

// Renew fetches the set unless that was tried less than half a minute ago. A caller who goes away does not take the fetch
// with it.
func (r *RemoteKeys) Renew(ctx context.Context) { r.fetch(ctx, fetchGap, fetchWithin) }

// fetch gets the set unless that was tried less than a gap ago, and waits for the one that is under way.
func (r *RemoteKeys) fetch(ctx context.Context, gap, within time.Duration) {
	r.mu.Lock()
	if underWay := r.fetching; underWay != nil {
		r.mu.Unlock()
		select {
		case <-underWay:
		case <-ctx.Done():
		}
		return
	}
	if !r.tried.IsZero() && r.clock().Sub(r.tried) < gap {
		r.mu.Unlock()
		return
	}
	done := make(chan struct{})
	r.fetching, r.tried = done, r.clock()
	r.mu.Unlock()
	if gap > 0 {
		ctx = context.WithoutCancel(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	answer, err := r.get(bounded)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil || ctx.Err() == nil { // what was given up says nothing of the endpoint
		r.keep(answer, err)
	}
	r.fetching = nil
	close(done)
}

// fetched is an answer of the endpoint. Without keys, the set that is known is still good.
type fetched struct {
	keys    keySet
	leftOut []string
	etag    string
	fresh   freshness
}

// keep takes over what was fetched, and tells the log what is new.
func (r *RemoteKeys) keep(answer fetched, err error) {
	if err == nil && r.keys == nil && len(answer.keys) == 0 {
		err = fmt.Errorf("%w; left out: %s", errNoUsableKey, fmt.Sprintf("%.500q", answer.leftOut))
	}
	r.failure = err
	switch {
	case err != nil && r.keys == nil:
		r.log.WithError(err).Warn("cannot fetch the key set of IDaaS; there is none yet, so no token can be verified")
		return
	case err != nil:
		r.log.WithError(err).WithField("since", r.renewed.UTC().Format(time.RFC3339)).Warn("cannot fetch the key set of IDaaS; the last good one stays in force for now")
		return
	}
	r.renewed, r.fresh = r.clock(), answer.fresh
	if answer.keys == nil {
		return
	}
	if told := fmt.Sprint(answer.leftOut); r.keys == nil || told != r.leftOut || !maps.EqualFunc(r.keys, answer.keys, sameKeys) {
		r.leftOut = told
		logKeys(r.log, r.keys, answer.keys, answer.leftOut)
		if len(answer.keys) == 0 {
			r.log.Error("the key set of IDaaS holds no key for signatures; no token can be verified")
		}
	}
	r.keys, r.etag = answer.keys, answer.etag
}

func sameKeys(a, b []*rsa.PublicKey) bool {
	return slices.EqualFunc(a, b, func(x, y *rsa.PublicKey) bool { return x.Equal(y) })
}

func (r *RemoteKeys) get(ctx context.Context) (fetched, error) {
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return fetched{}, fmt.Errorf("fetch the key set: %w", err)
	}
	if r.etag != "" { // written by the fetch before, which has ended
		request.Header.Set("If-None-Match", r.etag)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fetched{}, fmt.Errorf("fetch the key set: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	answer := fetched{etag: response.Header.Get("ETag"), fresh: freshnessOf(response.Header, r.clock())}
	if response.StatusCode == http.StatusNotModified && r.etag != "" {
		return answer, nil
	}
	if response.StatusCode != http.StatusOK {
		return fetched{}, fmt.Errorf("fetch the key set: the answer is %.100q", response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err != nil {
		return fetched{}, fmt.Errorf("fetch the key set: %w", err)
	}
	if len(data) > maxKeySet {
		return fetched{}, errors.New("fetch the key set: it is larger than 1 MiB")
	}
	answer.keys, answer.leftOut, err = readKeySet(data)
	return answer, err
}
