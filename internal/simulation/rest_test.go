package simulation_test

import (
	"maps"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// rests ends all trouble, lets arrive what is missing, and waits until everything is settled.
func (w *world) rests() {
	w.storm.becomes(calm)
	w.full.Store(false)
	for n, i := range w.instances {
		i.doom(doom{})
		w.set(n, 0)
	}
	for _, k := range slices.Sorted(maps.Keys(w.arrivals)) {
		for _, words := range w.arrivals[k] {
			w.send(words)
		}
	}
	w.passes(2 * time.Minute) // by then nobody is stopped any more
	w.company.news = nil
	if words := w.company.madeUp(); len(words) > 0 {
		w.send(words)
	}
	for range 40 {
		w.passes(10 * time.Minute)
		if len(w.problems) > 0 || w.settled() {
			break
		}
		w.approve(true)
	}
	w.passes(shortLock)
}

// settled reports whether nothing is open but what the directory refuses.
func (w *world) settled() bool {
	for _, r := range w.open() {
		if !w.mayStay(r) {
			return false
		}
	}
	return true
}

// mayStay reports whether an event may be open in the end.
func (w *world) mayStay(r store.EventRecord) bool {
	return r.Outcome.Code == event.CodeRefused && w.heard.users[r.Object.ID].isRefused()
}
