package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// delivery is how events come: in waves, each of requests that are sent side by side.
//
// Events come in any order but for one rule, without which their outcome is not one only: a user or a group that comes back
// does so when the deletion is applied. An event that is overtaken before it is applied is superseded, as the contract has it,
// and then there was no deletion. What was said before the deletion may come at any time.
type delivery struct {
	waves    []wave
	parallel int // how many requests are sent at a time
}

type wave struct {
	// back is the id of whom the wave brings back, empty for the first one.
	back     string
	requests [][]idaastest.Event
	// weather is what becomes of the directory before a request, by its index: zero for nothing wrong, else one of its troubles.
	weather map[int]int
}

// disorder says how far a delivery is from the order of time.
type disorder struct {
	late      int // how many later events may overtake one
	twice     int // how many of a hundred events come twice
	together  int // how many events a request has at most
	parallel  int
	unordered int // how many of a hundred events are late at all
	troubles  int // how many kinds of trouble the directory may be in
}

// deliver puts events, given in the order of time, into the order in which they come.
func deliver(c chooser, events []happening, d disorder) delivery {
	type arrival struct {
		happening

		wave, at int
	}
	waves := wavesOf(events)
	var arrivals []arrival
	for i, e := range events {
		at := i
		if d.late > 0 && often(c, "late", d.unordered) {
			at += c.pick("overtaken by", d.late)
		}
		natural := len(living(waves.begin, func(begin int) bool { return begin <= at }))
		first, last := waves.bounds(i, e)
		arrivals = append(arrivals, arrival{e, min(max(natural, first), last), at})
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int {
		if a.wave != b.wave {
			return a.wave - b.wave
		}
		return a.at - b.at
	})
	out := delivery{parallel: d.parallel}
	for _, a := range arrivals {
		for len(out.waves) <= a.wave {
			out.waves = append(out.waves, wave{})
		}
		w := &out.waves[a.wave]
		if a.back {
			w.back = a.BizID
		}
		repeats := 1
		if often(c, "twice", d.twice) {
			repeats = 2
		}
		for range repeats {
			n := len(w.requests)
			// No document has an event twice.
			fits := n > 0 && len(w.requests[n-1]) < d.together && !slices.ContainsFunc(w.requests[n-1], func(e idaastest.Event) bool { return e.ID == a.ID })
			if fits && often(c, "same request", 60) {
				w.requests[n-1] = append(w.requests[n-1], a.Event)
			} else {
				if d.troubles > 0 && often(c, "weather", 8) {
					w.becomes(c.pick("trouble", d.troubles+1))
				}
				w.requests = append(w.requests, []idaastest.Event{a.Event})
			}
		}
	}
	return out
}

// becomes changes the weather before the next request.
func (w *wave) becomes(kind int) {
	if w.weather == nil {
		w.weather = map[int]int{}
	}
	w.weather[len(w.requests)] = kind
}

// comebacks says which waves there have to be.
type comebacks struct {
	begin []int            // the index of the event that begins each wave but the first
	of    map[string][]int // the waves that bring somebody back
}

func wavesOf(events []happening) comebacks {
	out := comebacks{of: map[string][]int{}}
	for i, e := range events {
		if e.back {
			out.begin = append(out.begin, i)
			out.of[e.BizID] = append(out.of[e.BizID], len(out.begin))
		}
	}
	return out
}

// bounds returns the first and the last wave in which an event may come. One that brings somebody back comes in the wave
// that it begins.
func (w comebacks) bounds(i int, e happening) (first, last int) {
	last = len(w.begin)
	about := []string{e.BizID}
	if ids, ok := e.BizData["userIds"].([]string); ok {
		about = append(about, ids...)
	}
	for _, id := range about {
		for _, n := range w.of[id] {
			if w.begin[n-1] <= i {
				first = max(first, n)
			} else if e.Type.Effect() == event.EffectDelete {
				last = min(last, n-1)
			}
		}
	}
	if e.back {
		last = first
	}
	return first, last
}

// String tells the delivery in a form in which a person can follow it: a line for each request, with the place of each
// event in the order of time.
func (d delivery) String() string {
	var all []idaastest.Event
	for _, w := range d.waves {
		all = append(all, slices.Concat(w.requests...)...)
	}
	slices.SortFunc(all, func(a, b idaastest.Event) int { return a.Time.Compare(b.Time) })
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests at a time\n", d.parallel)
	for _, w := range d.waves {
		for n, request := range w.requests {
			if kind, changes := w.weather[n]; changes {
				fmt.Fprintf(&b, "  ~ trouble %d\n", kind)
			}
			for _, e := range request {
				i := slices.IndexFunc(all, func(x idaastest.Event) bool { return x.ID == e.ID })
				fmt.Fprintf(&b, "  [%d] %s %s %v", i, e.Type.Short(), e.BizID, said(e))
			}
			b.WriteString("\n")
		}
		b.WriteString("--\n")
	}
	return b.String()
}

// said returns what is worth knowing of what an event says.
func said(e idaastest.Event) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"username", "primaryOrganizationalUnitId", "status", "lockExpireTime", "password", "organizationalUnitName", "parentId", "groupName", "userIds",
	} {
		if value, ok := e.BizData[name]; ok && !(name == "lockExpireTime" && value == "-1") && !(name == "status" && value == event.StatusEnabled) {
			out[name] = value
		}
	}
	return out
}

// send delivers everything, and ends all trouble. Its error says which answer was wrong, or who could log in.
func (d delivery) send(tb testing.TB, f *feed) error {
	tb.Helper()
	for _, w := range d.waves {
		if w.back != "" {
			f.applied(tb, w.back)
		}
		if err := w.send(tb, f, d.parallel); err != nil {
			return err
		}
		if err := f.calms(tb); err != nil {
			return err
		}
	}
	return nil
}

// applied waits until nothing about an object is open any more.
func (f *feed) applied(tb testing.TB, id string) {
	tb.Helper()
	open := f.p.await(tb, func() []store.EventRecord {
		return f.p.events(tb, store.Filter{Object: id, Directory: f.directory, States: []event.State{event.Pending, event.Waiting}})
	})
	if len(open) > 0 {
		tb.Fatalf("the deletion of %s does not settle: %+v", id, open)
	}
}

// send sends the requests, some side by side, and changes the weather between them.
func (w wave) send(tb testing.TB, f *feed, parallel int) error {
	tb.Helper()
	for from := 0; from < len(w.requests); {
		if kind, changes := w.weather[from]; changes {
			if err := f.calms(tb); err != nil {
				return err
			}
			f.becomes(tb, kind)
		}
		to := from + 1
		for ; to < len(w.requests); to++ {
			if _, changes := w.weather[to]; changes {
				break
			}
		}
		if err := sendAll(f, w.requests[from:to], parallel); err != nil {
			return err
		}
		f.heard = append(f.heard, slices.Concat(w.requests[from:to]...)...)
		from = to
	}
	return nil
}

func sendAll(f *feed, requests [][]idaastest.Event, parallel int) error {
	var mu sync.Mutex
	var wrong error
	next := make(chan []idaastest.Event)
	var senders sync.WaitGroup
	for range parallel {
		senders.Go(func() {
			for request := range next {
				if err := answered(f, request); err != nil {
					mu.Lock()
					wrong = err
					mu.Unlock()
				}
			}
		})
	}
	for _, request := range requests {
		next <- request
	}
	close(next)
	senders.Wait()
	return wrong
}

// answered sends a request and checks that each of its events is answered once, and that none has failed but for an address that the
// directory refuses.
func answered(f *feed, request []idaastest.Event) error {
	answer, err := f.post(request)
	if err != nil {
		return err
	}
	failed := slices.ContainsFunc(answer.Failed, func(r idaastest.Result) bool {
		return len(f.dir.troubles) == 0 || r.EventCode != string(event.CodeRefused) && r.EventCode != string(event.CodeGuarded)
	})
	if answer.Status != 200 || failed || len(answer.Retried) > 0 {
		return fmt.Errorf("answered with %d: %s", answer.Status, answer.Body)
	}
	if n := len(answer.Success) + len(answer.Skipped) + len(answer.Failed); n != len(request) {
		return fmt.Errorf("%d events are answered with %d lines: %s", len(request), n, answer.Body)
	}
	for _, e := range request {
		if list, _ := answer.Of(e.ID); list == "" {
			return fmt.Errorf("%s has no answer: %s", e.ID, answer.Body)
		}
	}
	return nil
}
