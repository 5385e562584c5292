package receiver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/receiver"
)

// serving runs a server until the returned function is called, which gives what Run returned.
func serving(t *testing.T, cfg receiver.ServerConfig) (*receiver.Server, func() error) {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	server, err := receiver.Listen(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	return server, func() error {
		cancel()
		return <-done
	}
}

// pairOf makes a certificate with a serial number.
func pairOf(t *testing.T, serial int64) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Every handshake shows the certificate that is in force at that moment.
func TestARenewedCertificateIsUsed(t *testing.T) {
	var inForce atomic.Pointer[tls.Certificate]
	inForce.Store(pairOf(t, 1))
	server, stop := serving(t, receiver.ServerConfig{Certificate: inForce.Load, Handler: http.NotFoundHandler()})
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", server.Address().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	for n := range int64(2) {
		inForce.Store(pairOf(t, n))
		if got := serial(); got != n {
			t.Errorf("the certificate is number %d, want %d", got, n)
		}
	}
	// Old versions of TLS are not spoken.
	if _, err := tls.Dial("tcp", server.Address().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	if _, err := receiver.Listen(t.Context(), receiver.ServerConfig{Listen: "256.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "256.0.0.1:1") {
		t.Errorf("a wrong address: %v", err)
	}
	server, err := receiver.Listen(t.Context(), receiver.ServerConfig{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	address := server.Address().String()
	if err := receiver.CanListen(t.Context(), address); err == nil {
		t.Errorf("%s can be listened on twice", address)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := receiver.CanListen(t.Context(), address); err != nil {
		t.Error(err)
	}
}

// A request that is under way when the server is told to stop gets its answer.
func TestAStopAnswersWhatIsUnderWay(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	server, stop := serving(t, receiver.ServerConfig{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	})})
	answered := make(chan string, 1)
	go func() {
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + server.Address().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			answered <- err.Error()
		}
		answered <- string(text)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	// The listener closes first: nobody new gets in.
	for {
		conn, err := net.Dial("tcp", server.Address().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(finish)
	if text := <-answered; text != "done" {
		t.Errorf("the request under way got %q", text)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// Nobody holds a connection by being slow with the header of a request.
func TestWhoIsSlowIsCutOff(t *testing.T) {
	t.Parallel()
	server, stop := serving(t, receiver.ServerConfig{Handler: http.NotFoundHandler()})
	conn, err := net.Dial("tcp", server.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil { // ends when the server has had enough
		t.Log(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
