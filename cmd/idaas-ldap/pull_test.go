package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// missing is a service that was told of an organization a while ago, and hears of nothing that happens since.
type missing struct {
	*testing.T
	service   *service
	directory *ldaptest.Server
	live      *idaastest.Live
	api       *idaastest.API
}

func newMissing(t *testing.T) *missing {
	t.Helper()
	var at atomic.Int64 // the time at IDaaS
	at.Store(time.Now().Add(-10 * time.Minute).UnixMilli())
	tenant, err := idaastest.NewTenant(func() time.Time { return time.UnixMilli(at.Load()) })
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "jwks.json"), tenant.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "client.secret"), []byte("c4n4ry\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &missing{T: t, directory: startDirectory(t, ""), live: tenant.Live(idaastest.Organization{})}
	m.api = idaastest.NewAPI(m.live, secret.New("c4n4ry"))
	server := httptest.NewServer(m.api)
	t.Cleanup(server.Close)
	m.service = &service{t: t, client: &idaastest.Client{Tenant: tenant}}
	m.service.config = writeConfig(t, folder, `listen: "127.0.0.1:0", answer_within: 2s`, fmt.Sprintf(
		"  - { id: %s, instance_id: %s, jwks_file: jwks.json, encryption_keys: [%q], pull: { endpoint: %q, client_secret_file: client.secret, at_start: never, requests_per_second: 100 } }",
		tenant.Application, tenant.Instance, tenant.EncryptionKey.Reveal(), server.URL), m.directory.URL())
	m.service.start()
	events := []idaastest.Event{
		m.live.PutUnit(event.TypeUnitCreate, idaastest.Unit{ID: "ou_1", Name: "Lab"}),
		m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Ann Lee", Unit: "ou_1"}),
		m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_2", Username: "bob", DisplayName: "Bob Lee", Unit: "ou_1"}),
		m.live.PutGroup(event.TypeGroupCreate, idaastest.Group{ID: "group_1", Name: "vpn"}), m.live.Join("group_1", "user_1"),
	}
	if answer, err := send(m.service.client, events...); err != nil || len(answer.Success) != len(events) {
		t.Fatalf("%v %+v", err, answer)
	}
	await(t, "everything is settled", func() bool {
		_, out, _ := call(t, "events", "list", "--config", m.service.config, "--waiting")
		return out == "no events\n"
	})
	at.Store(time.Now().UnixMilli())
	m.directory.ClearJournal()
	return m
}

func (m *missing) pull(flags ...string) (code int, out, errs string) {
	m.Helper()
	return call(m.T, append([]string{"pull", "--config", m.service.config}, flags...)...)
}

// What was missed is shown without writing anything, and then written by the service, or by the command where none runs.
func TestPullShowsAndThenCatchesUp(t *testing.T) {
	m := newMissing(t)
	const ann, cid = "uid=ann,ou=Lab,ou=people," + suffix, "uid=cid,ou=Lab,ou=people," + suffix
	m.live.PutUser(event.TypeUserUpdateInfo, idaastest.User{ID: "user_1", Username: "ann", DisplayName: "Ann Smith", Unit: "ou_1"})
	m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_3", Username: "cid", DisplayName: "Cid Lee", Unit: "ou_1"})
	code, out, errs := m.pull()
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	hasLines(t, out,
		"# changed in IDaaS: user user_1, in corp\ndn: "+ann+"\nchangetype: modify\n", "displayName: Ann Smith\n",
		"# changed in IDaaS: user user_3, in corp\ndn: "+cid+"\nchangetype: add\n",
		"# "+m.api.Tenant.Application+": 1 units, 3 users, 1 groups; ",
	)
	if strings.Contains(out, "user_2") || strings.Contains(out, "\r") || len(m.directory.Journal()) > 0 {
		t.Errorf("looking wrote %v and showed\n%s", m.directory.Journal(), out)
	}
	for who, want := range map[string]string{"user_1": "displayName: Ann Smith\n", "user_2": "what is known already\n"} {
		if _, out, _ := call(t, "explain", "--config", m.service.config, who); !strings.Contains(out, "\nIDaaS says, asked at 2") || !strings.Contains(out, "\n"+want) {
			t.Errorf("%s is explained by\n%s", who, out)
		}
	}
	if code, out, errs = m.pull("--apply"); code != 0 {
		t.Fatalf("applied by the service: exit %d\n%s%s", code, out, errs)
	}
	if e := m.directory.Entry(cid); e == nil || m.directory.Entry(ann).Values("displayName")[0] != "Ann Smith" {
		t.Errorf("the directory is not caught up: %v", e)
	}
	m.service.kill()
	m.live.DeleteUser("user_2")
	if _, out, _ := call(t, "explain", "--config", m.service.config, "user_2"); !strings.Contains(out, "\nthat there is no such object") {
		t.Errorf("the leaver is explained by\n%s", out)
	}
	_, out, _ = m.pull("--output", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	if !strings.Contains(lines[0], `"object":{"kind":"user","id":"user_2"},"gone":true`) || !strings.Contains(lines[len(lines)-1], `"summary":{"started":`) {
		t.Errorf("the leaver is not shown:\n%s", out)
	}
	m.live.PutUser(event.TypeUserCreate, idaastest.User{ID: "user_2", Username: "bob", DisplayName: "Bob Smith", Unit: "ou_1"})
	if code, out, errs = m.pull("--apply"); code != 0 {
		t.Fatalf("applied by the command: exit %d\n%s%s", code, out, errs)
	}
	if e := m.directory.Entry("uid=bob,ou=Lab,ou=people," + suffix); e == nil || e.Values("displayName")[0] != "Bob Smith" {
		t.Errorf("bob is %v", e)
	}
}

// What cannot be done is said, with what to do.
func TestPullSaysWhatToDo(t *testing.T) {
	m := newMissing(t)
	m.api.Change(func(a *idaastest.API) { a.Closed = true })
	if code, _, errs := m.pull(); code != exitFailed || !strings.Contains(errs, "open the Developer API") || strings.Contains(errs, "c4n4ry") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := m.pull("--apply"); code != exitFailed || !strings.Contains(errs, "open the Developer API") {
		t.Errorf("by the service: exit %d: %s", code, errs)
	}
	if code, _, errs := m.pull("--application", "app_other"); code != exitUsage || !strings.Contains(errs, "there is no application app_other") {
		t.Errorf("exit %d: %s", code, errs)
	}
	m.service.kill()
	s := newService(t, m.directory)
	if code, _, errs := call(t, "pull", "--config", s.config); code != exitUsage || !strings.Contains(errs, "pull.endpoint") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// validate --online asks the API too: what is missing is said with the place in the configuration where it is mended.
func TestValidateAsksTheAPI(t *testing.T) {
	m := newMissing(t)
	validate := func() string {
		_, _, errs := call(t, "validate", "--config", m.service.config, "--online")
		if strings.Contains(errs, "c4n4ry") {
			t.Errorf("the secret is shown: %s", errs)
		}
		return errs
	}
	if errs := validate(); strings.Contains(errs, "pull") {
		t.Errorf("where all is well it says\n%s", errs)
	}
	secretFile := filepath.Join(filepath.Dir(m.service.config), "client.secret")
	for says, unkind := range map[string]func(a *idaastest.API){
		"open the Developer API": func(a *idaastest.API) { a.Closed = true },
		"applications[0].pull: the right urn:alibaba:idaas:scope:user:read_all is missing: list the users": func(a *idaastest.API) { a.Denied = []string{"users"} },
		"warning: " + m.service.config + ":": func(a *idaastest.API) { a.Denied = []string{"groups"} },
		"applications[0].pull: the synchronization scope of the application names no unit": func(a *idaastest.API) {
			a.Before = func(n int, w http.ResponseWriter, r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, "/provisioningScope") && answered(http.StatusOK, `{}`)(n, w, r)
			}
		},
		"applications[0].id: ":            func(a *idaastest.API) { a.Before = answered(http.StatusNotFound, `{"error":"application_not_found"}`) },
		"applications[0].instance_id: ":   func(a *idaastest.API) { a.Before = answered(http.StatusNotFound, `{"error":"instance_not_found"}`) },
		"applications[0].pull.endpoint: ": func(a *idaastest.API) { a.Before = answered(http.StatusNotFound, "<html>") },
		"applications[0].pull.client_secret_file: ": func(*idaastest.API) {
			if err := os.WriteFile(secretFile, []byte("another\n"), 0o600); err != nil {
				t.Error(err)
			}
		},
	} {
		m.api.Change(unkind)
		if errs := validate(); !strings.Contains(errs, says) {
			t.Errorf("it does not say %q:\n%s", says, errs)
		}
		m.api.Change(func(a *idaastest.API) {
			a.Closed, a.Denied, a.Before = false, nil, nil
		})
		if err := os.WriteFile(secretFile, []byte("c4n4ry\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func answered(status int, body string) func(int, http.ResponseWriter, *http.Request) bool {
	return func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return true
	}
}
