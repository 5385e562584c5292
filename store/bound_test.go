package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// people are two users with entries, one below the other's unit.
type people struct {
	*testing.T
	store *store.SQLite
	path  string
}

func newPeople(t *testing.T) people {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	p := people{t, open(t, store.SQLiteConfig{Path: path}), path}
	for i := range 2 {
		p.settle(store.Settlement{Key: user(i), Known: event.Object{Ref: user(i).Object, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}}}, Record: plan.Record{
			Link: fmt.Sprint("link", i), DN: plan.MustParseDN(fmt.Sprintf("uid=u%d,ou=people,dc=example,dc=org", i)),
		}})
	}
	return p
}

func user(i int) store.Key {
	return store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprint("user_", i)}}
}

func (p people) settle(s store.Settlement) {
	p.Helper()
	job, err := p.store.Load(p.Context(), s.Key, 1)
	if err != nil {
		p.Fatal(err)
	}
	s.Version = job.Version
	if _, err := p.store.Settle(p.Context(), 1, s); err != nil {
		p.Fatal(err)
	}
}

// moved says which of the two are noticed to be moved.
func (p people) moved(want ...bool) {
	p.Helper()
	for i, is := range want {
		_, err := p.store.Load(p.Context(), user(i), 1)
		_, _, other := p.store.Lookup(p.Context(), user(i))
		if errors.Is(err, store.ErrMoved) != is || errors.Is(other, store.ErrMoved) != is || !is && (err != nil || other != nil) {
			p.Errorf("user %d is read with %v and %v; want it noticed: %t", i, err, other, is)
		}
	}
}

// swapped exchanges a column of two rows.
func swapped(table, column string) string {
	return fmt.Sprintf("CREATE TEMP TABLE was AS SELECT id, %[2]s FROM %[1]s; UPDATE %[1]s SET %[2]s = (SELECT was.%[2]s FROM was WHERE was.id <> %[1]s.id)", table, column)
}

// What somebody moves from one row to another is noticed, whatever it is, and nobody acts upon it.
func TestARowThatWasMovedIsNoticed(t *testing.T) {
	swap := func(column string) string { return swapped("object", column) }
	for what, statement := range map[string]string{
		"links":           swap("link"),
		"DNs":             swap("dn"),
		"facts":           swap("facts"),
		"marks":           swap("bound"),
		"no mark":         "UPDATE object SET bound = NULL",
		"whole rows":      "UPDATE object SET id = 'x' WHERE id = 'user_0'; UPDATE object SET id = 'user_0' WHERE id = 'user_1'; UPDATE object SET id = 'user_1' WHERE id = 'x'",
		"another entry":   "UPDATE object SET link = link || '2'",
		"a DN of our own": "UPDATE object SET dn = 'cn=admin,dc=example,dc=org'",
	} {
		t.Run(what, func(t *testing.T) {
			p := newPeople(t)
			p.moved(false, false)
			alter(t, p.path, statement)
			for i := range 2 {
				_, err := p.store.Load(t.Context(), user(i), 1)
				if !errors.Is(err, store.ErrMoved) && !errors.Is(err, store.ErrWrongKey) {
					t.Errorf("user %d is read with %v", i, err)
				}
			}
		})
	}
}

// An event, or its way to a directory, that was moved to another object is not applied to that.
func TestAnEventThatWasMovedIsNoticed(t *testing.T) {
	for _, statement := range []string{
		"UPDATE delivery SET object = CASE object WHEN 'user_1' THEN 'user_2' ELSE 'user_1' END",
		"UPDATE delivery SET event = (SELECT e.id FROM event e WHERE e.id <> delivery.event)",
		swapped("event", "payload"),
	} {
		s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db")})
		first, second := newEvent("evt_1"), newEvent("evt_2")
		second.Change.Object = event.Ref{Kind: event.KindUser, ID: "user_2"}
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{first, second}); err != nil {
			t.Fatal(err)
		}
		for i := 1; i <= 2; i++ {
			if job, err := s.Load(t.Context(), user(i), 1); err != nil || len(job.Pending) != 1 {
				t.Fatalf("before: %v", err)
			}
		}
		alter(t, store.PathOf(s), statement)
		for i := 1; i <= 2; i++ {
			if _, err := s.Load(t.Context(), user(i), 1); !errors.Is(err, store.ErrMoved) && !errors.Is(err, store.ErrWrongKey) {
				t.Errorf("%s: user %d is read with %v", statement, i, err)
			}
		}
	}
}

// What the program itself changes of many rows at once stays good, and does not make good what was moved.
func TestOnlyRowsAsTheyWereAreCarriedAlong(t *testing.T) {
	p := newPeople(t)
	unit := store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUnit, ID: "ou_1"}}
	rename := func(from, to string) {
		p.settle(store.Settlement{
			Key: unit, Known: event.Object{Ref: unit.Object}, Record: plan.Record{DN: plan.MustParseDN(to)},
			RenamedFrom: plan.MustParseDN(from), RenamedTo: plan.MustParseDN(to),
		})
	}
	rename("ou=people,dc=example,dc=org", "ou=staff,dc=example,dc=org")
	p.moved(false, false)
	if _, r, err := p.store.Lookup(t.Context(), user(0)); err != nil || r.DN.String() != "uid=u0,ou=staff,dc=example,dc=org" {
		t.Errorf("after the rename: %s (%v)", r.DN, err)
	}
	alter(t, p.path, "UPDATE object SET link = 'link1' WHERE id = 'user_0'")
	rename("ou=staff,dc=example,dc=org", "ou=people,dc=example,dc=org")
	p.moved(true, false)
	if err := p.store.AcceptDirectory(t.Context(), 1, "eve", "corp", plan.MustParseDN("dc=example,dc=org"), "another"); err != nil {
		t.Fatal(err)
	}
	p.moved(true, false)
	if _, r, err := p.store.Lookup(t.Context(), user(1)); err != nil || r.Link != "" {
		t.Errorf("in another directory the link is %q (%v)", r.Link, err)
	}
}

// The rows of a database from before there were marks get them when it is brought up to date. A mark that is missing later is not
// made again.
func TestRowsFromBeforeAreMarked(t *testing.T) {
	p := newPeople(t)
	alter(t, p.path, "UPDATE object SET bound = NULL")
	p.moved(true, true)
	store.Bind(t, p.store)
	p.moved(false, false)
}
