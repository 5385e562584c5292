package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a certificate authority of one test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

// Where a server's own certificate and its key are, as PEM.
const (
	certificateFile = "server.crt"
	keyFile         = "server.key"
)

// newAuthority makes an authority and writes its certificate to a folder.
func newAuthority(tb testing.TB, folder string) authority {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatalf("make a certificate authority: %v", err)
	}
	ca := authority{key: key, file: filepath.Join(folder, "ca.crt")}
	if ca.certificate, err = x509.ParseCertificate(der); err != nil {
		tb.Fatalf("make a certificate authority: %v", err)
	}
	writePEM(tb, ca.file, "CERTIFICATE", der)
	return ca
}

// sign certifies that a key is that of the server at an address, and writes the certificate to a file.
func (a authority) sign(tb testing.TB, public any, address, file string) {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.ParseIP(address)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		tb.Fatalf("certify a server: %v", err)
	}
	writePEM(tb, file, "CERTIFICATE", der)
}

// issueFiles writes a key and the certificate for it to a folder.
func (a authority) issueFiles(tb testing.TB, folder, address string) {
	tb.Helper()
	key := newKey(tb)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("write a key: %v", err)
	}
	writePEM(tb, filepath.Join(folder, keyFile), "PRIVATE KEY", der)
	a.sign(tb, key.Public(), address, filepath.Join(folder, certificateFile))
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("make a key: %v", err)
	}
	return key
}

func writePEM(tb testing.TB, file, kind string, der []byte) {
	tb.Helper()
	writeFile(tb, file, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

// writeFile writes a file that nobody else may read: Samba refuses a key that others can.
func writeFile(tb testing.TB, file, content string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func makeFolders(tb testing.TB, dir string, names ...string) {
	tb.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			tb.Fatal(err)
		}
	}
}
