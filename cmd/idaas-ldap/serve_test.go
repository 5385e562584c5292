package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// An administrator's first hour: the service runs, the simulation sends it an organisation, and what became of the events is
// looked at, mended, tried again and given up.
func TestServeSimulateEvents(t *testing.T) {
	directory := startDirectory(t, "")
	folder := t.TempDir()
	key := filepath.Join(folder, "simulate.key")
	// The first call makes the keys that the service is told to trust; there is nobody to send to yet.
	code, out, errs := call(t, "simulate", "--url", "http://127.0.0.1:1/", "--signing-key", key, "--test")
	if code != exitFailed || !strings.Contains(errs, "jwks_file: "+filepath.Join(folder, "simulate.jwks")) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	s := newService(t, directory)
	config := writeConfig(t, folder, `listen: "127.0.0.1:0"`, "  - { id: app_example, jwks_file: simulate.jwks }", directory.URL())
	s.config = config
	s.start()
	simulate := func(args ...string) (int, string, string) {
		t.Helper()
		return call(t, append([]string{"simulate", "--config", config, "--url", s.client.URL, "--signing-key", key}, args...)...)
	}
	if code, out, errs := simulate("--test"); code != exitDone || !strings.HasPrefix(out, "1 success, 0 skipped, 0 failed, 0 retried") {
		t.Fatalf("the connection test: exit %d\n%s%s", code, out, errs)
	}
	if code, out, errs := simulate("--people", "20", "--units", "3"); code != exitDone || !strings.Contains(out, ", 0 skipped, 0 failed, 0 retried in ") {
		t.Fatalf("the push: exit %d\n%s%s", code, out, errs)
	}
	list := func(args ...string) []store.EventRecord {
		t.Helper()
		code, out, errs := call(t, append([]string{"events", "list", "--config", config, "--output", "json", "--limit", "1000"}, args...)...)
		var records []store.EventRecord
		if err := json.Unmarshal([]byte(out), &records); code != exitDone || err != nil {
			t.Fatalf("exit %d: %v\n%s", code, err, errs)
		}
		return records
	}
	await(t, "everything is applied", func() bool {
		return len(list("--waiting")) == 0 && len(list("--failed")) == 0 && len(list("--done")) > 23
	})
	people := 0
	for _, e := range strings.Split(directory.LDIF(), "\n") {
		if e == "objectClass: inetOrgPerson" {
			people++
		}
	}
	if people != 20 {
		t.Errorf("the directory has %d people", people)
	}

	// The directory refuses somebody; the simulation says so, and so does the list.
	directory.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "add" {
			return ldaptest.Fault{Code: ldap.LDAPResultInsufficientAccessRights, Message: "no write access"}
		}
		return ldaptest.Fault{}
	})
	file := filepath.Join(folder, "events.json")
	if err := os.WriteFile(file, []byte(`[
		{"type": "user:create", "user": {"id": "user_a", "username": "a", "primaryOuId": "ou_root"}},
		{"type": "user:create", "user": {"id": "user_b", "username": "b"}, "ou": {"id": "ou_root"}}
	]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := simulate("--file", file); code != exitFailed || !strings.Contains(out, "2 failed") || !strings.Contains(errs, "no write access") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	failed := list("--failed")
	if len(failed) != 2 || failed[0].Outcome.Code != event.CodeRefused || !strings.Contains(failed[0].Outcome.Message, "give it the right") {
		t.Fatalf("failed are %+v", failed)
	}
	code, out, errs = call(t, "events", "show", "--config", config, failed[0].EventID)
	if code != exitDone || !strings.Contains(out, "failed (REFUSED)") || !strings.Contains(out, failed[0].Object.String()) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = call(t, "events", "list", "--config", config, "--failed")
	if code != exitDone || !strings.Contains(out, "REASON") || !strings.Contains(out, failed[1].EventID) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}

	// One is given up; the cause is mended, and the other is tried again.
	if code, out, errs := call(t, "events", "discard", "--config", config, "--by", "mei", "--event", failed[0].EventID); code != exitDone || out != "1 events are discarded\n" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if _, out, _ := call(t, "events", "show", "--config", config, failed[0].EventID); !strings.Contains(out, "\ndecided     discard by mei at ") {
		t.Errorf("who has decided is not shown:\n%s", out)
	}
	directory.Fault(nil)
	if code, out, errs := call(t, "events", "retry", "--config", config, "--failed"); code != exitDone || out != "1 objects are tried again\n" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	name := strings.TrimPrefix(failed[1].Object.ID, "user_")
	await(t, "the other one is there", func() bool { return directory.Entry(fmt.Sprintf("uid=%s,ou=people,%s", name, suffix)) != nil })
	if e := directory.Entry(fmt.Sprintf("uid=%s,ou=people,%s", strings.TrimPrefix(failed[0].Object.ID, "user_"), suffix)); e != nil {
		t.Error("the one that was given up is there as well")
	}
	// What waits is ours, and the simulation says so.
	directory.Down()
	if code, out, errs := simulate("--file", file); code != exitDone || !strings.HasPrefix(out, "2 success (2 of them stored and still to be applied), 0 skipped") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if err := directory.Up(); err != nil {
		t.Fatal(err)
	}
	await(t, "what waited is applied", func() bool { return len(list("--waiting")) == 0 })

	for _, wrong := range [][]string{{"events", "retry", "--config", config}, {"events", "discard", "--config", config}, {"simulate", "--url", s.client.URL}} {
		if code, _, errs := call(t, append(wrong, map[bool][]string{true: {"--signing-key", key}}[wrong[0] == "simulate"]...)...); code != exitUsage || !strings.Contains(errs, "say w") {
			t.Errorf("%v: exit %d: %s", wrong, code, errs)
		}
	}
	if code, _, errs := call(t, "events", "show", "--config", config, "evnt_none"); code != exitFailed || !strings.Contains(errs, "evnt_none") {
		t.Errorf("an event that is none: exit %d: %s", code, errs)
	}

	// Told to end, it ends in order.
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// The service speaks TLS with the certificate of the configuration, and with the renewed one without a restart.
func TestServeOverTLS(t *testing.T) {
	directory := startDirectory(t, "")
	s := newService(t, directory)
	folder := filepath.Dir(s.config)
	renew := func(serial int64) *x509.CertPool {
		t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: raw}} {
			if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		return pool
	}
	trusting := func(pool *x509.CertPool) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	}
	s.client.HTTP = trusting(renew(1))
	raw, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	withTLS := strings.Replace(string(raw), "receiver: { ", "receiver: { tls: { cert_file: tls.crt, key_file: tls.key }, ", 1)
	if err := os.WriteFile(s.config, []byte(withTLS), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	defer s.kill()
	s.client.URL = strings.Replace(s.client.URL, "http://", "https://", 1)
	tested := func() bool {
		answer, err := send(s.client, s.client.Tenant.Test())
		return err == nil && len(answer.Success) == 1
	}
	await(t, "the certificate is used", tested)
	s.client.HTTP = trusting(renew(2))
	await(t, "the renewed certificate is used", tested)
}
