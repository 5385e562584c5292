package receiver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/sirupsen/logrus"
)

// connections is a listener that keeps a bounded number of connections open, in all and for each address. When there are too
// many, one goes that has no whole request, so that many that only wait keep nobody out.
type connections struct {
	net.Listener
	total, perAddress int
	exempt            []netip.Prefix // proxies speak for many
	refused           *refusals

	mu    sync.Mutex
	open  map[*connection]struct{}
	count map[netip.Addr]int
	used  uint64 // grows with every use of a connection
}

// connection is one that is counted.
type connection struct {
	net.Conn
	owner   *connections
	address netip.Addr // empty for one that counts in the total only

	// These are guarded by the owner's lock.
	lastUse uint64
	busy    int // requests that were read as a whole and are not answered yet
	gone    bool
}

func newConnections(inner net.Listener, limits Limits, exempt []netip.Prefix, refused *refusals) *connections {
	total := limits.Connections
	if descriptors := maxDescriptors(); descriptors > 0 {
		total = min(total, max(descriptors/2, 1)) // the rest is for the store, the directories and files
	}
	return &connections{
		Listener: inner, total: total, perAddress: min(limits.ConnectionsPerAddress, total), exempt: exempt, refused: refused,
		open: map[*connection]struct{}{}, count: map[netip.Addr]int{},
	}
}

// Accept returns the next connection that there is room for.
func (c *connections) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // The server looks at what kind of error it is.
		}
		if counted := c.admit(conn); counted != nil {
			return counted, nil
		}
		_ = conn.Close()                                            // Nobody is told: it was never used.
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String()) // It is one that was accepted from.
		c.refused.note("connection", host, refusedCaller, "connection refused", logrus.Fields{"caller": host, "reason": fmt.Sprintf("all %d connections, or all %d of the address, are in use (receiver.limits)", c.total, c.perAddress)})
	}
}

// admit counts a connection, and makes room for it; it returns nil where all others are in use.
func (c *connections) admit(conn net.Conn) *connection {
	in := &connection{Conn: conn, owner: c}
	if peer, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		if address := peer.Addr().Unmap().WithZone(""); !within(c.exempt, address) {
			in.address = household(address)
		}
	}
	c.mu.Lock()
	var leaving []*connection
	if in.address.IsValid() && c.count[in.address] >= c.perAddress {
		leaving = c.leave(leaving, func(o *connection) bool { return o.address == in.address })
	}
	if len(c.open) >= c.total {
		leaving = c.leave(leaving, func(*connection) bool { return true })
	}
	room := len(c.open) < c.total && (!in.address.IsValid() || c.count[in.address] < c.perAddress)
	if room {
		c.used++
		in.lastUse = c.used
		c.open[in] = struct{}{}
		c.count[in.address]++
	}
	c.mu.Unlock()
	for _, other := range leaving {
		_ = other.Conn.Close() // Whoever serves it finds out.
	}
	if !room {
		return nil
	}
	return in
}

// leave takes a connection out of the count that nobody is busy with: one of those of whom has most, and of them the one that was
// not used for longest. So whoever opens many is the one who loses them.
func (c *connections) leave(leaving []*connection, among func(*connection) bool) []*connection {
	var victim *connection
	for o := range c.open {
		if o.busy > 0 || !among(o) {
			continue
		}
		if victim == nil || c.share(o) > c.share(victim) || c.share(o) == c.share(victim) && o.lastUse < victim.lastUse {
			victim = o
		}
	}
	if victim == nil {
		return leaving
	}
	c.forget(victim)
	return append(leaving, victim)
}

// share is how many connections the address of one has; one of a proxy, which speaks for many, counts alone.
func (c *connections) share(o *connection) int {
	if !o.address.IsValid() {
		return 1
	}
	return c.count[o.address]
}

func (c *connections) forget(conn *connection) {
	if conn.gone {
		return
	}
	conn.gone = true
	delete(c.open, conn)
	if c.count[conn.address]--; c.count[conn.address] == 0 {
		delete(c.count, conn.address)
	}
}

// Close closes the connection and gives its place away.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	c.owner.forget(c)
	c.owner.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // It is what the server expects of a connection.
}

type connectionKey struct{}

// withConnection lets requests find the connection that they came on.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// inUse keeps the connection of a request that was read as a whole until the function that it returns is called.
func inUse(ctx context.Context) (done func()) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return func() {}
	}
	add := func(n int) {
		conn.owner.mu.Lock()
		defer conn.owner.mu.Unlock()
		conn.busy += n
		conn.owner.used++
		conn.lastUse = conn.owner.used
	}
	add(1)
	return func() { add(-1) }
}
