package dispatch_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"idaas-ldap/connector"
	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// No sequence of events, edits of the mapping, restarts and passing time takes away more than the guards of the mapping in
// force allow, unless a person has approved it. What is taken away is read from the operations themselves.
func TestNoSequenceExceedsAGuardWithoutApproval(t *testing.T) {
	var took, held atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]string{connector.OpenLDAP, connector.DS389}).Draw(rt, "server")
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 10, 30).Draw(rt, "steps")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = playGuarded(t, kind, steps, &took, &held) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
	if took.Load() == 0 || held.Load() == 0 {
		t.Errorf("%d acts were allowed and %d held: the guards were not put to the test", took.Load(), held.Load())
	}
}

// step is one thing that happens. What n and m mean depends on what it is.
type step struct {
	What string
	N, M int
}

func drawStep(t *rapid.T) step {
	return step{
		What: rapid.SampledFrom([]string{
			"make", "make", "make", "delete", "delete", "disable", "disable", "enable", "lock", "end", "end", "leave scope", "move",
			"make unit", "delete unit", "make group", "delete group",
			"edit", "edit", "restart", "pass", "pass", "reconcile", "approve", "discard", "retry",
		}).Draw(t, "what"),
		N: rapid.IntRange(0, 11).Draw(t, "n"),
		M: rapid.IntRange(0, 11).Draw(t, "m"),
	}
}

// guarded is a product under guards, with what a person has approved and what has been taken away so far.
type guarded struct {
	*rig
	directory *looked
	set       atomic.Pointer[mapping.Set]
	now       int64 // of the last event

	mu      sync.Mutex // guards what follows: operations come from the workers
	wrong   string
	known   map[event.Kind]int
	granted map[approval]bool
	acts    []takenAway
	// barred are users who were disabled in this step: those whose entries go to the leavers next count as deleted.
	barred []barred
	// counted is when something about the status of a user was written that may have been counted to be on the safe side:
	// what was granted stays granted.
	counted map[string]time.Time
	// emptying is when the deletion of a unit, which was granted, waited for the unit to become empty: it stays granted as well.
	emptying map[string]time.Time
	took     *atomic.Int64
}

type barred struct {
	entry *plan.Entry
	at    time.Time
}

type approval struct {
	object string
	act    processor.Act
}

type takenAway struct {
	approval
	kind event.Kind
	at   time.Time
}

func playGuarded(t *testing.T, server string, steps []step, took, held *atomic.Int64) string {
	t.Helper()
	g := &guarded{rig: &rig{T: t, store: openStore(t), seen: &observer{}}, granted: map[approval]bool{}, counted: map[string]time.Time{}, emptying: map[string]time.Time{}, took: took}
	g.directory = newLooked(t, server, g.told)
	g.edit(0, 0)
	routes := []dispatch.Route{{
		Directory: corp, Workers: 3, PasswordSync: true,
		Processor: processor.New(g.directory, g.set.Load),
		Check:     func(context.Context) error { return nil },
	}}
	g.configure(routes)
	g.start()
	everybody := make([]event.Change, 8)
	for i := range everybody {
		everybody[i] = g.user(event.TypeUserCreate, i, nil)
	}
	g.await(g.accept(everybody...))
	for i, s := range steps {
		g.count()
		g.play(s, routes)
		g.pass(3 * time.Second)
		g.disabled()
		g.waitsToBeEmpty()
		if g.isWrong() {
			g.wrong = fmt.Sprintf("step %d, %+v: %s", i, s, g.wrong)
			break
		}
	}
	held.Add(int64(g.holds()))
	g.stop()
	return g.wrong
}

func (g *guarded) isWrong() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wrong != ""
}

// count notes how many objects are known, as the guards count in percent of them.
func (g *guarded) count() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = map[event.Kind]int{}
	for _, kind := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		n, err := g.store.CountObjects(g.Context(), corp, kind, 0)
		if err != nil {
			g.Fatal(err)
		}
		g.known[kind] = n
	}
}

// holds sees to it that whatever is held names its entry, and returns how much is held.
func (g *guarded) holds() int {
	records := g.events(event.Held)
	for _, r := range records {
		if r.Outcome.Code == event.CodeGuarded && !strings.Contains(r.Outcome.Message, "dc=example,dc=org") {
			g.Errorf("it is held without a name: %s", r.Outcome.Message)
		}
	}
	return len(records)
}

func (g *guarded) play(s step, routes []dispatch.Route) {
	switch s.What {
	case "make":
		g.say(g.user(event.TypeUserCreate, s.N, event.Values{"primaryOuId": unitID(s.M)}))
	case "move":
		g.say(g.user(event.TypeUserUpdatePrimaryOU, s.N, event.Values{"primaryOuId": unitID(s.M)}))
	case "delete":
		g.say(said(event.TypeUserDelete, user(userID(s.N)), g.tick(), nil))
	case "disable":
		g.say(said(event.TypeUserDisable, user(userID(s.N)), g.tick(), event.Values{"status": event.StatusDisabled}))
	case "enable":
		g.say(said(event.TypeUserEnable, user(userID(s.N)), g.tick(), event.Values{"status": event.StatusEnabled, "lockExpireTime": int64(-1), "accountExpireTime": int64(-1)}))
	case "lock":
		g.say(said(event.TypeUserLock, user(userID(s.N)), g.tick(), event.Values{"lockExpireTime": g.after(s.M)}))
	case "end":
		for i := range 1 + s.M%3 {
			g.say(g.user(event.TypeUserUpdateInfo, s.N+i, event.Values{"accountExpireTime": g.after(s.M)}))
		}
	case "leave scope":
		for i := range s.M {
			g.say(g.user(event.TypeUserPush, s.N+i, event.Values{"description": "out"}))
		}
	case "make unit":
		g.say(said(event.TypeUnitCreate, unit(unitID(s.N)), g.tick(), event.Values{"name": unitID(s.N), "parentId": event.RootUnitID}))
	case "delete unit":
		g.say(said(event.TypeUnitDelete, unit(unitID(s.N)), g.tick(), nil))
	case "make group":
		g.say(said(event.TypeGroupCreate, group(fmt.Sprint("g", s.N)), g.tick(), event.Values{"name": fmt.Sprint("g", s.N)}))
	case "delete group":
		g.say(said(event.TypeGroupDelete, group(fmt.Sprint("g", s.N)), g.tick(), nil))
	case "edit":
		g.edit(s.N, s.M)
	case "restart":
		g.stop()
		g.configure(routes)
		g.start()
	case "pass":
		g.pass(time.Duration(s.N*s.N) * time.Minute)
	case "reconcile":
		g.reconcileAll()
	case "approve", "retry":
		g.retry(s)
	case "discard":
		records := g.events(event.Held)
		if len(records) > 0 {
			if _, err := g.store.Discard(g.Context(), g.millis(), "ann", []int64{records[s.N%len(records)].Seq}); err != nil {
				g.Fatal(err)
			}
		}
	}
}

// edit brings another mapping into force: what becomes of leavers, who is in scope, and the guards.
func (g *guarded) edit(n, m int) {
	removals := []string{"delete", "disable", `{ move: "ou=leavers,dc=example,dc=org", purge_after: 30m }`, "delete"}
	scopes := []string{`user.description != "out"`, `user.username != "u1" and user.username != "u2" and user.username != "u3"`, `true`}
	expire := []string{"auto", "{ on: { employeeType: ended }, off: { employeeType: staff } }"}
	guards := []string{
		"{ max: 2, percent: 50, window: 1h }", "{ max: 20, percent: 25, window: 1h }", "{ max: 3, percent: 100, window: 10m }", "{ max: 1, percent: 100, window: 3h }",
	}
	text := fmt.Sprintf(`version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,dc=example,dc=org
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  attributes: { businessCategory: ou.id }
  on_delete: { when_not_empty: %s }
user:
  scope: '%s'
  dn: "uid={user.username},{ou.dn}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  attributes: { employeeNumber: user.id, cn: user.username, sn: user.username }
  lifecycle: { delete: %s, expire: %s }
group:
  dn: "cn={group.name},ou=groups,dc=example,dc=org"
  match: [ { attribute: businessCategory, value: group.id } ]
  attributes: { businessCategory: group.id }
guards: { deletes: %s, disables: %s }
`, []string{"wait", "subtree", "subtree", "move_children"}[(n+m)%4], scopes[m%3], removals[n%4], expire[n%2], guards[m%4], guards[n%4])
	set, err := mapping.Compile("mapping.yaml", []byte(text))
	if err != nil {
		g.Fatal(err)
	}
	g.set.Store(set)
}

// say takes an event in and waits for its outcome.
func (g *guarded) say(c event.Change) { g.answer(c) }

func (g *guarded) tick() int64 {
	g.now++
	return g.now
}

func (g *guarded) user(kind event.Type, n int, more event.Values) event.Change {
	id := userID(n)
	fields := event.Values{"username": id, "primaryOuId": event.RootUnitID, "description": "in"}
	maps.Copy(fields, more)
	return said(kind, user(id), g.tick(), fields)
}

func userID(n int) string { return fmt.Sprint("u", n%12) }

// unitID returns one of three units, or the root.
func unitID(n int) string {
	if n%4 == 3 {
		return event.RootUnitID
	}
	return fmt.Sprint("ou", n%4)
}

func (g *guarded) millis() event.Millis { return event.Millis(time.Now().UnixMilli()) }

// after returns a moment in the past or in the future.
func (g *guarded) after(m int) int64 {
	return time.Now().Add(time.Duration(m-2) * 17 * time.Minute).UnixMilli()
}

func (g *guarded) events(states ...event.State) []store.EventRecord {
	records, err := g.store.Events(g.Context(), store.Filter{States: states, Limit: 1000})
	if err != nil {
		g.Fatal(err)
	}
	return records
}

func (g *guarded) reconcileAll() {
	var keys []store.Key
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		if err := g.store.Objects(g.Context(), corp, kind, func(o event.Object, _ store.Record) bool {
			keys = append(keys, store.Key{Directory: corp, Object: o.Ref})
			return true
		}); err != nil {
			g.Fatal(err)
		}
	}
	if err := g.store.Ask(g.Context(), g.millis(), keys); err != nil {
		g.Fatal(err)
	}
}

// retry tries again what is held or has failed. For one that a guard holds it is the approval.
func (g *guarded) retry(s step) {
	records := g.events(event.Held)
	if s.What == "retry" {
		records = g.events(event.Failed, event.Waiting)
	}
	for i, r := range records {
		if s.What == "approve" && i%3 != s.N%3 {
			continue
		}
		for _, act := range []processor.Act{processor.ActDelete, processor.ActDisable} {
			if r.Outcome.State == event.Held && strings.Contains(r.Outcome.Message, "guard on "+string(act)+"s") {
				g.approve(approval{r.Object.ID, act})
			}
		}
		if _, err := g.store.Retry(g.Context(), g.millis(), "ann", []int64{r.Seq}); err != nil {
			g.Fatal(err)
		}
	}
}

func (g *guarded) approve(a approval) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.granted[a] = true
}
