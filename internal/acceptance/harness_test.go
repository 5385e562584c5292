package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/store"
)

// directory is a directory that the product is tried on.
type directory struct {
	url, bindDN, password string
	// readDN is who reads the truth: somebody whom no limit holds back. The password is the same.
	readDN         string
	mapping        string // path of the mapping file
	people, groups string
}

// product is the product running in this process, fed by a simulated IDaaS.
type product struct {
	t      testing.TB
	dir    directory
	tenant *idaastest.Tenant
	client *idaastest.Client
	app    *app.App
	config string
	stop   context.CancelFunc
	done   chan struct{}
	clock  *steppingClock
	log    *lockedBuffer
}

// lockedBuffer takes the log of a running product.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Bytes returns what was logged so far.
func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}

// String returns what was logged so far.
func (b *lockedBuffer) String() string { return string(b.Bytes()) }

// steppingClock gives IDaaS a new millisecond for every event, so that the order of events is never in doubt.
type steppingClock struct{ now time.Time }

func (c *steppingClock) Now() time.Time {
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// startProduct starts the product for one directory.
func startProduct(tb testing.TB, dir directory, encrypted bool) *product {
	tb.Helper()
	p := &product{t: tb, dir: dir, clock: &steppingClock{now: time.Now().Add(-time.Minute)}, log: &lockedBuffer{}}
	tenant, err := idaastest.NewTenant(p.clock.Now)
	if err != nil {
		tb.Fatal(err)
	}
	p.tenant = tenant
	jwks := tenant.ServeJWKS()
	tb.Cleanup(jwks.Close)
	keys := fmt.Sprintf("encryption_keys: [%q]", tenant.EncryptionKey.Reveal())
	if !encrypted {
		tenant.EncryptionKey, keys = secretNone(), ""
	}
	folder := tb.TempDir()
	mapping := withoutGuards(tb, dir.mapping, folder)
	p.config = filepath.Join(folder, "idaas-ldap.yaml")
	text := fmt.Sprintf(`
receiver: { listen: "127.0.0.1:0" }
applications:
  - id: %s
    instance_id: %s
    jwks_url: %s
    %s
store: { url: "sqlite:store.db", key_file: store.key }
directories:
  - name: corp
    urls: [%q]
    bind_dn: %q
    bind_password: %q
    mapping: %q
    timeout: 5s
admin: { listen: "127.0.0.1:0" }
`, tenant.Application, tenant.Instance, jwks.URL, keys, dir.url, dir.bindDN, dir.password, mapping)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	p.start()
	tb.Cleanup(func() { p.halt() })
	return p
}

// withoutGuards copies a mapping with guards that a test of few objects does not meet.
func withoutGuards(tb testing.TB, path, folder string) string {
	tb.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	out := filepath.Join(folder, filepath.Base(path))
	text := regexp.MustCompile(`max: \d+, percent: \d+`).ReplaceAllString(string(source), "max: 100000, percent: 100000")
	if err := os.WriteFile(out, []byte(strings.ReplaceAll(text, "percent: 100000", "percent: 100")), 0o600); err != nil {
		tb.Fatal(err)
	}
	return out
}

func (p *product) start() {
	p.t.Helper()
	cfg, _, err := config.Load(p.config, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: "debug", Format: "text", Out: p.log})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.app, err = app.Open(ctx, cfg, log, "test")
	if err != nil {
		stop()
		p.t.Fatal(err)
	}
	p.stop, p.done = stop, make(chan struct{})
	go func(a *app.App, done chan struct{}) {
		defer close(done)
		if err := a.Run(ctx); err != nil {
			p.t.Errorf("the product ended: %v", err)
		}
	}(p.app, p.done)
	p.client = &idaastest.Client{Tenant: p.tenant, URL: "http://" + p.app.Address().String() + cfg.Receiver.Path}
}

// halt stops the product in order.
func (p *product) halt() {
	p.stop()
	<-p.done
}

// send sends events in one request and returns the answer.
func (p *product) send(events ...idaastest.Event) idaastest.Answer {
	p.t.Helper()
	answer, err := p.client.Send(context.Background(), events...)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// apply sends events and fails unless each is answered with the code.
func (p *product) apply(code event.Code, events ...idaastest.Event) {
	p.t.Helper()
	answer := p.send(events...)
	if answer.Status != 200 {
		p.t.Fatalf("answered with %d: %s", answer.Status, answer.Body)
	}
	for _, e := range events {
		list, result := answer.Of(e.ID)
		if result.EventCode != string(code) {
			p.t.Fatalf("%s: %s %s: %s; want %s", e.Type.Short(), list, result.EventCode, result.EventMessage, code)
		}
	}
}

// settle waits until nothing is pending or waiting any more, and returns what failed or is held.
func (p *product) settle() []store.EventRecord {
	p.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		open, err := p.app.Store.Events(context.Background(), store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 1})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(open) == 0 {
			bad, err := p.app.Store.Events(context.Background(), store.Filter{States: []event.State{event.Failed, event.Held}, Limit: 1000})
			if err != nil {
				p.t.Fatal(err)
			}
			return slices.DeleteFunc(bad, func(r store.EventRecord) bool { return r.Type == event.TypeTest })
		}
		<-time.After(5 * time.Millisecond) // between two looks, never in place of one
	}
	open, _ := p.app.Store.Events(context.Background(), store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 5})
	text, _ := json.MarshalIndent(open, "", " ")
	p.t.Fatalf("events do not settle: %s", text)
	return nil
}

// reader returns a connection of its own to the directory, for looking at the truth.
func (p *product) reader() *ldap.Conn {
	p.t.Helper()
	conn, err := ldap.DialURL(p.dir.url)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Bind(p.dir.readDN, p.dir.password); err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// find returns the one entry that a filter finds, nil if there is none.
func (p *product) find(filter string, attributes ...string) *ldap.Entry {
	p.t.Helper()
	conn := p.reader()
	defer func() { _ = conn.Close() }()
	result, err := conn.Search(ldap.NewSearchRequest(testBase, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, append(attributes, "*"), nil))
	if err != nil {
		p.t.Fatalf("search %s: %v", filter, err)
	}
	switch len(result.Entries) {
	case 0:
		return nil
	case 1:
		return result.Entries[0]
	}
	p.t.Fatalf("%d entries match %s", len(result.Entries), filter)
	return nil
}

// user returns the entry of a user, by the IDaaS id.
func (p *product) user(id string, attributes ...string) *ldap.Entry {
	p.t.Helper()
	return p.find("(employeeNumber="+id+")", attributes...)
}

// canBind reports whether a user can log in with a password.
func (p *product) canBind(dn, password string) bool {
	p.t.Helper()
	conn, err := ldap.DialURL(p.dir.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Bind(dn, password) == nil
}

const testBase = "dc=example,dc=org"

// sameDN compares DNs as directories do.
func sameDN(a, b string) bool {
	x, errX := ldap.ParseDN(a)
	y, errY := ldap.ParseDN(b)
	return errX == nil && errY == nil && x.EqualFold(y)
}

func wantDN(t *testing.T, e *ldap.Entry, dn string) {
	t.Helper()
	if e == nil {
		t.Fatalf("there is no entry; want %s", dn)
	}
	if !sameDN(e.DN, dn) {
		t.Fatalf("the entry is %s; want %s", e.DN, dn)
	}
}

func wantValues(t *testing.T, e *ldap.Entry, attribute string, want ...string) {
	t.Helper()
	got := e.GetAttributeValues(attribute)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("%s of %s is %q; want %q", attribute, e.DN, got, want)
	}
}
