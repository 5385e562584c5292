package receiver

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one address may send a second where the configuration does not say. IDaaS sends from one address and gives an event
// up after a few refusals, so this is more than can be stored anyway: it keeps a flood from taking all the processors.
const (
	defaultRate  = 5000
	defaultBurst = 10_000
	maxAddresses = 10_000 // remembered at a time
)

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
	g := &addressGuard{
		allow: cfg.AllowFrom, proxies: cfg.TrustedProxies, limit: rate.Limit(cfg.RequestsPerSecond), burst: cfg.Burst,
		clock: cfg.Clock, limiters: map[netip.Addr]*rate.Limiter{},
	}
	if g.limit <= 0 {
		g.limit, g.burst = defaultRate, defaultBurst
	}
	return g
}

func (g *addressGuard) check(r *http.Request) error {
	caller, ok := g.caller(r)
	if len(g.allow) > 0 && (!ok || !within(g.allow, caller)) {
		return &Rejection{
			Status: http.StatusForbidden, Code: "forbidden", Description: "callers from this address are not allowed",
			Reason: "the address " + caller.String() + " is not in receiver.allow_from",
		}
	}
	if !g.take(caller) {
		return &Rejection{
			Status: http.StatusTooManyRequests, Code: "too_many_requests", Description: "too many requests",
			Reason: "the address " + caller.String() + " is too fast", RetryAfter: time.Second,
		}
	}
	return nil
}

// caller returns the address that the request really comes from: the peer's, or, where the peer is a trusted proxy, the
// nearest one in X-Forwarded-For that is not. What stands further left there was written by the caller itself.
func (g *addressGuard) caller(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(g.proxies, address); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return address, strings.TrimSpace(hops[i]) == ""
		}
		address = hop.Unmap()
	}
	return address, true
}

func within(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// take counts a request against the caller's rate. The number of callers that are remembered is bounded: when it is
// reached, those that have not sent for a while are forgotten, and if there are none, everybody is.
func (g *addressGuard) take(caller netip.Addr) bool {
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
