package receiver

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/sirupsen/logrus"
)

// Bounds of a key set and of how often it is fetched.
const (
	maxKeySet     = 1 << 20
	minKeyBits    = 2048
	fetchGap      = 30 * time.Second // between fetches that unknown keys cause
	refreshLeast  = 5 * time.Minute
	refreshMost   = 24 * time.Hour
	refreshNormal = time.Hour
)

// usable keeps the keys of a set that may sign tokens, by id.
func usable(data []byte) (map[string][]jose.JSONWebKey, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	keys := map[string][]jose.JSONWebKey{}
	for _, key := range set.Keys {
		public, isRSA := key.Key.(*rsa.PublicKey)
		if !isRSA || public.N.BitLen() < minKeyBits || key.Use != "" && key.Use != "sig" || key.KeyID == "" || key.Algorithm != "" && key.Algorithm != string(jose.RS256) {
			continue
		}
		keys[key.KeyID] = append(keys[key.KeyID], key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set holds no RSA key of 2048 bits or more for signatures")
	}
	return keys, nil
}

func find(keys map[string][]jose.JSONWebKey, kid string) ([]jose.JSONWebKey, error) {
	if found := keys[kid]; len(found) > 0 {
		return found, nil
	}
	return nil, fmt.Errorf("no key has the id %.100q", kid)
}

// FileKeys is a key set in a file. It is read again when the file has changed and a key is asked for that it lacks.
type FileKeys struct {
	path string

	mu     sync.Mutex
	keys   map[string][]jose.JSONWebKey
	loaded time.Time
}

// NewFileKeys reads a key set from a file.
func NewFileKeys(path string) (*FileKeys, error) {
	f := &FileKeys{path: path}
	return f, f.load()
}

func (f *FileKeys) load() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("read jwks_file: %w", err)
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("read jwks_file: %w", err)
	}
	keys, err := usable(data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.keys, f.loaded = keys, info.ModTime()
	return nil
}

// Find returns the keys with an id.
func (f *FileKeys) Find(_ context.Context, kid string) ([]jose.JSONWebKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.keys[kid]) == 0 {
		if info, err := os.Stat(f.path); err == nil && !info.ModTime().Equal(f.loaded) {
			_ = f.load() // a broken file leaves the last good set in force
		}
	}
	return find(f.keys, kid)
}

// RemoteKeys is the key set that IDaaS publishes for an application. It is kept, refreshed in the background, and fetched
// once more when a token names a key that it lacks, though not more often than every 30 seconds; the last good set stays
// in force while IDaaS does not answer.
type RemoteKeys struct {
	url    string
	client *retryablehttp.Client
	log    logrus.FieldLogger
	clock  func() time.Time

	fetching sync.Mutex // held while a fetch is under way, so that there is one at a time

	mu      sync.Mutex
	keys    map[string][]jose.JSONWebKey
	tried   time.Time
	refresh time.Duration
	failure error
}

// NewRemoteKeys returns the key set at a URL; it is fetched when it is needed, and by Run.
func NewRemoteKeys(url string, client *retryablehttp.Client, log logrus.FieldLogger, clock func() time.Time) *RemoteKeys {
	return &RemoteKeys{url: url, client: client, log: log, clock: clock, refresh: refreshNormal}
}

// Run keeps the set fresh until ctx ends.
func (r *RemoteKeys) Run(ctx context.Context) {
	for {
		r.fetch(ctx, 0)
		r.mu.Lock()
		wait := r.refresh
		if r.failure != nil {
			wait = refreshLeast
		}
		if r.keys == nil {
			wait = fetchGap
		}
		r.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Find returns the keys with an id.
func (r *RemoteKeys) Find(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	keys, _ := r.current()
	if len(keys[kid]) == 0 {
		// A caller who goes away must not take the one fetch of this half minute with it.
		r.fetch(context.WithoutCancel(ctx), fetchGap)
		keys, _ = r.current()
	}
	if keys == nil {
		_, err := r.current()
		return nil, fmt.Errorf("%w from %s: %w", ErrNoKeys, r.url, err)
	}
	return find(keys, kid)
}

func (r *RemoteKeys) current() (map[string][]jose.JSONWebKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys, r.failure
}

// fetch gets the set unless that was tried less than gap ago.
func (r *RemoteKeys) fetch(ctx context.Context, gap time.Duration) {
	r.fetching.Lock()
	defer r.fetching.Unlock()
	r.mu.Lock()
	recent := !r.tried.IsZero() && r.clock().Sub(r.tried) < gap
	if !recent {
		r.tried = r.clock()
	}
	r.mu.Unlock()
	if recent {
		return
	}
	keys, refresh, err := r.get(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err
	if err != nil {
		r.log.WithError(err).WithField("url", r.url).Warn("cannot fetch the key set of IDaaS; the last good one stays in force")
		return
	}
	r.keys, r.refresh = keys, refresh
}

func (r *RemoteKeys) get(ctx context.Context) (map[string][]jose.JSONWebKey, time.Duration, error) {
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch the key set: %w", err)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch the key set: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only read from
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("fetch the key set: the answer is %s", response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	if err != nil {
		return nil, 0, fmt.Errorf("fetch the key set: %w", err)
	}
	if len(data) > maxKeySet {
		return nil, 0, errors.New("fetch the key set: it is larger than 1 MiB")
	}
	keys, err := usable(data)
	return keys, cacheTime(response.Header.Get("Cache-Control")), err
}

// cacheTime returns how long a set may be used, within bounds.
func cacheTime(header string) time.Duration {
	for _, directive := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if seconds, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, "max-age") {
			return min(max(time.Duration(seconds)*time.Second, refreshLeast), refreshMost)
		}
	}
	return refreshNormal
}
