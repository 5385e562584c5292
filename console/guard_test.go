package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idaas-ldap/internal/secret"
)

// Who asks too often is kept waiting until a moment later, and nobody else is.
func TestWhoAsksTooOftenIsKeptWaiting(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c, err := New(Config{
		Clock: func() time.Time { return now }, Random: func() string { return "random" }, Token: func() secret.Text { return secret.New("t0k3n") },
		Origin: func(r *http.Request) (string, bool) {
			host, _, _ := strings.Cut(r.RemoteAddr, ":")
			return host, false
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(peer string) int {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, apiPath+"/openapi.json", nil)
		request.RemoteAddr = peer
		recorder := httptest.NewRecorder()
		c.ServeHTTP(recorder, request)
		return recorder.Code
	}
	for range asksAtOnce {
		if got := ask("192.0.2.1:1000"); got != http.StatusOK {
			t.Fatalf("an ask that is not too many is answered with %d", got)
		}
	}
	if got := ask("192.0.2.1:2000"); got != http.StatusTooManyRequests {
		t.Errorf("one too many is answered with %d", got)
	}
	if got := ask("192.0.2.2:1000"); got != http.StatusOK {
		t.Errorf("another address is answered with %d", got)
	}
	const keysPerSecond = 12
	for second := range 30 {
		for range 3 * keysPerSecond {
			now = now.Add(time.Second / (3 * keysPerSecond))
			if got := ask("192.0.2.3:1000"); got != http.StatusOK {
				t.Fatalf("who types %d keys a second is answered with %d after %d seconds", keysPerSecond, got, second)
			}
		}
	}
	now = now.Add(time.Second)
	if got := ask("192.0.2.1:1000"); got != http.StatusOK {
		t.Errorf("a second later the answer is %d", got)
	}
}
