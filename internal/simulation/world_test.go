package simulation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

const (
	corp   = "corp"
	suffix = "dc=example,dc=org"
	people = "ou=people," + suffix
	groups = "ou=groups," + suffix
	// ghost is the id of a user whose entry vanishes by hand.
	ghost = "user_ghost"
	// deletions is how many a narrow guard lets pass.
	deletions = 2
)

// world is one simulation.
type world struct {
	*lottery

	ground    *ground
	script    script
	mapping   *mapping.Set
	storm     *storm
	turnstile *turnstile
	sqlite    *store.SQLite
	store     store.Store
	path      string
	leases    leases
	noted     sync.Map // what instances have told each other by notes in the store, by name
	full      atomic.Bool
	plant     func(*storeOf) store.Store // what is wrong on purpose with the store of an instance that has it alone

	company   *company
	watch     *watch
	instances []*instance
	offsets   []time.Duration
	setAt     time.Time                // when a clock was set last
	arrivals  map[int][][]event.Change // by step

	mu         sync.Mutex // guards what follows
	heard      *heard
	unanswered [][]event.Change
	arrived    int
	problems   []string
	kind       string
	senders    sync.WaitGroup
}

// outcome is what came of a simulation.
type outcome struct {
	seed           uint64
	problems       []string
	kind           string
	events, writes int
	troubles       [troubles]int
}

// play runs a script in a bubble of its own.
func (g *ground) play(t *testing.T, s script) (out outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, err := g.world(t, s)
		if err != nil {
			t.Fatal(err)
		}
		out = w.run()
	})
	return out
}

func (g *ground) world(t *testing.T, s script) (*world, error) {
	t.Helper()
	luck := newLottery(s.seed)
	w := &world{
		lottery: luck, ground: g, script: s, mapping: g.wide, company: newCompany(), heard: newHeard(), arrivals: map[int][][]event.Change{},
		turnstile: &turnstile{lottery: luck, loose: s.loose, arrived: make(chan struct{}, 1)}, path: filepath.Join(t.TempDir(), "store.db"),
	}
	w.plant = func(s *storeOf) store.Store { return s }
	if g.plant != nil {
		w.plant = g.plant()
	}
	w.watch = newWatch(0, w.fail)
	if s.narrow {
		w.mapping, w.watch.most = g.narrow, deletions
	}
	directory, err := g.directory(s.seed)
	if err != nil {
		return nil, err
	}
	w.storm = &storm{Directory: directory, lottery: luck}
	directory.Fault(w.storm.fault)
	return w, errors.Join(g.copyStore(w.path), w.openStore())
}

// fail notes that something is wrong. The first of it says what kind of failure it is.
func (w *world) fail(format string, args ...any) {
	w.kind = cmp.Or(w.kind, format)
	w.problems = append(w.problems, fmt.Sprintf("at %s ", time.Now().UTC().Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

// notes tells of something that happens, where somebody wants to know.
func (w *world) notes(format string, args ...any) {
	if w.ground.told != nil {
		w.ground.told(time.Now().UTC().Format("15:04:05.000 ") + fmt.Sprintf(format, args...))
	}
}

// inLDIF is an operation that is written down where somebody wants to know.
type inLDIF struct{ op plan.Operation }

func (l inLDIF) String() string {
	var b strings.Builder
	_ = plan.WriteLDIF(&b, l.op) // a builder takes everything
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "; ")
}

func (w *world) openStore() (err error) {
	w.sqlite, err = w.ground.openStore(w.path)
	w.store = w.sqlite
	return err
}

// run plays the script and looks at what has come of it.
func (w *world) run() outcome {
	w.storm.becomes(calm)
	for n := range w.script.instances {
		w.offsets = append(w.offsets, 0)
		w.instances = append(w.instances, newInstance(w, fmt.Sprint("instance ", n), 0))
	}
	w.fillTheGuard()
	w.storm.becomes(windy)
	for k, st := range w.script.steps {
		w.does(k, st)
		if len(w.problems) > 0 {
			break
		}
	}
	if len(w.problems) == 0 {
		w.rests()
		w.judge()
	}
	for _, i := range w.instances {
		w.end(i)
	}
	w.senders.Wait()
	if err := w.store.Close(); err != nil {
		w.fail("the store does not close: %v", err)
	}
	return outcome{problems: w.problems, kind: w.kind, events: w.arrived, writes: w.watch.seen, troubles: w.storm.counted()}
}

// does lets a step happen, what is to arrive with it, and the time pass after it.
func (w *world) does(k int, st step) {
	v, _ := verbNamed(st.verb)
	if v.world != nil {
		v.world(w, st.args)
	} else if w.company.news = nil; v.company(w.company, st.args) {
		w.company.take(w.company.news, st.lost)
		if !st.lost {
			w.arrivals[k+st.late] = append(w.arrivals[k+st.late], w.company.news)
		}
		if st.again > 0 && !st.lost {
			w.arrivals[k+st.again] = append(w.arrivals[k+st.again], w.company.news)
		}
	}
	for _, words := range w.arrivals[k] {
		w.send(words)
	}
	delete(w.arrivals, k)
	if st.gap > 0 {
		w.passes(st.gap)
	}
}

// send lets words arrive at one of the instances. What is not answered comes again.
func (w *world) send(words []event.Change) {
	i := w.instances[w.below(len(w.instances), "sender "+words[0].ID)]
	w.senders.Go(func() {
		ticket, err := i.dispatcher.Accept(context.Background(), "app", "instance", words)
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil {
			w.unanswered = append(w.unanswered, words)
			return
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		ticket.Wait(ended)
		for _, c := range words {
			w.notes("%s takes in %s %s %s %v %v", i.name, c.ID, c.Type.Short(), c.Object, c.Fields, c.Members)
		}
		w.heard.takeIn(words, time.Now())
		w.arrived += len(words)
	})
}

// passes lets time pass, and whatever is due be done.
func (w *world) passes(d time.Duration) {
	w.mu.Lock()
	again := w.unanswered
	w.unanswered = nil
	w.mu.Unlock()
	for _, words := range again {
		w.send(words)
	}
	if err := w.turnstile.pass(time.Now().Add(d), w.watches); err != nil {
		w.fail("%v", err)
	}
	w.keepsOut()
}

// watches looks at what was written, and starts anew what has crashed.
func (w *world) watches() {
	ops := w.storm.WrittenAfter(w.watch.seen)
	for _, op := range ops {
		w.notes("    %s", inLDIF{op})
	}
	w.watch.look(ops)
	for n, i := range w.instances {
		if i.hasCrashed() {
			w.startAnew(n, i)
		}
	}
}

// startAnew starts another instance in the place of one that has crashed. Who has the store alone opens it anew, now and then.
func (w *world) startAnew(n int, crashed *instance) {
	w.storm.troubled()
	w.storm.counts(crash)
	crashed.cancel()
	<-crashed.ended
	if w.script.instances == 1 && w.below(3, "open") == 0 {
		w.senders.Wait() // they have no answer
		if err := errors.Join(w.store.Close(), w.openStore()); err != nil {
			w.fail("the store does not open: %v", err)
		}
	}
	w.instances[n] = newInstance(w, crashed.name, w.offsets[n])
}

// end stops an instance as SIGTERM does.
func (w *world) end(i *instance) {
	i.cancel()
	for range 100 {
		select {
		case <-i.ended:
			return
		default:
		}
		if err := w.turnstile.pass(time.Now().Add(time.Second), func() {}); err != nil {
			w.fail("%v", err)
		}
	}
	w.fail("an instance does not end")
	i.crash()
	<-i.ended
}

// tell tells the other instances of something. One notice in four is lost.
func (w *world) tell(by *instance, what store.Happened) {
	for _, i := range w.instances {
		if i == by || w.below(4, "notice") == 0 {
			continue
		}
		select {
		case i.notices <- store.Notice{What: what, Directory: corp}:
		default:
		}
	}
}

// The steps that happen to the world.

func (w *world) turns(a []int) { w.storm.becomes(weather(a[0])) }

// fills the disk for some seconds.
func (w *world) fills(a []int) {
	w.storm.counts(diskFull)
	w.storm.troubled()
	w.full.Store(true)
	time.AfterFunc(time.Duration(a[0])*time.Second, func() {
		w.full.Store(false)
		w.storm.troubled()
	})
}

func (w *world) instance(n int) int { return n % len(w.instances) }

func (w *world) crashes(a []int) {
	w.instances[w.instance(a[0])].doom(doom{armed: true, at: moments[a[1]], writes: a[2], after: a[3] == 1})
}

func (w *world) stops(a []int) {
	w.instances[w.instance(a[0])].doom(doom{armed: true, at: moments[a[1]], writes: a[2], stops: time.Duration(1+a[3]) * time.Second})
}

// sets sets a clock by up to four minutes: what comes from later than five counts as received now.
func (w *world) sets(a []int) {
	n := w.instance(a[0])
	w.set(n, time.Duration(a[1]-4)*time.Minute)
}

func (w *world) set(n int, offset time.Duration) {
	if w.offsets[n] != offset {
		w.setAt = time.Now()
		w.storm.counts(clockSet)
	}
	w.offsets[n] = offset
	w.instances[n].clock.set(offset)
}

// approve lets through what a guard holds. That entries are gone, which a directory may only hide, nobody confirms before all is calm.
func (w *world) approve(calm bool) {
	var held []int64
	for _, r := range w.open() {
		if r.Outcome.Code == event.CodeGuarded && (calm || r.Act != string(processor.ActVanish)) {
			held = append(held, r.Seq)
			w.watch.approves(r.Object)
		}
	}
	keys, err := w.store.Retry(context.Background(), event.Millis(time.Now().UnixMilli()), "somebody", held)
	if err != nil {
		w.fail("approve: %v", err)
	}
	for _, i := range w.instances {
		i.dispatcher.Wake(keys)
	}
}

func (w *world) open() []store.EventRecord {
	records, err := w.store.Events(context.Background(), store.Filter{States: []event.State{event.Pending, event.Waiting, event.Failed, event.Held}, Limit: 1000})
	if err != nil {
		w.fail("read what is open: %v", err)
	}
	return records
}

// fillTheGuard lets one entry vanish by hand, which is as many as the mapping allows. After that nothing that is not to be seen is taken
// for gone.
func (w *world) fillTheGuard() {
	at := event.Millis(time.Now().UnixMilli())
	said := func(id string, kind event.Type, at event.Millis, fields event.Values) []event.Change {
		return []event.Change{{ID: id, Type: kind, Object: user(ghost), Stamp: event.Stamp{Event: at}, Fields: fields}}
	}
	w.send(said("ghost 1", event.TypeUserUpdateInfo, at-2, event.Values{event.FieldUsername: "ghost", event.FieldPrimaryUnit: event.RootUnitID}))
	w.passes(time.Minute)
	if err := w.storm.Apply(context.Background(), plan.Delete{DN: plan.MustParseDN("uid=ghost," + people)}); err != nil {
		w.fail("the ghost: %v", err)
	}
	w.send(said("ghost 2", event.TypeUserDelete, at-1, event.Values{}))
	w.passes(time.Minute)
}
