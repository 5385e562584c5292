package receiver_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/receiver"
)

// endpoint is the key endpoint of IDaaS, without a network.
type endpoint struct {
	mu      sync.Mutex
	asked   []time.Time
	body    []byte
	header  http.Header
	status  int
	refused error
	holds   chan struct{} // if set, answers wait until it is closed
}

// RoundTrip answers a request.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.asked = append(e.asked, time.Now())
	holds := e.holds
	e.mu.Unlock()
	if holds != nil {
		select {
		case <-holds:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refused != nil {
		return nil, e.refused
	}
	status := e.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: e.header, Body: io.NopCloser(strings.NewReader(string(e.body))), Request: r}, nil
}

// change changes what is answered from now on.
func (e *endpoint) change(f func(e *endpoint)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e)
}

func (e *endpoint) requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

// remote returns the keys at an endpoint, with one try for each fetch.
func remote(t *testing.T, e *endpoint) *receiver.RemoteKeys {
	t.Helper()
	log := logrus.New()
	log.SetOutput(t.Output())
	client := retryablehttp.NewClient()
	client.Logger, client.RetryMax = nil, 0
	client.HTTPClient = &http.Client{Transport: e}
	return receiver.NewRemoteKeys("https://idaas.example.org/jwks", client, log, time.Now)
}

// keySet is a key set with one key under several ids.
func keySet(t *testing.T, ids ...string) []byte {
	t.Helper()
	private, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	for _, id := range ids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &private.PublicKey, KeyID: id, Use: "sig"})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func knows(t *testing.T, keys receiver.KeySource, id string) bool {
	t.Helper()
	found, err := keys.Find(context.Background(), id)
	return err == nil && len(found) == 1 && found[0].KeyID == id
}

func TestTheKeySetIsFetchedOnceAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySet(t, "KEY1")}
		keys := remote(t, e)
		for range 100 {
			if !knows(t, keys, "KEY1") {
				t.Fatal("the key is not found")
			}
		}
		if n := e.requests(); n != 1 {
			t.Errorf("the set was fetched %d times", n)
		}
	})
}

// An unknown key has the set fetched once more, though not more often than every half minute, whoever asks.
func TestAnUnknownKeyHasTheSetFetchedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySet(t, "KEY1")}
		keys := remote(t, e)
		if !knows(t, keys, "KEY1") {
			t.Fatal("the key is not found")
		}
		<-time.After(30 * time.Second)
		e.change(func(e *endpoint) { e.body = keySet(t, "KEY2") })
		if !knows(t, keys, "KEY2") || e.requests() != 2 {
			t.Errorf("the new key is not found after %d fetches", e.requests())
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if knows(t, keys, "KEYforged") {
					t.Error("there is no such key")
				}
			})
		}
		wg.Wait()
		if n := e.requests(); n != 2 {
			t.Errorf("within half a minute the set was fetched %d times", n)
		}
		<-time.After(30 * time.Second)
		for range 100 {
			knows(t, keys, "KEYforged")
		}
		if n := e.requests(); n != 3 {
			t.Errorf("after half a minute the set was fetched %d times; want 3", n)
		}
		if !knows(t, keys, "KEY2") {
			t.Error("the good key is gone")
		}
	})
}

// A caller who names an unknown key and hangs up does not spoil the fetch for the others.
func TestACallerWhoHangsUpDoesNotSpoilTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySet(t, "KEY1"), holds: make(chan struct{})}
		keys := remote(t, e)
		ctx, hangUp := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = keys.Find(ctx, "KEYforged")
		}()
		synctest.Wait()
		hangUp()
		synctest.Wait()
		close(e.holds)
		<-done
		if !knows(t, keys, "KEY1") || e.requests() != 1 {
			t.Errorf("after %d fetches the key is not known", e.requests())
		}
	})
}

// In the background the set is fetched anew as the endpoint asks for, between five minutes and a day.
func TestTheKeySetIsRefreshedInTheBackground(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": time.Hour, "public, max-age=7200": 2 * time.Hour, "max-age=1": 5 * time.Minute, "Max-Age=31536000": 24 * time.Hour, "no-store": time.Hour, "max-age=soon": time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{body: keySet(t, "KEY1"), header: http.Header{"Cache-Control": {header}}}
			keys := remote(t, e)
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				defer close(done)
				keys.Run(ctx)
			}()
			synctest.Wait()
			e.change(func(e *endpoint) { e.body = keySet(t, "KEY2") })
			<-time.After(want - time.Second)
			if n := e.requests(); n != 1 {
				t.Errorf("%q: %d fetches before it was time", header, n)
			}
			<-time.After(time.Second)
			synctest.Wait()
			if n := e.requests(); n != 2 || !knows(t, keys, "KEY2") {
				t.Errorf("%q: %d fetches after %s", header, n, want)
			}
			stop()
			<-done
		})
	}
}

func TestTheLastGoodKeySetStaysInForce(t *testing.T) {
	for name, breaks := range map[string]func(e *endpoint){
		"no answer":         func(e *endpoint) { e.refused = errors.New("connection refused") },
		"an error":          func(e *endpoint) { e.status = http.StatusInternalServerError },
		"nothing there":     func(e *endpoint) { e.status = http.StatusNotFound },
		"no JSON":           func(e *endpoint) { e.body = []byte("<html>") },
		"no key":            func(e *endpoint) { e.body = []byte(`{"keys":[]}`) },
		"far too much":      func(e *endpoint) { e.body = append(e.body, strings.Repeat(" ", 1<<20)...) },
		"a symmetric key":   func(e *endpoint) { e.body = []byte(`{"keys":[{"kty":"oct","kid":"KEY1","k":"c2VjcmV0"}]}`) },
		"a key too short":   func(e *endpoint) { e.body = shortKey(t) },
		"a key for secrets": func(e *endpoint) { e.body = []byte(strings.Replace(string(e.body), `"sig"`, `"enc"`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{body: keySet(t, "KEY1")}
				keys := remote(t, e)
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan struct{})
				go func() {
					defer close(done)
					keys.Run(ctx)
				}()
				synctest.Wait()
				e.change(breaks)
				<-time.After(time.Hour)
				synctest.Wait()
				if n := e.requests(); n != 2 || !knows(t, keys, "KEY1") {
					t.Errorf("after %d fetches the good key is gone", n)
				}
				// It is tried again sooner than usual.
				e.change(func(e *endpoint) { e.body, e.status, e.refused = keySet(t, "KEY2"), 0, nil })
				<-time.After(5 * time.Minute)
				synctest.Wait()
				if n := e.requests(); n != 3 || !knows(t, keys, "KEY2") {
					t.Errorf("after %d fetches the new key is not there", n)
				}
				stop()
				<-done
			})
		})
	}
}

func shortKey(t *testing.T) []byte {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &private.PublicKey, KeyID: "KEY1", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Without any key set nothing can be verified: the caller is asked to come again, not turned away.
func TestWithoutAKeySetCallersAreAskedToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{refused: errors.New("connection refused")}
		tenant := newTenant(t)
		keys := remote(t, e)
		v := receiver.NewVerifier([]receiver.Application{{ID: tenant.Application, Keys: keys}}, time.Now)
		_, err := v.Open(context.Background(), deletion(t, tenant))
		wantStatus(t, err, http.StatusServiceUnavailable)
		var rejection *receiver.Rejection
		if errors.As(err, &rejection); rejection.RetryAfter == 0 || rejection.Code != "unavailable" {
			t.Errorf("the answer is %+v", rejection)
		}
		e.change(func(e *endpoint) { e.refused, e.body = nil, tenant.JWKS() })
		<-time.After(30 * time.Second)
		_, err = v.Open(context.Background(), deletion(t, tenant))
		wantStatus(t, err, http.StatusUnauthorized) // it is encrypted, and no key for that is configured
	})
}

func TestAKeySetInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwks.json")
	put := func(content []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := receiver.NewFileKeys(path); err == nil {
		t.Error("a file that is not there is read")
	}
	now := time.Now()
	put([]byte(`{"keys":[]}`), now)
	if _, err := receiver.NewFileKeys(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a set without a key: %v", err)
	}
	put(keySet(t, "KEY1"), now)
	keys, err := receiver.NewFileKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if !knows(t, keys, "KEY1") || knows(t, keys, "KEY2") {
		t.Error("the file is read wrong")
	}
	put([]byte("half a fi"), now.Add(time.Second))
	if knows(t, keys, "KEY2") || !knows(t, keys, "KEY1") {
		t.Error("a broken file changes the keys")
	}
	put(keySet(t, "KEY2", "KEY1"), now.Add(2*time.Second))
	if !knows(t, keys, "KEY2") || !knows(t, keys, "KEY1") {
		t.Error("a new key in the file is not found")
	}
}
