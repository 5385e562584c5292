package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/config"
)

// openApp opens the product with one application, whose keys are at a URL, and a directory that is down.
func openApp(t *testing.T, tenant *idaastest.Tenant, jwksURL string) *App {
	t.Helper()
	mapping, err := filepath.Abs("../../configs/mappings/openldap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "idaas-ldap.yaml")
	text := fmt.Sprintf(`receiver: { listen: "127.0.0.1:0" }
applications: [ { id: %s, jwks_url: %q } ]
directories: [ { name: corp, type: openldap, urls: ["ldap://127.0.0.1:1"], bind_dn: "cn=a", bind_password: b, mapping: %q } ]
admin: { listen: "127.0.0.1:0" }
`, tenant.Application, jwksURL, mapping)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(t.Output())
	a, err := Open(t.Context(), cfg, log, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a
}

// Before a key set was loaded for every application, their events cannot be taken in, and the service is not ready.
func TestNotReadyBeforeTheFirstKeySet(t *testing.T) {
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := tenant.ServeJWKS()
	defer endpoint.Close()
	a := openApp(t, tenant, endpoint.URL)
	ready := func() (int, readiness) {
		answer := httptest.NewRecorder()
		a.adminHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", nil))
		var said readiness
		if err := json.Unmarshal(answer.Body.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		return answer.Code, said
	}
	if status, said := ready(); status != http.StatusServiceUnavailable || said.Ready || !strings.Contains(said.Keys[tenant.Application], "none was fetched") {
		t.Errorf("before: %d %+v", status, said)
	}
	metrics := func() string {
		answer := httptest.NewRecorder()
		a.adminHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
		return answer.Body.String()
	}
	usable := "\nidaas_ldap_jwks_usable{application=\"" + tenant.Application + "\"} "
	if page := metrics(); !strings.Contains(page, usable+"0\n") || strings.Contains(page, "\nidaas_ldap_jwks_age_seconds{") {
		t.Error("the metrics show the age of a key set, and there is none")
	}
	a.current.Load().keys[0].remote.Renew(t.Context())
	if page := metrics(); !strings.Contains(page, usable+"1\n") || !strings.Contains(page, "\nidaas_ldap_jwks_age_seconds{") {
		t.Error("the metrics show no age of the key set")
	}
	if status, said := ready(); status != http.StatusOK || !said.Ready || said.Keys[tenant.Application] != "ok" {
		t.Errorf("after: %d %+v", status, said)
	}
}
