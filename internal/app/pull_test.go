package app_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

// The service reads the organization when it has started for the first time, tells /readyz and the metrics, and takes a new secret from
// its file.
func TestTheServiceCatchesUp(t *testing.T) {
	s := newStage(t)
	tenant := idaastest.NewTenantWithKey(nil, time.Now)
	tenant.Application, tenant.Instance = "app_example", "idaas_example"
	live := tenant.Live(idaastest.Organization{Users: []idaastest.User{{ID: "user_1", Username: "ann", DisplayName: "Ann Lee"}}})
	api := idaastest.NewAPI(live, secret.New("c4n4ry-new"))
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	s.write("client.secret", "c4n4ry-old\n")
	text, err := os.ReadFile(s.path("idaas-ldap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("bind.secret", "admin\n") // the account of the stage may not write
	s.write("idaas-ldap.yaml", strings.Replace(strings.Replace(string(text), accountDN, adminDN, 1), "  - id: app_example\n", "  - id: app_example\n    instance_id: idaas_example\n"+
		"    pull: { endpoint: \""+server.URL+"\", client_secret_file: client.secret, requests_per_second: 100 }\n", 1))
	s.run()
	s.await("the wrong secret is told", func() bool {
		return strings.Contains(s.readiness().Pull["app_example"], "the last round stopped: ") && strings.Contains(s.readiness().Pull["app_example"], "invalid_client")
	})
	s.write("client.secret", "c4n4ry-new\n")
	s.await("the secret is taken from its file", func() bool {
		return strings.Contains(s.log.String(), "applications[0].pull.client_secret_file")
	})
	if err := pull.Ask(t.Context(), s.app.Store, "app_example", pull.Request{At: 1}); err != nil {
		t.Fatal(err)
	}
	s.await("everything is read", func() bool { return strings.HasPrefix(s.readiness().Pull["app_example"], "ok, read from ") })
	s.await("the user is there", func() bool { return s.server.Entry("uid=ann,ou=people,dc=example,dc=org") != nil })
	if page := s.page("/metrics"); !strings.Contains(page, `idaas_ldap_pull_objects{application="app_example",state="changed"} 1`) {
		t.Error("the metrics do not tell of it")
	}
	if all := s.log.String() + s.page("/readyz"); strings.Contains(all, "c4n4ry") {
		t.Error("the secret is shown")
	}
}

// await waits until something is so.
func (s *stage) await(what string, so func() bool) {
	s.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !so(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("it does not come about that %s:\n%s", what, s.log)
		}
	}
}
