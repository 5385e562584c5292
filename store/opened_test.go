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
	c := newCrowd(t, 0, 0)
	opened := store.CountOpened(c.SQLite)
	const people, times = 50, 4
	for range times {
		for i := range people {
			c.next++
			e := newEvent(fmt.Sprint("evt ", c.next))
			e.Change.Object, e.Change.Fields = person(i).Object, event.Values{"displayName": "Ann"}
			if _, err := c.Accept(t.Context(), 7, []store.NewEvent{e}); err != nil {
				t.Fatal(err)
			}
			job, err := c.Load(t.Context(), person(i), 10)
			if err != nil {
				t.Fatal(err)
			}
			s := settlementOf(person(i), true)
			s.Known.Facts = map[string]event.Fact{"displayName": {Value: "Ann", At: event.Stamp{Event: event.Millis(c.next)}}}
			s.Version, s.Outcomes = job.Version, map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeUnchanged}}
			if _, err := c.Settle(t.Context(), 8, s); err != nil {
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
		Link: "link", DN: dnOf(person(1)), Owned: map[string][]string{"description": {"a", "b"}}, Member: "ann", MemberRule: "{{.username}}",
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
