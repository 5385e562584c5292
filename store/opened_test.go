package store_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Whoever comes again is not decrypted again: what was sealed last is known. Only the events themselves are opened, each once.
func TestWhoComesAgainIsNotOpenedAgain(t *testing.T) {
	s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db")})
	opened := store.CountOpened(s)
	const people, times = 20, 4
	for round := range times {
		for i := range people {
			e := newEvent(fmt.Sprintf("evt_%d_%d", round, i))
			e.Change.Object, e.Change.Fields = user(i).Object, event.Values{"displayName": "Ann"}
			if _, err := s.Accept(t.Context(), 7, []store.NewEvent{e}); err != nil {
				t.Fatal(err)
			}
			job, err := s.Load(t.Context(), user(i), 10)
			if err != nil {
				t.Fatal(err)
			}
			known := event.Object{Ref: user(i).Object, Existence: event.Existence{Present: true, At: event.Stamp{Event: 5}}}
			known.Facts = map[string]event.Fact{"displayName": {Value: "Ann", At: event.Stamp{Event: event.Millis(round)}}}
			if _, err := s.Settle(t.Context(), 8, store.Settlement{
				Key: job.Key, Version: job.Version, Known: known, Record: store.Record{Link: "link of " + job.Key.Object.ID, DN: placeOf(i)},
				Outcomes: map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeUnchanged}},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := opened(); n != people*times {
		t.Errorf("for %d events of %d people %d sealed values are opened", people*times, people, n)
	}
}

// What is kept opened is what another process reads from the database, and nobody who gets it can change it.
func TestWhatIsKeptOpenedIsWhatIsStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	known := event.Object{
		Ref: userOne, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}},
		Facts: map[string]event.Fact{
			"displayName": {Value: "Ann, 安\x00", At: event.Stamp{Event: 1}}, "createTime": {Value: int64(1) << 60, At: event.Stamp{Event: 1}},
			"custom.list": {Value: []any{"a", nil, true, map[string]any{"id": "ou_1", "n": int64(3)}}}, "custom.none": {},
		},
	}
	record := store.Record{
		Link: "link", DN: placeOf(1), Owned: map[string][]string{"description": {"a", "b"}}, Member: "ann", MemberRule: "{{.username}}",
		Refused: map[string]plan.Refusal{"mail": {Digest: "d", Reason: "no"}},
	}
	for _, r := range []store.Record{record, {Link: "link", DN: record.DN}} {
		settleAll(t, s, event.Done, known, r)
		other := open(t, store.SQLiteConfig{Path: path, Access: store.ToRead})
		for range 2 {
			kept, read := jobOf(t, s), jobOf(t, other)
			if !reflect.DeepEqual(kept, read) {
				t.Errorf("kept is\n%+v\nand read\n%+v", kept, read)
			}
			clear(kept.Known.Facts)
			clear(kept.Record.Owned)
			clear(kept.Record.Refused)
			kept.Record.DN[0] = nil
		}
	}
}

func placeOf(i int) plan.DN {
	return plan.MustParseDN(fmt.Sprintf("uid=u%d,ou=people,dc=example,dc=org", i))
}

func jobOf(t *testing.T, s store.Store) store.Job {
	t.Helper()
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 10)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// What is kept opened has a bound, and what is used stays.
func TestWhatIsKeptOpenedIsBounded(t *testing.T) {
	first, last, used, most := store.KeepOpened(t, 100_000)
	if most > 100_000 || most < 50_000 {
		t.Errorf("%d bytes are kept, where 100,000 may be", most)
	}
	if first || !last || !used {
		t.Errorf("kept is the first: %t, the last: %t, and what is asked for all the time: %t", first, last, used)
	}
}
