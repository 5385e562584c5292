//go:build !race

package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// mostBytes is what may be allocated for one of many, from taking the event in to settling it.
const mostBytes = 45_000

// What waits together shares its statements: for each of fifty people who come, and of fifty who come again and have not changed, the
// database runs less than one, where it runs fourteen and more for somebody who is alone.
func TestWorkForManyCostsTheSameAsForOne(t *testing.T) {
	c := newCrowd(t, 0, 1000)
	for name, for1 := range c.together(t, 50) {
		t.Logf("%s: for each of 50 there are %.2f statements, %.0f operations and %.0f bytes", name, for1.Statements, for1.Steps, for1.Bytes)
		if for1.Statements > 0.9 || for1.Steps > 1200 || for1.Bytes > mostBytes {
			t.Errorf("it may be 0.9 statements, 1200 operations and %d bytes", mostBytes)
		}
	}
}

// As many are done together as the store is told: five hundred by the same few statements, and where it is one, each by its own.
func TestWorkForAsManyAsAreDoneTogetherCostsTheSame(t *testing.T) {
	const people = 500
	for together, bounds := range map[int]struct{ least, most float64 }{
		1:      {12, 25},
		50:     {0.3, 0.9},
		people: {0, 0.1},
	} {
		t.Run(fmt.Sprint(together, " together"), func(t *testing.T) {
			c := &crowd{SQLite: open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Together: together})}
			for name, for1 := range c.together(t, people) {
				t.Logf("%s: for each of %d there are %.3f statements", name, people, for1.Statements)
				if for1.Statements < bounds.least || for1.Statements > bounds.most {
					t.Errorf("it may be %v to %v", bounds.least, bounds.most)
				}
			}
		})
	}
}

// together returns what is done for each of some people who come at the same moment, and who come again and have not changed.
func (c *crowd) together(t *testing.T, people int) map[string]store.Work {
	t.Helper()
	store.BePatient(c.SQLite)
	out := map[string]store.Work{}
	keys := make([]store.Key, people)
	for i := range keys {
		keys[i] = person(c.people + i)
	}
	for _, again := range []bool{false, true} {
		before, bytes := store.WorkOf(t, c.SQLite), allocated()
		jobs := make([]store.Job, len(keys))
		var comes, loads, settles []func() error
		for i, key := range keys {
			e := newEvent("evt " + key.Object.ID)
			e.Change.Object = key.Object
			if again {
				e.Change.ID += " again"
			}
			comes = append(comes, func() error {
				_, err := c.Accept(t.Context(), 7, []store.NewEvent{e})
				return err
			})
			loads = append(loads, func() (err error) {
				jobs[i], err = c.Load(t.Context(), key, 1000)
				return err
			})
			settles = append(settles, func() error {
				s := settlementOf(key, true)
				s.Version, s.Wake, s.Entered, s.Mended = jobs[i].Version, !again, !again, true
				s.Outcomes = map[int64]event.Outcome{jobs[i].Pending[0].Seq: {State: event.Done, Code: event.CodeApplied}}
				_, err := c.Settle(t.Context(), 8, s)
				return err
			})
		}
		store.WriteAtOnce(t, c.SQLite, comes...)
		store.LoadAtOnce(t, c.SQLite, loads...)
		store.WriteAtOnce(t, c.SQLite, settles...)
		bytes = (allocated() - bytes) / float64(people)
		after := store.WorkOf(t, c.SQLite)
		out[map[bool]string{false: "come", true: "come again"}[again]] = store.Work{
			Statements: (after.Statements - before.Statements) / float64(people), Steps: (after.Steps - before.Steps) / float64(people), Bytes: bytes,
		}
	}
	return out
}

// A document with many events takes hardly more statements than one with one.
func TestWorkForADocumentCostsTheSameAsForOneEvent(t *testing.T) {
	c := newCrowd(t, 0, 1000)
	var events []store.NewEvent
	for i := range 20 {
		e := newEvent("evt " + person(i).Object.ID)
		e.Change.Object = person(i).Object
		events = append(events, e)
	}
	before := store.WorkOf(t, c.SQLite).Statements
	if _, err := c.Accept(t.Context(), 7, events); err != nil {
		t.Fatal(err)
	}
	if n := store.WorkOf(t, c.SQLite).Statements - before; n > 10 {
		t.Errorf("%v statements are run for 20 events", n)
	}
}
