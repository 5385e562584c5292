package conformance

import (
	"errors"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

func queueTests() []test {
	return []test{
		{"what is due longest comes first, and the next moment is told", queueOrder},
		{"what is due later is brought forward, until a moment", queueForward},
		{"the newest event is known", queueNewest},
		{"a job has the oldest events first and tells that there are more", queueLimit},
		{"a job of an unknown object is empty", queueUnknown},
		{"an object may be due without events", queueForItself},
		{"a job has pending and waiting events, and not what a guard holds", queueStates},
		{"a held event comes back approved", queueHeld},
		{"who has approved is on the event", queueApprover},
		{"an approval is for what the event was held for", queueHeldForSomethingElse},
		{"of two events held by two guards in one settlement, each is approved for its own", queueHeldByTwoGuards},
		{"a try of a password is remembered", queuePasswordTried},
		{"the store can be checked", queueCheck},
		{"a closed store takes nothing", queueClosed},
	}
}

func queueOrder(w world) {
	w.accept(noon+2, update("evt_1", "user_1"))
	w.accept(noon+1, update("evt_2", "user_2"))
	w.accept(noon+3, update("evt_3", "user_3"))
	w.accept(noon+9, update("evt_4", "user_4"))

	due, next, err := w.Due(w.Context(), corp, noon+3, 2)
	w.must(err)
	equal(w, "the first two", due, []store.Due{{Key: in(corp, user("user_2")), At: noon + 1}, {Key: in(corp, user("user_1")), At: noon + 2}})
	equal(w, "the next moment", next, noon+9)
	equal(w, "all", w.due(corp, noon+3), []event.Ref{user("user_2"), user("user_1"), user("user_3")})

	_, next, err = w.Due(w.Context(), corp, noon+9, 1)
	w.must(err)
	equal(w, "no next moment", next, event.Millis(0))
}

func queueForward(w world) {
	for i, at := range []event.Millis{noon - 1, noon, noon + 2, noon + 5, noon + 6} {
		w.accept(at, update(numbered("evt", i), numbered("user", i)))
	}
	w.must(w.BringForward(w.Context(), corp, noon+1, noon+5))
	w.must(w.BringForward(w.Context(), "another", noon-1, noon+9))
	due, next, err := w.Due(w.Context(), corp, noon+5, 9)
	w.must(err)
	moments := map[event.Ref]event.Millis{}
	for _, d := range due {
		moments[d.Key.Object] = d.At
	}
	equal(w, "when each is due", moments, map[event.Ref]event.Millis{
		user(numbered("user", 0)): noon - 1, user(numbered("user", 1)): noon, user(numbered("user", 2)): noon + 1, user(numbered("user", 3)): noon + 1,
	})
	equal(w, "the next moment", next, noon+6)
}

func queueNewest(w world) {
	newest := func(want int64) {
		w.Helper()
		seq, err := w.Newest(w.Context())
		w.must(err)
		equal(w, "the newest", seq, want)
	}
	first := w.accept(noon, update("evt_1", "user_1"))
	newest(first[0].Deliveries[0].Seq)
	last := w.accept(noon, update("evt_2", "user_1"))
	newest(last[0].Deliveries[0].Seq)
	w.accept(noon, update("evt_2", "user_1"))
	newest(last[0].Deliveries[0].Seq)
}

func queueLimit(w world) {
	for i := range 5 {
		w.accept(noon, update(numbered("evt", i), "user_1"))
	}
	for _, c := range []struct {
		limit, pending int
		more           bool
	}{{3, 3, true}, {4, 4, true}, {5, 5, false}, {6, 5, false}} {
		job, err := w.Load(w.Context(), in(corp, user("user_1")), c.limit)
		w.must(err)
		equal(w, "number of events and whether there are more", []any{len(job.Pending), job.More}, []any{c.pending, c.more})
		for i, p := range job.Pending {
			equal(w, "order", p.EventID, numbered("evt", i))
		}
	}
}

func queueUnknown(w world) {
	job := w.load(in(corp, user("user_1")))
	equal(w, "known", job.Known, event.Object{Ref: user("user_1")})
	equal(w, "the rest", []any{len(job.Pending), job.More, job.Attempts, job.Record}, []any{0, false, 0, store.Record{}})
	_, _, err := w.Lookup(w.Context(), in(corp, user("user_1")))
	w.fails(err, store.ErrNotFound)
}

func queueForItself(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(key), done())
	s.Known, s.Due = known(key.Object), noon+100
	equal(w, "woken", w.settle(noon, s), nil)
	equal(w, "due before", w.due(corp, noon+99), nil)
	equal(w, "due", w.due(corp, noon+100), []event.Ref{user("user_1")})
	job := w.load(key)
	equal(w, "pending", len(job.Pending), 0)
	equal(w, "exists", job.Known.Exists(), true)
}

func queueStates(w world) {
	outcomes := map[string]event.Outcome{
		"evt_done": done(), "evt_failed": failed(), "evt_held": held(), "evt_waiting": waiting(),
		"evt_skipped": {State: event.Skipped, Code: event.CodeStale},
	}
	key := in(corp, user("user_1"))
	for id := range outcomes {
		w.accept(noon, update(id, "user_1"))
	}
	s := settlement(w.load(key), done())
	for _, p := range w.load(key).Pending {
		s.Outcomes[p.Seq] = outcomes[p.EventID]
	}
	s.Due = noon + 1
	w.settle(noon, s)
	pending := w.load(key).Pending
	equal(w, "number of events", len(pending), 1)
	equal(w, "event", []any{pending[0].EventID, pending[0].Outcome}, []any{"evt_waiting", waiting()})
}

func queueHeld(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(withPassword(update("evt_1", "user_1"), "pass"))
	w.hold(key, "delete")
	equal(w, "due", w.due(corp, noon+10), nil)

	keys, err := w.Retry(w.Context(), noon+1, "ann", []int64{seq})
	w.must(err)
	equal(w, "keys", keys, []store.Key{key})
	p := w.load(key).Pending[0]
	equal(w, "approved, pending, with its password", []any{p.Approved, p.Outcome.State, p.Change.Password},
		[]any{"delete", event.Pending, secret.New("pass")})
	equal(w, "due", w.due(corp, noon+1), []event.Ref{user("user_1")})
	w.finish(noon, key, waiting())
	equal(w, "approved after a wait", w.load(key).Pending[0].Approved, "delete")
}

func queueApprover(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	approver := func() string {
		w.Helper()
		records, err := w.Events(w.Context(), store.Filter{EventID: "evt_1"})
		w.must(err)
		return records[0].ApprovedBy
	}
	w.finish(noon, key, failed())
	w.retry(seq)
	equal(w, "approver of what was not held", approver(), "")
	w.hold(key, "delete")
	equal(w, "approver before anybody has decided", approver(), "")
	w.retry(seq)
	equal(w, "approver on the event and in the job", []string{approver(), w.load(key).Pending[0].ApprovedBy}, []string{"ann", "ann"})
	w.hold(key, "disable")
	equal(w, "approver of what is held for something else", approver(), "")
	w.retry(seq)
	w.finish(noon, key, done())
	equal(w, "approver of what is done", approver(), "ann")
}

// hold settles the pending events of an object as held by a guard.
func (w world) hold(key store.Key, act string) {
	w.Helper()
	w.settle(noon, settlement(w.load(key), guarded(act)))
}

func (w world) retry(seq int64) {
	w.Helper()
	_, err := w.Retry(w.Context(), noon, "ann", []int64{seq})
	w.must(err)
}

func queueHeldForSomethingElse(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(update("evt_1", "user_1"))
	approved := func() string {
		w.Helper()
		return w.load(key).Pending[0].Approved
	}
	w.finish(noon, key, held()) // for no guard: several entries match
	w.retry(seq)
	equal(w, "after a conflict", approved(), "")
	w.hold(key, "disable")
	w.retry(seq)
	equal(w, "after a guard", approved(), "disable")
	w.hold(key, "delete") // it came to more than was approved
	w.retry(seq)
	equal(w, "after another guard", approved(), "delete")
	w.finish(noon, key, failed())
	w.retry(seq)
	equal(w, "after a failure", approved(), "delete")
	w.finish(noon, key, held())
	w.retry(seq)
	equal(w, "after a conflict at last", approved(), "")
}

func queueHeldByTwoGuards(w world) {
	key := in(corp, user("user_1"))
	first, second := w.seq(update("evt_1", "user_1")), w.seq(update("evt_2", "user_1"))
	s := settlement(w.load(key), guarded("delete"))
	s.Outcomes[second] = guarded("disable")
	w.settle(noon, s)
	w.retry(second)
	equal(w, "after the second", w.load(key).Pending[0].Approved, "disable")
	w.retry(first)
	equal(w, "after the first", w.load(key).Pending[0].Approved, "delete")
}

func queuePasswordTried(w world) {
	key := in(corp, user("user_1"))
	seq := w.seq(withPassword(update("evt_1", "user_1"), "pass"))
	w.must(w.MarkPasswordTried(w.Context(), seq))
	equal(w, "tried", w.load(key).Pending[0].PasswordTried, true)
	w.finish(noon, key, waiting())
	equal(w, "tried after a wait", w.load(key).Pending[0].PasswordTried, true)

	w.finish(noon, key, event.Outcome{State: event.Failed, Code: event.CodePasswordRefused, Message: "in history"})
	_, err := w.Retry(w.Context(), noon, "ann", []int64{seq})
	w.must(err)
	equal(w, "tried after a refusal", w.load(key).Pending[0].PasswordTried, false)
	w.fails(w.MarkPasswordTried(w.Context(), seq+1000), store.ErrNotFound)
}

func queueCheck(w world) {
	for range 3 {
		w.must(w.Check(w.Context()))
	}
}

func queueClosed(w world) {
	w.accept(noon, update("evt_1", "user_1"))
	w.must(w.Close())
	_, err := w.Accept(w.Context(), noon, []store.NewEvent{update("evt_2", "user_2")})
	w.fails(err, store.ErrUnavailable)
	_, err = w.Load(w.Context(), in(corp, user("user_1")), 10)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		w.Fatalf("a closed store answers a reader with %v", err)
	}
	w.must(w.Close())
}
