package app_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
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

	"github.com/go-ldap/ldap/v3"
	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/ldaptest"
)

const (
	adminDN   = "cn=admin,dc=example,dc=org"
	accountDN = "cn=provisioner,dc=example,dc=org"
)

// keySet is a JWK Set with one public key.
const keySet = `{"keys":[{"kty":"RSA","kid":"k","use":"sig","alg":"RS256","e":"AQAB","n":"` +
	`0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]}`

// stage is a folder with a good configuration for a directory in memory.
type stage struct {
	*testing.T
	folder string
	server *ldaptest.Server
	issuer *authority
	app    *app.App
	log    *lockedBuffer
	// options are what nobody configures.
	options app.Options
	// notifications replace those of the file where receivers are in them.
	notifications config.Notifications
}

// lockedBuffer takes the log.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes what is logged.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was logged so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, folder: t.TempDir(), issuer: newAuthority(t), log: &lockedBuffer{}}
	certificate := s.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour))
	pair, err := tls.X509KeyPair(certificate.cert, certificate.key)
	if err != nil {
		t.Fatal(err)
	}
	s.server, err = ldaptest.Start(ldaptest.Config{
		AdminDN: adminDN, AdminPassword: secret.New("admin"), TLS: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		LDIF: `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: cn=provisioner,dc=example,dc=org
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: provisioner
userPassword: first
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Close)
	mapping, err := os.ReadFile("../../configs/mappings/openldap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.write("mapping.yaml", string(mapping))
	s.write("jwks.json", keySet)
	s.write("bind.secret", "first\n")
	s.write("ca.pem", string(s.issuer.pem))
	s.put("client", s.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)))
	s.put("server", s.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)))
	s.write("idaas-ldap.yaml", fmt.Sprintf(`receiver:
  listen: 127.0.0.1:0
  tls: { cert_file: server.crt, key_file: server.key }
applications:
  - id: app_example
    jwks_file: jwks.json
store:
  url: sqlite:data/store.db
  key_file: data/store.key
directories:
  - name: corp
    urls: [%q]
    tls:
      ca_file: ca.pem
      cert_file: client.crt
      key_file: client.key
    bind_dn: %q
    bind_password_file: bind.secret
    mapping: mapping.yaml
    timeout: 1m
admin: { listen: "127.0.0.1:0" }
`, s.server.SecureURL(), accountDN))
	return s
}

func (s *stage) path(name string) string { return filepath.Join(s.folder, name) }

// write puts a file in its place as renewals do: whole.
func (s *stage) write(name, content string) {
	s.Helper()
	if err := os.WriteFile(s.path(name)+"~", []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(s.path(name)+"~", s.path(name)); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) put(name string, c issued) {
	s.Helper()
	s.write(name+".crt", string(c.cert))
	s.write(name+".key", string(c.key))
}

// load loads the configuration, with more patience than it can have: what is answered does not depend on how busy the machine is.
func (s *stage) load() (*config.Config, error) {
	cfg, _, err := config.Load(s.path("idaas-ldap.yaml"), nil)
	if err == nil {
		cfg.Receiver.AnswerWithin = 45 * time.Second
		if len(s.notifications.Receivers) > 0 {
			cfg.Notifications = s.notifications
		}
	}
	return cfg, err
}

// open loads the configuration and opens the product, as serve does.
func (s *stage) open() (*app.App, error) {
	cfg, err := s.load()
	if err != nil {
		return nil, err
	}
	return app.OpenWith(s.Context(), cfg, s.logger(), "test", s.options)
}

// logger writes the log.
func (s *stage) logger() *logrus.Logger {
	s.Helper()
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: "debug", Format: "text", Out: s.log})
	if err != nil {
		s.Fatal(err)
	}
	return log
}

// reload does what a SIGHUP does.
func (s *stage) reload() {
	s.Helper()
	cfg, err := s.load()
	s.app.Reload(s.Context(), cfg, err)
}

// run runs the product until the test ends.
func (s *stage) run() {
	s.Helper()
	s.Cleanup(s.begin())
}

// begin runs the product until end is called.
func (s *stage) begin() (end func()) {
	s.Helper()
	var err error
	if s.app, err = s.open(); err != nil {
		s.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.app.Run(ctx) }()
	return func() {
		stop()
		if err := <-done; err != nil {
			s.Error(err)
		}
	}
}

// readiness is what /readyz says.
type readiness struct {
	Ready                                      bool
	Directories, Mappings, Files, Certificates map[string]string
	Pull                                       map[string]string
	Configuration                              string
}

func (s *stage) readiness() readiness {
	s.Helper()
	var r readiness
	if err := json.Unmarshal([]byte(s.page("/readyz")), &r); err != nil {
		s.Fatal(err)
	}
	return r
}

func (s *stage) page(path string) string {
	s.Helper()
	response, err := http.Get("http://" + s.app.AdminAddress().String() + path)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return string(body)
}

// changePassword gives the account a new password in the directory.
func (s *stage) changePassword(password string) {
	s.Helper()
	conn, err := ldap.DialURL(s.server.URL())
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Bind(adminDN, "admin"); err != nil {
		s.Fatal(err)
	}
	change := ldap.NewModifyRequest(accountDN, nil)
	change.Replace("userPassword", []string{password})
	if err := conn.Modify(change); err != nil {
		s.Fatal(err)
	}
}

// check asks the directory whether it answers.
func (s *stage) check() error {
	d := s.app.Directories()[0]
	return d.Server.Check(s.Context(), d.Mapping().Base())
}

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	last int64
}

type issued struct{ cert, key []byte }

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, last: 1}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) issue(from, to time.Time) issued {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.last++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: "somebody"}, NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return issued{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})}
}
