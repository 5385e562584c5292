package conformance

import (
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

func unseenTests() []test {
	return []test{
		{"what is held because the entry was not seen is worked on with what comes later", unseenWithLater},
		{"what a person has decided on it meanwhile counts", unseenDecided},
		{"what is held leaves room for what is not", unseenLimit},
	}
}

// unseen is the outcome of what is held as the entry was not to be seen.
func unseen() event.Outcome { return guarded("vanished") }

func ids(pending []store.Pending) []string {
	var ids []string
	for _, p := range pending {
		ids = append(ids, p.EventID)
	}
	return ids
}

func unseenWithLater(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"), withPassword(update("evt_2", "user_1"), "pass"))
	s := settlement(w.load(key), unseen())
	s.Outcomes[w.load(key).Pending[0].Seq] = guarded("delete")
	w.settle(noon, s)
	w.accept(noon, update("evt_3", "user_1"))
	for range 2 {
		job := w.load(key)
		equal(w, "events", ids(job.Pending), []string{"evt_2", "evt_3"})
		p := job.Pending[0]
		equal(w, "what is held", []any{p.Outcome.State, p.Approved, p.Change.Password}, []any{event.Held, "", secret.New("pass")})
		equal(w, "woken while it is not seen", w.settle(noon, settlement(job, unseen())), nil)
		equal(w, "held", w.counts(corp), map[event.State]int64{event.Held: 3})
	}
	w.finish(noon, key, waiting())
	equal(w, "when it waits", ids(w.load(key).Pending), []string{"evt_2", "evt_3"})
	w.hold(key, "vanished")
	w.finish(noon, key, done())
	equal(w, "when it is done", []any{w.outcome(corp, "evt_2"), w.outcome(corp, "evt_3"), len(w.load(key).Pending)}, []any{done(), done(), 0})
	equal(w, "what another guard holds", w.outcome(corp, "evt_1").State, event.Held)
}

func unseenDecided(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"), update("evt_2", "user_1"))
	w.hold(key, "vanished")
	job := w.load(key)
	w.retry(job.Pending[0].Seq)
	_, err := w.Discard(w.Context(), noon, "ann", []int64{job.Pending[1].Seq})
	w.must(err)
	equal(w, "woken", w.settle(noon, settlement(job, unseen())), []store.Key{key})
	pending := w.load(key).Pending
	equal(w, "events", ids(pending), []string{"evt_1"})
	equal(w, "approved", pending[0].Approved, "vanished")
	w.settle(noon, settlement(job, done()))
	equal(w, "discarded", w.outcome(corp, "evt_2").State, event.Discarded)
}

func unseenLimit(w world) {
	key := in(corp, user("user_1"))
	for i := range 3 {
		w.accept(noon, update(numbered("held", i), "user_1"))
	}
	w.hold(key, "vanished")
	w.accept(noon, update("new_0", "user_1"), update("new_1", "user_1"))
	for _, c := range []struct {
		limit int
		ids   []string
		more  bool
	}{
		{1, []string{"new_0"}, true},
		{2, []string{"new_0", "new_1"}, true},
		{4, []string{"held_0000", "held_0001", "new_0", "new_1"}, true},
		{5, []string{"held_0000", "held_0001", "held_0002", "new_0", "new_1"}, false},
	} {
		job, err := w.Load(w.Context(), key, c.limit)
		w.must(err)
		equal(w, "events and whether there are more", []any{ids(job.Pending), job.More}, []any{c.ids, c.more})
	}
}
