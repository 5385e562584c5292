package dispatch_test

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

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// The directory and the application of most tests.
const (
	corp = "corp"
	app  = "app_example"
)

// rig is a dispatcher on a real store, with processors that do what the test says, and a clock that jumps: it runs in a
// bubble of testing/synctest.
type rig struct {
	*testing.T
	store store.Store
	*dispatch.Dispatcher
	directories map[string]*scripted
	seen        *observer
	lookEvery   time.Duration // zero for what is usual
	log         transcript
	stop        func()
}

// transcript keeps what is logged.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *transcript) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// has reports whether a line of the log has all of these words.
func (l *transcript) has(words ...string) bool { return l.count(words...) > 0 }

// count returns how many lines of the log have all of these words.
func (l *transcript) count(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			n++
		}
	}
	return n
}

// inBubble runs a test of one directory.
func inBubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	inBubbleOf(t, []dispatch.Route{{Directory: corp, Workers: 4, PasswordSync: true}}, test)
}

// inBubbleOf runs a test of several directories; each gets a scripted processor.
func inBubbleOf(t *testing.T, routes []dispatch.Route, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, directories: map[string]*scripted{}, seen: &observer{}}
		r.store = openStore(t)
		for i := range routes {
			s := &scripted{}
			r.directories[routes[i].Directory] = s
			routes[i].Processor, routes[i].Check = s, s.check
		}
		r.configure(routes)
		r.start()
		test(r)
		r.stop()
	})
}

func openStore(t *testing.T) store.Store {
	t.Helper()
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// configure makes a dispatcher on the store, as at the start of the program.
func (r *rig) configure(routes []dispatch.Route) { r.configureAt(dispatch.SystemClock{}, routes) }

// configureAt is configure with another clock than that of the bubble.
func (r *rig) configureAt(clock dispatch.Clock, routes []dispatch.Route) {
	log := logrus.New()
	log.SetOutput(io.MultiWriter(r.Output(), &r.log))
	r.Dispatcher = dispatch.New(dispatch.Config{
		Store: r.store, Routes: routes, Clock: clock, Rand: rand.New(rand.NewPCG(1, 2)), Log: log, Observer: r.seen, LookEvery: r.lookEvery,
	})
}

// start runs the dispatcher until r.stop is called, which waits for its end. When it returns what was due is done and the first
// look into the store is over: whether that still finds what is accepted in between would be a matter of luck.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Dispatcher.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	synctest.Wait()
}

// script sets what the processor of corp does.
func (r *rig) script(does func(ctx context.Context, task processor.Task) processor.Result) {
	r.directories[corp].script(does)
}

// accept takes events in, as one request of the application.
func (r *rig) accept(changes ...event.Change) *dispatch.Ticket {
	r.Helper()
	ticket, err := r.Accept(r.Context(), app, "idaas_example", changes)
	if err != nil {
		r.Fatal(err)
	}
	return ticket
}

// answer takes one event in and waits for its outcome as long as a request does.
func (r *rig) answer(c event.Change) event.Outcome {
	r.Helper()
	return r.await(r.accept(c))[0]
}

func (r *rig) await(ticket *dispatch.Ticket) []event.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	return ticket.Wait(ctx)
}

// pass lets time pass, and whatever is due then be done.
func (r *rig) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// outcome returns what is recorded of an event in a directory.
func (r *rig) outcome(directory, eventID string) event.Outcome {
	r.Helper()
	records, err := r.store.Events(r.Context(), store.Filter{Directory: directory, EventID: eventID})
	if err != nil || len(records) != 1 {
		r.Fatalf("%d records of %s in %s: %v", len(records), eventID, directory, err)
	}
	return records[0].Outcome
}

// wantCode fails the test unless an event has come to a code.
func (r *rig) wantCode(eventID string, code event.Code) {
	r.Helper()
	if got := r.outcome(corp, eventID); got.Code != code {
		r.Errorf("%s is %s %s: %s; want %s", eventID, got.State, got.Code, got.Message, code)
	}
}

// counts returns how many events are in each unsettled state.
func (r *rig) counts() map[event.State]int64 {
	r.Helper()
	counts, err := r.store.Counts(r.Context(), corp)
	if err != nil {
		r.Fatal(err)
	}
	return counts
}

// scripted is a processor that does what the test says, and notes what it was asked.
type scripted struct {
	mu    sync.Mutex
	does  func(ctx context.Context, task processor.Task) processor.Result
	calls []call
	// down is why the directory does not answer; probes are the moments at which it was asked.
	down   error
	probes []time.Time
}

// call is one task that the processor was given.
type call struct {
	at     time.Time
	object event.Ref
	task   processor.Task
}

func (s *scripted) script(does func(ctx context.Context, task processor.Task) processor.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.does = does
}

// Process notes the task and does what the script says; without one everything is applied.
func (s *scripted) Process(ctx context.Context, task processor.Task) processor.Result {
	s.mu.Lock()
	s.calls = append(s.calls, call{at: time.Now(), object: task.Merged.Object.Ref, task: task})
	does, down := s.does, s.down
	s.mu.Unlock()
	switch {
	case down != nil:
		return unavailable(task, down)
	case does != nil:
		return does(ctx, task)
	}
	return applied(task)
}

func (s *scripted) check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes = append(s.probes, time.Now())
	return s.down
}

// goDown makes the directory stop answering; nil makes it answer again.
func (s *scripted) goDown(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = reason
}

func (s *scripted) tasks() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

// tasksOf returns the tasks of one object.
func (s *scripted) tasksOf(ref event.Ref) []call {
	var out []call
	for _, c := range s.tasks() {
		if c.object == ref {
			out = append(out, c)
		}
	}
	return out
}

func (s *scripted) probed() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.probes...)
}

var errDown = errors.New("connection refused")

// applied is the result of a task that was written.
func applied(task processor.Task) processor.Result {
	ref := task.Merged.Object.Ref
	dn := plan.MustParseDN("cn=" + plan.EscapeValue(ref.ID) + ",dc=example,dc=org")
	result := processor.Result{
		Outcome:    event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "add"},
		Operations: []plan.Operation{plan.Add{DN: dn}},
		Record:     plan.Record{Link: "link of " + ref.ID, DN: dn},
	}
	if task.Merged.Object.Deleted() {
		result.Operations, result.Link, result.DN, result.Gone = []plan.Operation{plan.Delete{DN: dn}}, "", nil, true
	}
	return result
}

// parked is the result of a task that could not be finished.
func parked(task processor.Task, code event.Code, waitsFor ...event.Ref) processor.Result {
	return processor.Result{
		Outcome: event.Outcome{State: event.Waiting, Code: code, Message: "not yet"}, WaitsFor: waitsFor,
		Record: task.Record,
	}
}

func unavailable(task processor.Task, err error) processor.Result {
	result := parked(task, event.CodeUnavailable)
	result.Outcome.Message = err.Error()
	return result
}

// observer notes what metrics are told.
type observer struct {
	mu        sync.Mutex
	settled   map[event.Code]int
	available []string
	leases    []string
	told      func() // called when an outcome is told, where a test asks for it
}

func (o *observer) Settled(_ string, outcome event.Outcome) {
	if o.told != nil {
		o.told()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.settled == nil {
		o.settled = map[event.Code]int{}
	}
	o.settled[outcome.Code]++
}

func (*observer) Reconciled(string, int, time.Duration) {}

func (o *observer) Leased(_, result string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leases = append(o.leases, result)
}

func (o *observer) Available(directory string, available bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.available = append(o.available, fmt.Sprint(directory, " ", available))
}

func user(id string) event.Ref  { return event.Ref{Kind: event.KindUser, ID: id} }
func unit(id string) event.Ref  { return event.Ref{Kind: event.KindUnit, ID: id} }
func group(id string) event.Ref { return event.Ref{Kind: event.KindGroup, ID: id} }

// said makes an event about an object: its id is e and the number of milliseconds at which it happened, counted from a
// fixed moment.
func said(kind event.Type, ref event.Ref, at int64, fields event.Values) event.Change {
	const begin = 946_684_799_000 // a second before a bubble begins
	if fields == nil {
		fields = event.Values{}
	}
	fields[event.FieldID] = ref.ID
	return event.Change{
		ID: fmt.Sprintf("%s@%d", ref.ID, at), Type: kind, Object: ref, Stamp: event.Stamp{Event: event.Millis(begin + at)}, Fields: fields,
	}
}

// update makes an event that says all of the record of a user.
func update(id string, at int64) event.Change {
	return said(event.TypeUserUpdateInfo, user(id), at, event.Values{event.FieldUsername: fmt.Sprint(id, " ", at)})
}

// retry makes an event due again, as another process does: the dispatcher is not told.
func retry(r *rig, eventID string) []store.Key {
	r.Helper()
	records, err := r.store.Events(r.Context(), store.Filter{EventID: eventID})
	if err != nil || len(records) != 1 {
		r.Fatalf("%d records of %s: %v", len(records), eventID, err)
	}
	keys, err := r.store.Retry(r.Context(), event.Millis(time.Now().UnixMilli()), "somebody", []int64{records[0].Seq})
	if err != nil || len(keys) != 1 {
		r.Fatalf("retry of %s makes %v due: %v", eventID, keys, err)
	}
	return keys
}
