package acceptance_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/store"
)

// product is the product running in this process, fed by simulated applications of IDaaS. The first of them is embedded,
// so that a test with only one need not name it.
type product struct {
	*feed
	t      testing.TB
	feeds  []*feed
	app    *app.App
	beside []*app.App // that share the store
	config string
	atOnce int
	// answerWithin is how long answers may take; 0 for as long as the listener lets them.
	answerWithin time.Duration
	stop         context.CancelFunc
	done         sync.WaitGroup
	clock        *clock
	log          *lockedBuffer
}

// setup says what a product is made of.
type setup struct {
	unencrypted bool
	// atOnce is how many objects are worked on at a time; 0 for what is usual.
	atOnce int
	// answerWithin is how long answers may take; 0 for what is usual.
	answerWithin time.Duration
	// store is where the store is; empty for where all of them are.
	store       string
	directories []configured
}

// configured is one directory of the configuration.
type configured struct {
	name string
	dir  *directory
	// edits change the mapping; see edit.
	edits []edit
	// feed names the application that feeds the directory; empty for one of its own, called like the directory.
	feed string
	// passwordsOff is password_sync: false.
	passwordsOff bool
	// connections is how many are opened at most; 0 for the default.
	connections int
}

// edit changes a mapping file: one line is replaced that must be there exactly once.
type edit struct{ line, by string }

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

// clock is the time of a test: that of the machine, put forward at will.
type clock struct {
	mu      sync.Mutex
	forward time.Duration
	last    time.Time
	waits   map[*time.Timer]time.Time // for which moments the product waits
}

func newClock() *clock { return &clock{waits: map[*time.Timer]time.Time{}} }

// Now is the clock of the product.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.forward)
}

// At lets the product wait for a moment.
func (c *clock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := time.NewTimer(time.Until(moment) - c.forward)
	c.waits[timer] = moment
	return timer.C, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		timer.Stop()
		delete(c.waits, timer)
	}
}

// Next is the clock of IDaaS, which is a minute behind ours however long a test takes. It gives a new millisecond every time, so that
// the order of events is never in doubt.
func (c *clock) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.last.Add(time.Millisecond)
	if now := time.Now().Add(c.forward - time.Minute); now.After(c.last) {
		c.last = now
	}
	return c.last
}

// Forward puts the clock forward. The product notices at once what it has waited for.
func (c *clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forward += d
	for timer, moment := range c.waits {
		timer.Reset(time.Until(moment) - c.forward)
	}
}

// startProduct starts the product for one directory.
func startProduct(tb testing.TB, dir *directory, encrypted bool) *product {
	tb.Helper()
	return startProductWith(tb, setup{unencrypted: !encrypted, directories: []configured{{name: "corp", dir: dir}}})
}

// startProductWith starts the product for several directories, or for one in several ways.
func startProductWith(tb testing.TB, s setup) *product {
	tb.Helper()
	p := makeProduct(tb, s)
	p.start()
	tb.Cleanup(func() { p.halt() })
	return p
}

// makeProduct writes the configuration of a product, which does not run yet.
func makeProduct(tb testing.TB, s setup) *product {
	tb.Helper()
	p := &product{t: tb, clock: newClock(), log: &lockedBuffer{}, atOnce: cmp.Or(*onlyAtOnce, s.atOnce), answerWithin: s.answerWithin}
	folder := tb.TempDir()
	var text strings.Builder
	fmt.Fprintf(&text, "receiver: { listen: \"127.0.0.1:0\", answer_within: %s }\nadmin: { listen: \"127.0.0.1:0\" }\nstore: { url: %q, key_file: store.key }\ndirectories:\n",
		cmp.Or(s.answerWithin, 8*time.Second), cmp.Or(s.store, storeURL(tb)))
	for i, c := range s.directories {
		if c.feed == "" {
			c.feed = c.name
		}
		f := p.feedOf(tb, c)
		mapping := filepath.Join(folder, filepath.Base(c.dir.mapping))
		if i > 0 {
			mapping = filepath.Join(tb.TempDir(), filepath.Base(c.dir.mapping))
		}
		writeMapping(tb, c, mapping)
		text.WriteString(c.yaml(f, mapping))
	}
	p.feed = p.feeds[0]
	text.WriteString("applications:\n")
	for _, f := range p.feeds {
		if s.unencrypted {
			f.tenant.EncryptionKey = secret.Text{}
		}
		text.WriteString(f.yaml(tb))
	}
	p.config = filepath.Join(folder, "idaas-ldap.yaml")
	if err := os.WriteFile(p.config, []byte(text.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return p
}

// feedOf returns the application that feeds a directory, which is made where there is none yet.
func (p *product) feedOf(tb testing.TB, c configured) *feed {
	tb.Helper()
	if i := slices.IndexFunc(p.feeds, func(f *feed) bool { return f.name == c.feed }); i >= 0 {
		return p.feeds[i]
	}
	f := &feed{p: p, name: c.feed, directory: c.name, dir: c.dir}
	if len(p.feeds) == 0 {
		tenant, err := idaastest.NewTenant(p.clock.Next)
		if err != nil {
			tb.Fatal(err)
		}
		f.tenant = tenant
	} else {
		// Making a key takes long, and nothing that is tried here depends on it.
		f.tenant = idaastest.NewTenantWithKey(p.feeds[0].tenant.PrivateKey(), p.clock.Next)
	}
	p.feeds = append(p.feeds, f)
	return f
}

func (c configured) yaml(f *feed, mapping string) string {
	d := c.dir
	out := fmt.Sprintf("  - name: %s\n    urls: [%q]\n    bind_dn: %q\n    bind_password: %q\n    mapping: %q\n    applications: [%q]\n    timeout: 1m\n",
		c.name, cmp.Or(d.through, d.url), d.bindDN, d.password, mapping, f.tenant.Application)
	if d.ca != "" {
		out += fmt.Sprintf("    tls: { ca_file: %q }\n", d.ca)
	}
	if c.passwordsOff {
		out += "    password_sync: false\n"
	}
	if c.connections > 0 {
		out += fmt.Sprintf("    connections: %d\n", c.connections)
	}
	return out
}

func (f *feed) yaml(tb testing.TB) string {
	tb.Helper()
	jwks := f.tenant.ServeJWKS()
	tb.Cleanup(jwks.Close)
	out := fmt.Sprintf("  - id: %q\n    instance_id: %q\n    jwks_url: %q\n", f.tenant.Application, f.tenant.Instance, jwks.URL)
	if !f.tenant.EncryptionKey.Empty() {
		out += fmt.Sprintf("    encryption_keys: [%q]\n", f.tenant.EncryptionKey.Reveal())
	}
	return out
}

// writeMapping copies a mapping with its edits, and with guards that a test of few objects does not meet.
func writeMapping(tb testing.TB, c configured, path string) {
	tb.Helper()
	source, err := os.ReadFile(c.dir.mapping)
	if err != nil {
		tb.Fatal(err)
	}
	text := regexp.MustCompile(`max: \d+, percent: \d+, window: 1h`).ReplaceAllString(string(source), "max: 100000, percent: 100, window: 1ms")
	for _, e := range append(slices.Clone(c.dir.edits), c.edits...) {
		line := regexp.MustCompile(`(?m)^(\s*)` + regexp.QuoteMeta(e.line) + `( .*)?$`)
		if n := len(line.FindAllString(text, -1)); n != 1 {
			tb.Fatalf("%s has %d lines %q to edit; want one", c.dir.mapping, n, e.line)
		}
		text = line.ReplaceAllStringFunc(text, func(found string) string {
			indent := found[:len(found)-len(strings.TrimLeft(found, " \n"))]
			return indent + strings.ReplaceAll(e.by, "\n", "\n"+strings.TrimLeft(indent, "\n"))
		})
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// feedNamed returns an application by its name.
func (p *product) feedNamed(name string) *feed {
	p.t.Helper()
	i := slices.IndexFunc(p.feeds, func(f *feed) bool { return f.name == name })
	if i < 0 {
		p.t.Fatalf("there is no application %q", name)
	}
	return p.feeds[i]
}

// answerWithin is how long answers may take, which is as long as the listener lets them: longer than IDaaS waits, so that what
// they say does not depend on how busy the machine is.
const answerWithin = 50 * time.Second

// load reads the configuration.
func (p *product) load() *config.Config {
	p.t.Helper()
	cfg, _, err := config.Load(p.config, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	cfg.Receiver.AnswerWithin = cmp.Or(p.answerWithin, answerWithin)
	return cfg
}

// reload does what a SIGHUP does.
func (p *product) reload() {
	p.t.Helper()
	for _, a := range append([]*app.App{p.app}, p.beside...) {
		a.Reload(p.t.Context(), p.load(), nil)
	}
}

// start starts the product and waits until it is ready: until the key sets of its applications are there.
func (p *product) start() {
	p.t.Helper()
	cfg := p.load()
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: "debug", Format: "text", Out: p.log})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.app = p.run(ctx, cfg, log)
	p.beside = nil
	addresses := []string{p.app.Address().String()}
	for range *instances - 1 {
		other := p.run(ctx, cfg, log)
		p.beside, addresses = append(p.beside, other), append(addresses, other.Address().String())
	}
	for _, f := range p.feeds {
		f.client = &idaastest.Client{
			Tenant: f.tenant, URL: "http://" + addresses[0] + cfg.Receiver.Path, AnswerWithin: 2 * answerWithin,
			HTTP: &http.Client{Transport: &inTurn{addresses: addresses}},
		}
	}
	p.awaitReady()
}

// run opens an instance and runs it until ctx ends.
func (p *product) run(ctx context.Context, cfg *config.Config, log *logrus.Logger) *app.App {
	p.t.Helper()
	a, err := app.OpenWith(ctx, cfg, log, "test", app.Options{Clock: p.clock, AtOnce: p.atOnce})
	if err != nil {
		p.halt()
		p.t.Fatal(err)
	}
	p.done.Go(func() {
		if err := a.Run(ctx); err != nil {
			p.t.Errorf("the product ended: %v", err)
		}
	})
	return a
}

// awaitReady waits until all instances of the product say that they are ready.
func (p *product) awaitReady() {
	p.t.Helper()
	for _, a := range append([]*app.App{p.app}, p.beside...) {
		for deadline := time.Now().Add(settleWithin); ; <-time.After(5 * time.Millisecond) {
			status, said := p.askOne(a, "/readyz")
			if status == http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				p.t.Fatalf("the product does not become ready: %s", said)
			}
		}
	}
}

// halt stops the product in order.
func (p *product) halt() {
	p.stop()
	p.done.Wait()
}

// What a test with one application and one directory needs, without naming them.

func (p *product) send(events ...idaastest.Event) idaastest.Answer {
	p.t.Helper()
	return p.feed.send(p.t, events...)
}

func (p *product) apply(code event.Code, events ...idaastest.Event) {
	p.t.Helper()
	p.feed.apply(p.t, code, events...)
}

// settle waits until nothing is pending or waiting any more, and returns what failed or is held.
func (p *product) settle() []store.EventRecord {
	p.t.Helper()
	open := p.await(p.t, func() []store.EventRecord {
		return p.events(p.t, store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 5})
	})
	if len(open) > 0 {
		text, _ := json.MarshalIndent(open, "", " ")
		p.t.Fatalf("events do not settle: %s", text)
	}
	bad := p.events(p.t, store.Filter{States: []event.State{event.Failed, event.Held}, Limit: 1000})
	return slices.DeleteFunc(bad, func(r store.EventRecord) bool { return r.Type == event.TypeTest })
}

func (p *product) reader() *ldap.Conn { return p.dir.reader(p.t) }

func (p *product) find(filter string, attributes ...string) *ldap.Entry {
	p.t.Helper()
	return p.dir.find(p.t, filter, attributes...)
}

func (p *product) user(id string, attributes ...string) *ldap.Entry {
	p.t.Helper()
	return p.dir.user(p.t, id, attributes...)
}

func (p *product) canBind(dn, password string) bool {
	p.t.Helper()
	return p.dir.canBind(p.t, dn, password)
}
