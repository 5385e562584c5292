package syslog

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// The ways to a server.
const (
	TLS  = "tcp+tls"
	TCP  = "tcp"
	UDP  = "udp"
	Unix = "unix"
)

// What one message may have at most: what fits into a datagram, and elsewhere what a server may be expected to take.
const (
	largestDatagram = 60 << 10
	largestMessage  = 1 << 20
)

// connection is one to a server.
type connection struct {
	conn   net.Conn
	stream bool
	within time.Duration
	clock  Clock

	ended   chan struct{} // closed when the other side has ended it
	reading sync.WaitGroup
}

// connect connects to the server.
func (f *Forwarder) connect(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Within)
	defer cancel()
	c := &connection{within: f.cfg.Within, clock: f.cfg.Clock, ended: make(chan struct{})}
	var err error
	switch f.cfg.Network {
	case TLS:
		var config *tls.Config
		if config, err = f.cfg.TLS(); err != nil {
			return nil, err
		}
		c.conn, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", f.cfg.Address)
		c.stream = true
	case Unix:
		if c.conn, err = (&net.Dialer{}).DialContext(ctx, "unixgram", f.cfg.Address); err != nil {
			c.conn, err = (&net.Dialer{}).DialContext(ctx, "unix", f.cfg.Address)
			c.stream = true
		}
	default:
		c.conn, err = (&net.Dialer{}).DialContext(ctx, f.cfg.Network, f.cfg.Address)
		c.stream = f.cfg.Network == TCP
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the syslog server: %w", err)
	}
	c.reading.Go(c.listen)
	return c, nil
}

// listen waits for the end of the connection: a server has nothing to say.
func (c *connection) listen() {
	defer close(c.ended)
	ignored := make([]byte, 512)
	for {
		if _, err := c.conn.Read(ignored); err != nil {
			return
		}
	}
}

// most is what a message may have.
func (c *connection) most() int {
	if c.stream {
		return largestMessage
	}
	return largestDatagram
}

// send sends one message; on a stream its length comes first (RFC 6587 section 3.4.1).
func (c *connection) send(message []byte) error {
	if c.stream {
		message = append([]byte(strconv.Itoa(len(message))+" "), message...)
	}
	err := c.conn.SetWriteDeadline(c.clock.Now().Add(c.within))
	if err == nil {
		_, err = c.conn.Write(message)
	}
	if err != nil {
		return fmt.Errorf("send to the syslog server: %w", err)
	}
	return nil
}

// close ends the connection.
func (c *connection) close() {
	_ = c.conn.Close() // nothing more is said
	c.reading.Wait()
}
