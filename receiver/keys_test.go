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

	"idaas-ldap/idaastest"
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

// refreshing runs the keys in the background until the returned function is called.
func refreshing(keys *receiver.RemoteKeys) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		keys.Run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// In the background the set is fetched anew as the headers of RFC 9111 say, between 30 and 50 seconds: a key that is withdrawn
// counts no more within a minute.
func TestTheKeySetIsRefreshedInTheBackground(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest begins
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"nothing":                   {nil, 50 * time.Second},
		"a long life":               {http.Header{"Cache-Control": {"public, max-age=7200"}}, 50 * time.Second},
		"a life beyond all numbers": {http.Header{"Cache-Control": {"max-age=99999999999999999999"}}, 50 * time.Second},
		"a short life":              {http.Header{"Cache-Control": {"max-age=1"}}, 30 * time.Second},
		"a life in between":         {http.Header{"Cache-Control": {`private, Max-Age="40"`}}, 40 * time.Second},
		"the shortest of two":       {http.Header{"Cache-Control": {"max-age=45", "max-age=35"}}, 35 * time.Second},
		"no life that can be read":  {http.Header{"Cache-Control": {"max-age=soon"}}, 30 * time.Second},
		"not to be kept":            {http.Header{"Cache-Control": {"no-store, max-age=45"}}, 30 * time.Second},
		"to be asked for":           {http.Header{"Cache-Control": {"no-cache"}}, 30 * time.Second},
		"an age on the way":         {http.Header{"Cache-Control": {"max-age=100"}, "Age": {"65"}}, 35 * time.Second},
		"an end":                    {http.Header{"Expires": {date(40 * time.Second)}}, 40 * time.Second},
		"an end by another clock":   {http.Header{"Expires": {date(time.Hour + 35*time.Second)}, "Date": {date(time.Hour)}}, 35 * time.Second},
		"an end that is over":       {http.Header{"Expires": {"0"}}, 30 * time.Second},
		"an end and a life":         {http.Header{"Expires": {"0"}, "Cache-Control": {"max-age=45"}}, 45 * time.Second},
		"for shared caches only":    {http.Header{"Cache-Control": {"s-maxage=1"}}, 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{body: keySet(t, "KEY1"), header: c.header}
				keys := remote(t, e)
				stop := refreshing(keys)
				defer stop()
				e.change(func(e *endpoint) { e.body = keySet(t, "KEY2") })
				<-time.After(c.want - time.Second)
				if n := e.requests(); n != 1 {
					t.Errorf("%d fetches before it was time", n)
				}
				<-time.After(time.Second)
				synctest.Wait()
				if n := e.requests(); n != 2 || knows(t, keys, "KEY1") || !knows(t, keys, "KEY2") {
					t.Errorf("%d fetches after %s", n, c.want)
				}
			})
		})
	}
}

// What is no key set leaves the last good one in force; it is asked for again sooner than usual.
func TestTheLastGoodKeySetStaysInForce(t *testing.T) {
	for name, breaks := range map[string]func(e *endpoint){
		"no answer":     func(e *endpoint) { e.refused = errors.New("connection refused") },
		"an error":      func(e *endpoint) { e.status = http.StatusInternalServerError },
		"nothing there": func(e *endpoint) { e.status = http.StatusNotFound },
		"no JSON":       func(e *endpoint) { e.body = []byte("<html>") },
		"no list":       func(e *endpoint) { e.body = []byte("{}") },
		"far too much":  func(e *endpoint) { e.body = append(e.body, strings.Repeat(" ", 1<<20)...) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{body: keySet(t, "KEY1")}
				keys := remote(t, e)
				stop := refreshing(keys)
				defer stop()
				e.change(breaks)
				<-time.After(50 * time.Second)
				synctest.Wait()
				loaded, state := keys.State()
				if n := e.requests(); n != 2 || !knows(t, keys, "KEY1") || !loaded || !strings.Contains(state, "is in force: fetch the key set") && !strings.Contains(state, "read the key set") {
					t.Errorf("after %d fetches the good key is gone, and the state is %q", n, state)
				}
				e.change(func(e *endpoint) { e.body, e.status, e.refused = keySet(t, "KEY2"), 0, nil })
				<-time.After(30 * time.Second)
				synctest.Wait()
				if n := e.requests(); n != 3 || !knows(t, keys, "KEY2") {
					t.Errorf("after %d fetches the new key is not there", n)
				}
				if _, state := keys.State(); state != "ok" {
					t.Errorf("the state is %q", state)
				}
			})
		})
	}
}

// A set that cannot be renewed comes to an end: after a day, or after minutes where the endpoint demands to be asked.
func TestAKeySetThatCannotBeRenewedEnds(t *testing.T) {
	for control, want := range map[string]time.Duration{"max-age=45": 24 * time.Hour, "max-age=45, must-revalidate": 5 * time.Minute, "no-cache, no-store": 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{body: keySet(t, "KEY1"), header: http.Header{"Cache-Control": {control}}}
			keys := remote(t, e)
			stop := refreshing(keys)
			defer stop()
			e.change(func(e *endpoint) { e.refused = errors.New("connection refused") })
			<-time.After(want)
			if _, err := keys.Find("KEY1"); err != nil {
				t.Errorf("%s: %v", control, err)
			}
			<-time.After(2 * time.Minute)
			if _, err := keys.Find("KEY1"); !errors.Is(err, receiver.ErrNoKeys) || !strings.Contains(err.Error(), "too old") {
				t.Errorf("%s: %v", control, err)
			}
		})
	}
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

// A set that is well-formed is the truth, also where nothing is left in it: whoever withdraws the only key means it.
func TestAllKeysAreWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySet(t, "KEY1")}
		keys := remote(t, e)
		stop := refreshing(keys)
		defer stop()
		e.change(func(e *endpoint) { e.body = []byte(`{"keys":[]}`) })
		<-time.After(time.Minute)
		if _, err := keys.Find("KEY1"); !errors.Is(err, receiver.ErrNoKeys) {
			t.Errorf("after a minute: %v", err)
		}
	})
}

// A key that was replaced under its id is found with the first token that does not verify.
func TestAKeyIsReplacedUnderItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, err := idaastest.NewTenant(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		e := &endpoint{body: keySet(t, tenant.KeyID)}
		keys := remote(t, e)
		a := receiver.Application{ID: tenant.Application, Keys: keys, EncryptionKeys: encryptedWith(tenant.EncryptionKey)}
		v := receiver.NewVerifier([]receiver.Application{a}, time.Now)
		_, err = v.Open(context.Background(), deletion(t, tenant))
		wantStatus(t, err, http.StatusUnauthorized)
		e.change(func(e *endpoint) { e.body = tenant.JWKS() })
		for range 100 {
			_, err = v.Open(context.Background(), deletion(t, tenant))
			wantStatus(t, err, http.StatusUnauthorized)
		}
		if n := e.requests(); n != 1 {
			t.Errorf("within half a minute the set was fetched %d times", n)
		}
		<-time.After(30 * time.Second)
		if _, err = v.Open(context.Background(), deletion(t, tenant)); err != nil || e.requests() != 2 {
			t.Errorf("after %d fetches: %v", e.requests(), err)
		}
	})
}

// The endpoint is asked whether anything is new, and says no in a few octets.
func TestASetThatIsNotNewIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySet(t, "KEY1"), header: http.Header{"Etag": {`"1"`}}}
		keys := remote(t, e)
		stop := refreshing(keys)
		defer stop()
		e.change(func(e *endpoint) { e.body, e.status = nil, http.StatusNotModified })
		<-time.After(50 * time.Second)
		synctest.Wait()
		if _, state := keys.State(); state != "ok" || !knows(t, keys, "KEY1") || e.requests() != 2 || e.condition != `"1"` {
			t.Errorf("the state is %q after %d requests, the last on condition of %s", state, e.requests(), e.condition)
		}
	})
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
