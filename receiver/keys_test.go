package receiver_test

import (
	"bytes"
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
	// location redirects the path /jwks; condition is the If-None-Match of the last request.
	location, condition string
	holds               chan struct{} // if set, answers wait until it is closed
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
	e.condition = r.Header.Get("If-None-Match")
	if e.refused != nil {
		return nil, e.refused
	}
	if e.location != "" && r.URL.Path == "/jwks" {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {e.location}}, Body: http.NoBody, Request: r}, nil
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
	return receiver.NewRemoteKeys(receiver.RemoteConfig{URL: "https://idaas.example.org/jwks", Transport: e, Log: log, Clock: time.Now})
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

// knows reports whether a token with a key id could be verified, asking once more as for a token that does not verify.
func knows(t *testing.T, keys receiver.KeySource, id string) bool {
	t.Helper()
	found, err := keys.Find(id)
	if err != nil || len(found) == 0 {
		keys.Renew(context.Background())
		found, err = keys.Find(id)
	}
	return err == nil && len(found) == 1
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
			keys.Renew(ctx)
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

// Each key is judged by itself (RFC 7517 section 5): one that is not understood spoils no other, and is named.
func TestAKeyThatIsNotUnderstoodSpoilsNoOther(t *testing.T) {
	good := string(keySet(t, "KEY1"))
	good = strings.TrimSuffix(strings.TrimPrefix(good, `{"keys":[`), `]}`)
	for name, other := range map[string]string{
		"of an unknown kind":   `{"kty":"XYZ","kid":"KEY2"}`,
		"that is broken":       `{"kty":"RSA","kid":"KEY2","n":"!","e":"AQAB"}`,
		"that is symmetric":    `{"kty":"oct","kid":"KEY2","k":"c2VjcmV0"}`,
		"on a curve":           `{"kty":"EC","kid":"KEY2","crv":"P-999","x":"AA","y":"AA"}`,
		"that is too short":    strings.TrimSuffix(strings.TrimPrefix(string(shortKey(t, "KEY2")), `{"keys":[`), `]}`),
		"for encryption":       strings.Replace(strings.Replace(good, `"sig"`, `"enc"`, 1), "KEY1", "KEY2", 1),
		"of another algorithm": strings.Replace(strings.Replace(good, `"use"`, `"alg":"PS256","use"`, 1), "KEY1", "KEY2", 1),
		"that is no object":    `7`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jwks.json")
			content := "\ufeff" + `{"other":[1],"keys":[` + other + `,` + good + `]}`
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			log := logrus.New()
			log.SetOutput(&text)
			keys, err := receiver.NewFileKeys(path, log, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			if !knows(t, keys, "KEY1") || knows(t, keys, "KEY2") {
				t.Error("the set is read wrong")
			}
			if !strings.Contains(text.String(), "left out") || !strings.Contains(text.String(), "number 1") {
				t.Errorf("the log says %q", text.String())
			}
		})
	}
}

// The configuration names whom to trust: the endpoint cannot send us to anybody else.
func TestNoRedirectToAnotherSchemeOrHost(t *testing.T) {
	for location, want := range map[string]bool{
		"/moved": true, "https://idaas.example.org/moved": true, "http://idaas.example.org/moved": false, "https://evil.example.org/moved": false,
		"https://idaas.example.org:8443/moved": false, "/jwks": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{body: keySet(t, "KEY1"), location: location}
			keys := remote(t, e)
			if knows(t, keys, "KEY1") != want {
				_, state := keys.State()
				t.Errorf("%s: %s", location, state)
			}
		})
	}
}

func shortKey(t *testing.T, id string) []byte {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &private.PublicKey, KeyID: id, Use: "sig"}}})
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
