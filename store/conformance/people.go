package conformance

import (
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

func peopleTests() []test {
	return []test{
		{"lists can be filtered", listFilters},
		{"lists come page by page, the newest first", listPages},
		{"what an event says can be read, without its password", listSaid},
		{"unfinished events are counted by state", listCounts},
		{"only what can be tried again is retried", retryStates},
		{"a retry makes the object due once", retryKeys},
		{"only what is not settled otherwise is discarded", discardStates},
		{"a held deletion that is dropped is kept, and can be taken up again", droppedDeletion},
		{"what people do is recorded", auditRecorded},
		{"old events are pruned once they are settled", pruneSettled},
		{"a young event keeps no older one from being pruned", pruneAroundYoung},
		{"an event is kept until every directory has settled it", pruneDirectories},
		{"a failed event is pruned of its password only", pruneFailed},
		{"many events are pruned", pruneMany},
		{"old records of what people did are pruned", pruneAudit},
	}
}

func (w world) ids(f store.Filter) string {
	w.Helper()
	records, err := w.Events(w.Context(), f)
	w.must(err)
	var ids []string
	for _, r := range records {
		ids = append(ids, r.EventID)
	}
	return strings.Join(ids, " ")
}

// oneOfEach has an event in each state, named after it, each of an object of its own. It returns their numbers.
func (w world) oneOfEach() map[event.State]int64 {
	w.Helper()
	seqs := map[event.State]int64{}
	for _, o := range []event.Outcome{
		{State: event.Pending},
		waiting(), held(), done(),
		{State: event.Skipped, Code: event.CodeStale},
		failed(),
		{State: event.Discarded, Code: event.CodeDiscarded},
	} {
		id := string(o.State)
		seqs[o.State] = w.seq(withPassword(update(id, id), "pass"))
		if o.State != event.Pending {
			w.finish(noon, in(corp, user(id)), o)
		}
	}
	return seqs
}

func listFilters(w world) {
	w.oneOfEach()
	elsewhere := update("elsewhere", "pending")
	elsewhere.Targets[0].Directory = lab
	w.accept(noon, elsewhere)
	for _, c := range []struct {
		filter store.Filter
		want   string
	}{
		{store.Filter{}, "elsewhere discarded failed skipped done held waiting pending"},
		{store.Filter{Directory: corp}, "discarded failed skipped done held waiting pending"},
		{store.Filter{States: []event.State{event.Failed}}, "failed"},
		{store.Filter{States: []event.State{event.Done, event.Held}}, "done held"},
		{store.Filter{States: []event.State{event.Pending, event.Waiting}, Directory: lab}, "elsewhere"},
		{store.Filter{Object: "pending"}, "elsewhere pending"},
		{store.Filter{EventID: "held"}, "held"},
		{store.Filter{EventID: "held", States: []event.State{event.Done}}, ""},
		{store.Filter{States: []event.State{"'; --"}}, ""},
		{store.Filter{Limit: 2}, "elsewhere discarded"},
	} {
		equal(w, "list", w.ids(c.filter), c.want)
	}
}

func listPages(w world) {
	const total = 130
	for i := range total {
		w.accept(noon, update(numbered("evt", i), "user_1"))
	}
	var got []string
	before := int64(0)
	for {
		page, err := w.Events(w.Context(), store.Filter{Before: before, Limit: 50})
		w.must(err)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			got = append(got, r.EventID)
		}
		before = page[len(page)-1].Seq
	}
	slices.Reverse(got)
	equal(w, "events", len(got), total)
	for i, id := range got {
		equal(w, "event", id, numbered("evt", i))
	}
	equal(w, "without a limit", len(strings.Fields(w.ids(store.Filter{}))), 100)
}

func listSaid(w world) {
	e := withPassword(update("evt_1", "user_1"), "pass")
	e.Change.Fields = event.Values{"displayName": "Zoë", "createTime": int64(7)}
	e.Change.Members = []event.Member{{User: "user_2", Present: true}}
	seq := w.seq(e)
	want := e.Change
	want.Password = secret.Text{}
	check := func(when string) {
		w.Helper()
		got, err := w.Said(w.Context(), seq)
		w.must(err)
		equal(w, when, got, want)
	}
	check("pending")
	w.finish(noon, in(corp, user("user_1")), done())
	check("done")
	_, err := w.Said(w.Context(), seq+1000)
	w.fails(err, store.ErrNotFound)
}

func listCounts(w world) {
	w.oneOfEach()
	w.accept(noon, update("another", "user_1"))
	equal(w, "counts", w.counts(corp), map[event.State]int64{event.Pending: 2, event.Waiting: 1, event.Held: 1, event.Failed: 1})
	equal(w, "counts elsewhere", w.counts(lab), map[event.State]int64{})
}

func retryStates(w world) {
	seqs := w.oneOfEach()
	all := []int64{999_999}
	for _, seq := range seqs {
		all = append(all, seq)
	}
	keys, err := w.Retry(w.Context(), noon+7, "ann", all)
	w.must(err)
	equal(w, "keys", len(keys), 3)
	for state := range seqs {
		want := state
		retried := slices.Contains([]event.State{event.Failed, event.Waiting, event.Held}, state)
		if retried {
			want = event.Pending
		}
		equal(w, "state of what was "+string(state), w.outcome(corp, string(state)).State, want)
		equal(w, "retried "+string(state), slices.Contains(keys, in(corp, user(string(state)))), retried)
	}
	p := w.load(in(corp, user("failed"))).Pending[0]
	equal(w, "outcome", p.Outcome.Code, event.CodeAccepted)
	equal(w, "due", len(w.due(corp, noon+7)), 4)
}

func retryKeys(w world) {
	key := in(corp, user("user_1"))
	first, second := w.seq(update("evt_1", "user_1")), w.seq(update("evt_2", "user_1"))
	w.finish(noon, key, failed())
	keys, err := w.Retry(w.Context(), noon, "ann", []int64{second, first, first})
	w.must(err)
	equal(w, "keys", keys, []store.Key{key})
	equal(w, "pending", len(w.load(key).Pending), 2)

	// What is for no directory cannot be tried again.
	nowhere := update("evt_3", "user_1")
	nowhere.Targets, nowhere.Outcome = nil, &event.Outcome{State: event.Failed, Code: event.CodeMalformed}
	keys, err = w.Retry(w.Context(), noon, "ann", []int64{w.seq(nowhere)})
	w.must(err)
	equal(w, "keys", len(keys), 0)
}

func discardStates(w world) {
	seqs := w.oneOfEach()
	all := []int64{999_999}
	for _, seq := range seqs {
		all = append(all, seq)
	}
	n, err := w.Discard(w.Context(), noon+7, "ann", all)
	w.must(err)
	equal(w, "discarded", n, 4)
	for state := range seqs {
		want := event.Discarded
		if state == event.Done || state == event.Skipped {
			want = state
		}
		equal(w, "state of what was "+string(state), w.outcome(corp, string(state)).State, want)
	}
	o := w.outcome(corp, "failed")
	equal(w, "outcome", o, event.Outcome{State: event.Discarded, Code: event.CodeDiscarded, Message: "discarded by ann"})
	equal(w, "counts", w.counts(corp), map[event.State]int64{})
}

func droppedDeletion(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	w.hold(key, "delete")
	_, err := w.Discard(w.Context(), noon+2, "mei", []int64{seq})
	w.must(err)
	equal(w, "pruned", w.prune(noon+9), 0)
	records, err := w.Events(w.Context(), store.Filter{Since: noon})
	w.must(err)
	equal(w, "left in place", []bool{len(records) == 1, records[0].LeftInPlace(), strings.Contains(records[0].Outcome.Message, "left in place by mei")}, []bool{true, true, true})
	equal(w, "since later", w.ids(store.Filter{Since: noon + 5}), "")
	w.retry(seq)
	equal(w, "approved by being taken up again", w.load(key).Pending[0].Approved, "")
	w.hold(key, "disable")
	_, err = w.Discard(w.Context(), noon+2, "mei", []int64{seq})
	w.must(err)
	equal(w, "pruned", w.prune(noon+9), 1)
}

func auditRecorded(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	w.finish(noon, key, failed())
	_, err := w.Retry(w.Context(), noon+1, "ann", []int64{seq, seq + 5})
	w.must(err)
	_, err = w.Discard(w.Context(), noon+2, "bob", []int64{seq, seq + 5})
	w.must(err)
	mine := store.AuditRecord{At: noon + 3, Who: "eve", What: "mapping", About: "openldap.yaml"}
	w.must(w.RecordAudit(w.Context(), mine))

	records, err := w.Audit(w.Context(), 10)
	w.must(err)
	equal(w, "number of records", len(records), 3)
	equal(w, "the newest", records[0], mine)
	equal(w, "who did what", [][]string{{records[1].Who, records[1].What}, {records[2].Who, records[2].What}}, [][]string{{"bob", "discard"}, {"ann", "retry"}})
	if !strings.Contains(records[1].About, "user_1") || !strings.Contains(records[1].About, corp) {
		w.Fatalf("the record does not name the object: %q", records[1].About)
	}
	records, err = w.Audit(w.Context(), 1)
	w.must(err)
	equal(w, "limited", len(records), 1)
}

func (w world) prune(before event.Millis) int {
	w.Helper()
	n, err := w.Prune(w.Context(), before)
	w.must(err)
	return n
}

func pruneSettled(w world) {
	w.oneOfEach()
	young := update("young", "user_1")
	young.Targets, young.Outcome = nil, &event.Outcome{State: event.Skipped, Code: event.CodeStale}
	w.accept(noon+1, young)

	equal(w, "pruned before", w.prune(noon), 0)
	equal(w, "pruned", w.prune(noon+1), 3)
	equal(w, "what is left", w.ids(store.Filter{}), "young failed held waiting pending")
	equal(w, "pruned again", w.prune(noon+1), 0)
	equal(w, "an event that was forgotten is new", w.accept(noon, update("done", "done"))[0].Repeat, false)
}

// A clock that was ahead for a while leaves a young event among old ones.
func pruneAroundYoung(w world) {
	settled := func(at event.Millis, id string) {
		e := update(id, "user_1")
		e.Targets, e.Outcome = nil, &event.Outcome{State: event.Skipped, Code: event.CodeStale}
		w.accept(at, e)
	}
	settled(noon+5, "ahead")
	for i := range 600 { // more than are removed at a time
		settled(noon+event.Millis(i%3), fmt.Sprint("old ", i))
	}
	settled(noon+4, "young")
	equal(w, "pruned", w.prune(noon+2), 400)
	equal(w, "pruned", w.prune(noon+3), 200)
	equal(w, "what is left", w.ids(store.Filter{}), "young ahead")
}

func pruneDirectories(w world) {
	e := update("evt_1", "user_1")
	e.Targets = append(e.Targets, store.Target{Directory: lab})
	w.accept(noon, e)
	w.finish(noon, in(corp, user("user_1")), done())
	equal(w, "pruned", w.prune(noon+1), 0)
	equal(w, "outcome in corp", w.outcome(corp, "evt_1"), done())
	w.finish(noon, in(lab, user("user_1")), done())
	equal(w, "pruned", w.prune(noon+1), 1)
}

func pruneFailed(w world) {
	seqs := w.oneOfEach()
	w.prune(noon + 1)
	_, err := w.Retry(w.Context(), noon, "ann", []int64{seqs[event.Failed], seqs[event.Held]})
	w.must(err)
	equal(w, "password of what had failed", w.load(in(corp, user("failed"))).Pending[0].Change.Password.Empty(), true)
	equal(w, "password of what was held", w.load(in(corp, user("held"))).Pending[0].Change.Password.Empty(), false)
}

func pruneMany(w world) {
	const total = 1100
	events := make([]store.NewEvent, total)
	for i := range events {
		events[i] = update(numbered("evt", i), "user_1")
		if i%100 != 0 {
			events[i].Targets, events[i].Outcome = nil, &event.Outcome{State: event.Skipped, Code: event.CodeStale}
		}
	}
	w.accept(noon, events...)
	equal(w, "pruned", w.prune(noon+1), total-total/100)
	equal(w, "what is left", len(strings.Fields(w.ids(store.Filter{}))), total/100)
}

func pruneAudit(w world) {
	for i := range 5 {
		w.must(w.RecordAudit(w.Context(), store.AuditRecord{At: noon + event.Millis(i), Who: "ann", What: "look"}))
	}
	w.prune(noon + 3)
	records, err := w.Audit(w.Context(), 0)
	w.must(err)
	equal(w, "records", len(records), 2)
}
