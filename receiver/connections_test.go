package receiver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// caller's end of a connection, which comes from an address of choice.
type callersConn struct {
	net.Conn
	address string
	closed  bool
}

// RemoteAddr is where it comes from.
func (c *callersConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.address))
}

// Close notes that it was closed.
func (c *callersConn) Close() error {
	c.closed = true
	return nil
}

// doorway is a listener to which connections come one by one.
type doorway struct {
	t *testing.T
	*connections
}

func newDoorway(t *testing.T, total, perAddress int) doorway {
	t.Helper()
	limits := Limits{Connections: total, ConnectionsPerAddress: perAddress}.complete()
	return doorway{t, newConnections(nil, limits, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, newRefusals(logrus.New(), time.Now))}
}

// come lets a connection come; it is nil where there is no room.
func (d doorway) come(address string) (*connection, *callersConn) {
	raw := &callersConn{address: address}
	return d.admit(raw), raw
}

func (d doorway) use(c *connection) (done func()) {
	return inUse(withConnection(context.Background(), c))
}

func TestAnIdleConnectionMakesRoom(t *testing.T) {
	d := newDoorway(t, 3, 2)
	a1, raw1 := d.come("192.0.2.1:1")
	a2, raw2 := d.come("192.0.2.1:2")
	done := d.use(a1)
	a3, raw3 := d.come("192.0.2.1:3")
	if a3 == nil || raw1.closed || !raw2.closed {
		t.Fatal("the connection in use had to go, or no other made room")
	}
	done3 := d.use(a3)
	if c, _ := d.come("192.0.2.1:4"); c != nil {
		t.Error("one address has more than its share")
	}
	_, rawB := d.come("192.0.2.2:1")
	if c, _ := d.come("192.0.2.3:1"); c == nil || !rawB.closed {
		t.Error("an idle connection of another address made no room")
	} else {
		d.use(c)
	}
	if c, _ := d.come("192.0.2.4:1"); c != nil {
		t.Error("there are more than there may be")
	}
	// What was used last goes last.
	done3()
	done()
	if c, _ := d.come("192.0.2.4:1"); c == nil || !raw3.closed || raw1.closed {
		t.Error("it is not the one that was unused for longest that made room")
	}
	if err := a1.Close(); err != nil {
		t.Error(err)
	}
	if err := a2.Close(); err != nil { // a second time, by its server
		t.Error(err)
	}
	if n := len(d.open); n != 2 || len(d.count) != 2 {
		t.Errorf("%d connections of %d addresses are counted", n, len(d.count))
	}
}

// However fast somebody opens connections, it is their own that they lose.
func TestWhoOpensManyLosesTheirOwn(t *testing.T) {
	d := newDoorway(t, 8, 8)
	_, alone := d.come("192.0.2.1:1")
	_, proxy := d.come("10.0.0.1:1")
	var last *callersConn
	for range 100 {
		_, last = d.come("192.0.2.2:1")
	}
	if alone.closed || proxy.closed || last.closed {
		t.Error("somebody else had to go")
	}
}

// Where fewer are allowed from now on, the next one that comes makes idle ones go until there is room for it.
func TestFewerConnections(t *testing.T) {
	d := newDoorway(t, 8, 8)
	for i := range 8 {
		d.come(fmt.Sprintf("192.0.2.%d:1", i))
	}
	d.adjust(Limits{Connections: 3, ConnectionsPerAddress: 3}, nil)
	c, _ := d.come("192.0.2.9:1")
	if c == nil || len(d.open) != 3 {
		t.Errorf("%d connections are open", len(d.open))
	}
}

// A proxy speaks for many, and a subscriber of IPv6 has a whole network of addresses.
func TestWhatCountsAsOneAddress(t *testing.T) {
	d := newDoorway(t, 8, 1)
	_, proxy := d.come("10.0.0.1:1")
	d.come("10.0.0.1:2")
	_, first := d.come("[2001:db8::1]:1")
	d.come("[2001:db8::ffff:2]:1")
	_, mapped := d.come("[::ffff:192.0.2.1]:1")
	d.come("192.0.2.1:2")
	if proxy.closed || !first.closed || !mapped.closed {
		t.Error("addresses are counted wrong")
	}
}
