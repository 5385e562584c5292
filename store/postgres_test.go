package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
	"idaas-ldap/store/conformance"
)

// postgres is the server of a test.
type postgres struct {
	*testing.T
	*ldaptest.PostgresServer
}

// TestPostgres starts one server for all tests that need it.
func TestPostgres(t *testing.T) {
	server := ldaptest.StartPostgres(t, "CREATE ROLE idaas_ldap LOGIN PASSWORD '"+ldaptest.PostgresPassword+"'", "CREATE DATABASE idaas_ldap OWNER idaas_ldap")
	for name, run := range map[string]func(postgres){
		"conforms through a pooler":                             postgres.conforms,
		"survives writers that are killed":                      postgres.survivesKills,
		"several make the tables at the same time":              postgres.madeTogether,
		"waits while the server is away":                        postgres.waits,
		"a writer who falls silent holds nobody up":             postgres.silentWriter,
		"what cannot be opened is left alone":                   postgres.leftAlone,
		"a lease has one owner, and one who lost it is fenced":  postgres.leases,
		"who reads or changes rows needs tables that are there": postgres.access,
		"a store in a file is carried over and back":            postgres.carriedOver,
		"what may not be carried over is left alone":            postgres.carriedNowhere,
		"what was carried in part serves nobody":                postgres.carriedInPart,
		"what one does the others are told":                     postgres.tell,
		"what a newer version has changed is left to it":        postgres.outdates,
		"what has grown is looked up by its index":              postgres.grows,
		"an instance keeps nine connections at most":            postgres.fewConnections,
		"the server is waited for seldom":                       postgres.fewRoundTrips,
	} {
		t.Run(name, func(t *testing.T) { run(postgres{t, server}) })
	}
}

// url returns that of tables of a test's own.
func (p postgres) url() secret.Text { return secret.New(p.Schema(p.T)) }

// openPostgres opens a store that is closed at the end of the test.
func openPostgres(tb testing.TB, cfg store.PostgresConfig) *store.Postgres {
	tb.Helper()
	s, err := tryPostgres(tb, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func tryPostgres(tb testing.TB, cfg store.PostgresConfig) (*store.Postgres, error) {
	tb.Helper()
	if cfg.Seal == nil {
		cfg.Seal = seal(tb, 1)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	var s *store.Postgres
	err := patiently(func() (err error) {
		s, err = store.OpenPostgres(tb.Context(), cfg, "", rand.Reader)
		return err
	})
	if err == nil {
		tb.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func (p postgres) conforms() {
	t := p.T
	url := secret.New(p.At(p.StartPgbouncer(t)))
	ran := statements{}
	for name, from := range map[string]int{"one by one": 2, "together": 1} {
		t.Run(name, func(t *testing.T) {
			conformance.Run(t, func(t *testing.T) store.Store {
				t.Helper()
				s := openPostgres(t, store.PostgresConfig{URL: url})
				store.Clear(t, s)
				store.PostgresDoneTogetherFrom(t, s, from)
				t.Cleanup(func() {
					for _, statement := range store.PostgresStatements(s) {
						ran[statement] = true
					}
				})
				return s
			})
		})
	}
	p.deaf(url)
	s := openPostgres(t, store.PostgresConfig{URL: url})
	if prepares := store.Prepares(s); prepares {
		t.Error("statements are prepared on connections of a pooler")
	}
	if prepares := store.Prepares(openPostgres(t, store.PostgresConfig{URL: p.url()})); !prepares {
		t.Error("statements are not prepared on connections of our own")
	}
	ran.lookByIndex(t, s)
}

// readsAll are statements that may read a table as a whole: a part of the statement, and the reason.
var readsAll = []struct{ statement, reason string }{
	{"SELECT directory, code, COUNT(*)", "what has failed is what is counted, by an index of nothing else"},
	{"FROM sample WHERE at >= ?", "it has a row for each minute of a day"},
	{"FROM version", "it has one row"},
	{"UPDATE version", "it has one row"},
	{"FROM schema_version", "it has one row for each version"},
	{"FROM audit ORDER BY id DESC LIMIT", "it ends with the page"},
	{"CROSS JOIN", "it ends with the page that a person asked for"},
	{"FROM pg_catalog.pg_class", "it has a row for each table"},
	{"FROM delivery WHERE state = 'held' GROUP BY", "what is held is what is counted"},
	{"FROM lease WHERE until", "it has a row for each directory"},
	{"DELETE FROM event", "the tests clear the tables"},
}

// lookByIndex checks that each statement, and every list that can be asked for, can be run by looking something up.
func (ran statements) lookByIndex(t *testing.T, s *store.Postgres) {
	t.Helper()
	all := listQueries()
	for statement := range ran {
		if strings.HasPrefix(statement, "SELECT") || strings.HasPrefix(statement, "UPDATE") || strings.HasPrefix(statement, "DELETE") {
			all = append(all, statement)
		}
	}
	for _, statement := range all {
		if slices.ContainsFunc(readsAll, func(r struct{ statement, reason string }) bool { return strings.Contains(statement, r.statement) }) {
			continue
		}
		steps := store.PostgresPlanOf(t, s, statement)
		for i, step := range steps {
			scan := strings.Contains(step, "Index Scan") || strings.Contains(step, "Index Only Scan")
			if strings.Contains(step, "Seq Scan") || scan && (i+1 == len(steps) || !strings.HasPrefix(steps[i+1], "Index Cond")) {
				t.Errorf("%s\n\treads all: %s", statement, step)
			}
		}
	}
}

// survivesKills has processes that write killed.
func (p postgres) survivesKills() {
	t := p.T
	url := p.url()
	seal, err := store.NewSeal(secret.New(crashKey))
	if err != nil {
		t.Fatal(err)
	}
	conformance.Crash(t, 30, func(ctx context.Context, round string) *exec.Cmd {
		return exec.CommandContext(ctx, os.Args[0], "-crash-path", url.Reveal(), "-crash-round", round)
	}, func(t *testing.T) store.Store {
		t.Helper()
		return openPostgres(t, store.PostgresConfig{URL: url, Seal: seal})
	})
}

func (p postgres) madeTogether() {
	t := p.T
	url := p.url()
	const openers = 4
	results := make(chan error, openers)
	for range openers {
		go func() {
			s, err := tryPostgres(t, store.PostgresConfig{URL: url})
			if err == nil {
				err = patiently(func() error { return s.Check(t.Context()) })
			}
			results <- err
		}()
	}
	for range openers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// waits stops the server under those who send, twice, and looks whether what it had acknowledged is there.
func (p postgres) waits() {
	t := p.T
	s := openPostgres(t, store.PostgresConfig{URL: p.url()})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const senders = 4
	var mu sync.Mutex
	told, refused := map[string]bool{}, 0
	progress := make(chan struct{}, 1)
	seen := func(id string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			told[id] = true
		} else if refused++; !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s is refused with %v", id, err)
		}
		select {
		case progress <- struct{}{}:
		default:
		}
	}
	count := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return len(told), refused
	}
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for i := 0; ctx.Err() == nil; {
				id := fmt.Sprintf("evt_%d_%d", sender, i)
				_, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent(id)})
				seen(id, err)
				if err == nil {
					i++ // else it is sent again, as IDaaS does
				}
			}
		})
	}
	until := func(what string, reached func(told, refused int) bool) {
		t.Helper()
		for !reached(count()) {
			select {
			case <-progress:
			case <-time.After(time.Minute):
				t.Fatalf("%s for a minute", what)
			}
		}
	}
	for _, end := range []func(){p.Stop, p.Kill} {
		before, _ := count()
		until("nothing is accepted", func(told, _ int) bool { return told > before+20 })
		end()
		_, was := count()
		until("nothing is refused", func(_, refused int) bool { return refused > was+senders })
		p.Start(t)
	}
	before, _ := count()
	until("nothing is accepted after the server came back", func(told, _ int) bool { return told > before+20 })
	stop()
	sending.Wait()
	for id := range told {
		events, err := s.Events(t.Context(), store.Filter{EventID: id})
		if err != nil || len(events) != 1 {
			t.Fatalf("%s was accepted and is there %d times (%v)", id, len(events), err)
		}
	}
}

// silentWriter leaves a transaction alone that has what every one that writes needs, as a process does that was stopped.
func (p postgres) silentWriter() {
	t := p.T
	url := p.url()
	store.HoldVersion(t, openPostgres(t, store.PostgresConfig{URL: url}))
	s := openPostgres(t, store.PostgresConfig{URL: url})
	if err := patiently(func() error { return s.Check(t.Context()) }); err != nil {
		t.Error(err)
	}
}

// patiently does what may not be possible at once.
func patiently(do func() error) error {
	err := do()
	for deadline := time.Now().Add(time.Minute); errors.Is(err, store.ErrUnavailable) && time.Now().Before(deadline); {
		err = do()
	}
	return err
}

func (p postgres) leftAlone() {
	t := p.T
	url := p.url()
	s := openPostgres(t, store.PostgresConfig{URL: url})
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "store.key")
	change := func(statement string) {
		t.Helper()
		p.Administer(t, ldaptest.PostgresDatabase, "SET search_path = "+schemaOf(url)+"; "+statement)
	}
	for _, c := range []struct {
		what, want, before, after string
		url                       secret.Text
		seal                      *store.Seal
	}{
		{what: "no key", want: "copy it from another instance"},
		{what: "another key", want: "the key file does not belong to this database", seal: seal(t, 2)},
		{what: "a later version", want: "newer version of this program", before: "INSERT INTO schema_version (version) VALUES (99)", after: "DELETE FROM schema_version WHERE version = 99", seal: seal(t, 1)},
		{what: "another password", want: "give the user and the password", url: secret.New(strings.Replace(url.Reveal(), ldaptest.PostgresPassword, "wrong", 1))},
		{what: "no database", want: "docs/scale.md", url: secret.New(strings.Replace(url.Reveal(), "/"+ldaptest.PostgresDatabase+"?", "/other?", 1))},
		{what: "no rights", want: "docs/scale.md", url: secret.New(strings.Replace(url.Reveal(), "search_path="+schemaOf(url), "search_path=pg_catalog", 1)), seal: seal(t, 1)},
		{what: "no URL", want: "write it as postgres://", url: secret.New("postgres://u:" + ldaptest.PostgresPassword + "@[")},
	} {
		if c.before != "" {
			change(c.before)
		}
		if c.url.Empty() {
			c.url = url
		}
		_, err := store.OpenPostgres(t.Context(), store.PostgresConfig{URL: c.url, Seal: c.seal, Clock: time.Now}, key, rand.Reader)
		var wrong *store.Misconfigured
		if err == nil || !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), ldaptest.PostgresPassword) {
			t.Errorf("%s: %v", c.what, err)
		}
		if _, err := os.Stat(key); err == nil {
			t.Errorf("%s: a key was made", c.what)
		}
		if c.after != "" {
			change(c.after)
		}
	}
	if events, err := s.Events(t.Context(), store.Filter{}); err != nil || len(events) != 1 {
		t.Errorf("there are %d events (%v)", len(events), err)
	}
}

func schemaOf(url secret.Text) string {
	_, name, _ := strings.Cut(url.Reveal(), "search_path=")
	return name
}

func (p postgres) access() {
	t := p.T
	url := p.url()
	for _, access := range []store.Access{store.ToRead, store.ToChange} {
		if _, err := tryPostgres(t, store.PostgresConfig{URL: url, Access: access}); !errors.Is(err, store.ErrNoStore) {
			t.Errorf("without tables: %v", err)
		}
	}
	key := filepath.Join(t.TempDir(), "new", "store.key")
	if running, err := store.ExaminePostgres(t.Context(), store.PostgresConfig{URL: url}, key); err != nil || running {
		t.Errorf("without tables: %t, %v", running, err)
	}
	if _, err := os.Stat(filepath.Dir(key)); err == nil {
		t.Error("looking has made something")
	}
	s, err := store.OpenPostgres(t.Context(), store.PostgresConfig{URL: url, Clock: time.Now}, key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Fatal(err)
	}
	for _, leased := range []bool{false, true} {
		if leased {
			if _, err := s.Lease(t.Context(), "corp"); err != nil {
				t.Fatal(err)
			}
		}
		if running, err := store.ExaminePostgres(t.Context(), store.PostgresConfig{URL: url}, key); err != nil || running != leased {
			t.Errorf("somebody works on it: %t, %v", running, err)
		}
	}
	made, err := store.LoadKey(key)
	if err != nil {
		t.Fatal(err)
	}
	other := openPostgres(t, store.PostgresConfig{URL: url, Access: store.ToChange, Seal: made})
	if n, err := other.Discard(t.Context(), 1, "me", []int64{1}); err != nil || n != 1 {
		t.Errorf("%d events are discarded (%v)", n, err)
	}
	events, err := openPostgres(t, store.PostgresConfig{URL: url, Access: store.ToRead, Seal: made}).Events(t.Context(), store.Filter{States: []event.State{event.Discarded}})
	if err != nil || len(events) != 1 {
		t.Errorf("%d discarded events are seen (%v)", len(events), err)
	}
}

// fewConnections: many who ask at the same time share the connections that docs/scale.md names.
func (p postgres) fewConnections() {
	s := openPostgres(p.T, store.PostgresConfig{URL: p.url()})
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			if _, err := s.Events(p.Context(), store.Filter{}); err != nil {
				p.Error(err)
			}
			if err := s.Check(p.Context()); err != nil {
				p.Error(err)
			}
		})
	}
	asking.Wait()
	if stats := store.ConnectionsOf(s); stats.MaxOpenConnections != 9 || stats.OpenConnections > 9 {
		p.Errorf("it keeps %d connections of %d", stats.OpenConnections, stats.MaxOpenConnections)
	}
}
