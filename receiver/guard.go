package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses is how many callers are remembered at a time.
const maxAddresses = 10_000

// addressGuard decides by the caller's address: is it allowed at all, and is it too fast.
type addressGuard struct {
	allow, proxies []netip.Prefix
	limit          rate.Limit
	burst          int
	clock          func() time.Time

	mu       sync.Mutex
	limiters map[netip.Addr]*rate.Limiter
}

func newAddressGuard(cfg Config) *addressGuard {
	return &addressGuard{
		allow: cfg.AllowFrom, proxies: cfg.TrustedProxies, limit: rate.Limit(cfg.Limits.RequestsPerSecond), burst: cfg.Limits.Burst,
		clock: cfg.Clock, limiters: map[netip.Addr]*rate.Limiter{},
	}
}

// check returns the caller, and why the caller is refused.
func (g *addressGuard) check(r *http.Request) (netip.Addr, error) {
	forbidden := Rejection{Status: http.StatusForbidden, Code: "forbidden", Description: "callers from this address are not allowed"}
	address, err := caller(r, g.proxies)
	switch {
	case !g.take(address): // first, so that who is not allowed is not let come as fast as they can
		return address, &Rejection{
			Status: http.StatusTooManyRequests, Code: "too_many_requests", Description: "too many requests",
			Reason: "the address is faster than receiver.limits.requests_per_second", RetryAfter: time.Second,
		}
	case err != nil:
		forbidden.Reason, forbidden.kind = err.Error(), "unreadable address"
		return address, &forbidden
	case len(g.allow) > 0 && !within(g.allow, address):
		forbidden.Reason = "the address " + address.String() + " is not in receiver.allow_from"
		return address, &forbidden
	}
	return address, nil
}

func within(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// household is what counts as one caller: an address, or the network that a subscriber of IPv6 has to draw from.
func household(address netip.Addr) netip.Addr {
	const subscriber = 64
	if address.Is6() && !address.Is4In6() {
		if network, err := address.Prefix(subscriber); err == nil {
			return network.Addr()
		}
	}
	return address
}

// take counts a request against the caller's rate. The number of callers that are remembered is bounded: when it is
// reached, those that have not sent for a while are forgotten, and if there are none, everybody is.
func (g *addressGuard) take(caller netip.Addr) bool {
	caller = household(caller)
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	limiter, ok := g.limiters[caller]
	if !ok {
		if len(g.limiters) >= maxAddresses {
			g.forget(now)
		}
		limiter = rate.NewLimiter(g.limit, g.burst)
		g.limiters[caller] = limiter
	}
	return limiter.AllowN(now, 1)
}

func (g *addressGuard) forget(now time.Time) {
	for address, limiter := range g.limiters {
		if limiter.TokensAt(now) >= float64(g.burst) {
			delete(g.limiters, address)
		}
	}
	if len(g.limiters) >= maxAddresses {
		clear(g.limiters)
	}
}
