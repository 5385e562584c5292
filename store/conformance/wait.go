package conformance

import (
	"context"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

func waitTests() []test {
	return []test{
		{"an awaited object makes those due that wait for it", waitWake},
		{"a settlement that is no news wakes nobody", waitNoWake},
		{"an object that is due at no time by itself is woken", waitWithoutTimer},
		{"what is woken sooner by itself keeps its place", waitKeepsPlace},
		{"waits replace those of before", waitReplaced},
		{"an object of another directory wakes nobody here", waitOtherDirectory},
		{"what happened between loading and waiting is not missed", waitNotMissed},
		{"what happened before loading does not count", waitBefore},
		{"an awaited object that moves along with the one above it makes those due that wait for it", waitMovedAlong},
		{"no wake-up is lost however the two settle", waitRace},
	}
}

// park makes a user wait for objects, looked at again by itself at a moment.
func (w world) park(id string, due event.Millis, on ...event.Ref) []store.Key {
	w.Helper()
	key := in(corp, user(id))
	w.accept(noon, update("evt_"+id, id))
	s := settlement(w.load(key), waiting())
	s.WaitsFor, s.Due, s.Attempts = on, due, 1
	return w.settle(noon, s)
}

// appear settles an object that others may wait for.
func (w world) appear(now event.Millis, key store.Key, wake bool) []store.Key {
	w.Helper()
	s := settlement(w.load(key), done())
	s.Known, s.Wake = known(key.Object), wake
	return w.settle(now, s)
}

func (w world) waitsFor(id string) []event.Ref {
	w.Helper()
	refs, err := w.WaitsFor(w.Context(), in(corp, user(id)))
	w.must(err)
	return refs
}

func waitWake(w world) {
	w.park("user_1", noon+5000, unit("ou_1"))
	w.park("user_2", noon+5000, unit("ou_1"), unit("ou_2"))
	w.park("user_3", noon+5000, unit("ou_2"))
	equal(w, "waits", w.waitsFor("user_2"), []event.Ref{unit("ou_1"), unit("ou_2")})
	equal(w, "due", w.due(corp, noon), nil)

	woken := w.appear(noon+1, in(corp, unit("ou_1")), true)
	slices.SortFunc(woken, func(a, b store.Key) int { return len(a.Object.ID+a.Directory) - len(b.Object.ID+b.Directory) })
	if len(woken) != 2 || !slices.Contains(woken, in(corp, user("user_1"))) || !slices.Contains(woken, in(corp, user("user_2"))) {
		w.Fatalf("woken are %v", woken)
	}
	due := w.due(corp, noon+1)
	if len(due) != 2 || !slices.Contains(due, user("user_1")) || !slices.Contains(due, user("user_2")) {
		w.Fatalf("due are %v", due)
	}
	equal(w, "attempts", w.load(in(corp, user("user_1"))).Attempts, 1)
	equal(w, "waits of the first", w.waitsFor("user_1"), nil)
	equal(w, "waits of the second", w.waitsFor("user_2"), []event.Ref{unit("ou_2")})
	equal(w, "woken again", w.appear(noon+2, in(corp, unit("ou_1")), true), nil)
}

func waitMovedAlong(w world) {
	lab := in(corp, unit("ou_lab"))
	w.remember(lab, known(lab.Object), at("ou=Lab,ou=Sales,dc=example"))
	sales := in(corp, unit("ou_sales"))
	w.remember(sales, known(sales.Object), at("ou=Sales,dc=example"))
	w.park("user_1", noon+5000, lab.Object)
	// The second is loaded before the unit is renamed, and says only after it that it waits.
	w.accept(noon, update("evt_user_2", "user_2"))
	late := settlement(w.load(in(corp, user("user_2"))), waiting())
	late.WaitsFor, late.Due, late.Attempts = []event.Ref{lab.Object}, noon+5000, 1

	s := settlement(w.load(sales), done())
	s.Known, s.Record = known(sales.Object), at("ou=Service,dc=example")
	s.RenamedFrom, s.RenamedTo = plan.MustParseDN("ou=Sales,dc=example"), plan.MustParseDN("ou=Service,dc=example")
	equal(w, "woken", w.settle(noon+1, s), []store.Key{in(corp, user("user_1"))})
	equal(w, "woken by itself", w.settle(noon+1, late), []store.Key{in(corp, user("user_2"))})
	due := w.due(corp, noon+1)
	if len(due) != 2 {
		w.Fatalf("due are %v", due)
	}
}

func waitNoWake(w world) {
	w.park("user_1", noon+5000, unit("ou_1"))
	equal(w, "woken", w.appear(noon+1, in(corp, unit("ou_1")), false), nil)
	equal(w, "due", w.due(corp, noon+1), nil)
	equal(w, "waits", w.waitsFor("user_1"), []event.Ref{unit("ou_1")})
}

func waitWithoutTimer(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(key), waiting())
	s.WaitsFor = []event.Ref{unit("ou_1")}
	w.settle(noon, s)
	equal(w, "due", w.due(corp, noon+1_000_000), nil)
	equal(w, "woken", w.appear(noon+1, in(corp, unit("ou_1")), true), []store.Key{key})
	equal(w, "due", w.due(corp, noon+1), []event.Ref{user("user_1")})
}

func waitKeepsPlace(w world) {
	w.park("user_1", noon+1, unit("ou_1"))
	w.appear(noon+10, in(corp, unit("ou_1")), true)
	equal(w, "due", w.due(corp, noon+1), []event.Ref{user("user_1")})
}

func waitReplaced(w world) {
	key := in(corp, user("user_1"))
	w.park("user_1", noon+5000, unit("ou_1"))
	s := settlement(w.load(key), waiting())
	s.WaitsFor, s.Due = []event.Ref{unit("ou_2"), unit("ou_2")}, noon+5000
	w.settle(noon, s)
	equal(w, "waits", w.waitsFor("user_1"), []event.Ref{unit("ou_2")})
	equal(w, "woken by the first", w.appear(noon, in(corp, unit("ou_1")), true), nil)
	equal(w, "woken by the second", w.appear(noon, in(corp, unit("ou_2")), true), []store.Key{key})
}

func waitOtherDirectory(w world) {
	w.park("user_1", noon+5000, unit("ou_1"))
	equal(w, "woken", w.appear(noon, in(lab, unit("ou_1")), true), nil)
	equal(w, "waits", w.waitsFor("user_1"), []event.Ref{unit("ou_1")})
}

func waitNotMissed(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	job := w.load(key)
	_, _, err := w.Lookup(w.Context(), in(corp, unit("ou_1")))
	w.fails(err, store.ErrNotFound)
	w.appear(noon, in(corp, unit("ou_1")), true)

	s := settlement(job, waiting())
	s.WaitsFor, s.Due = []event.Ref{unit("ou_1")}, noon+5000
	equal(w, "woken", w.settle(noon+1, s), []store.Key{key})
	equal(w, "due", w.due(corp, noon+1), []event.Ref{user("user_1")})
}

func waitBefore(w world) {
	w.appear(noon, in(corp, unit("ou_1")), true)
	equal(w, "woken", w.park("user_1", noon+5000, unit("ou_1")), nil)
	equal(w, "due", w.due(corp, noon+1), nil)
	w.appear(noon, in(corp, unit("ou_1")), false)
	equal(w, "due", w.due(corp, noon+1), nil)
}

func waitRace(w world) {
	const pairs = 40
	w.together(2*pairs, func(ctx context.Context, i int) error {
		id := numbered("x", i/2)
		if i%2 == 0 {
			job, err := w.Load(ctx, in(corp, unit(id)), 10)
			if err == nil {
				s := settlement(job, done())
				s.Known, s.Wake = known(unit(id)), true
				_, err = w.Settle(ctx, noon, s)
			}
			return err //nolint:wrapcheck // The test shows it.
		}
		if _, err := w.Accept(ctx, noon, []store.NewEvent{update("evt_"+id, id)}); err != nil {
			return err //nolint:wrapcheck // As above.
		}
		job, err := w.Load(ctx, in(corp, user(id)), 10)
		if err != nil {
			return err //nolint:wrapcheck // As above.
		}
		if _, _, err := w.Lookup(ctx, in(corp, unit(id))); err == nil {
			return nil // it is there: nothing to wait for, and the user is due
		}
		s := settlement(job, waiting())
		s.WaitsFor, s.Due = []event.Ref{unit(id)}, noon+5000
		_, err = w.Settle(ctx, noon, s)
		return err //nolint:wrapcheck // As above.
	})
	equal(w, "number of objects that are due", len(w.due(corp, noon)), pairs)
}
