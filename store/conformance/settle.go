package conformance

import (
	"errors"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

func settleTests() []test {
	return []test{
		{"what is known and remembered comes back", settleKnown},
		{"without anything known all stays as it is", settleUnknown},
		{"outcomes are recorded with their time", settleOutcomes},
		{"a failed event keeps its password for a retry", settleFailed},
		{"an event that came in meanwhile keeps the object due", settleNewEvent},
		{"events beyond the limit keep the object due", settleBeyondLimit},
		{"an event that was retried meanwhile is tried again", settleRetried},
		{"an event that was retried meanwhile and succeeded is done", settleRetriedDone},
		{"an event that was discarded meanwhile stays discarded", settleDiscarded},
		{"an event of another object is not touched", settleForeign},
		{"an event that came in meanwhile is a new reason to try", settleFresh},
		{"who is touched is looked at, and again where that is under way", settleTouch},
		{"attempts are kept also where nothing is due", settleAttempts},
		{"a settlement without the version of its job is refused", settleVersion},
		{"what is known of another object is refused", settleOtherObject},
	}
}

func settleKnown(w world) {
	key := in(corp, user("user_1"))
	o := known(key.Object)
	o.Existence.At.Update = noon - 3
	o.Password = event.Stamp{Event: noon, Update: noon - 1}
	o.Facts = map[string]event.Fact{
		"displayName":    {Value: "<Zoë>", At: event.Stamp{Event: noon, Update: 5}},
		"email":          {Value: nil, At: event.Stamp{Event: noon}},
		"phoneVerified":  {Value: false, At: event.Stamp{Event: noon}},
		"createTime":     {Value: int64(noon), At: event.Stamp{Event: noon}},
		event.FieldUnits: {Value: []any{map[string]any{"id": "ou_1", "primary": true}}, At: event.Stamp{Event: noon}},
	}
	r := store.Record{
		Link: "entryUUID=1", DN: plan.MustParseDN(`uid=Zo\C3\AB\,x,OU=Sales,dc=example`),
		Owned: map[string][]string{"departmentnumber": {"Sales", "Ops"}}, Member: "ann", MemberRule: "user.username", RemovedAt: noon + 4,
	}
	w.remember(key, o, r)
	for range 2 {
		gotObject, gotRecord, err := w.Lookup(w.Context(), key)
		w.must(err)
		equal(w, "object", gotObject, o)
		equal(w, "record", gotRecord, r)
		job := w.load(key)
		equal(w, "object of the job", job.Known, o)
		equal(w, "record of the job", job.Record, r)

		o.Facts["displayName"] = event.Fact{Value: "Ann", At: event.Stamp{Event: noon + 1}}
		r = store.Record{Link: "entryUUID=2"}
		w.remember(key, o, r)
	}
}

func settleUnknown(w world) {
	key := in(corp, user("user_1"))
	w.remember(key, known(key.Object), at("uid=a,dc=example"))
	w.accept(noon, update("evt_1", "user_1"))
	w.finish(noon, key, done())
	o, r, err := w.Lookup(w.Context(), key)
	w.must(err)
	equal(w, "object and DN", []any{o.Exists(), r.DN.String()}, []any{true, "uid=a,dc=example"})
}

func settleOutcomes(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	w.finish(noon+5, key, waiting())
	record := func() store.EventRecord {
		records, err := w.Events(w.Context(), store.Filter{EventID: "evt_1"})
		w.must(err)
		return records[0]
	}
	equal(w, "waiting", []any{record().Outcome, record().SettledAt}, []any{waiting(), event.Millis(0)})
	w.finish(noon+9, key, done())
	equal(w, "done", []any{record().Outcome, record().SettledAt}, []any{done(), noon + 9})
}

func settleFailed(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(withPassword(update("evt_1", "user_1"), "pass"))
	w.finish(noon, key, failed())
	equal(w, "due", w.due(corp, noon+1000), nil)
	_, err := w.Retry(w.Context(), noon, "ann", []int64{seq})
	w.must(err)
	p := w.load(key).Pending[0]
	equal(w, "password", p.Change.Password, secret.New("pass"))
	equal(w, "approved", p.Approved, "")
}

func settleNewEvent(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	job := w.load(key)
	w.accept(noon+1, update("evt_2", "user_1"))
	equal(w, "woken", w.settle(noon+2, settlement(job, done())), []store.Key{key})
	equal(w, "due", w.due(corp, noon+2), []event.Ref{user("user_1")})
	equal(w, "pending", w.load(key).Pending[0].EventID, "evt_2")
}

func settleBeyondLimit(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"), update("evt_2", "user_1"))
	job, err := w.Load(w.Context(), key, 1)
	w.must(err)
	s := settlement(job, done())
	s.Due = noon + 100_000
	equal(w, "woken", w.settle(noon, s), []store.Key{key})
	equal(w, "due", w.due(corp, noon), []event.Ref{user("user_1")})
}

func settleRetried(w world) {
	for _, o := range []event.Outcome{waiting(), failed(), held()} {
		id := "user_" + string(o.State)
		key := in(corp, user(id))
		seq := w.seq(update("evt_"+id, id))
		s := settlement(w.load(key), waiting())
		s.Due, s.Attempts = noon+1000, 1
		w.settle(noon, s)

		job := w.load(key)
		_, err := w.Retry(w.Context(), noon+1, "ann", []int64{seq})
		w.must(err)
		s = settlement(job, o)
		s.Due, s.Attempts = noon+1000, 2
		equal(w, "woken", w.settle(noon+2, s), []store.Key{key})
		equal(w, "state", w.outcome(corp, "evt_"+id).State, event.Pending)
		equal(w, "due", w.due(corp, noon+2), []event.Ref{user(id)})
		equal(w, "woken by the next one", w.settle(noon+3, settlement(w.load(key), o)), nil)
		equal(w, "outcome of the next one", w.outcome(corp, "evt_"+id), o)
	}
}

func settleRetriedDone(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	w.finish(noon, key, waiting())
	job := w.load(key)
	_, err := w.Retry(w.Context(), noon, "ann", []int64{seq})
	w.must(err)
	equal(w, "woken", w.settle(noon, settlement(job, done())), nil)
	equal(w, "outcome", w.outcome(corp, "evt_1"), done())
}

func settleDiscarded(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	job := w.load(key)
	n, err := w.Discard(w.Context(), noon, "ann", []int64{seq})
	w.must(err)
	equal(w, "discarded", n, 1)
	equal(w, "woken", w.settle(noon, settlement(job, waiting())), nil)
	equal(w, "state", w.outcome(corp, "evt_1").State, event.Discarded)
}

func settleForeign(w world) {
	w.accept(noon, update("evt_1", "user_1"))
	other := w.seq(update("evt_2", "user_2"))
	s := settlement(w.load(in(corp, user("user_1"))), done())
	s.Outcomes[other] = done()
	w.settle(noon, s)
	equal(w, "state of the other one", w.outcome(corp, "evt_2").State, event.Pending)
	equal(w, "due", w.due(corp, noon), []event.Ref{user("user_2")})
}

func settleAttempts(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(key), waiting())
	s.Attempts, s.WaitsFor = 7, []event.Ref{unit("ou_1")}
	w.settle(noon, s)
	equal(w, "due", w.due(corp, noon+1_000_000), nil)
	_, next, err := w.Due(w.Context(), corp, noon, 10)
	w.must(err)
	equal(w, "the next moment", next, event.Millis(0))
	equal(w, "attempts", w.load(key).Attempts, 7)
}

// An older try that ends afterwards does not take from a new event, or a retry, that it is tried at once and anew.
func settleFresh(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	older := func(meanwhile func()) {
		w.Helper()
		s := settlement(w.load(key), waiting())
		s.Attempts, s.Due = 11, noon+900_000
		meanwhile()
		equal(w, "woken", w.settle(noon+5, s), []store.Key{key})
		equal(w, "due", w.due(corp, noon+5), []event.Ref{key.Object})
		equal(w, "attempts", w.load(key).Attempts, 0)
	}
	older(func() { w.accept(noon+4, update("evt_2", "user_1")) })
	older(func() { w.retry(seq) })
}

func settleTouch(w world) {
	one, two := in(corp, user("user_1")), in(corp, user("user_2"))
	w.remember(two, known(two.Object), at("uid=b,dc=example"))
	touch := func() {
		w.Helper()
		s := settlement(w.load(one), done())
		s.Touch = []event.Ref{two.Object, user("user_3")}
		equal(w, "woken", w.settle(noon, s), []store.Key{two, in(corp, user("user_3"))})
	}
	touch()
	equal(w, "due", len(w.due(corp, noon)), 2)
	under := settlement(w.load(two), done())
	touch()
	equal(w, "woken by its end", w.settle(noon+1, under), []store.Key{two})
	equal(w, "woken by the end of the next", w.settle(noon+2, settlement(w.load(two), done())), nil)
	equal(w, "due", w.due(corp, noon+9), []event.Ref{user("user_3")})
}

func settleVersion(w world) {
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(in(corp, user("user_1"))), done())
	s.Version = 0
	if _, err := w.Settle(w.Context(), noon, s); err == nil || errors.Is(err, store.ErrUnavailable) {
		w.Fatalf("it is answered with %v", err)
	}
	equal(w, "state", w.outcome(corp, "evt_1").State, event.Pending)
}

func settleOtherObject(w world) {
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(in(corp, user("user_1"))), done())
	s.Known = known(user("user_2"))
	if _, err := w.Settle(w.Context(), noon, s); err == nil || errors.Is(err, store.ErrUnavailable) {
		w.Fatalf("it is answered with %v", err)
	}
	equal(w, "state", w.outcome(corp, "evt_1").State, event.Pending)
}
