package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Processor brings one object of a directory to what is known of it. *processor.Processor is one.
type Processor interface {
	Process(ctx context.Context, task processor.Task) processor.Result
}

// Route is one directory that events go to.
type Route struct {
	// Directory is its name in the configuration.
	Directory string
	// Applications are the ids of those that feed it; empty for all.
	Applications []string
	// PasswordSync is false where passwords are dropped before anything is stored.
	PasswordSync bool
	// Workers is how many objects are worked on at a time.
	Workers   int
	Processor Processor
	// Longest bounds the work on one object; zero for as long as it takes.
	Longest time.Duration
	// Check binds to the directory and looks at the base of the mapping; the connection test and the return after an
	// outage rest on it.
	Check func(ctx context.Context) error
	// Begin, if set, returns the context in which the work on an object is done, which may then say for whom and why.
	Begin func(ctx context.Context, job store.Job) context.Context
}

// Observer is told what happens, for metrics. Its methods must not wait.
type Observer interface {
	// Settled: an event came to an outcome.
	Settled(directory string, outcome event.Outcome)
	// Reconciled: an object was worked on, with this many write operations.
	Reconciled(directory string, operations int, took time.Duration)
	// Available: a directory went down or came back.
	Available(directory string, available bool)
	// Leased: this process has begun to work on a directory, or has ended to, or found out that somebody else may have taken over.
	Leased(directory, result string)
}

// What becomes of the lease of a directory, in words for metrics.
const (
	LeaseTaken   = "taken"
	LeaseGivenUp = "given_up"
	LeaseLost    = "lost"
)

// Config is what a dispatcher is made from. All fields but Observer and LookEvery are needed.
type Config struct {
	Store    store.Store
	Routes   []Route
	Clock    Clock
	Rand     *rand.Rand
	Log      logrus.FieldLogger
	Observer Observer
	// LookEvery is the pause between two looks at what other processes have done with the store, of which nobody may have told us; zero
	// for what is usual.
	LookEvery time.Duration
}

// Dispatcher hands accepted events to the lanes of the directories.
type Dispatcher struct {
	cfg    Config
	board  *board
	random *lockedRand
	fleet  atomic.Pointer[fleet]

	rerouting sync.Mutex               // guards what follows, and lets one fleet be replaced at a time
	turns     map[string]chan struct{} // by directory: whoever has put something in works on it
	drained   bool
}

// New returns a dispatcher that accepts events at once and works on them once Run is called.
func New(cfg Config) *Dispatcher {
	if cfg.Observer == nil {
		cfg.Observer = silent{}
	}
	d := &Dispatcher{cfg: cfg, board: newBoard(), random: &lockedRand{rand: cfg.Rand}, turns: map[string]chan struct{}{}}
	d.fleet.Store(d.newFleet(cfg.Routes))
	return d
}

// Run works on what is accepted until ctx ends, then lets what is under way finish and returns. What is left is taken up
// at the next start. It ends too when other directories are fed ([Dispatcher.Reroute]).
func (d *Dispatcher) Run(ctx context.Context) { d.run(ctx, d.fleet.Load()) }

// Wake makes lanes look at objects now, after work on them was stored by somebody else: a retry from the console.
func (d *Dispatcher) Wake(keys []store.Key) {
	f := d.fleet.Load()
	for _, key := range keys {
		if l := f.lane(key.Directory); l != nil {
			l.enqueue(key.Object)
		}
	}
}

// Availability returns why each directory is not reachable now, by name; an empty text for one that is.
func (d *Dispatcher) Availability() map[string]string {
	lanes := d.fleet.Load().lanes
	out := make(map[string]string, len(lanes))
	for _, l := range lanes {
		out[l.route.Directory] = l.downReason()
	}
	return out
}

// Accept stores the changes of one request in one transaction. After it has returned without an error they are never
// lost; with an error nothing was accepted. The ticket must be waited for.
func (d *Dispatcher) Accept(ctx context.Context, application, instance string, changes []event.Change) (*Ticket, error) {
	now := event.Millis(d.cfg.Clock.Now().UnixMilli())
	ticket := &Ticket{board: d.board, events: make([]ticketEvent, len(changes))}
	events := d.addressAll(ctx, now, application, instance, changes, ticket)
	accepted, err := d.cfg.Store.Accept(ctx, now, events)
	if err != nil {
		ticket.release()
		if onlyTests(changes) {
			return failedTest(len(changes), err), nil
		}
		return nil, fmt.Errorf("store %d events: %w", len(changes), err)
	}
	f := d.fleet.Load() // anew: a lane that begins later finds the events in the store
	for i, a := range accepted {
		d.follow(ctx, f, &ticket.events[i], events[i], a)
	}
	return ticket, nil
}

// addressAll decides for each event which directories it is for. The places for reports are made before an event is stored, so
// that no lane can be faster.
func (d *Dispatcher) addressAll(ctx context.Context, now event.Millis, application, instance string, changes []event.Change, ticket *Ticket) []store.NewEvent {
	f, done := d.inForce()
	defer done()
	events := make([]store.NewEvent, len(changes))
	for i, c := range changes {
		c = d.receive(now, application, c)
		events[i] = f.address(ctx, application, instance, c)
		for _, target := range events[i].Targets {
			p := d.board.add(postKey{directory: target.Directory, application: application, eventID: c.ID})
			ticket.events[i].posts = append(ticket.events[i].posts, p)
		}
	}
	return events
}

// receive gives an event the time as it counts, and says in the log what of it does not count as it came.
func (d *Dispatcher) receive(now event.Millis, application string, c event.Change) event.Change {
	log := d.cfg.Log.WithFields(logrus.Fields{"event": c.ID, "type": string(c.Type), "application": application})
	said := c.Stamp
	var clamped bool
	if c.Stamp, clamped = said.Received(now); clamped && said.Event != 0 {
		log.WithField("eventTime", said.Event.String()).WithField("updateTime", said.Update.String()).
			Warn("the time of the event lies more than five minutes ahead and counts as that of its receipt; compare the clocks")
	}
	if len(c.Unread) > 0 {
		log.WithField("unread", strings.Join(c.Unread, "; ")).Warn("something in the event cannot be read and counts as not said")
	}
	return c
}

// address decides which directories an event is for, or settles it at once.
func (f *fleet) address(ctx context.Context, application, instance string, c event.Change) store.NewEvent {
	e := store.NewEvent{Application: application, Instance: instance, Change: c}
	settle := func(state event.State, code event.Code, message string) store.NewEvent {
		e.Outcome = &event.Outcome{State: state, Code: code, Message: message}
		return e
	}
	switch {
	case c.Problem != "":
		return settle(event.Failed, event.CodeMalformed, c.Problem)
	case c.Type.Effect() == event.EffectTest:
		outcome := f.test(ctx, application)
		e.Outcome = &outcome
		return e
	case c.Type.Effect() == event.EffectNone:
		return settle(event.Skipped, event.CodeUnknownType, fmt.Sprintf("the event type %s is not known to this version", c.Type.URN()))
	case c.Object.Zero():
		return settle(event.Skipped, event.CodeNoObject, "the event names no object that could be looked at")
	}
	for _, l := range f.lanes {
		if l.feeds(application) {
			e.Targets = append(e.Targets, store.Target{Directory: l.route.Directory, KeepPassword: l.route.PasswordSync})
		}
	}
	if len(e.Targets) == 0 {
		return settle(event.Skipped, event.CodeSwitchedOff, "no directory is fed by this application (directories[].applications)")
	}
	return e
}

// follow connects what was accepted with the ticket and with the lanes.
func (d *Dispatcher) follow(ctx context.Context, f *fleet, t *ticketEvent, e store.NewEvent, a store.Accepted) {
	if len(a.Deliveries) == 0 || a.Deliveries[0].Key.Directory == "" {
		for _, p := range t.posts {
			d.board.remove(p)
		}
		t.posts, t.fixed = nil, a.Outcome
		if len(a.Deliveries) > 0 {
			t.fixed = a.Deliveries[0].Outcome
		}
		d.cfg.Observer.Settled("", t.fixed)
		return
	}
	kept := t.posts[:0]
	for _, p := range t.posts {
		i := slices.IndexFunc(a.Deliveries, func(x store.Delivery) bool { return x.Key.Directory == p.key.directory })
		if i < 0 {
			d.board.remove(p)
			continue
		}
		kept = append(kept, p)
		if l := f.lane(p.key.directory); p.stored(a.Deliveries[i].Seq) && l != nil {
			l.tell(store.NoticeSettled, p.key)
		}
		if outcome := a.Deliveries[i].Outcome; outcome.State != event.Pending {
			p.set(outcome)
			if !a.Repeat {
				d.refused(e, p.key.directory, outcome)
			}
		}
	}
	t.posts = kept
	if len(kept) == 0 {
		// A repeat of an event for directories that the application does not feed any more.
		t.fixed = f.recorded(a.Deliveries)
	}
	for _, delivery := range a.Deliveries {
		if state := delivery.Outcome.State; state != event.Pending && state != event.Waiting {
			continue
		}
		key := postKey{directory: delivery.Key.Directory, application: e.Application, eventID: delivery.EventID}
		l := f.lane(key.directory)
		if l == nil {
			d.board.report(key, notFed(key.directory))
			continue
		}
		if reason := l.downReason(); reason != "" {
			d.board.report(key, unavailable(reason))
		} else if l.isAway() {
			l.hearDown(ctx, d.cfg.Store) // as it is now
		}
		if !a.Repeat { // a repeat is no reason to look again
			l.enqueue(delivery.Key.Object)
			l.enqueue(e.Change.Others...)
		}
	}
}

// refused tells of an event that one directory does not take from its sender.
func (d *Dispatcher) refused(e store.NewEvent, directory string, outcome event.Outcome) {
	d.cfg.Observer.Settled(directory, outcome)
	d.cfg.Log.WithFields(logrus.Fields{
		"event": e.Change.ID, "type": string(e.Change.Type), "application": e.Application, "instance": e.Instance,
		"directory": directory, "code": string(outcome.Code), "message": outcome.Message,
	}).Warn("event not applied")
}

// recorded is what is known of an event from its deliveries.
func (f *fleet) recorded(deliveries []store.Delivery) event.Outcome {
	reports := make([]report, len(deliveries))
	for i, delivery := range deliveries {
		reports[i] = report{directory: delivery.Key.Directory, outcome: delivery.Outcome}
		if !delivery.Outcome.State.Settled() && f.lane(delivery.Key.Directory) == nil {
			reports[i].outcome = notFed(delivery.Key.Directory)
		}
	}
	return combine(reports)
}

// testWithin bounds how long the connection test waits for a directory: its request has to be answered.
const testWithin = 2 * time.Second

// test is the connection test: every directory that the application feeds answers a bind. That the store is writable
// shows when the result is stored.
func (f *fleet) test(ctx context.Context, application string) event.Outcome {
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	var wg sync.WaitGroup
	problems := make([]error, len(f.lanes))
	tested := 0
	for i, l := range f.lanes {
		if !l.feeds(application) {
			continue
		}
		tested++
		wg.Go(func() {
			if err := l.route.Check(ctx); err != nil {
				problems[i] = fmt.Errorf("%s: %w", l.route.Directory, err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(problems...); err != nil {
		return event.Outcome{State: event.Failed, Code: event.CodeTestFailed, Message: err.Error()}
	}
	if tested == 0 {
		return event.Outcome{State: event.Failed, Code: event.CodeTestFailed, Message: "no directory is fed by this application (directories[].applications)"}
	}
	return event.Outcome{State: event.Done, Code: event.CodeTestOK, Message: fmt.Sprintf("the store is writable and %d directories answer", tested)}
}

// onlyTests reports whether nothing was handed in but connection tests, of which nothing is lost where they cannot be
// stored: who pressed the button is told why instead.
func onlyTests(changes []event.Change) bool {
	return !slices.ContainsFunc(changes, func(c event.Change) bool { return c.Type.Effect() != event.EffectTest })
}

func failedTest(n int, err error) *Ticket {
	outcome := event.Outcome{State: event.Failed, Code: event.CodeTestFailed, Message: "the store cannot be written: " + err.Error()}
	return &Ticket{events: slices.Repeat([]ticketEvent{{fixed: outcome}}, n)}
}

func unavailable(reason string) event.Outcome {
	return event.Outcome{State: event.Waiting, Code: event.CodeUnavailable, Message: "stored; waits for the directory, which does not answer: " + reason}
}

// silent is the observer of those who want none.
type silent struct{}

func (silent) Settled(string, event.Outcome)         {}
func (silent) Reconciled(string, int, time.Duration) {}
func (silent) Available(string, bool)                {}
func (silent) Leased(string, string)                 {}
