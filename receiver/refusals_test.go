package receiver_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/receiver"
)

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// Of each kind and address one line is written a minute, and the next one says how many there were.
func TestRefusalsAreCountedAndNotWritten(t *testing.T) {
	now := time.Now()
	f := newFront(t, func(cfg *receiver.Config) { cfg.Clock = func() time.Time { return now } })
	for range 50 {
		f.post(t, `{"event":"x"}`)
		f.post(t, `[]`)
	}
	if got := lines(f.log.String()); len(got) != 2 {
		t.Fatalf("the log says %q", got)
	}
	f.log.Reset()
	now = now.Add(time.Minute)
	f.post(t, "")
	got := f.log.String()
	if len(lines(got)) != 3 || strings.Count(got, "repeated=49") != 2 || !strings.Contains(got, "the body is empty") {
		t.Errorf("after a minute the log says %q", got)
	}
	f.log.Reset()
	now = now.Add(time.Minute)
	token, err := f.tenant.Token([]idaastest.Event{f.tenant.Test()})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := f.post(t, body(token)); status != http.StatusOK || f.log.Len() > 0 {
		t.Errorf("with nothing to tell the log says %q", f.log.String())
	}
}

// Whoever has many addresses does not get a line for each.
func TestManyAddressesWriteFewLines(t *testing.T) {
	now := time.Now()
	f := newFront(t, func(cfg *receiver.Config) {
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		cfg.Clock = func() time.Time { return now }
	})
	for i := range 1000 {
		f.post(t, `{"event":"x"}`, "X-Forwarded-For", fmt.Sprintf("203.0.%d.%d", i/250, i%250))
	}
	if n := len(lines(f.log.String())); n > 250 {
		t.Errorf("%d lines", n)
	}
	f.log.Reset()
	now = now.Add(time.Minute)
	f.post(t, "")
	if !strings.Contains(f.log.String(), "other addresses") || !strings.Contains(f.log.String(), "repeated=799") {
		t.Errorf("the log says %q", f.log.String())
	}
}

// Everything from outside is cut: a forgery of a megabyte writes one short line.
func TestALargeForgeryWritesAShortLine(t *testing.T) {
	f := newFront(t, nil)
	long := strings.Repeat("a", 900_000)
	signed, err := f.tenant.Token([]idaastest.Event{f.tenant.Test()}, func(c idaastest.Claims) { c["aud"] = long })
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(signed, ".")
	for name, text := range map[string]string{
		"a forged signature": body(parts[0] + "." + parts[1][:len(parts[1])/4*2] + "." + parts[2]),
		"a long key id":      body("eyJraWQiOiI" + long + "." + parts[1][:100] + "." + parts[2]),
		"a long token":       body(long),
		"no JSON":            `{"` + long,
		"a long member":      `{"` + long + `":1,"event":7}`,
	} {
		f.log.Reset()
		if status, _ := f.post(t, text); status != 400 && status != 401 {
			t.Errorf("%s is answered with %d", name, status)
		}
		if f.log.Len() == 0 || f.log.Len() > 1000 {
			t.Errorf("%s writes %d octets", name, f.log.Len())
		}
	}
	for _, header := range []string{"Content-Type", "X-Forwarded-For"} {
		f.log.Reset()
		f.post(t, `{"event":"x"}`, header, strings.Repeat("a", 10_000))
		if f.log.Len() > 1000 {
			t.Errorf("a long %s writes %d octets", header, f.log.Len())
		}
	}
}

// The allow list and the rate come first on every path and with every method, and nothing of a body is read for who is refused.
func TestTheGuardStandsBeforeEveryPath(t *testing.T) {
	for _, c := range []struct {
		status int
		change func(cfg *receiver.Config)
	}{
		{403, func(cfg *receiver.Config) { cfg.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }},
		{429, func(cfg *receiver.Config) {
			at := time.Now()
			cfg.Limits.RequestsPerSecond, cfg.Limits.Burst, cfg.Clock = 1, 1, func() time.Time { return at }
		}},
	} {
		f := newFront(t, c.change)
		f.post(t, "") // uses up what may be sent
		for _, path := range []string{"", "/", "/unknown", "/../accounts", "/%2f"} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodOptions, http.MethodDelete, "BREW"} {
				request, err := http.NewRequest(method, f.url+path, &unread{t})
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Expect", "100-continue")
				request.ContentLength = 1000
				if status, answer := f.do(t, request); status != c.status {
					t.Errorf("%s %s is answered with %d %v; want %d", method, path, status, answer, c.status)
				}
			}
		}
	}
}

// unread is a body that nobody may ask for.
type unread struct{ t *testing.T }

// Read must not be called.
func (u *unread) Read([]byte) (int, error) {
	u.t.Error("the body is asked for")
	return 0, http.ErrBodyNotAllowed
}
