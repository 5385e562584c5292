//go:build linux && !race

package attacks_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// writeCertificate writes a certificate for this machine, and its key.
func writeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// overHTTP2 returns a client that trusts anybody and speaks HTTP/2 from an address of this machine.
func overHTTP2(host int) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: from(host), ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}
}

// endless is a large body whose last octets do not come before all is over.
type endless struct {
	left    int
	stalled func() // called when the rest is held back
	over    <-chan struct{}
}

// Read gives the next octets.
func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		e.stalled()
		<-e.over
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), e.left)
	copy(p, bytes.Repeat([]byte("A"), n))
	e.left -= n
	return n, nil
}

// Hundreds of streams of HTTP/2 with large bodies, in as many connections as they need, take bounded memory as well.
func TestStreamsOfHTTP2(t *testing.T) {
	certificate, key := writeCertificate(t)
	s := start(t, fmt.Sprintf(", tls: { cert_file: %q, key_file: %q }", certificate, key), "")
	url := "https://" + s.address + "/accounts/provision"
	sender := overHTTP2(1)
	defer sender.CloseIdleConnections()
	stop := genuine(t, s, url, sender)
	over := make(chan struct{})
	var stalled, ended sync.WaitGroup
	clients := []*http.Client{overHTTP2(50), overHTTP2(51), overHTTP2(52)}
	for i := range 300 {
		stalled.Add(1)
		ended.Go(func() {
			once := sync.OnceFunc(stalled.Done)
			defer once()
			request, err := http.NewRequest(http.MethodPost, url, &endless{left: giant - 1<<20, stalled: once, over: over})
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Content-Type", "application/json")
			if answer, err := clients[i%3].Do(request); err == nil {
				_ = answer.Body.Close() // the service has had enough of it
			}
		})
	}
	stalled.Wait()
	close(over)
	ended.Wait()
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	if n := stop(); n == 0 {
		t.Error("no event was answered")
	}
	within(t, s)
}
