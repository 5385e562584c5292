package connector_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// wire is a cable between the product and a server, which can be made to carry nothing.
type wire struct {
	listener net.Listener
	target   string

	mu       sync.Mutex
	accepted int
	dead     bool
	ends     []net.Conn
	running  sync.WaitGroup
}

func newWire(t *testing.T, url string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, target: url[len("ldap://"):]}
	w.running.Go(w.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		for _, end := range w.ends {
			_ = end.Close()
		}
		w.mu.Unlock()
		w.running.Wait()
	})
	return w
}

func (w *wire) url() string { return "ldap://" + w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		w.accepted++
		w.ends = append(w.ends, conn)
		dead := w.dead
		w.mu.Unlock()
		if dead {
			continue // it is taken and never heard of again
		}
		server, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = conn.Close()
			continue
		}
		w.mu.Lock()
		w.ends = append(w.ends, server)
		w.mu.Unlock()
		w.running.Go(func() { w.carry(conn, server) })
		w.running.Go(func() { w.carry(server, conn) })
	}
}

// carry takes octets from one end to the other until either is closed or the wire is dead.
func (w *wire) carry(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		dead := w.dead
		w.mu.Unlock()
		if dead {
			return
		}
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// die makes the wire take octets, and connections, and deliver nothing.
func (w *wire) die() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}

// dialed returns how often somebody has connected.
func (w *wire) dialed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accepted
}

// certificate makes a certificate for this machine and the pool of authorities that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
