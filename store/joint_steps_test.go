//go:build !race

package store_test

import (
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
	store.BePatient(c.SQLite)
	keys := make([]store.Key, 50)
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
		bytes = (allocated() - bytes) / float64(len(keys))
		after := store.WorkOf(t, c.SQLite)
		statements, steps := (after.Statements-before.Statements)/float64(len(keys)), (after.Steps-before.Steps)/float64(len(keys))
		t.Logf("for each of %d there are %.2f statements, %.0f operations and %.0f bytes", len(keys), statements, steps, bytes)
		if statements > 0.9 || steps > 1200 || bytes > mostBytes {
			t.Errorf("it may be 0.9 statements, 1200 operations and %d bytes", mostBytes)
		}
	}
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
