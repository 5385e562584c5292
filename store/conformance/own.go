package conformance

import (
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func ownTests() []test {
	return []test{
		{"an object that is asked for is due, with an event of our own", ownAsked},
		{"an object has one open event of our own", ownOnce},
		{"what was open is over when the object is as it should be", ownMended},
		{"what was asked for and has failed is tried again", ownFailed},
		{"asking again is no approval", ownHeld},
		{"a request that comes while the object is worked on is seen to afterwards", ownMeanwhile},
		{"what is held for somebody else's event already is seen there", ownHeldAlready},
		{"what nobody asked for is recorded where a person should see it", ownAlone},
		{"what became of an object alone gives way to a request", ownAloneLate},
		{"events of our own are pruned like others", ownPruned},
		{"objects are found by the stable ids of their entries", byLink},
		{"one at a time works on what is due", reserved},
	}
}

func (w world) ask(now event.Millis, keys ...store.Key) {
	w.Helper()
	w.must(w.Ask(w.Context(), now, keys))
}

// own lists what is recorded of the events of our own in the directory corp.
func (w world) own() []store.EventRecord {
	w.Helper()
	records, err := w.Events(w.Context(), store.Filter{Directory: corp, Type: event.TypeReconcile})
	w.must(err)
	return records
}

func ownAsked(w world) {
	one, two := in(corp, user("user_1")), in(corp, unit("ou_1"))
	w.ask(noon, one, two, in(lab, user("user_1")))
	equal(w, "due", w.due(corp, noon), []event.Ref{two.Object, one.Object})
	equal(w, "due elsewhere", w.due(lab, noon), []event.Ref{one.Object})
	job := w.load(one)
	equal(w, "pending", len(job.Pending), 1)
	c := job.Pending[0].Change
	equal(w, "event", []any{c.Type, c.Object, len(c.Fields), c.Password.Empty()}, []any{event.TypeReconcile, one.Object, 0, true})
	w.finish(noon, one, done())
	records := w.own()
	equal(w, "records", len(records), 2)
	i := slices.IndexFunc(records, func(r store.EventRecord) bool { return r.Object == one.Object })
	equal(w, "record", []any{records[i].Application, records[i].Outcome, records[i].ReceivedAt}, []any{store.OwnApplication, done(), noon})
	w.ask(noon) // nobody
}

func ownOnce(w world) {
	key := in(corp, user("user_1"))
	w.ask(noon, key, key)
	w.ask(noon+1, key)
	equal(w, "pending", len(w.load(key).Pending), 1)
	w.finish(noon+1, key, waiting())
	w.ask(noon+2, key)
	equal(w, "due after a wait", w.due(corp, noon+2), []event.Ref{key.Object})
	w.finish(noon+2, key, done())
	equal(w, "due when done", w.due(corp, noon+9), nil)
	w.ask(noon+3, key)
	equal(w, "due again", w.due(corp, noon+3), []event.Ref{key.Object})
	records := w.own()
	equal(w, "records", len(records), 2)
	equal(w, "the new one", []any{records[0].Outcome.State, records[0].ReceivedAt}, []any{event.Pending, noon + 3})
	equal(w, "the one before", []any{records[1].Outcome, records[1].ReceivedAt, records[1].SettledAt}, []any{done(), noon, noon + 2})
	w.finish(noon+3, key, done())
	w.ask(noon+3, key) // within the same moment
	equal(w, "asked for within a moment", w.due(corp, noon+3), []event.Ref{key.Object})
}

func ownMended(w world) {
	one, other := in(corp, user("user_1")), in(corp, user("user_2"))
	mend := func(now event.Millis) {
		w.Helper()
		s := settlement(w.load(one), done())
		s.Mended = true
		w.settle(now, s)
	}
	mend(noon)
	w.accept(noon, update("evt_1", "user_1"))
	w.finish(noon, one, failed())
	w.ask(noon, one, other)
	w.finish(noon, one, failed())
	w.finish(noon, other, failed())
	mend(noon + 1)
	w.ask(noon+2, one)
	w.hold(one, "delete")
	mend(noon + 3)
	for _, r := range w.own() {
		switch {
		case r.Object == other.Object:
			equal(w, "that of another object", r.Outcome, failed())
		default:
			equal(w, "that of the object", []any{r.Outcome.State, r.Outcome.Code}, []any{event.Skipped, event.CodeSuperseded})
		}
	}
	equal(w, "own events", len(w.own()), 3)
	equal(w, "an event of IDaaS", w.outcome(corp, "evt_1"), failed())
}

func ownHeldAlready(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	w.hold(key, "vanished")
	o, looked := unseen(), settlement(w.load(key), unseen())
	looked.Alone = &o
	w.settle(noon+1, looked)
	equal(w, "own events beside the one that is held", len(w.own()), 0)
}

func ownFailed(w world) {
	key := in(corp, user("user_1"))
	w.ask(noon, key)
	w.finish(noon, key, failed())
	w.ask(noon+1, key)
	equal(w, "due", w.due(corp, noon+1), []event.Ref{key.Object})
	records := w.own()
	equal(w, "records", len(records), 1)
	equal(w, "record", []any{records[0].Outcome.State, records[0].SettledAt}, []any{event.Pending, event.Millis(0)})
}

func ownHeld(w world) {
	key := in(corp, user("user_1"))
	w.ask(noon, key)
	w.hold(key, "delete")
	w.ask(noon+1, key)
	equal(w, "approved by asking", w.load(key).Pending[0].Approved, "")
	w.hold(key, "delete")
	w.retry(w.own()[0].Seq)
	w.ask(noon+2, key)
	equal(w, "approved, and asked for", w.load(key).Pending[0].Approved, "delete")
}

func ownMeanwhile(w world) {
	key := in(corp, user("user_1"))
	w.ask(noon, key)
	job := w.load(key)
	w.ask(noon+1, key)
	equal(w, "woken", w.settle(noon+2, settlement(job, failed())), []store.Key{key})
	equal(w, "due", w.due(corp, noon+2), []event.Ref{key.Object})
	equal(w, "pending", len(w.load(key).Pending), 1)
}

func ownAlone(w world) {
	key := in(corp, user("user_1"))
	o := guarded("disable")
	alone := func(now event.Millis) {
		w.Helper()
		s := settlement(w.load(key), done())
		s.Alone = &o
		equal(w, "woken", w.settle(now, s), nil)
	}
	alone(noon)
	alone(noon + 1)
	records := w.own()
	equal(w, "records", len(records), 1)
	equal(w, "record", []any{records[0].Object, records[0].Outcome, records[0].ReceivedAt}, []any{key.Object, held(), noon + 1})
	equal(w, "due", w.due(corp, noon+9), nil)
	w.retry(records[0].Seq)
	equal(w, "approved", w.load(key).Pending[0].Approved, "disable")
	w.finish(noon+2, key, done())
	o = failed()
	alone(noon + 3)
	equal(w, "counts", w.counts(corp), map[event.State]int64{event.Failed: 1})
}

func ownAloneLate(w world) {
	key := in(corp, user("user_1"))
	job := w.load(key)
	w.ask(noon, key)
	s, o := settlement(job, done()), failed()
	s.Alone = &o
	w.settle(noon+1, s)
	equal(w, "state", w.own()[0].Outcome.State, event.Pending)
	equal(w, "due", w.due(corp, noon+1), []event.Ref{key.Object})
}

func ownPruned(w world) {
	done1, held1 := in(corp, user("user_1")), in(corp, user("user_2"))
	w.ask(noon, done1, held1)
	w.finish(noon, done1, done())
	w.hold(held1, "delete")
	n, err := w.Prune(w.Context(), noon+1)
	w.must(err)
	equal(w, "pruned", n, 1)
	equal(w, "left", len(w.own()), 1)
}

func reserved(w world) {
	release, err := w.Reserve(w.Context())
	w.must(err)
	_, err = w.Reserve(w.Context())
	w.fails(err, store.ErrReserved)
	w.seq(update("evt_1", "user_1")) // others may still write
	w.must(release())
	release, err = w.Reserve(w.Context())
	w.must(err)
	w.must(release())
}

func byLink(w world) {
	remember := func(ref event.Ref, link string) {
		w.Helper()
		r := at("cn=" + ref.ID + ",dc=example")
		r.Link = link
		w.remember(in(corp, ref), known(ref), r)
	}
	remember(user("user_1"), "a")
	remember(unit("ou_1"), "b")
	remember(user("user_2"), "")
	w.remember(in(lab, user("user_3")), known(user("user_3")), store.Record{Link: "a"})
	found, err := w.ByLink(w.Context(), corp, []string{"a", "", "b", "c"})
	w.must(err)
	got := map[string]string{}
	for _, f := range found {
		got[f.Record.Link] = f.Object.Ref.ID + " " + f.Record.DN.String()
	}
	equal(w, "found", got, map[string]string{"a": "user_1 cn=user_1,dc=example", "b": "ou_1 cn=ou_1,dc=example"})
}
