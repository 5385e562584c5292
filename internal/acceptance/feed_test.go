package acceptance_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// feed is one application of IDaaS, and the directory that it feeds; the first one where it feeds several.
type feed struct {
	p         *product
	name      string
	directory string // its name in the configuration
	dir       *directory
	tenant    *idaastest.Tenant
	client    *idaastest.Client
	// heard are the events that a sequence has sent, and suffers is which of the directory's troubles it is in, counted from one.
	heard   []idaastest.Event
	suffers int
	// through, if set, is how requests get to the product, until they are answered with 200.
	through func(events []idaastest.Event) (idaastest.Answer, error)
}

// post sends events in one request and returns the answer. What cannot be stored at once, on a busy disk, is sent again, as IDaaS
// does.
func (f *feed) post(events []idaastest.Event) (idaastest.Answer, error) {
	if f.through != nil {
		return f.through(events)
	}
	deadline := time.Now().Add(settleWithin)
	for {
		answer, err := f.client.Send(context.Background(), events...)
		if err != nil || answer.Status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return answer, err
		}
	}
}

// send is post for those who have no use for a failure.
func (f *feed) send(tb testing.TB, events ...idaastest.Event) idaastest.Answer {
	tb.Helper()
	answer, err := f.post(events)
	if err != nil {
		tb.Fatal(err)
	}
	if answer.Status != 200 {
		tb.Fatalf("answered with %d: %s", answer.Status, answer.Body)
	}
	return answer
}

// apply sends events and fails unless each is answered with the code.
func (f *feed) apply(tb testing.TB, code event.Code, events ...idaastest.Event) {
	tb.Helper()
	answer := f.send(tb, events...)
	for _, e := range events {
		list, result := answer.Of(e.ID)
		if result.EventCode != string(code) {
			tb.Fatalf("%s: %s %s: %s; want %s", e.Type.Short(), list, result.EventCode, result.EventMessage, code)
		}
	}
}

// testsOK fails unless a connection test succeeds. A directory has two seconds for it, which on a busy machine is not always enough.
func (f *feed) testsOK(tb testing.TB) {
	tb.Helper()
	for deadline := time.Now().Add(settleWithin); ; {
		test := f.tenant.Test()
		list, result := f.send(tb, test).Of(test.ID)
		if result.EventCode == string(event.CodeTestOK) {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("a connection test is answered with %s %s: %s", list, result.EventCode, result.EventMessage)
		}
	}
}

// settleWithin is how long events may take to settle. It is only met where something is wrong.
const settleWithin = 2 * time.Minute

// await looks until a look finds nothing, and returns what the last one found.
func (p *product) await(tb testing.TB, look func() []store.EventRecord) []store.EventRecord {
	tb.Helper()
	deadline := time.Now().Add(settleWithin)
	for {
		found := look()
		if len(found) == 0 || time.Now().After(deadline) {
			return found
		}
		<-time.After(5 * time.Millisecond) // between two looks, never in place of one
	}
}

func (p *product) events(tb testing.TB, filter store.Filter) []store.EventRecord {
	tb.Helper()
	records, err := p.app.Store.Events(context.Background(), filter)
	if err != nil {
		tb.Fatal(err)
	}
	return records
}

// outcome returns what became of an event in the feed's directory so far.
func (f *feed) outcome(tb testing.TB, id string) event.Outcome {
	tb.Helper()
	records := f.p.events(tb, store.Filter{EventID: id, Directory: f.directory})
	if len(records) != 1 {
		tb.Fatalf("the store has %d records of %s; want one", len(records), id)
	}
	return records[0].Outcome
}
