package receiver_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/receiver"
)

// serving runs a server until the returned function is called, which gives what Run returned.
func serving(t *testing.T, cfg receiver.ServerConfig) (*receiver.Server, func() error) {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	if cfg.Log == nil {
		cfg.Log = silentLog()
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
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

// writePair writes a certificate of its own with a serial number, and its key.
func writePair(t *testing.T, folder string, serial int64, at time.Time) (certificate, keys string) {
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
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, keys = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, keys: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, keys
}

// A certificate that was renewed is used without a restart; one that is broken is not, and says so in the log.
func TestARenewedCertificateIsUsed(t *testing.T) {
	folder := t.TempDir()
	begin := time.Now()
	certificate, key := writePair(t, folder, 1, begin)
	var now atomic.Int64
	now.Store(begin.Unix())
	var text bytes.Buffer
	log := logrus.New()
	log.SetOutput(&text)
	server, stop := serving(t, receiver.ServerConfig{
		CertFile: certificate, KeyFile: key, Handler: http.NotFoundHandler(), Log: log, Clock: func() time.Time { return time.Unix(now.Load(), 0) },
	})
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", server.Address().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("the first certificate is number %d", n)
	}
	writePair(t, folder, 2, begin.Add(time.Second))
	if n := serial(); n != 1 {
		t.Errorf("the file was looked at at once: number %d", n)
	}
	now.Add(10)
	if n := serial(); n != 2 {
		t.Errorf("after the renewal the certificate is number %d", n)
	}
	if err := os.WriteFile(certificate, []byte("half a certifi"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.Add(10)
	if n := serial(); n != 2 {
		t.Errorf("with a broken file the certificate is number %d", n)
	}
	if !strings.Contains(text.String(), "the old one stays in force") {
		t.Errorf("the log says %q", text.String())
	}
	writePair(t, folder, 3, begin.Add(2*time.Second))
	now.Add(10)
	if n := serial(); n != 3 {
		t.Errorf("after it was mended the certificate is number %d", n)
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
	if _, err := receiver.Listen(t.Context(), receiver.ServerConfig{Listen: "256.0.0.1:1", Log: silentLog(), Clock: time.Now}); err == nil || !strings.Contains(err.Error(), "256.0.0.1:1") {
		t.Errorf("a wrong address: %v", err)
	}
	if _, err := receiver.Listen(t.Context(), receiver.ServerConfig{Listen: "127.0.0.1:0", CertFile: "none.crt", KeyFile: "none.key", Log: silentLog(), Clock: time.Now}); err == nil || !strings.Contains(err.Error(), "receiver.tls.cert_file") {
		t.Errorf("no certificate: %v", err)
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
