package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who asks for the health of the service gets its answer and an exit code, with the token of the configuration, and over TLS with the
// certificate that it names.
func TestHealthAsksTheService(t *testing.T) {
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/livez":
			_, _ = io.WriteString(w, "alive\n") // httptest takes it
		case r.Header.Get("Authorization") != "Bearer c4n4ry":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			http.Error(w, "corp: down", http.StatusServiceUnavailable)
		}
	})
	plain, secured := httptest.NewServer(service), httptest.NewTLSServer(service)
	t.Cleanup(plain.Close)
	t.Cleanup(secured.Close)
	for address, with := range map[string]string{plain.Listener.Addr().String(): "", secured.Listener.Addr().String(): ", tls: { cert_file: admin.crt, key_file: admin.key }"} {
		path := healthConfig(t, address, with)
		writePair(t, filepath.Dir(path), secured.TLS.Certificates[0])
		if code, out, errs := call(t, "health", "--live", "--config", path); code != 0 || out != "alive\n" {
			t.Errorf("alive%s: exit %d: %s%s", with, code, out, errs)
		}
		if code, out, errs := call(t, "health", "--config", path); code != exitFailed || out != "corp: down\n" || strings.Contains(errs, "c4n4ry") {
			t.Errorf("ready%s: exit %d: %s%s", with, code, out, errs)
		}
	}
	nobody := plain.Listener.Addr().String()
	plain.Close()
	if code, _, errs := call(t, "health", "--config", healthConfig(t, nobody, "")); code != exitFailed || !strings.Contains(errs, "ask the service") {
		t.Errorf("nobody: exit %d: %s", code, errs)
	}
}

// writePair writes a certificate and its key, as the configuration names them.
func writePair(t *testing.T, folder string, pair tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"admin.crt": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "admin.key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// healthConfig writes a configuration with an admin address.
func healthConfig(t *testing.T, address, with string) string {
	t.Helper()
	folder := t.TempDir()
	path := writeConfig(t, folder, `listen: "127.0.0.1:0"`, "  - { id: app_example, jwks_file: jwks.json }", "ldap://127.0.0.1:1")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), `admin: { listen: "127.0.0.1:0" }`, `admin: { listen: "`+address+`", token: c4n4ry`+with+" }", 1)
	for name, content := range map[string]string{path: edited, filepath.Join(folder, "jwks.json"): `{"keys":[]}`} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
