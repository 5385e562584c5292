package console_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/configs"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// token is what the admin listener asks for where a test has it ask.
const token = "t0k3n-c4n4ry"

// service is the product with a directory and an IDaaS that feeds it.
type service struct {
	*testing.T
	*app.App
	tenant *idaastest.Tenant
	client *idaastest.Client
	url    string
	// mapping is the path of the mapping file.
	mapping string
}

// target is the directory that is fed.
type target struct{ url, bindDN, password string }

// inMemory starts a directory in memory.
func inMemory(t *testing.T) target {
	t.Helper()
	server, err := ldaptest.Start(ldaptest.Config{
		AdminDN: "cn=admin,dc=example,dc=org", AdminPassword: secret.New("b1nd-c4n4ry"),
		LDIF: "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\ndn: ou=groups,dc=example,dc=org\nobjectClass: organizationalUnit\nou: groups\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return target{server.URL(), "cn=admin,dc=example,dc=org", "b1nd-c4n4ry"}
}

// serve starts the product on a directory. Its guard lets two deletions pass.
func serve(t *testing.T, at target, admin string) *service {
	t.Helper()
	return serveAsking(t, at, admin, func(*idaastest.Tenant) string { return "" })
}

// serveAsking starts the product with more about its application.
func serveAsking(t *testing.T, at target, admin string, more func(*idaastest.Tenant) string) *service {
	t.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys := tenant.ServeJWKS()
	t.Cleanup(keys.Close)
	folder := t.TempDir()
	s := &service{T: t, tenant: tenant, mapping: filepath.Join(folder, "mapping.yaml")}
	mapping := strings.Replace(string(configs.OpenLDAP), "  deletes: { max: 20, percent: 5, window: 1h }", "  deletes: { max: 2, percent: 100, window: 1h }", 1)
	s.write(s.mapping, mapping)
	path := filepath.Join(folder, "idaas-ldap.yaml")
	s.write(path, fmt.Sprintf(`receiver: { listen: "127.0.0.1:0" }
applications: [ { id: %s, instance_id: %s, jwks_url: %q, encryption_keys: [%q] %s } ]
store: { url: "sqlite:store.db", key_file: store.key }
directories: [ { name: corp, type: openldap, urls: [%q], bind_dn: %q, bind_password: %q, mapping: mapping.yaml } ]
admin: { %s listen: "127.0.0.1:0" }
audit: { file: audit.log, values: true }
`, tenant.Application, tenant.Instance, keys.URL, tenant.EncryptionKey.Reveal(), more(tenant), at.url, at.bindDN, at.password, admin))
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	if s.App, err = app.Open(t.Context(), cfg, log, "test"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.App.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.client = &idaastest.Client{Tenant: tenant, URL: "http://" + s.Address().String() + cfg.Receiver.Path, AnswerWithin: time.Minute}
	s.url = "http://" + s.AdminAddress().String()
	return s
}

func (s *service) write(path, content string) {
	s.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
}

// send has IDaaS send events, until they are taken: the keys may not have come yet.
func (s *service) send(events ...idaastest.Event) {
	s.Helper()
	s.eventually("events are taken", func() bool {
		answer, err := s.client.Send(s.Context(), events...)
		if err != nil {
			s.Fatal(err)
		}
		return answer.Status == http.StatusOK
	})
}

// within is how long a test waits for what the product does by itself.
const within = time.Minute

// eventually waits until something holds.
func (s *service) eventually(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(within); !holds(); {
		if time.Now().After(end) {
			s.Fatalf("it never happened that %s", what)
		}
		<-time.After(10 * time.Millisecond) // between two looks, never in place of one
	}
}

// settled waits until nothing is tried any more, and returns the events in a state.
func (s *service) in(state event.State, n int) []store.EventRecord {
	s.Helper()
	var found []store.EventRecord
	s.eventually(fmt.Sprintf("%d events are %s", n, state), func() bool {
		var err error
		found, err = s.Store.Events(s.Context(), store.Filter{States: []event.State{state}})
		if err != nil {
			s.Fatal(err)
		}
		return len(found) == n
	})
	return found
}

// company is who is there in most tests: eight people of whom six are deleted, so that the guard holds four, one whom the directory
// refuses, and one whose unit is missing.
type company struct {
	unit   idaastest.Unit
	people []idaastest.User
	waiter idaastest.User
}

const userPassword = "p4ssw0rd-c4n4ry"

func (s *service) company() company {
	s.Helper()
	c := company{unit: idaastest.Unit{ID: s.tenant.NewUnitID(), Name: "Research"}}
	events := []idaastest.Event{s.tenant.UnitEvent(event.TypeUnitCreate, c.unit)}
	for _, name := range []string{"ann.lee", "bob.ray", "cai.wen", "dan.fox", "eve.orr", "fay.ito", "gus.may", "hal.sun"} {
		u := idaastest.User{ID: s.tenant.NewUserID(), Username: name, DisplayName: strings.ToUpper(name[:1]) + name[1:3] + " " + strings.ToUpper(name[4:5]) + name[5:], Unit: c.unit.ID}
		c.people = append(c.people, u)
		events = append(events, s.tenant.CreateUser(u, userPassword))
	}
	s.send(events...)
	s.in(event.Done, len(events))
	c.waiter = idaastest.User{ID: s.tenant.NewUserID(), Username: "wei.zhang", DisplayName: "张伟", Unit: "ou_missing"}
	var deletions []idaastest.Event
	for _, u := range c.people[:6] {
		deletions = append(deletions, s.tenant.DeleteUser(u.ID))
	}
	s.send(append(deletions, s.tenant.CreateUser(c.waiter, userPassword))...)
	s.in(event.Held, 4)
	s.in(event.Waiting, 1)
	return c
}

// browser asks as one does: with cookies, and following nothing by itself.
type browser struct {
	*service
	http   *http.Client
	header http.Header
}

func (s *service) browser() *browser {
	s.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &browser{service: s, header: http.Header{}, http: &http.Client{
		Jar: jar, Timeout: within, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) ask(method, path, kind, body string) answer {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, values := range b.header {
		request.Header[name] = values
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := b.http.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(response.Body); err != nil {
		b.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, content.String()}
}

func (b *browser) get(path string) answer {
	b.Helper()
	return b.ask(http.MethodGet, path, "", "")
}

func (b *browser) post(path string, form url.Values) answer {
	b.Helper()
	return b.ask(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *browser) json(method, path, body string) answer {
	b.Helper()
	return b.ask(method, path, "application/json", body)
}

// hidden returns the value of a hidden field.
func (a answer) hidden(name string) string {
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return found[1]
}

// is checks a status.
func (b *browser) is(what string, a answer, status int) {
	b.Helper()
	if a.status != status {
		b.Errorf("%s is answered with %d, not %d:\n%.600s", what, a.status, status, a.body)
	}
}

// has checks what a page says.
func (b *browser) has(what string, a answer, texts ...string) {
	b.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			b.Errorf("%s has no %q:\n%.3000s", what, text, a.body)
		}
	}
}

func seqsOf(records []store.EventRecord) []string {
	var seqs []string
	for _, r := range records {
		seqs = append(seqs, fmt.Sprint(r.Seq))
	}
	return seqs
}
