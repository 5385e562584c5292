//go:build !race

package store_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// What the store does for one person does not grow with those whom it knows already: in a new database, and in one that was
// made before there were statistics.
func TestWorkForOneDoesNotGrowWithTheOthers(t *testing.T) {
	for version, people := range map[int]int{0: 100_000, 4: 8000} {
		t.Run(fmt.Sprintf("begun with schema %d", version), func(t *testing.T) {
			base := newCrowd(t, version, 1000).perPerson(t)
			within(t, "1,000 people", base, base)
			many := newCrowd(t, version, people)
			within(t, fmt.Sprintf("%d people", people), many.perPerson(t), base)
			store.Populate(t, many.SQLite, 0, 20, 5000)
			within(t, fmt.Sprintf("%d people with 100,000 memberships", people), many.perPerson(t), base)
		})
	}
}

// most is what may be done for one person at most. A statement more than before is seen; operations and pages have a little room, as
// every column takes some, and bytes half as many again.
var most = map[string]store.Work{
	"make an entry":         {Statements: 30, Steps: 1100, Pages: 29, Bytes: 75_000},
	"stay as they are":      {Statements: 14, Steps: 750, Pages: 18, Bytes: 52_000},
	"join a group":          {Statements: 14.1, Steps: 400, Pages: 5, Bytes: 42_000}, // the first time takes one more
	"be found by the entry": {Statements: 1, Steps: 40, Bytes: 12_500},
	"be let go by a guard":  {Statements: 4, Steps: 3800, Pages: 3, Bytes: 6_500},
	"be deleted":            {Statements: 10, Steps: 350, Pages: 11, Bytes: 19_000},
}

func within(t *testing.T, what string, got, base map[string]store.Work) {
	t.Helper()
	const growth = 1.3
	for name, work := range got {
		t.Logf("%s: to %s takes %.0f operations in %.1f statements, and writes %.1f pages; %.0f bytes are allocated", what, name, work.Steps, work.Statements, work.Pages, work.Bytes)
		few := base[name]
		if work.Steps > growth*few.Steps || work.Statements > few.Statements || work.Pages > growth*few.Pages || work.Bytes > 2*few.Bytes {
			t.Errorf("with 1,000 people it takes %+v", few)
		}
		if m := most[name]; work.Steps > m.Steps || work.Statements > m.Statements || work.Pages > m.Pages || work.Bytes > m.Bytes {
			t.Errorf("it may take %+v", m)
		}
	}
}

// allocated returns how many bytes the program has allocated so far.
func allocated() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.TotalAlloc)
}

// crowd is a store that knows many people.
type crowd struct {
	*store.SQLite
	people, next int
}

// newCrowd makes a store that knows so many people, in a database that has a version of the schema when it is opened.
func newCrowd(t *testing.T, version, people int) *crowd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	store.MakeOfVersion(t, path, version)
	c := &crowd{SQLite: open(t, store.SQLiteConfig{Path: path}), people: people}
	store.Populate(t, c.SQLite, people, 0, 0)
	return c
}

func person(i int) store.Key {
	return store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%06d", i)}}
}

// perPerson returns how many steps the database takes for what happens to one person, on average over some who are new.
func (c *crowd) perPerson(t *testing.T) map[string]store.Work {
	t.Helper()
	const times = 20
	total := map[string]store.Work{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for range times {
		c.next++
		key := person(c.people + c.next)
		step := func(name string, work func()) {
			before := store.WorkOf(t, c.SQLite)
			bytes := allocated()
			work()
			bytes = allocated() - bytes
			after, sum := store.WorkOf(t, c.SQLite), total[name]
			sum.Bytes += bytes
			sum.Steps += after.Steps - before.Steps
			sum.Statements += after.Statements - before.Statements
			sum.Pages += after.Pages - before.Pages
			total[name] = sum
		}
		step("make an entry", func() { c.comes(t, key, must) })
		step("stay as they are", func() { c.stays(t, key, must) })
		step("join a group", func() { c.joins(t, key, must) })
		step("be found by the entry", func() {
			_, err := c.ByLink(t.Context(), "corp", []string{"link of " + key.Object.ID})
			must(err)
		})
		step("be let go by a guard", func() {
			// As by a guard with max: 20 and percent: 5, which counts no further than where the first is the smaller bound.
			known, err := c.CountObjects(t.Context(), "corp", event.KindUser, 401)
			must(err)
			_, err = c.Spend(t.Context(), store.Spending{
				Directory: "corp", Act: "delete", Objects: []event.Ref{key.Object}, Now: 9, Window: time.Hour, Max: 1000, MaxOf: map[event.Kind]int{event.KindUser: known},
			})
			must(err)
		})
		step("be deleted", func() {
			s := settlementOf(key, false)
			_, err := c.Settle(t.Context(), 9, s)
			must(err)
		})
	}
	for name, sum := range total {
		total[name] = store.Work{Steps: sum.Steps / times, Statements: sum.Statements / times, Pages: sum.Pages / times, Bytes: sum.Bytes / times}
	}
	return total
}

// comes is what is done with the store for a new person.
func (c *crowd) comes(t *testing.T, key store.Key, must func(error)) {
	t.Helper()
	e := newEvent("evt " + key.Object.ID)
	e.Change.Object = key.Object
	_, err := c.Accept(t.Context(), 7, []store.NewEvent{e})
	must(err)
	_, _, err = c.Due(t.Context(), "corp", 7, 100)
	must(err)
	job, err := c.Load(t.Context(), key, 1000)
	must(err)
	_, err = c.Holders(t.Context(), "corp", dnOf(key))
	must(err)
	_, err = c.Below(t.Context(), "corp", dnOf(key))
	must(err)
	_, err = c.Claim(t.Context(), key, "uid", []string{key.Object.ID})
	must(err)
	_, err = c.Allocate(t.Context(), key, "uidNumber", 20_000, 60_000)
	must(err)
	s := settlementOf(key, true)
	s.Version, s.Outcomes = job.Version, map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeApplied}}
	_, err = c.Settle(t.Context(), 8, s)
	must(err)
}

// stays is what is done with the store where a push says what is known already.
func (c *crowd) stays(t *testing.T, key store.Key, must func(error)) {
	t.Helper()
	e := newEvent("evt again " + key.Object.ID)
	e.Change.Object = key.Object
	_, err := c.Accept(t.Context(), 7, []store.NewEvent{e})
	must(err)
	job, err := c.Load(t.Context(), key, 1000)
	must(err)
	s := settlementOf(key, true)
	s.Version, s.Wake, s.Entered = job.Version, false, false
	s.Known.Existence.At.Event++
	s.Outcomes = map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeUnchanged}}
	_, err = c.Settle(t.Context(), 8, s)
	must(err)
}

// joins is what is done with the store for a new member of a group.
func (c *crowd) joins(t *testing.T, key store.Key, must func(error)) {
	t.Helper()
	group := store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindGroup, ID: "g_0"}}
	job, err := c.Load(t.Context(), group, 1000)
	must(err)
	_, err = c.Memberships(t.Context(), group, []string{key.Object.ID})
	must(err)
	s := settlementOf(group, true)
	s.Version, s.Entered = job.Version, false
	s.Memberships = map[string]event.Membership{key.Object.ID: {Present: true, At: event.Stamp{Event: 5}}}
	_, err = c.Settle(t.Context(), 8, s)
	must(err)
}
