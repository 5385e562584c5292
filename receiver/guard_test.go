package receiver_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"idaas-ldap/receiver"
)

func TestTheAllowListCannotBePassedByAForgedHeader(t *testing.T) {
	far := netip.MustParsePrefix("192.0.2.0/24")
	local := netip.MustParsePrefix("127.0.0.0/8")
	for _, c := range []struct {
		name           string
		allow, proxies []netip.Prefix
		forwarded      string
		status         int
	}{
		{"not on the list", []netip.Prefix{far}, nil, "", 403},
		{"a forged header without a trusted proxy", []netip.Prefix{far}, nil, "192.0.2.1", 403},
		{"the nearest hop of a trusted proxy", []netip.Prefix{far}, []netip.Prefix{local}, "192.0.2.1", 400},
		{"a forged hop further left", []netip.Prefix{far}, []netip.Prefix{local}, "192.0.2.1, 198.51.100.7", 403},
		{"a header that is no address", []netip.Prefix{far}, []netip.Prefix{local}, "unknown", 403},
		{"on the list", []netip.Prefix{local}, nil, "192.0.2.1", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFront(t, func(cfg *receiver.Config) { cfg.AllowFrom, cfg.TrustedProxies = c.allow, c.proxies })
			var headers []string
			if c.forwarded != "" {
				headers = []string{"X-Forwarded-For", c.forwarded}
			}
			if status, _ := f.post(t, `{"event":"x"}`, headers...); status != c.status {
				t.Errorf("answered with %d; want %d", status, c.status)
			}
		})
	}
}

func TestWhoIsTooFastIsToldSo(t *testing.T) {
	at := time.Now()
	f := newFront(t, func(cfg *receiver.Config) {
		cfg.Limits.RequestsPerSecond, cfg.Limits.Burst, cfg.Clock = 1, 3, func() time.Time { return at }
	})
	for i := range 4 {
		want := 400
		if i == 3 {
			want = 429
		}
		if status, answer := f.post(t, `{"event":"x"}`); status != want || i == 3 && answer["error"] != "too_many_requests" {
			t.Fatalf("request %d is answered with %d %v; want %d", i+1, status, answer, want)
		}
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post(f.url, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "1" {
		t.Errorf("answered with %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
	at = at.Add(time.Second)
	if status, _ := f.post(t, `{"event":"x"}`); status != http.StatusBadRequest {
		t.Errorf("after a second the answer is %d", status)
	}
}
