package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/receiver"
)

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
