// Package conformance states every promise of [store.Store] as a test, once for all databases. A function that opens an
// empty store goes in; failures come out. It never looks behind the interface: what only one database can show (files,
// limits of space) is tested beside that database.
package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Run tests a store. Each test opens its own with open, which also sees to it that it is closed.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Accept", acceptTests()},
		{"Queue", queueTests()},
		{"Settle", settleTests()},
		{"Wait", waitTests()},
		{"Objects", objectTests()},
		{"Limits", limitTests()},
		{"People", peopleTests()},
		{"Own", ownTests()},
		{"Unseen", unseenTests()},
		{"Identity", identityTests()},
		{"Rounds", roundTests()},
		{"Search", searchTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					test.run(world{T: t, Store: open(t)})
				})
			}
		})
	}
}

// test is one promise.
type test struct {
	name string
	run  func(world)
}

// world is a store under test, with the steps that tests are told in. A step that fails ends the test.
type world struct {
	*testing.T
	store.Store
}

// The directories and the application of the tests.
const (
	corp = "corp"
	lab  = "lab"
	app  = "app_example"
)

// noon is when the tests take place.
const noon event.Millis = 1_800_000_000_000

func user(id string) event.Ref  { return event.Ref{Kind: event.KindUser, ID: id} }
func unit(id string) event.Ref  { return event.Ref{Kind: event.KindUnit, ID: id} }
func group(id string) event.Ref { return event.Ref{Kind: event.KindGroup, ID: id} }

func in(directory string, ref event.Ref) store.Key {
	return store.Key{Directory: directory, Object: ref}
}

// update is an event about a user for the directory corp.
func update(id, userID string) store.NewEvent {
	return store.NewEvent{
		Application: app,
		Instance:    "idaas_example",
		Change: event.Change{
			ID: id, Type: event.TypeUserUpdateInfo, Object: user(userID), Stamp: event.Stamp{Event: noon},
			Fields: event.Values{event.FieldID: userID, "displayName": "Name of " + userID},
		},
		Targets: []store.Target{{Directory: corp, KeepPassword: true}},
	}
}

// withPassword is the same event with a password.
func withPassword(e store.NewEvent, password string) store.NewEvent {
	e.Change.Password = secret.New(password)
	return e
}

func done() event.Outcome {
	return event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "written"}
}

func waiting() event.Outcome {
	return event.Outcome{State: event.Waiting, Code: event.CodeWaitsForObject, Message: "its unit is not there"}
}

func failed() event.Outcome {
	return event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: "object class violation"}
}

func held() event.Outcome {
	return event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "too many deletions"}
}

// guarded is the outcome of what is held by the guard on an act.
func guarded(act string) event.Outcome {
	o := held()
	o.Act = act
	return o
}

// known is an object that exists since noon.
func known(ref event.Ref) event.Object {
	return event.Object{Ref: ref, Existence: event.Existence{Present: true, At: event.Stamp{Event: noon}}}
}

// gone is an object that is deleted since noon.
func gone(ref event.Ref) event.Object {
	return event.Object{Ref: ref, Existence: event.Existence{At: event.Stamp{Event: noon}}, Floor: event.Stamp{Event: noon}}
}

func at(dn string) store.Record { return store.Record{DN: plan.MustParseDN(dn)} }

// must ends the test where a step failed.
func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// fails checks that an error is of a kind.
func (w world) fails(err, kind error) {
	w.Helper()
	if !errors.Is(err, kind) {
		w.Fatalf("the error is %v, not %v", err, kind)
	}
}

// equal compares what there is with what there should be.
func equal[V any](w world, what string, got, want V) {
	w.Helper()
	if !reflect.DeepEqual(got, want) {
		w.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func (w world) accept(now event.Millis, events ...store.NewEvent) []store.Accepted {
	w.Helper()
	accepted, err := w.Accept(w.Context(), now, events)
	w.must(err)
	equal(w, "number of results", len(accepted), len(events))
	return accepted
}

// seq accepts one event for one directory and returns its delivery's number.
func (w world) seq(e store.NewEvent) int64 {
	w.Helper()
	return w.accept(noon, e)[0].Deliveries[0].Seq
}

func (w world) load(key store.Key) store.Job {
	w.Helper()
	job, err := w.Load(w.Context(), key, 100)
	w.must(err)
	return job
}

func (w world) settle(now event.Millis, s store.Settlement) []store.Key {
	w.Helper()
	woken, err := w.Settle(w.Context(), now, s)
	w.must(err)
	return woken
}

// finish loads an object and settles all its pending events with one outcome.
func (w world) finish(now event.Millis, key store.Key, o event.Outcome) {
	w.Helper()
	w.settle(now, settlement(w.load(key), o))
}

// remember stores what is known of an object that has no events.
func (w world) remember(key store.Key, o event.Object, r store.Record) {
	w.Helper()
	s := settlement(w.load(key), done())
	s.Known, s.Record = o, r
	w.settle(noon, s)
}

// settlement settles all pending events of a job with one outcome.
func settlement(job store.Job, o event.Outcome) store.Settlement {
	s := store.Settlement{Key: job.Key, Version: job.Version, Outcomes: map[int64]event.Outcome{}}
	for _, p := range job.Pending {
		s.Outcomes[p.Seq] = o
	}
	return s
}

// due returns the objects of a directory that are due, in order; those of one moment, which have none, by their names.
func (w world) due(directory string, now event.Millis) []event.Ref {
	w.Helper()
	found, _, err := w.Due(w.Context(), directory, now, 100)
	w.must(err)
	for i, d := range found {
		if i > 0 && d.At < found[i-1].At {
			w.Fatalf("%v is due longer than %v, and comes later", d, found[i-1])
		}
	}
	slices.SortFunc(found, func(a, b store.Due) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Key.Object.Kind, b.Key.Object.Kind), cmp.Compare(a.Key.Object.ID, b.Key.Object.ID))
	})
	var refs []event.Ref
	for _, d := range found {
		equal(w, "directory of what is due", d.Key.Directory, directory)
		refs = append(refs, d.Key.Object)
	}
	return refs
}

// outcome returns the recorded outcome of an event in a directory.
func (w world) outcome(directory, eventID string) event.Outcome {
	w.Helper()
	records, err := w.Events(w.Context(), store.Filter{Directory: directory, EventID: eventID})
	w.must(err)
	equal(w, "number of records of "+eventID, len(records), 1)
	return records[0].Outcome
}

func (w world) counts(directory string) map[event.State]int64 {
	w.Helper()
	counts, err := w.Counts(w.Context(), directory)
	w.must(err)
	return counts
}

// spend asks a guard with a window of an hour for one object in the directory corp.
func (w world) spend(ref event.Ref, act string, now event.Millis, limit int) bool {
	w.Helper()
	return w.spendAll(spending(act, now, limit, ref))
}

func (w world) spendAll(s store.Spending) bool {
	w.Helper()
	for range 2 {
		_, err := w.Allows(w.Context(), s)
		w.must(err)
	}
	allowed, err := w.Allows(w.Context(), s)
	w.must(err)
	ok, err := w.Spend(w.Context(), s)
	w.must(err)
	equal(w, "what is granted, beside what was allowed before", ok, allowed)
	return ok
}

func spending(act string, now event.Millis, limit int, refs ...event.Ref) store.Spending {
	return store.Spending{Directory: corp, Act: act, Objects: refs, Now: now, Window: time.Hour, Max: limit}
}

// together runs work in n goroutines and ends the test with the first error.
func (w world) together(n int, work func(ctx context.Context, i int) error) {
	w.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- work(w.Context(), i) }()
	}
	for range n {
		if err := <-errs; err != nil {
			w.Error(err)
		}
	}
	if w.Failed() {
		w.FailNow()
	}
}

func numbered(name string, i int) string { return fmt.Sprintf("%s_%04d", name, i) }
