package connector

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// timedConn puts a deadline on everything that is sent, which the LDAP library does not, and a limit on what is received
// until more is allowed, as the library keeps all of an answer.
type timedConn struct {
	net.Conn
	timeout time.Duration
	left    atomic.Int64
}

func newTimedConn(raw net.Conn, timeout time.Duration) *timedConn {
	c := &timedConn{Conn: raw, timeout: timeout}
	c.allowMore()
	return c
}

func (c *timedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(deadline(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

var errOverdrawn = errors.New("the server sends more than is taken in at a time")

func (c *timedConn) Read(b []byte) (int, error) {
	if c.overdrawn() {
		return 0, errOverdrawn
	}
	n, err := c.Conn.Read(b)
	c.left.Add(-int64(n))
	return n, err
}

// allowMore says that as much as is taken in at a time may be received from now on.
func (c *timedConn) allowMore() { c.left.Store(mostBytes) }

func (c *timedConn) overdrawn() bool { return c.left.Load() <= 0 }

func (p *pooled) allowMore() { p.wire.allowMore() }

func (p *pooled) overdrawn() bool { return p.wire.overdrawn() }

// deadline is a moment for a connection of the operating system, which knows no clock but its own.
func deadline(in time.Duration) time.Time {
	return time.Now().Add(in) //nolint:forbidigo // See above.
}
