package receiver_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"idaas-ldap/receiver"
)

// Proxies write addresses in many forms. Whoever is allowed is let in under each of them; what cannot be read is refused, and
// the log names it.
func TestTheFormsOfForwardingHeaders(t *testing.T) {
	const xff, rfc = "X-Forwarded-For", "Forwarded"
	for _, c := range []struct {
		name    string
		headers []string
		allowed bool
		names   string // what the log names
	}{
		{"an address", []string{xff, "203.0.113.7"}, true, ""},
		{"with a port", []string{xff, "203.0.113.7:51432"}, true, ""},
		{"in quotes", []string{xff, `"203.0.113.7:51432"`}, true, ""},
		{"IPv6", []string{xff, "2001:db8::7"}, true, ""},
		{"IPv6 in brackets", []string{xff, "[2001:db8::7]"}, true, ""},
		{"IPv6 with a port", []string{xff, "[2001:db8::7]:51432"}, true, ""},
		{"IPv6 with a zone", []string{xff, "2001:db8::7%eth0"}, true, ""},
		{"IPv4 in IPv6", []string{xff, "::ffff:203.0.113.7"}, true, ""},
		{"several", []string{xff, "198.51.100.1, 203.0.113.7:1, 127.0.0.1"}, true, ""},
		{"empty ones between", []string{xff, "203.0.113.7,, ,"}, true, ""},
		{"a stranger behind one who is allowed", []string{xff, "203.0.113.7, 198.51.100.1:80"}, false, "198.51.100.1"},
		{"no address", []string{xff, "unknown"}, false, "unknown"},
		{"half an address", []string{xff, "203.0.113"}, false, "203.0.113"},
		{"what is not read does not matter", []string{xff, "unknown, 203.0.113.7"}, true, ""},
		{"RFC 7239", []string{rfc, "for=203.0.113.7"}, true, ""},
		{"RFC 7239 with more", []string{rfc, `proto=https; For="203.0.113.7:51432" ;by=127.0.0.1`}, true, ""},
		{"RFC 7239 with IPv6", []string{rfc, `for="[2001:db8::7]:51432"`}, true, ""},
		{"RFC 7239 several", []string{rfc, `for=198.51.100.1, for="[2001:db8::7]";host="a,b;c"`}, true, ""},
		{"RFC 7239 with escapes", []string{rfc, `for="203.0.113\.7"`}, true, ""},
		{"RFC 7239 hidden", []string{rfc, "for=_hidden"}, false, "_hidden"},
		{"RFC 7239 without an address", []string{rfc, "proto=https"}, false, "Forwarded"},
		{"a quoted string that hides the proxy's", []string{rfc, `for=203.0.113.7;x=", for=198.51.100.1`}, false, "without an end"},
		{"one that ends in what the proxy quotes", []string{rfc, `for=203.0.113.7;x=", for="198.51.100.1:80"`}, false, "without an end"},
		{"one that ends in an escape", []string{rfc, `for=203.0.113.7;x="\, for=198.51.100.1`}, false, "without an end"},
		{"one in X-Forwarded-For", []string{xff, `203.0.113.7", 198.51.100.1`}, false, "without an end"},
		{"a forged one beside it", []string{xff, "198.51.100.1", rfc, "for=203.0.113.7"}, false, "differ"},
		{"both the same", []string{xff, "203.0.113.7", rfc, "for=203.0.113.7"}, true, ""},
		{"none", nil, false, "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFront(t, func(cfg *receiver.Config) {
				cfg.AllowFrom = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
				cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			})
			status, _ := f.post(t, `{"event":"x"}`, c.headers...)
			if (status == 400) != c.allowed || status != 400 && status != 403 {
				t.Errorf("answered with %d", status)
			}
			if !strings.Contains(f.log.String(), c.names) {
				t.Errorf("the log says %q", f.log.String())
			}
		})
	}
}

// A header that cannot be read is refused also where anybody may call: it says that the proxy is not the one that was meant.
func TestAnUnreadableHopIsRefusedWithoutAnAllowList(t *testing.T) {
	f := newFront(t, func(cfg *receiver.Config) { cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	if status, _ := f.post(t, `{"event":"x"}`, "X-Forwarded-For", "nobody"); status != 403 || !strings.Contains(f.log.String(), "nobody") {
		t.Errorf("answered with %d, and the log says %q", status, f.log.String())
	}
}

// That a browser speaks TLS is believed of the proxies that are named, and of what they have written themselves.
func TestOnlyATrustedProxySaysThatTheCallerSpeaksTLS(t *testing.T) {
	const proto, rfc = "X-Forwarded-Proto", "Forwarded"
	for _, c := range []struct {
		name    string
		peer    string
		headers []string
		secure  bool
	}{
		{"the proxy", "10.0.0.7:1", []string{proto, "https"}, true},
		{"the proxy by RFC 7239", "10.0.0.7:1", []string{rfc, "for=203.0.113.7;proto=HTTPS"}, true},
		{"both", "10.0.0.7:1", []string{proto, "https", rfc, "for=203.0.113.7; proto=https"}, true},
		{"one that says nothing of it", "10.0.0.7:1", []string{proto, "https", rfc, "for=203.0.113.7"}, true},
		{"both, of which one says no", "10.0.0.7:1", []string{proto, "https", rfc, "for=203.0.113.7;proto=http"}, false},
		{"what stands before the proxy's", "10.0.0.7:1", []string{proto, "https, http"}, false},
		{"what the proxy has added", "10.0.0.7:1", []string{proto, "http", proto, "https"}, true},
		{"plain HTTP", "10.0.0.7:1", []string{proto, "http"}, false},
		{"nothing", "10.0.0.7:1", nil, false},
		{"an empty header", "10.0.0.7:1", []string{proto, ""}, false},
		{"a hop that cannot be read", "10.0.0.7:1", []string{proto, "https", "X-Forwarded-For", "nobody"}, false},
		{"a stranger", "192.0.2.1:1", []string{proto, "https"}, false},
		{"this machine, which is not named", "127.0.0.1:1", []string{proto, "https"}, false},
		{"no address", "@", []string{proto, "https"}, false},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
		if origin, _ := receiver.OriginOf(r, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); origin.Secure != c.secure {
			t.Errorf("%s: %t", c.name, origin.Secure)
		}
	}
	direct := &http.Request{RemoteAddr: "192.0.2.1:1", TLS: &tls.ConnectionState{}}
	if origin, err := receiver.OriginOf(direct, nil); !origin.Secure || err != nil || origin.Household() != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("whoever speaks TLS to us is %+v: %v", origin, err)
	}
}
