package app_test

import (
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
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
	page := s.page("/metrics")
	for _, line := range []string{
		`pull_objects{application="app_example",state="changed"} 1`, `pull_objects{application="app_example",state="listed"} 1`, `pull_rounds_total{application="app_example",result="done"} 1`,
		`pull_last_success_timestamp_seconds{application="app_example"} 1.`, `pull_next_timestamp_seconds{application="app_example"} 1.`, `pull_last_duration_seconds{application="app_example"} `,
	} {
		if !strings.Contains(page, "\nidaas_ldap_"+line) {
			t.Errorf("the metrics do not show %s", line)
		}
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

// A callback about a group that does not say who is in it has that group read, and nothing else.
func TestACallbackAboutAGroupHasItRead(t *testing.T) {
	l := newLive(t)
	organization := l.tenant.Live(idaastest.Organization{})
	api := idaastest.NewAPI(organization, secret.New("c4n4ry"))
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	l.edit("    encryption_key_files:", "    instance_id: "+l.tenant.Instance+"\n    pull: { endpoint: \""+server.URL+"\", client_secret: c4n4ry, at_start: never, requests_per_second: 100 }\n    encryption_key_files:")
	l.run()
	tell := func(events ...idaastest.Event) {
		t.Helper()
		client := &idaastest.Client{Tenant: l.tenant, URL: "http://" + l.app.Address().String() + "/accounts/provision", AnswerWithin: time.Minute}
		if answer, err := client.Send(t.Context(), events...); err != nil || len(answer.Success) != len(events) {
			t.Fatalf("%v %+v", err, answer)
		}
	}
	tell(organization.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Ann Lee"}))
	organization.PutGroup(event.TypeGroupCreate, idaastest.Group{ID: "group_1", Name: "vpn"})
	organization.Join("group_1", "user_1")
	tell(organization.PutGroup(event.TypeGroupUpdate, idaastest.Group{ID: "group_1", Name: "vpn"}))
	l.await("the member is in the group", func() bool {
		group := l.server.Entry("cn=vpn,ou=groups,dc=example,dc=org")
		return group != nil && slices.Contains(group.Values("member"), "uid=ann,ou=people,dc=example,dc=org")
	})
	if asked := api.Requests(); asked["users"]+asked["units"]+asked["groups"] > 0 || asked["members"] == 0 {
		t.Errorf("it was asked for %v", asked)
	}
}
