package conformance

import (
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func searchTests() []test {
	return []test{
		{"people are found by how their names begin", findByName},
		{"a search goes on where its page ended", findInPages},
		{"who has another name is found by that", findRenamed},
		{"a place that is none in the list is refused", findNowhere},
		{"what is held is counted and listed by what holds it", heldSets},
		{"what has failed is counted by its reason", failuresCounted},
		{"the oldest event that is open is known", oldestOpen},
		{"a day is remembered minute by minute, and no more", dayRemembered},
		{"the events of one object are listed in pages", eventsOfOne},
		{"events are listed down to a number", eventsDownTo},
	}
}

// called is an object with names.
func called(ref event.Ref, login, label string) event.Object {
	o := known(ref)
	o.Facts = map[string]event.Fact{}
	field := event.FieldName
	if ref.Kind == event.KindUser {
		field = event.FieldUsername
		if label != "" {
			o.Facts["displayName"] = event.Fact{Value: label, At: event.Stamp{Event: noon}}
		}
	}
	o.Facts[field] = event.Fact{Value: login, At: event.Stamp{Event: noon}}
	return o
}

// found returns who is found page by page, each with the directory.
func (w world) found(f store.NameFilter) []string {
	w.Helper()
	var ids []string
	for {
		page, next, err := w.FindByName(w.Context(), f)
		w.must(err)
		if f.Limit > 0 && len(page) > f.Limit {
			w.Fatalf("a page of %d has %d", f.Limit, len(page))
		}
		for _, n := range page {
			ids = append(ids, n.Directory+"/"+n.Object.Ref.ID)
		}
		if next == "" {
			return ids
		}
		f.After = next
	}
}

func (w world) crowd() {
	w.Helper()
	w.remember(in(corp, user("u1")), called(user("u1"), "Ann.Lee", "Ann Lee"), at("uid=ann.lee,dc=example"))
	w.remember(in(lab, user("u1")), called(user("u1"), "ann.lee", "Ann  Lee"), store.Record{})
	w.remember(in(corp, user("u2")), called(user("u2"), "bob", "Anna Bob"), store.Record{})
	w.remember(in(corp, user("u3")), called(user("u3"), "zhang.wei", "张伟"), store.Record{})
	w.remember(in(corp, unit("o1")), called(unit("o1"), "Annex", ""), store.Record{})
	w.remember(in(corp, group("g1")), called(group("g1"), "staff", ""), store.Record{})
	w.remember(in(corp, user("u4")), known(user("u4")), store.Record{})
}

func findByName(w world) {
	w.crowd()
	for prefix, want := range map[string][]string{
		"ann":      {"corp/u1", "lab/u1", "corp/o1", "corp/u2"},
		"ANN":      {"corp/u1", "lab/u1", "corp/o1", "corp/u2"},
		"ann lee":  {"corp/u1", "lab/u1"},
		"ann.lee":  {"corp/u1", "lab/u1"},
		"张":        {"corp/u3"},
		"st":       {"corp/g1"},
		"an%":      nil,
		"nobody":   nil,
		"":         {"corp/u1", "lab/u1", "corp/o1", "corp/u2", "corp/g1", "corp/u3"},
		"zhang.we": {"corp/u3"},
	} {
		equal(w, "found by "+prefix, w.found(store.NameFilter{Prefix: prefix}), want)
	}
	equal(w, "found in one directory", w.found(store.NameFilter{Prefix: "ann", Directory: lab}), []string{"lab/u1"})
	page, _, err := w.FindByName(w.Context(), store.NameFilter{Prefix: "ann.lee", Directory: corp})
	w.must(err)
	equal(w, "DN", page[0].Record.DN.String(), "uid=ann.lee,dc=example")
	equal(w, "name as it is written", page[0].Object.Text("displayName"), "Ann Lee")
}

func findInPages(w world) {
	w.crowd()
	for limit := 1; limit < 8; limit++ {
		equal(w, fmt.Sprintf("found in pages of %d", limit), w.found(store.NameFilter{Prefix: "ann", Limit: limit}), []string{"corp/u1", "lab/u1", "corp/o1", "corp/u2"})
	}
}

func findRenamed(w world) {
	w.crowd()
	w.remember(in(corp, user("u1")), called(user("u1"), "ann.kim", "Ann Kim"), at("uid=ann.lee,dc=example"))
	equal(w, "found by the former name", w.found(store.NameFilter{Prefix: "ann.lee"}), []string{"lab/u1"})
	equal(w, "found by the new name", w.found(store.NameFilter{Prefix: "ann.k"}), []string{"corp/u1"})
	w.remember(in(corp, user("u1")), gone(user("u1")), store.Record{})
	equal(w, "found when it is gone", w.found(store.NameFilter{Prefix: "ann.k"}), []string(nil))
}

func findNowhere(w world) {
	for _, after := range []string{"x", "eyJjIjoiZG4ifQ"} {
		_, _, err := w.FindByName(w.Context(), store.NameFilter{After: after})
		w.fails(err, store.ErrCursor)
	}
}

func heldSets(w world) {
	hold := func(id string, o event.Outcome, act string) int64 {
		seq := w.seq(update("evt_"+id, id))
		o.Act = act
		w.finish(noon, in(corp, user(id)), o)
		return seq
	}
	taken := event.Outcome{State: event.Held, Code: event.CodeDNTaken, Message: "somebody has it"}
	hold("u1", held(), "delete")
	second := hold("u2", held(), "delete")
	third := hold("u3", held(), "disable")
	fourth := hold("u4", taken, "")
	hold("u5", done(), "")
	sets, err := w.HeldSets(w.Context(), 0)
	w.must(err)
	equal(w, "sets", sets, []store.HeldSet{
		{Directory: corp, Code: event.CodeGuarded, Act: "delete", Count: 2, Newest: second},
		{Directory: corp, Code: event.CodeDNTaken, Count: 1, Newest: fourth},
		{Directory: corp, Code: event.CodeGuarded, Act: "disable", Count: 1, Newest: third},
	})
	upTo, err := w.HeldSets(w.Context(), 1)
	w.must(err)
	equal(w, "what is counted up to one", upTo[0].Count, 1)
	counts, err := w.CountsUpTo(w.Context(), corp, 3)
	w.must(err)
	equal(w, "how many are held, counted up to three", counts[event.Held], 3)
	for _, set := range sets {
		records, err := w.Events(w.Context(), store.Filter{Held: set})
		w.must(err)
		equal(w, "number in a set", len(records), set.Count)
		equal(w, "newest of a set", records[0].Seq, set.Newest)
	}
}

func eventsOfOne(w world) {
	var want, got []int64
	for i := range 7 {
		want = append(want, w.seq(update(numbered("evt", i), "u1")))
		w.seq(update(numbered("other", i), "u2"))
	}
	slices.Reverse(want)
	for f := (store.Filter{Object: "u1", Limit: 2}); ; {
		page, err := w.Events(w.Context(), f)
		w.must(err)
		for _, e := range page {
			got, f.Before = append(got, e.Seq), e.Seq
		}
		if len(page) < f.Limit {
			break
		}
	}
	equal(w, "events of one", got, want)
	page, err := w.Events(w.Context(), store.Filter{Object: "u1", Before: want[0] + 1000})
	w.must(err)
	equal(w, "number of events before one that does not exist", len(page), len(want))
}

func eventsDownTo(w world) {
	first := w.seq(update("evt_1", "u1"))
	second := w.seq(update("evt_2", "u2"))
	page, err := w.Events(w.Context(), store.Filter{After: first})
	w.must(err)
	equal(w, "number of events after the first", len(page), 1)
	equal(w, "the event after the first", page[0].Seq, second)
}

func failuresCounted(w world) {
	var last int64
	for i := range 3 {
		id := numbered("u", i)
		last = w.seq(update("evt_"+id, id))
		w.finish(noon, in(corp, user(id)), failed())
	}
	all, err := w.FailuresByReason(w.Context(), 0)
	w.must(err)
	equal(w, "failures", all, []store.Failures{{Directory: corp, Code: failed().Code, Count: 3, Newest: last}})
	upTo, err := w.FailuresByReason(w.Context(), 2)
	w.must(err)
	equal(w, "failures counted up to two", upTo[0].Count, 2)
	_, err = w.Retry(w.Context(), noon, "ann", []int64{last})
	w.must(err)
	all, err = w.FailuresByReason(w.Context(), 0)
	w.must(err)
	equal(w, "failures after a retry", all[0].Count, 2)
}

func oldestOpen(w world) {
	oldest := func() event.Millis {
		w.Helper()
		at, err := w.OldestOpen(w.Context(), corp)
		w.must(err)
		return at
	}
	equal(w, "oldest of none", oldest(), 0)
	w.accept(noon, update("evt_1", "u1"))
	w.accept(noon+1, update("evt_2", "u2"))
	equal(w, "oldest", oldest(), noon)
	w.finish(noon+2, in(corp, user("u1")), waiting())
	equal(w, "oldest that waits", oldest(), noon)
	w.finish(noon+3, in(corp, user("u1")), done())
	equal(w, "oldest afterwards", oldest(), noon+1)
	w.finish(noon+4, in(corp, user("u2")), held())
	equal(w, "oldest where one is held", oldest(), 0)
}

func dayRemembered(w world) {
	const minute, day = 60_000, 24 * 60
	for i := range event.Millis(day + 3) {
		if i%100 != 0 && i > 3 && i < day {
			continue // most minutes are like the others
		}
		w.must(w.RecordSample(w.Context(), store.Sample{At: noon + i*minute, Accepted: int64(i), Failed: 1, Backlog: 2, Operations: 3, Took: 4}))
	}
	all, err := w.Samples(w.Context(), 0)
	w.must(err)
	equal(w, "the first that is left", all[0].At, noon+3*minute)
	equal(w, "the last", all[len(all)-1], store.Sample{At: noon + (day+2)*minute, Accepted: day + 2, Failed: 1, Backlog: 2, Operations: 3, Took: 4})
	w.must(w.RecordSample(w.Context(), store.Sample{At: noon + (day+2)*minute + 7, Accepted: 1, Failed: 2, Backlog: 9, Operations: 4, Took: 5}))
	all, err = w.Samples(w.Context(), 0)
	w.must(err)
	equal(w, "the last, of which somebody else tells", all[len(all)-1], store.Sample{At: noon + (day+2)*minute, Accepted: day + 3, Failed: 3, Backlog: 9, Operations: 7, Took: 9})
	late, err := w.Samples(w.Context(), noon+day*minute)
	w.must(err)
	equal(w, "number of the last minutes", len(late), 3)
}
