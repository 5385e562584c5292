package pull_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

const corp = "corp"

// product is the part of the product that a round needs, on a real store and a directory in memory, in the time of a bubble of
// testing/synctest.
type product struct {
	*testing.T
	api        *idaastest.API
	live       *idaastest.Live
	store      store.Store
	directory  *memdir.Directory
	dispatcher *dispatch.Dispatcher
	stop       func()
	said       []event.Change
	outcomes   []event.Outcome
	log        bytes.Buffer // of schedules, to be read when they have ended
	clock      pull.Clock   // of rounds and schedules; nil for that of the bubble
}

// clockOf is what rounds and schedules go by.
func (p *product) clockOf() pull.Clock {
	if p.clock == nil {
		return dispatch.SystemClock{}
	}
	return p.clock
}

// guarded is a mapping with guards; without, they are so wide that no test of few objects meets them.
func mappingOf(t *testing.T, guarded bool) *mapping.Set {
	t.Helper()
	source, err := os.ReadFile("../configs/mappings/openldap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(source), "\ntests:")
	if !guarded {
		text = regexp.MustCompile(`max: \d+, percent: \d+, window: 1h`).ReplaceAllString(text, "max: 100000, percent: 100, window: 1ms")
	}
	set, err := mapping.Compile("openldap.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func newDirectory(t *testing.T) *memdir.Directory {
	t.Helper()
	schema, err := memdir.Schema(connector.OpenLDAP)
	if err != nil {
		t.Fatal(err)
	}
	d, err := memdir.New(memdir.Config{Kind: connector.OpenLDAP, Schema: schema, Suffix: "dc=example,dc=org", Clock: time.Now, Rand: rand.NewChaCha8([32]byte{})})
	if err == nil {
		err = d.LoadLDIF("dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n" +
			"dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\n\ndn: ou=groups,dc=example,dc=org\nobjectClass: organizationalUnit\n")
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newProduct starts a product that knows nothing yet, fed by an application of an instance.
func newProduct(t *testing.T, live *idaastest.Live, guarded bool) *product {
	t.Helper()
	directory := newDirectory(t)
	p := startProduct(t, live, guarded, directory)
	p.directory = directory
	synctest.Wait()
	return p
}

// startProduct starts a product on a directory.
func startProduct(t *testing.T, live *idaastest.Live, guarded bool, directory processor.Target) *product {
	t.Helper()
	p := &product{T: t, api: idaastest.NewAPI(live, secret.New(canary)), live: live}
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if p.store, err = store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal}); err != nil {
		t.Fatal(err)
	}
	set := mappingOf(t, guarded)
	log := logrus.New()
	log.SetOutput(t.Output())
	p.dispatcher = dispatch.New(dispatch.Config{
		Store: p.store, Clock: dispatch.SystemClock{}, Rand: rand.New(rand.NewPCG(1, 2)), Log: log,
		Routes: []dispatch.Route{{
			Directory: corp, PasswordSync: true, Workers: 3, Processor: processor.New(directory, func() *mapping.Set { return set }),
			Check: func(context.Context) error { return nil },
		}},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.dispatcher.Run(ctx)
	}()
	var once sync.Once
	p.stop = func() {
		once.Do(func() {
			cancel()
			<-done
			if err := p.store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(p.stop)
	return p
}

// take takes events in as a callback does, and waits until they are dealt with.
func (p *product) take(events ...idaastest.Event) {
	p.Helper()
	document, err := event.Decode(mustDocument(p.T, p.api.Tenant, events))
	if err != nil {
		p.Fatal(err)
	}
	p.accept(p.Context(), document.Changes)
}

func (p *product) accept(ctx context.Context, changes []event.Change) []event.Outcome {
	p.Helper()
	ticket, err := p.dispatcher.Accept(ctx, p.api.Tenant.Application, p.api.Tenant.Instance, changes)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	return ticket.Wait(ctx)
}

// round makes a round that has not begun yet.
func (p *product) round() *pull.Round {
	p.Helper()
	client, err := pull.NewClient(pull.Config{
		Endpoint: "https://api.example.org", Instance: p.api.Tenant.Instance, Application: p.api.Tenant.Application,
		Secret: func() secret.Text { return p.api.Secret }, RequestsPerSecond: 1000, Transport: p.api.Transport(), Clock: p.api.Tenant.Clock, Rand: rand.New(rand.NewPCG(1, 2)),
	})
	if err != nil {
		p.Fatal(err)
	}
	return &pull.Round{
		API: client, Known: p.store, Rounds: p.store, Application: p.api.Tenant.Application, Instance: p.api.Tenant.Instance,
		Feeds: []pull.Feed{{Directory: corp, Alone: true}}, Pause: time.Minute, Clock: p.clockOf(),
		Say: func(ctx context.Context, changes []event.Change) error {
			p.said = append(p.said, changes...)
			p.outcomes = append(p.outcomes, p.accept(ctx, changes)...)
			return nil
		},
	}
}

// catchUp runs a round to its end, and what it says.
func (p *product) catchUp() pull.Progress {
	p.Helper()
	progress, err := p.round().Run(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	p.pass(time.Hour)
	return progress
}

// unsettled are the events that are not dealt with to their end.
func (p *product) unsettled() []store.EventRecord {
	p.Helper()
	open, err := p.store.Events(p.Context(), store.Filter{States: []event.State{event.Pending, event.Waiting}, Limit: 1000})
	if err != nil {
		p.Fatal(err)
	}
	return open
}

// pass lets time pass, and whatever is due then be done.
func (p *product) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// stands is what the directory holds, without what a server adds by itself.
func (p *product) stands() map[string]string {
	out := map[string]string{}
	for _, e := range p.directory.Below(plan.MustParseDN("dc=example,dc=org")) {
		var lines []string
		for _, a := range e.Attributes {
			switch strings.ToLower(a.Name) {
			case "entryuuid", "createtimestamp", "modifytimestamp", "creatorsname", "modifiersname", "entrycsn", "entrydn", "structuralobjectclass", "subschemasubentry", "hassubordinates":
				continue
			case "pwdaccountlockedtime": // When somebody was locked out is when it was heard of.
				lines = append(lines, "locked")
				continue
			}
			lines = append(lines, fmt.Sprint(strings.ToLower(a.Name), slices.Sorted(slices.Values(a.Values))))
		}
		slices.Sort(lines)
		out[e.DN.String()] = strings.Join(lines, "\n")
	}
	return out
}
