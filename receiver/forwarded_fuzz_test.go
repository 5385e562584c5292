package receiver

import (
	"net/http"
	"net/netip"
	"testing"
)

// Whatever a caller writes into the headers, it is never taken for somebody else: the proxy adds the address that it sees, on the
// same line or on one of its own, and that is the one that counts, or the request is refused.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{
		"", "203.0.113.7", "for=203.0.113.7", `for=203.0.113.7;x="`, `for="203.0.113.7\`, `"`, `\`, ",", ";", "for=", "10.0.0.1", "for=10.0.0.1,",
		`for="[2001:db8::1]:1";by=`, "for=_hidden", "unknown",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	genuine := netip.MustParseAddr("198.51.100.9")
	f.Fuzz(func(t *testing.T, written string, ownLine bool) {
		for name, added := range map[string][]string{
			headerXForwardedFor: {"198.51.100.9", "198.51.100.9:80"},
			headerForwarded:     {"for=198.51.100.9", `for="198.51.100.9:80";by="10.0.0.1"`, "proto=https;for=198.51.100.9"},
		} {
			for _, hop := range added {
				values := []string{written + ", " + hop}
				if ownLine {
					values = []string{written, hop}
				}
				address, err := caller(&http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{name: values}}, proxies)
				if err == nil && address != genuine {
					t.Errorf("%s: %q is taken for %s", name, values, address)
				}
			}
		}
	})
}
