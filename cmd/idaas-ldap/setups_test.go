package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// keySet is a JWK Set with one public key.
const keySet = `{"keys":[{"kty":"RSA","kid":"k","use":"sig","alg":"RS256","e":"AQAB","n":"` +
	`0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]}`

// setUp is a folder with all that a configuration names.
type setUp struct {
	*testing.T
	folder    string
	directory *ldaptest.Server
}

const goodConfig = `receiver:
  listen: 127.0.0.1:0
  tls:
    cert_file: server.crt
    key_file: server.key
applications:
  - id: app_example
    jwks_file: jwks.json
    encryption_key_files: [encryption.secret]
store:
  url: sqlite:data/store.db
  key_file: data/store.key
directories:
  - name: corp
    type: openldap
    urls:
      - %q
    tls:
      ca_file: ca.pem
      cert_file: client.crt
      key_file: client.key
    bind_dn: %q
    bind_password_file: bind.secret
    mapping: mapping.yaml
    timeout: 1m
admin:
  listen: 127.0.0.1:0
  token_file: admin.secret
`

func newSetUp(t *testing.T, directory *ldaptest.Server) *setUp {
	t.Helper()
	s := &setUp{T: t, folder: t.TempDir(), directory: directory}
	mapping, err := os.ReadFile(filepath.Join(mappingsFolder(t), "openldap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("mapping.yaml", string(mapping))
	s.write("jwks.json", keySet)
	s.write("encryption.secret", strings.Repeat("0f", 32)+"\n")
	s.write("bind.secret", password+"\n")
	s.write("admin.secret", "0123456789abcdef0123456789abcdef\n")
	for _, name := range []string{"server", "client"} {
		s.certificate(name, time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour))
	}
	s.write("ca.pem", s.read("server.crt"))
	s.write("idaas-ldap.yaml", fmt.Sprintf(goodConfig, directory.URL(), adminDN))
	return s
}

func (s *setUp) path(name string) string { return filepath.Join(s.folder, name) }

func (s *setUp) write(name, content string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *setUp) read(name string) string {
	s.Helper()
	raw, err := os.ReadFile(s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	return string(raw)
}

func (s *setUp) remove(name string) {
	s.Helper()
	if err := os.RemoveAll(s.path(name)); err != nil {
		s.Fatal(err)
	}
}

// edit changes a file.
func (s *setUp) edit(name, old, with string) {
	s.Helper()
	text := s.read(name)
	if !strings.Contains(text, old) {
		s.Fatalf("%s has no %q", name, old)
	}
	s.write(name, strings.Replace(text, old, with, 1))
}

// config changes the configuration.
func (s *setUp) config(old, with string) { s.Helper(); s.edit("idaas-ldap.yaml", old, with) }

// certificate writes one that trusts itself, and its key.
func (s *setUp) certificate(name string, from, to time.Time) {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.Fatal(err)
	}
	s.write(name+".crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write(name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}

// serve runs the service for as long as it runs by itself, or until it says something.
func (s *setUp) serve(until string) (code int, said string) {
	s.Helper()
	ctx, stop := context.WithCancel(s.Context())
	defer stop()
	heard := &listener{until: until, heard: stop}
	code = run(ctx, terminal{In: bytes.NewReader(nil), Out: heard, Err: heard}, []string{"serve", "--config", s.path("idaas-ldap.yaml")})
	return code, heard.String()
}

// listener takes what is said, and tells when it was a certain thing.
type listener struct {
	mu    sync.Mutex
	said  bytes.Buffer
	until string
	heard func()
}

// Write takes what is said.
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.said.Write(p)
	if l.until != "" && strings.Contains(l.said.String(), l.until) {
		l.heard()
	}
	return n, err
}

// String returns what was said.
func (l *listener) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// brokenSetUps are what can be wrong before anything is connected, with what is said and where.
var brokenSetUps = []struct {
	name  string
	spoil func(*setUp)
	where string // a key of the configuration, or a file
	what  string
	code  int // of both commands; zero for a wrong configuration
}{
	{"the configuration is no YAML", func(s *setUp) { s.config("store:", "store: [") }, "idaas-ldap.yaml:", "this is not YAML", 0},
	{"a key is misspelt", func(s *setUp) { s.config("listen: 127.0.0.1:0\n  tls", "lisen: 127.0.0.1:0\n  tls") }, "idaas-ldap.yaml:2:3: receiver", `did you mean "listen"`, 0},
	{"the type is misspelt", func(s *setUp) { s.config("type: openldap", "type: open-ldap") }, "directories[0].type", "did you mean openldap?", 0},
	{"no receiver certificate", func(s *setUp) { s.remove("server.crt") }, "receiver.tls.cert_file", "no such file", 0},
	{"no key of it", func(s *setUp) { s.remove("server.key") }, "receiver.tls.key_file", "no such file", 0},
	{"a key of another certificate", func(s *setUp) { s.write("server.key", s.read("client.key")) }, "receiver.tls.cert_file", "private key does not match", 0},
	{"a certificate that is none", func(s *setUp) { s.write("server.crt", "<html>") }, "receiver.tls.cert_file", "failed to find any PEM data", 0},
	{"no key set", func(s *setUp) { s.remove("jwks.json") }, "applications[0].jwks_file", "no such file", 0},
	{"a web page for a key set", func(s *setUp) { s.write("jwks.json", "<!DOCTYPE html><html>") }, "applications[0].jwks_file", "read the key set", 0},
	{"a key set without a usable key", func(s *setUp) { s.write("jwks.json", `{"keys":[]}`) }, "applications[0].jwks_file", "holds no RSA key", 0},
	{"an encryption key that is none", func(s *setUp) { s.write("encryption.secret", "secret") }, "applications[0].encryption_key_files[0]", "not an AES key", 0},
	{"no encryption key", func(s *setUp) { s.remove("encryption.secret") }, "applications[0].encryption_key_files[0]", "no such file", 0},
	{"no bind password", func(s *setUp) { s.remove("bind.secret") }, "directories[0].bind_password_file", "no such file", 0},
	{"an empty bind password", func(s *setUp) { s.write("bind.secret", "\n") }, "directories[0].bind_password_file", "is empty", 0},
	{"a token in clear", func(s *setUp) { s.config("admin:\n  listen: 127.0.0.1:0", "admin:\n  listen: 0.0.0.0:0") }, "admin.listen", "give admin.tls, or name the proxy that speaks TLS", 0},
	{"no token beyond this machine", func(s *setUp) {
		s.config("admin:\n  listen: 127.0.0.1:0\n  token_file: admin.secret", "admin:\n  listen: 0.0.0.0:0\n  tls: { cert_file: server.crt, key_file: server.key }")
	}, "admin.listen", "a token has to be asked for", 0},
	{"no certificate of the admin listener", func(s *setUp) {
		s.config("  token_file: admin.secret", "  token_file: admin.secret\n  tls: { cert_file: server.crt, key_file: nowhere.key }")
	}, "admin.tls.key_file", "no such file", 0},
	{"no token", func(s *setUp) { s.remove("admin.secret") }, "admin.token_file", "no such file", 0},
	{"no authority", func(s *setUp) { s.remove("ca.pem") }, "directories[0].tls.ca_file", "no such file", 0},
	{"an authority that is none", func(s *setUp) { s.write("ca.pem", "<html>") }, "directories[0].tls.ca_file", "holds no certificate", 0},
	{"no client certificate", func(s *setUp) { s.remove("client.crt") }, "directories[0].tls.cert_file", "no such file", 0},
	{"a key of another client certificate", func(s *setUp) { s.write("client.key", s.read("server.key")) }, "directories[0].tls.cert_file", "private key does not match", 0},
	{"no mapping", func(s *setUp) { s.remove("mapping.yaml") }, "directories[0].mapping", "no such file", 0},
	{"a mapping that is a folder", func(s *setUp) { s.config("mapping: mapping.yaml", "mapping: .") }, "directories[0].mapping", "is a directory", 0},
	{"a mapping that is wrong", func(s *setUp) { s.edit("mapping.yaml", "user.username", "user.usernam") }, "mapping.yaml:", "usernam", 0},
	{"a mapping whose test fails", func(s *setUp) { s.edit("mapping.yaml", "mail: lower(user.email)", "mail: upper(user.email)") }, "mapping.yaml:", "fails; 'idaas-ldap test", 0},
	{"the store is a folder", func(s *setUp) { s.config("sqlite:data/store.db", "sqlite:.") }, "store.url", "it is a folder", 0},
	{"the store is something else", func(s *setUp) { s.begun(); s.write("data/store.db", strings.Repeat("receiver:\n", 500)) }, "store.url", "is damaged", 0},
	{"the store is below a file", func(s *setUp) { s.config("sqlite:data/store.db", "sqlite:jwks.json/store.db") }, "store.url", "not a directory", 0},
	{"another key of the store", func(s *setUp) { s.begun(); s.write("data/store.key", strings.Repeat("ab", 32)) }, "store.key_file", "does not belong to this database", 0},
	{"no key of the store", func(s *setUp) { s.begun(); s.remove("data/store.key") }, "store.key_file", "is not there: put it back", 0},
	{"a key of the store that others may read", func(s *setUp) { s.begun(); s.mode("data/store.key", 0o644) }, "store.key_file", "chmod 600", 0},
	{"a key of the store that is none", func(s *setUp) {
		s.write("store.key", "secret")
		s.config("key_file: data/store.key", "key_file: store.key")
	}, "store.key_file", "64 hex digits", 0},
	{"an address of another machine", func(s *setUp) { s.config("listen: 127.0.0.1:0", "listen: 192.0.2.1:8443") }, "receiver.listen", "cannot assign requested address", 0},
	{"an address that is taken", func(s *setUp) { s.config("admin:\n  listen: 127.0.0.1:0", "admin:\n  listen: "+s.taken()) }, "admin.listen", "address already in use", exitFailed},
}

// begun makes a store, as a former start has left it.
func (s *setUp) begun() {
	s.Helper()
	if code, said := s.serve("ready for events"); code != exitDone {
		s.Fatalf("exit %d\n%s", code, said)
	}
}

func (s *setUp) mode(name string, mode os.FileMode) {
	s.Helper()
	if err := os.Chmod(s.path(name), mode); err != nil {
		s.Fatal(err)
	}
}

// taken returns an address that somebody listens on.
func (s *setUp) taken() string {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// Whatever is wrong, validate names it with its place, and serve says the same sentence instead of starting.
func TestValidateSaysWhatServeWouldSay(t *testing.T) {
	directory := startDirectory(t, "")
	for _, c := range brokenSetUps {
		t.Run(c.name, func(t *testing.T) {
			s := newSetUp(t, directory)
			c.spoil(s)
			if c.code == 0 {
				c.code = exitConfig
			}
			before, err := filepath.Glob(filepath.Join(s.folder, "*", "*"))
			if err != nil {
				t.Fatal(err)
			}
			code, _, errs := call(t, "validate", "--config", s.path("idaas-ldap.yaml"))
			if code != c.code {
				t.Errorf("validate ends with %d", code)
			}
			sentence := ""
			for _, line := range strings.Split(errs, "\n") {
				if strings.Contains(line, c.where) && strings.Contains(line, c.what) {
					sentence = line
				}
			}
			if sentence == "" || !strings.Contains(sentence, ".yaml:") {
				t.Fatalf("validate does not say %q of %s with its place:\n%s", c.what, c.where, errs)
			}
			code, said := s.serve("")
			if code != c.code || !strings.Contains(said, sentence) {
				t.Errorf("serve ends with %d and does not say\n%s\nbut\n%s", code, sentence, said)
			}
			after, err := filepath.Glob(filepath.Join(s.folder, "*", "*"))
			if err != nil || c.code == exitConfig && len(after) != len(before) {
				t.Errorf("there was %v and is %v (%v)", before, after, err)
			}
		})
	}
}

// With a good set-up both say so, also beside the service that runs; a certificate that ends is no reason not to start.
func TestValidateIsGoodWhereServeStarts(t *testing.T) {
	s := newSetUp(t, startDirectory(t, ""))
	validateWith := func(want int, says string) {
		t.Helper()
		if code, said := validate(t, s.path("idaas-ldap.yaml")); code != want || !strings.Contains(said, says) {
			t.Errorf("exit %d, want %d and %q\n%s", code, want, says, said)
		}
	}
	validateWith(exitDone, "is good")
	if _, err := os.Stat(s.path("data")); err == nil {
		t.Error("validate has made the store")
	}
	s.begun()
	validateWith(exitDone, "is good")
	s.certificate("server", time.Now().Add(-time.Hour), time.Now().Add(5*24*time.Hour))
	validateWith(exitDone, "server.crt holds a certificate that ends on ")
	s.certificate("server", time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	validateWith(exitConfig, "idaas-ldap.yaml:4:16: receiver.tls.cert_file: "+s.path("server.crt")+" holds a certificate that has expired on ")
	if code, said := s.serve("holds a certificate that has expired on "); code != exitDone {
		t.Errorf("serve does not say so: exit %d\n%s", code, said)
	}
}

// What shows only online is found at each server, with its place.
func TestValidateOnlineLooksAtEveryServer(t *testing.T) {
	directory := startDirectory(t, "")
	online := func(t *testing.T, s *setUp) (int, string) {
		t.Helper()
		return validate(t, s.path("idaas-ldap.yaml"), "--online")
	}
	for name, c := range map[string]struct {
		spoil func(s *setUp)
		want  []string
	}{
		"a second server that is down": {func(s *setUp) {
			s.config("    tls:\n      ca_file", "      - ldap://127.0.0.1:1\n    tls:\n      ca_file")
		}, []string{"idaas-ldap.yaml:18:9: directories[0].urls[1]: ", "connection refused"}},
		"a wrong password": {func(s *setUp) { s.write("bind.secret", "wrong") }, []string{"directories[0].urls[0]: ", "refuses our login with directories[0].bind_password_file"}},
		"a server that is read-only": {func(s *setUp) {
			s.directory.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				if op.Verb == "modify" {
					return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "operation restricted"}
				}
				return ldaptest.Fault{}
			})
		}, []string{"directories[0].urls[0]: it takes no writes", "operation restricted"}},
		"a limit on results": {func(s *setUp) {
			s.config(s.directory.URL(), startDirectoryWith(s.T, ldaptest.Config{SizeLimit: 3}).URL())
		}, []string{"lift slapd's limits"}},
		"another type of server": {func(s *setUp) {
			s.config("type: openldap", "type: 389ds")
			s.config("  - name: corp", "  - name: corp\n    password_sync: false")
		}, []string{
			"type: 389ds, and the server shows itself to be of type openldap",
		}},
		"a key endpoint that is down": {func(s *setUp) {
			s.config("jwks_file: jwks.json", "jwks_url: http://127.0.0.1:1/keys")
		}, []string{"idaas-ldap.yaml:8:15: applications[0].jwks_url: ", "none could be fetched from http://127.0.0.1:1/keys yet", "connection refused"}},
		"a web page in place of the key set": {func(s *setUp) {
			page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
			s.Cleanup(page.Close)
			s.config("jwks_file: jwks.json", "jwks_url: "+page.URL)
		}, []string{"applications[0].jwks_url: ", "read the key set"}},
		"a key endpoint that leads elsewhere": {func(s *setUp) {
			away := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/keys", http.StatusFound))
			s.Cleanup(away.Close)
			s.config("jwks_file: jwks.json", "jwks_url: "+away.URL)
		}, []string{"applications[0].jwks_url: ", "redirects to", "another scheme or host"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetUp(t, directory)
			c.spoil(s)
			defer directory.Fault(nil)
			code, said := online(t, s)
			if code != exitFailed {
				t.Errorf("exit %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			others := strings.Count(said, "corp: the mapping ") + strings.Count(said, "corp: whether ") + strings.Count(said, "corp: the directory answers")
			if n := strings.Count(said, "corp: ") + strings.Count(said, "applications[0].") - others; n != 1 {
				t.Errorf("it says %d things", n)
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
	if code, said := online(t, newSetUp(t, directory)); code != exitDone || !strings.Contains(said, "the directory answers") {
		t.Errorf("a good one: exit %d\n%s", code, said)
	}
}
