package conformance

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func limitTests() []test {
	return []test{
		{"numbers are given out from the lowest, once", numbersInOrder},
		{"an object keeps its number", numbersKept},
		{"pools and directories have numbers of their own", numbersApart},
		{"a pool that is used up says so", numbersUsedUp},
		{"ranges that overlap share their numbers", numbersOverlap},
		{"many callers get different numbers", numbersConcurrent},
		{"taken numbers are given to nobody", numbersTaken},
		{"a taken number that an object was given is replaced", numbersReplaced},
		{"the first free name is claimed", namesInOrder},
		{"a claim stands until the object has no entry", namesKept},
		{"many callers get different names", namesConcurrent},
		{"a guard lets through as many as its limit", guardLimit},
		{"the same object counts once", guardSame},
		{"what is granted stays granted", guardGranted},
		{"the window slides", guardWindow},
		{"acts and directories are counted apart", guardApart},
		{"several objects pass together or not at all", guardTogether},
		{"a kind has a limit of its own", guardKinds},
		{"a longer window counts what a shorter one had passed", guardLongerWindow},
		{"many callers do not get past a guard", guardConcurrent},
	}
}

func (w world) number(directory, id, pool string, from, to int64) int64 {
	w.Helper()
	n, err := w.Allocate(w.Context(), in(directory, user(id)), pool, from, to)
	w.must(err)
	return n
}

func numbersInOrder(w world) {
	for i := range int64(5) {
		equal(w, "number", w.number(corp, numbered("user", int(i)), "uidNumber", 100, 200), 100+i)
	}
}

func numbersKept(w world) {
	equal(w, "first", w.number(corp, "user_1", "uidNumber", 100, 200), 100)
	equal(w, "second", w.number(corp, "user_2", "uidNumber", 100, 200), 101)
	equal(w, "first again", w.number(corp, "user_1", "uidNumber", 100, 200), 100)
	equal(w, "first of another range", w.number(corp, "user_1", "uidNumber", 300, 400), 100)
	w.remember(in(corp, user("user_1")), gone(user("user_1")), store.Record{})
	equal(w, "third, after the first is gone", w.number(corp, "user_3", "uidNumber", 100, 200), 102)
}

func numbersApart(w world) {
	equal(w, "number", w.number(corp, "user_1", "uidNumber", 100, 200), 100)
	equal(w, "number of another pool", w.number(corp, "user_1", "gidNumber", 100, 200), 100)
	equal(w, "number of another directory", w.number(lab, "user_2", "uidNumber", 100, 200), 100)
}

func numbersUsedUp(w world) {
	w.number(corp, "user_1", "uidNumber", 100, 101)
	w.number(corp, "user_2", "uidNumber", 100, 101)
	for range 2 {
		_, err := w.Allocate(w.Context(), in(corp, user("user_3")), "uidNumber", 100, 101)
		w.fails(err, store.ErrNoneLeft)
		if errors.Is(err, store.ErrUnavailable) {
			w.Fatalf("it is said to pass: %v", err)
		}
	}
	equal(w, "number of the first", w.number(corp, "user_1", "uidNumber", 100, 101), 100)
	equal(w, "number of a wider range", w.number(corp, "user_3", "uidNumber", 100, 102), 102)
}

func numbersOverlap(w world) {
	var got []int64
	for i, from := range []int64{105, 105, 100, 100, 100, 100, 100, 100, 100, 106, 90} {
		got = append(got, w.number(corp, numbered("user", i), "uidNumber", from, 200))
	}
	equal(w, "numbers", got, []int64{105, 106, 100, 101, 102, 103, 104, 107, 108, 109, 90})
}

func numbersConcurrent(w world) {
	const callers, each = 16, 10
	got := make([][]int64, callers)
	w.together(callers, func(ctx context.Context, i int) error {
		for n := range each {
			number, err := w.Allocate(ctx, in(corp, user(numbered("user", i*each+n))), "uidNumber", 1000, 9999)
			if err != nil {
				return err //nolint:wrapcheck // The test shows it.
			}
			got[i] = append(got[i], number)
		}
		return nil
	})
	all := slices.Concat(got...)
	slices.Sort(all)
	for i, n := range all {
		equal(w, "number", n, int64(1000+i))
	}
}

func numbersTaken(w world) {
	number := func(id string, taken ...int64) int64 {
		w.Helper()
		n, err := w.Allocate(w.Context(), in(corp, user(id)), "uidNumber", 100, 200, taken...)
		w.must(err)
		return n
	}
	equal(w, "first", number("user_1", 100, 101, 103), 102)
	equal(w, "second", number("user_2"), 104)
	equal(w, "third, where the number of the first is said to be taken", number("user_3", 102), 105)
	equal(w, "first again", number("user_1"), 102)
}

func numbersReplaced(w world) {
	equal(w, "number", w.number(corp, "user_1", "uidNumber", 100, 200), 100)
	n, err := w.Allocate(w.Context(), in(corp, user("user_1")), "uidNumber", 100, 200, 100)
	w.must(err)
	equal(w, "number in its place", n, 101)
	equal(w, "number in its place again", w.number(corp, "user_1", "uidNumber", 100, 200), 101)
	equal(w, "number of another", w.number(corp, "user_2", "uidNumber", 100, 200), 102)
}

func (w world) claim(directory, id string, candidates ...string) string {
	w.Helper()
	name, err := w.Claim(w.Context(), in(directory, user(id)), "uid", candidates)
	w.must(err)
	return name
}

func namesInOrder(w world) {
	equal(w, "first", w.claim(corp, "user_1", "ann", "ann2"), "ann")
	equal(w, "second, who writes it otherwise", w.claim(corp, "user_2", "Ann", "ann2"), "ann2")
	equal(w, "third", w.claim(corp, "user_3", "ann", "ann2"), "")
	equal(w, "in another directory", w.claim(lab, "user_3", "ann", "ann2"), "ann")
	equal(w, "second again", w.claim(corp, "user_2", "ann", "ann2"), "ann2")
	equal(w, "first, who has another name now", w.claim(corp, "user_1", "anna"), "anna")
	equal(w, "third, after that", w.claim(corp, "user_3", "ann", "ann2"), "ann")
}

func namesKept(w world) {
	one := in(corp, user("user_1"))
	w.claim(corp, "user_1", "ann")
	w.remember(one, known(user("user_1")), at("uid=ann,dc=example,dc=org"))
	equal(w, "another, while the entry is there", w.claim(corp, "user_2", "ann", "ann2"), "ann2")
	w.remember(one, gone(user("user_1")), store.Record{})
	equal(w, "another, after it is gone", w.claim(corp, "user_3", "ann"), "ann")
}

func namesConcurrent(w world) {
	const callers = 16
	names := make([]string, callers)
	candidates := make([]string, callers)
	for i := range candidates {
		candidates[i] = numbered("ann", i)
	}
	w.together(callers, func(ctx context.Context, i int) error {
		var err error
		names[i], err = w.Claim(ctx, in(corp, user(numbered("user", i))), "uid", candidates)
		return err //nolint:wrapcheck // The test shows it.
	})
	slices.Sort(names)
	slices.Sort(candidates)
	equal(w, "names", names, candidates)
}

func guardLimit(w world) {
	equal(w, "limit 0", w.spend(user("user_0"), "delete", noon, 0), false)
	for i := range 3 {
		equal(w, "within the limit", w.spend(user(numbered("user", i)), "delete", noon, 3), true)
	}
	equal(w, "beyond the limit", w.spend(user("user_4"), "delete", noon, 3), false)
	equal(w, "another kind beyond the limit", w.spend(group("g_1"), "delete", noon, 3), false)
	equal(w, "a higher limit", w.spend(user("user_4"), "delete", noon, 4), true)
}

func guardSame(w world) {
	for range 3 {
		equal(w, "the same object", w.spend(user("user_1"), "delete", noon, 2), true)
	}
	equal(w, "another one", w.spend(user("user_2"), "delete", noon, 2), true)
	equal(w, "a third", w.spend(user("user_3"), "delete", noon, 2), false)
}

func guardGranted(w world) {
	w.spend(user("user_1"), "delete", noon, 2)
	w.spend(user("user_2"), "delete", noon, 2)
	equal(w, "the first again under a lower limit", w.spend(user("user_1"), "delete", noon, 1), true)
}

func guardWindow(w world) {
	hour := event.Millis(time.Hour.Milliseconds())
	w.spend(user("user_1"), "delete", noon, 1)
	equal(w, "just before it ends", w.spend(user("user_2"), "delete", noon+hour-1, 1), false)
	equal(w, "when it ends", w.spend(user("user_2"), "delete", noon+hour, 1), true)
	equal(w, "what was granted before the window", w.spend(user("user_1"), "delete", noon+hour, 1), false)
	// What happens again counts from then on.
	equal(w, "again", w.spend(user("user_2"), "delete", noon+hour+hour/2, 1), true)
	equal(w, "an hour after it began", w.spend(user("user_3"), "delete", noon+2*hour, 1), false)
}

func guardApart(w world) {
	equal(w, "delete", w.spend(user("user_1"), "delete", noon, 1), true)
	equal(w, "disable", w.spend(user("user_2"), "disable", noon, 1), true)
	for _, act := range []string{"adopt", "rename", "change", "vanished"} {
		equal(w, act, w.spend(user("user_2"), act, noon, 1), true)
		equal(w, act+" beyond the limit", w.spend(user("user_4"), act, noon, 1), false)
	}
	elsewhere := spending("delete", noon, 1, user("user_3"))
	elsewhere.Directory = lab
	equal(w, "delete in another directory", w.spendAll(elsewhere), true)
}

func guardTogether(w world) {
	three := []event.Ref{unit("ou_1"), user("user_1"), user("user_2")}
	equal(w, "three of two", w.spendAll(spending("delete", noon, 2, three...)), false)
	equal(w, "one of two", w.spend(user("user_9"), "delete", noon, 2), true)
	equal(w, "two more of two", w.spendAll(spending("delete", noon, 2, three[:2]...)), false)
	equal(w, "two more of three", w.spendAll(spending("delete", noon, 3, three[:2]...)), true)
	equal(w, "one that is granted and one more, of three", w.spendAll(spending("delete", noon, 3, three[1:]...)), false)
	equal(w, "one that is granted and one more, of four", w.spendAll(spending("delete", noon, 4, three[1:]...)), true)
	equal(w, "the same twice in one", w.spendAll(spending("delete", noon, 5, user("user_8"), user("user_8"))), true)
	spent := func(act string, kind event.Kind, since event.Millis) int {
		n, err := w.Spent(w.Context(), corp, act, kind, since)
		w.must(err)
		return n
	}
	equal(w, "all that was granted", spent("delete", "", noon-1), 5)
	equal(w, "to users", spent("delete", event.KindUser, noon-1), 4)
	equal(w, "after that", spent("delete", "", noon), 0)
	equal(w, "for another act", spent("disable", "", noon-1), 0)
}

func guardKinds(w world) {
	limited := func(limit int, refs ...event.Ref) store.Spending {
		s := spending("delete", noon, limit, refs...)
		s.MaxOf = map[event.Kind]int{event.KindUser: 2, event.KindGroup: 1}
		return s
	}
	equal(w, "users", w.spendAll(limited(10, user("user_1"), user("user_2"))), true)
	equal(w, "a user beyond the limit of users", w.spendAll(limited(10, user("user_3"))), false)
	equal(w, "a group", w.spendAll(limited(10, group("g_1"))), true)
	equal(w, "a user beyond and a unit", w.spendAll(limited(10, user("user_3"), unit("ou_1"))), false)
	equal(w, "units, which have none", w.spendAll(limited(10, unit("ou_1"), unit("ou_2"), unit("ou_3"))), true)
	equal(w, "a unit beyond the limit of all", w.spendAll(limited(6, unit("ou_4"))), false)
}

// Shortening the window for a moment does not make room in the longer one.
func guardLongerWindow(w world) {
	equal(w, "first", w.spend(user("user_1"), "delete", noon, 1), true)
	later := noon + event.Millis((50 * time.Minute).Milliseconds())
	short := spending("delete", later, 1, user("user_2"))
	short.Window = time.Minute
	equal(w, "in a window of a minute", w.spendAll(short), true)
	equal(w, "in the window of an hour again", w.spend(user("user_3"), "delete", later, 2), false)
}

func guardConcurrent(w world) {
	var granted atomic.Int64
	w.together(50, func(ctx context.Context, i int) error {
		ok, err := w.Spend(ctx, spending("delete", noon, 5, user(numbered("user", i))))
		if ok {
			granted.Add(1)
		}
		return err //nolint:wrapcheck // The test shows it.
	})
	equal(w, "granted", granted.Load(), 5)
}
