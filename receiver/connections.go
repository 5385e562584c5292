package receiver

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/sirupsen/logrus"
)

// connections is a listener that keeps a bounded number of connections open, in all and for each address. When there are too
// many, one goes that has no whole request, so that many that only wait keep nobody out.
type connections struct {
	net.Listener
	refused *refusals

	mu                sync.Mutex
	total, perAddress int
	exempt            []netip.Prefix // proxies speak for many
	open              map[*connection]struct{}
	count             map[netip.Addr]int
	used              uint64 // grows with every use of a connection
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
	c := &connections{Listener: inner, refused: refused, open: map[*connection]struct{}{}, count: map[netip.Addr]int{}}
	c.adjust(limits, exempt)
	return c
}

// adjust changes how many are kept open. Those who are there stay until they go, or have to make room.
func (c *connections) adjust(limits Limits, exempt []netip.Prefix) {
	total := limits.Connections
	if descriptors := maxDescriptors(); descriptors > 0 {
		total = min(total, max(descriptors/2, 1)) // the rest is for the store, the directories and files
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total, c.perAddress, c.exempt = total, min(limits.ConnectionsPerAddress, total), exempt
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
		c.refused.note("connection", host, refusedCaller, "connection refused", logrus.Fields{"caller": host, "reason": "all connections, or all of the address, are in use (receiver.limits)"})
	}
}

// admit counts a connection, and makes room for it; it returns nil where all others are in use.
func (c *connections) admit(conn net.Conn) *connection {
	in := &connection{Conn: conn, owner: c}
	c.mu.Lock()
	if peer, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		if address := peer.Addr().Unmap().WithZone(""); !within(c.exempt, address) {
			in.address = household(address)
		}
	}
	var leaving []*connection
	ofAddress, left := in.address.IsValid(), true
	for left && ofAddress && c.count[in.address] >= c.perAddress {
		leaving, left = c.leave(leaving, func(o *connection) bool { return o.address == in.address })
	}
	for left && len(c.open) >= c.total {
		leaving, left = c.leave(leaving, func(*connection) bool { return true })
	}
	room := len(c.open) < c.total && (!ofAddress || c.count[in.address] < c.perAddress)
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
// not used for longest. So whoever opens many is the one who loses them. It reports whether there was one.
func (c *connections) leave(leaving []*connection, among func(*connection) bool) ([]*connection, bool) {
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
		return leaving, false
	}
	c.forget(victim)
	return append(leaving, victim), true
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
