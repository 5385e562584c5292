package processor_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/processor"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Whatever order events come in, twice and in between others, while the directory is down now and then: in the end it says
// what it would say if each event had been applied once and in the order of time. That holds for one worker and for many at once,
// with a directory that is busy, loses connections before and after it has written, and for a while takes no writes, cuts what is
// searched, or has forgotten who we are. The store is a real one, the directory is
// in memory, and time jumps.
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
		"{ max: 20, percent: 5, window: 1h }", "{ max: 100000, percent: 100, window: 1ms }", "{ max: 50, percent: 10, window: 1h }", "{ max: 100000, percent: 100, window: 1ms }\n  vanished: { max: 1, percent: 100, window: 8760h }",
	})
	directory := newStorm(t, seed)
	d, s, stop := dispatcherOn(t, directory, set, workers)
	defer stop()
	model := &heard{outSince: map[string]time.Time{}}
	deliver := func(changes []event.Change) {
		t.Helper()
		model.takeIn(changes, time.Now())
		ticket, err := d.Accept(context.Background(), "app", "instance", changes)
		if err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		ticket.Wait(ended)
	}
	directory.fillTheGuard(t, deliver)
	directory.becomes(windy)
	for _, batch := range h.arrivals(random) {
		deliver(batch)
		switch random.IntN(12) {
		case 0:
			directory.becomes(weather(1 + random.IntN(int(worst))))
			if random.IntN(4) == 0 {
				<-time.After(time.Duration(random.IntN(1800)) * time.Second)
			}
		case 1, 2:
			directory.becomes(windy)
		case 3, 4, 5, 6:
			<-time.After(time.Duration(random.IntN(5000)) * time.Millisecond)
		case 7:
			directory.becomes(calm)
			approve(t, d, s)
			<-time.After(soon)
		}
		synctest.Wait()
		directory.keepsOut(t, model)
	}
	directory.becomes(calm)
	for waited := time.Duration(0); len(open(t, s)) > 0 && waited < 6*time.Hour; waited += 10 * time.Minute {
		approve(t, d, s)
		<-time.After(10 * time.Minute)
		synctest.Wait()
	}
	<-time.After(time.Hour) // by then the short locks have ended
	synctest.Wait()
	said := model.users()
	for _, r := range open(t, s) {
		if r.Outcome.Code == event.CodeRefused && said[r.Object.ID].isRefused() {
			continue
		}
		t.Errorf("%s %s is still %s %s: %s", r.Type.Short(), r.Object, r.Outcome.State, r.Outcome.Code, r.Outcome.Message)
	}
	if diff := cmp.Diff(h.directory(), directory.directory()); diff != "" {
		t.Errorf("the directory (-want +got):\n%s", diff)
	}
	directory.hasAddresses(t, h, said)
	directory.letsIn(t, h)
	// Once more in any order nothing is written. Passwords are left out: another event about one means another one.
	directory.writes()
	all := slices.DeleteFunc(slices.Clone(h.events), func(c event.Change) bool { return c.Type == event.TypeUserUpdatePassword })
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].ID += " again"
	}
	deliver(all)
	<-time.After(time.Hour)
	synctest.Wait()
	for _, op := range directory.writes() {
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
			Directory: "memory", PasswordSync: true, Workers: workers, Processor: processor.New(directory, func() *mapping.Set { return set }), Check: directory.check,
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

// weather is what is wrong with a directory for a while.
type weather int32

const (
	// windy: single operations go wrong.
	windy weather = iota
	// down: nobody reaches the directory.
	down
	// readOnly: it takes no writes, as a replica that its provider has left.
	readOnly
	// cut: it answers a part of what is searched, and says so.
	cut
	// loggedOut: it has forgotten who we are.
	loggedOut
	// hidden: it does not show some of its entries, or none at all.
	hidden
	// calm: nothing goes wrong any more.
	calm

	worst = hidden
)

// storm is a directory in memory in bad weather.
type storm struct {
	*memdir.Directory
	random *rand.Rand
	// sky changes while others look, hence atomic.
	sky     atomic.Int32
	drawing sync.Mutex // guards random
	// settled is how much was written when it was looked at last.
	settled int
	// troubledAt is when the last operation went wrong, or the last weather ended in which they do.
	troubledAt atomic.Int64
}

// draw returns a random number below n. The workers and the history draw at the same time.
func (s *storm) draw(n int) int {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	return s.random.IntN(n)
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	s := &storm{Directory: inMemory(t, false), random: rand.New(rand.NewPCG(seed, 8))}
	s.Fault(s.fault)
	s.becomes(windy)
	return s
}

// becomes changes the weather. The server takes one value in twenty in none.
func (s *storm) becomes(w weather) {
	trouble := dit.Trouble{Refuse: func(attribute, value string) uint16 {
		if attribute == "mail" && isRefused(value) {
			return ldap.LDAPResultInvalidAttributeSyntax
		}
		return 0
	}}
	if w == hidden {
		trouble.Hidden = s.hides()
	}
	s.troubledAt.Store(time.Now().UnixMilli())
	s.Suffer(trouble)
	s.sky.Store(int32(w))
}

// hides chooses what is not to be seen: everything, all people, all groups, or some of what is there.
func (s *storm) hides() func(plan.DN) bool {
	roots := []plan.DN{plan.MustParseDN(people), plan.MustParseDN(groups)}
	switch n := s.draw(6); n {
	case 0:
		return plan.MustParseDN(suffix).Equal
	case 1, 2:
		return roots[n-1].Equal
	}
	unseen := map[string]bool{}
	for _, e := range s.Entries() {
		if (e.DN.Below(roots[0]) || e.DN.Below(roots[1])) && s.draw(3) == 0 {
			unseen[e.DN.Key()] = true
		}
	}
	return func(dn plan.DN) bool { return unseen[dn.Key()] }
}

func (s *storm) check(ctx context.Context) error {
	_, err := s.Read(ctx, plan.MustParseDN(suffix), nil)
	return err
}

// fault decides what happens on the way to the directory: what the weather does to every operation, and at most times a server that is
// busy, and connections that are lost before and after a write.
func (s *storm) fault(op memdir.Operation) memdir.Fault {
	fault := s.strikes(op)
	if fault != (memdir.Fault{}) {
		s.troubledAt.Store(time.Now().UnixMilli())
	}
	return fault
}

func (s *storm) strikes(op memdir.Operation) memdir.Fault {
	reads := op.Verb == "search"
	switch sky := weather(s.sky.Load()); {
	case sky == calm:
		return memdir.Fault{}
	case sky == down:
		return memdir.Fault{Unreachable: true}
	case sky == loggedOut:
		return memdir.Fault{Code: ldap.LDAPResultOperationsError}
	case sky == cut && reads:
		limits := []uint16{ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded}
		return memdir.Fault{Code: limits[s.draw(len(limits))]}
	case sky == hidden:
		return memdir.Fault{}
	case sky == readOnly && !reads:
		return memdir.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "shadow context; no update referral"}
	case s.draw(40) == 0:
		return memdir.Fault{Code: ldap.LDAPResultBusy}
	case reads:
		return memdir.Fault{}
	}
	luck := s.draw(20)
	return memdir.Fault{LostBefore: luck == 0, LostAfter: luck == 1}
}

// writes returns what was written since it was asked last.
func (s *storm) writes() []plan.Operation {
	all := s.Written()
	news := all[s.settled:]
	s.settled = len(all)
	return news
}

// directory is what the directory says, by the ids of IDaaS.
func (s *storm) directory() map[string]string {
	out := map[string]string{}
	for _, e := range s.Entries() {
		id := e.Value("employeeNumber") + e.Value("businessCategory")
		if id == "" {
			continue
		}
		var members []string
		for _, m := range e.Values("member") {
			members = append(members, plan.MustParseDN(m).String()) // servers have their own ways to escape
		}
		slices.Sort(members)
		out[id] = fmt.Sprint(e.DN, " ", members)
	}
	return out
}

// soon is how long the directory may let in who may not log in: after the event that says so, or after the last thing that went wrong
// with the directory. One that is down, takes no writes, answers in part, has forgotten who we are, hides entries or loses what it is told
// cannot be written meanwhile.
const soon = 30 * time.Second

// keepsOut checks that nobody can log in of whom it has been clear for long enough that they may not.
func (s *storm) keepsOut(t *testing.T, m *heard) {
	t.Helper()
	now := time.Now()
	m.look(now)
	if sky := weather(s.sky.Load()); sky != windy && sky != calm || now.Sub(time.UnixMilli(s.troubledAt.Load())) < soon {
		return
	}
	for _, e := range s.Entries() {
		id := e.Value("employeeNumber")
		if since, out := m.outSince[id]; out && now.Sub(since) >= soon && s.Login(e.DN, secret.New(passwordOf(id))) {
			t.Errorf("at %v %s can log in, who may not since %v: %+v", now, e.DN, since, m.users()[id])
		}
	}
}

// letsIn checks that in the end they log in who may.
func (s *storm) letsIn(t *testing.T, h *history) {
	t.Helper()
	now := time.Now().UnixMilli()
	for _, e := range s.Entries() {
		if u := h.users[e.Value("employeeNumber")]; u != nil {
			may := !u.disabled && u.locked <= now && (u.expires == 0 || u.expires > now)
			if got := s.Login(e.DN, secret.New(passwordOf(e.Value("employeeNumber")))); got != may {
				t.Errorf("%s logs in: %v; want %v of %+v", e.DN, got, may, *u)
			}
		}
	}
}

// hasAddresses checks that users have their newest address or, where the directory does not take that, an earlier one or none.
func (s *storm) hasAddresses(t *testing.T, h *history, said map[string]*saidOf) {
	t.Helper()
	for _, e := range s.Entries() {
		id, mail := e.Value("employeeNumber"), e.Value("mail")
		if h.users[id] == nil {
			continue
		}
		newest := said[id].email
		if !isRefused(newest) && mail != newest || mail != "" && (!said[id].emails[mail] || isRefused(mail)) {
			t.Errorf("%s has the address %q; the newest is %q", e.DN, mail, newest)
		}
	}
}

// fillTheGuard lets one entry vanish by hand, which is as many as the mapping allows. After that nothing that is not to be seen is taken
// for gone.
func (s *storm) fillTheGuard(t *testing.T, deliver func([]event.Change)) {
	t.Helper()
	s.becomes(calm)
	ghost := user("user_ghost")
	at := func(n int) event.Stamp { return event.Stamp{Event: beforeTheBubble - event.Millis(1000-n)} }
	deliver([]event.Change{{ID: "ghost 1", Type: event.TypeUserUpdateInfo, Object: ghost, Stamp: at(1), Fields: event.Values{event.FieldUsername: "ghost", event.FieldPrimaryUnit: event.RootUnitID}}})
	<-time.After(time.Minute)
	if err := s.Apply(context.Background(), plan.Delete{DN: plan.MustParseDN("uid=ghost," + people)}); err != nil {
		t.Fatal(err)
	}
	deliver([]event.Change{{ID: "ghost 2", Type: event.TypeUserDelete, Object: ghost, Stamp: at(2), Fields: event.Values{}}})
	<-time.After(time.Minute)
}
