package processor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/processor"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Whatever order events come in, twice and in between others, while the directory is down now and then: in the end it says
// what it would say if each event had been applied once and in the order of time. That holds for one worker and for many at once,
// with a directory that is busy, and loses connections before and after it has written. The store is a real one, the directory is
// on paper, and time jumps.
func TestStorm(t *testing.T) {
	for seed := range uint64(16) {
		workers := []int{1, 6}[seed%2]
		t.Run(fmt.Sprintf("history %d, workers %d", seed, workers), func(t *testing.T) {
			h := newHistory(seed)
			for range 150 {
				h.step()
			}
			synctest.Test(t, func(t *testing.T) { sail(t, seed, workers, h) })
		})
	}
}

// sail takes a history through the storm and looks at the directory afterwards.
func sail(t *testing.T, seed uint64, workers int, h *history) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	// Guards that let everything pass: a company of a dozen people changes a great deal in percent.
	set := mappingOf(t, "openldap.yaml", []string{
		"{ max: 20, percent: 5, window: 1h }", "{ max: 100000, percent: 100, window: 1ms }", "{ max: 50, percent: 10, window: 1h }", "{ max: 100000, percent: 100, window: 1ms }",
	})
	directory := newStorm(t, seed)
	d, s, stop := dispatcherOn(t, directory, set, workers)
	defer stop()
	deliver := func(changes []event.Change) {
		t.Helper()
		ticket, err := d.Accept(context.Background(), "app", "instance", changes)
		if err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		ticket.Wait(ended)
	}
	for _, batch := range h.arrivals(random) {
		deliver(batch)
		switch random.IntN(12) {
		case 0:
			directory.weather(true)
		case 1, 2:
			directory.weather(false)
		case 3, 4, 5, 6:
			<-time.After(time.Duration(random.IntN(5000)) * time.Millisecond)
		}
	}
	directory.calm()
	for waited := time.Duration(0); len(open(t, s)) > 0 && waited < 6*time.Hour; waited += 10 * time.Minute {
		approve(t, d, s)
		<-time.After(10 * time.Minute)
		synctest.Wait()
	}
	for _, r := range open(t, s) {
		t.Errorf("%s %s is still %s %s: %s", r.Type.Short(), r.Object, r.Outcome.State, r.Outcome.Code, r.Outcome.Message)
	}
	if diff := cmp.Diff(h.directory(), directory.directory()); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
	// Once more in any order nothing is written.
	directory.written = nil
	all := slices.Clone(h.events)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].ID += " again"
	}
	deliver(all)
	<-time.After(time.Hour)
	synctest.Wait()
	for _, op := range directory.written {
		t.Errorf("all once more wrote %s %s", op.Verb(), op.Target())
	}
}

// approve lets through what a guard holds: of the few who are left, all may leave within a moment.
func approve(t *testing.T, d *dispatch.Dispatcher, s store.Store) {
	t.Helper()
	var held []int64
	for _, r := range open(t, s) {
		if r.Outcome.Code == event.CodeGuarded {
			held = append(held, r.Seq)
		}
	}
	keys, err := s.Retry(context.Background(), event.Millis(time.Now().UnixMilli()), "somebody", held)
	if err != nil {
		t.Fatal(err)
	}
	d.Wake(keys)
}

func open(t *testing.T, s store.Store) []store.EventRecord {
	t.Helper()
	records, err := s.Events(context.Background(), store.Filter{States: []event.State{event.Pending, event.Waiting, event.Failed, event.Held}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func dispatcherOn(t *testing.T, directory *storm, set *mapping.Set, workers int) (*dispatch.Dispatcher, store.Store, func()) {
	t.Helper()
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(context.Background(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	d := dispatch.New(dispatch.Config{
		Store: s, Clock: dispatch.SystemClock{}, Rand: rand.New(rand.NewPCG(1, 2)), Log: log,
		Routes: []dispatch.Route{{
			Directory: "paper", Workers: workers, Processor: processor.New(directory, func() *mapping.Set { return set }), Check: directory.check,
		}},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	return d, s, func() {
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// storm is a directory on paper in bad weather.
type storm struct {
	mu     sync.Mutex
	random *rand.Rand
	still  bool
	down   bool
	*paper
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	s := &storm{paper: newPaper(), random: rand.New(rand.NewPCG(seed, 8))}
	entries, err := plan.ParseEntries(strings.NewReader(start))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		s.put(e.DN, e.Attributes)
	}
	return s
}

func (s *storm) weather(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// calm ends the storm.
func (s *storm) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.still = false, true
}

func (s *storm) check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reach("search")
}

// reach is what happens on the way to the directory.
func (s *storm) reach(verb string) error {
	switch {
	case s.down:
		return &connector.OutcomeError{Kind: connector.KindUnavailable, Verb: "connect", Err: errors.New("connection refused")}
	case !s.still && s.random.IntN(40) == 0:
		return &connector.OutcomeError{Kind: connector.KindRetry, Code: 51, Verb: verb}
	}
	return nil
}

// in does something in the directory if the weather lets it.
func in[T any](s *storm, f func() (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none T
	if err := s.reach("search"); err != nil {
		return none, err
	}
	return f()
}

func (s *storm) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	return in(s, func() (*plan.Entry, error) { return s.paper.Find(ctx, key) })
}

func (s *storm) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	return in(s, func() (*plan.Entry, error) { return s.paper.Read(ctx, dn, attributes) })
}

func (s *storm) Children(ctx context.Context, dn plan.DN, limit int) ([]plan.DN, error) {
	return in(s, func() ([]plan.DN, error) { return s.paper.Children(ctx, dn, limit) })
}

func (s *storm) Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	return in(s, func() (map[string]bool, error) { return s.paper.Holding(ctx, dn, attribute, values) })
}

func (s *storm) Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error) {
	return in(s, func() ([]connector.Reference, error) { return s.paper.Referring(ctx, base, attributes, value) })
}

func (s *storm) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error) {
	return in(s, func() ([]connector.Reference, error) {
		return s.paper.ReferringBelow(ctx, base, attributes, at, was, remembered)
	})
}

func (s *storm) Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	return in(s, func() (map[string]bool, error) { return s.paper.Occupied(ctx, base, attribute, values) })
}

// Apply does an operation, refuses it, or loses the connection before or after it.
func (s *storm) Apply(ctx context.Context, op plan.Operation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reach(op.Verb()); err != nil {
		return err
	}
	luck := s.random.IntN(20)
	if !s.still && luck == 0 {
		return lost(op.Verb())
	}
	err := s.paper.Apply(ctx, op)
	if !s.still && luck == 1 {
		return lost(op.Verb())
	}
	return err
}

// directory is what the directory says, by the ids of IDaaS.
func (s *storm) directory() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for _, e := range s.entries {
		id := e.Value("employeeNumber") + e.Value("businessCategory")
		if id == "" {
			continue
		}
		members := slices.Clone(e.Values("member"))
		slices.Sort(members)
		out[id] = fmt.Sprint(e.DN, " ", e.Values("mail"), members)
	}
	return out
}
