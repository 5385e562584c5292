package receiver

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The headers in which proxies say whom they speak for.
const (
	headerXForwardedFor = "X-Forwarded-For"
	headerForwarded     = "Forwarded" // RFC 7239
	// headerXForwardedProto says by which protocol the proxy was asked.
	headerXForwardedProto = "X-Forwarded-Proto"
)

// Origin is where a request comes from, as far as that is to be believed.
type Origin struct {
	Address netip.Addr
	// Secure: the caller speaks TLS, to us or to a trusted proxy that says so.
	Secure bool
}

// Household is what counts as one caller: the address, or the network that a subscriber of IPv6 has to draw from.
func (o Origin) Household() netip.Addr { return household(o.Address) }

// OriginOf returns where a request comes from. What headers say counts where a trusted proxy has sent them; one that cannot be read is an
// error, and then the address is that of the proxy.
func OriginOf(r *http.Request, proxies []netip.Prefix) (Origin, error) {
	address, err := caller(r, proxies)
	return Origin{Address: address, Secure: r.TLS != nil || err == nil && saysHTTPS(r, proxies)}, err
}

// saysHTTPS reports whether the peer is a trusted proxy that was asked by https. It writes what is last in a header; with both headers both have
// to say so.
func saysHTTPS(r *http.Request, proxies []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(proxies, peer.Addr().Unmap().WithZone("")) {
		return false
	}
	protocols := elements(strings.Join(r.Header.Values(headerXForwardedProto), ","), ',')
	said := protocols[max(len(protocols)-1, 0):]
	if forwarded := forwarded(r.Header.Values(headerForwarded), "proto"); len(forwarded) > 0 && forwarded[len(forwarded)-1] != "" {
		said = append(said, forwarded[len(forwarded)-1])
	}
	return len(said) > 0 && !slices.ContainsFunc(said, func(protocol string) bool { return !strings.EqualFold(protocol, "https") })
}

// caller returns the address that a request really comes from: the peer's, or, where the peer is a trusted proxy, the
// nearest one in its header that is not. What stands further left there was written by the caller itself. A header that
// cannot be read up to there is an error that names it. With both headers both have to say the same, since a proxy that
// writes one of them may pass on the other as the caller wrote it.
func caller(r *http.Request, proxies []netip.Prefix) (netip.Addr, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("the peer %.60q is no address", r.RemoteAddr)
	}
	address := peer.Addr().Unmap().WithZone("")
	if !within(proxies, address) {
		return address, nil
	}
	var found []netip.Addr
	for _, header := range []struct {
		name string
		hops func([]string) []string
	}{{headerXForwardedFor, xForwardedFor}, {headerForwarded, func(values []string) []string { return forwarded(values, "for") }}} {
		values := r.Header.Values(header.name)
		if len(values) == 0 {
			continue
		}
		if slices.ContainsFunc(values, isUnbalanced) {
			// The caller has begun a quoted string, in which what the proxy has written would disappear.
			return address, fmt.Errorf("the header %s of the proxy %s holds a quoted string without an end", header.name, address)
		}
		nearest, err := nearestHop(address, header.hops(values), proxies)
		if err != nil {
			return address, fmt.Errorf("the header %s of the proxy %s %w", header.name, address, err)
		}
		found = append(found, nearest)
	}
	switch {
	case len(found) == 0:
		return address, nil
	case len(found) == 2 && found[0] != found[1]:
		return address, fmt.Errorf("the proxy %s passes on both X-Forwarded-For (%s) and Forwarded (%s), which differ; let it remove the one that it does not write", address, found[0], found[1])
	}
	return found[0], nil
}

// nearestHop goes from a trusted proxy to the left, for as long as the hops are trusted.
func nearestHop(address netip.Addr, hops []string, proxies []netip.Prefix) (netip.Addr, error) {
	for _, hop := range slices.Backward(hops) {
		if !within(proxies, address) {
			break
		}
		next, err := hopAddress(hop)
		if err != nil {
			return address, err
		}
		address = next
	}
	return address, nil
}

// hopAddress reads an address as proxies write it: with or without a port, in brackets or not, in quotes, with a zone.
func hopAddress(text string) (netip.Addr, error) {
	bare := strings.Trim(text, `"`)
	if ap, err := netip.ParseAddrPort(bare); err == nil {
		return ap.Addr().Unmap().WithZone(""), nil
	}
	if strings.HasPrefix(bare, "[") && strings.HasSuffix(bare, "]") {
		bare = bare[1 : len(bare)-1]
	}
	address, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("holds %.60q, which is no address", text)
	}
	return address.Unmap().WithZone(""), nil
}

// xForwardedFor returns the hops of the header in their order.
func xForwardedFor(values []string) []string {
	return elements(strings.Join(values, ","), ',')
}

// forwarded returns one parameter of the elements of the header in their order, empty for an element without it.
func forwarded(values []string, parameter string) []string {
	var hops []string
	for _, element := range elements(strings.Join(values, ","), ',') {
		hop := ""
		for _, pair := range elements(element, ';') {
			name, value, _ := strings.Cut(pair, "=")
			if strings.EqualFold(strings.TrimSpace(name), parameter) {
				hop = unquote(strings.TrimSpace(value))
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// quotes follows a text through its quoted strings (RFC 9110 section 5.6.4).
type quotes struct{ inside, escaped bool }

// next takes the next character, and reports whether it stands in a quoted string.
func (q *quotes) next(r rune) (inside bool) {
	switch {
	case q.escaped:
		q.escaped = false
	case q.inside && r == '\\':
		q.escaped = true
	case r == '"':
		q.inside = !q.inside
	}
	return q.inside
}

// isUnbalanced reports whether a text ends within a quoted string.
func isUnbalanced(text string) bool {
	var q quotes
	for _, r := range text {
		q.next(r)
	}
	return q.inside
}

// elements splits a list at a separator that does not stand in a quoted string. Empty elements do not count (RFC 9110 section
// 5.6.1).
func elements(list string, separator rune) []string {
	var out []string
	var q quotes
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return !q.next(r) && r == separator }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// unquote returns the content of a quoted string (RFC 9110 section 5.6.4), or the token that it is.
func unquote(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	var out strings.Builder
	escaped := false
	for _, r := range text[1 : len(text)-1] {
		if escaped = r == '\\' && !escaped; !escaped {
			out.WriteRune(r)
		}
	}
	return out.String()
}
