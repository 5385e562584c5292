package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

const (
	peopleOfDoctor  = 120
	waitingOfDoctor = 7
	pageSize        = 4096
)

func userOfDoctor(i int) event.Ref {
	return event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%04d", i)}
}

var groupOfDoctor = event.Ref{Kind: event.KindGroup, ID: "group_1"}

// newPatient is a store with people who have entries, a group that all of them are in, and some events that wait, and what is known of each.
func newPatient(t *testing.T) (place, map[event.Ref]event.Object) {
	t.Helper()
	folder := t.TempDir()
	p := place{folder, filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")}
	s := p.open(t, store.ToServe)
	known := map[event.Ref]event.Object{}
	settle := func(ref event.Ref, dn string, memberships map[string]event.Membership) {
		t.Helper()
		e := newEvent("evt_" + ref.ID)
		e.Change.Object, e.Change.Fields = ref, event.Values{"displayName": strings.Repeat("somebody ", 20)}
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
		job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: ref}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		o := event.Merge(event.Object{Ref: ref}, []event.Change{job.Pending[0].Change}).Object
		if _, err := s.Settle(t.Context(), 1, store.Settlement{
			Key: job.Key, Version: job.Version, Known: o, Record: store.Record{Link: "link-of-" + ref.ID, DN: plan.MustParseDN(dn)}, Memberships: memberships,
			Outcomes: map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeApplied}},
		}); err != nil {
			t.Fatal(err)
		}
		known[ref] = o
	}
	members := map[string]event.Membership{}
	for i := range peopleOfDoctor {
		ref := userOfDoctor(i)
		settle(ref, "uid="+ref.ID+",ou=people,dc=example,dc=org", nil)
		members[ref.ID] = event.Membership{Present: true, At: event.Stamp{Event: 1}}
	}
	settle(groupOfDoctor, "cn=all,ou=groups,dc=example,dc=org", members)
	for i := range waitingOfDoctor {
		e := newEvent(fmt.Sprintf("evt_waits_%d", i))
		e.Change.Object, e.Change.Password = userOfDoctor(i), secret.New("canary")
		if _, err := s.Accept(t.Context(), 2, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return p, known
}

func (p place) doctor() store.Doctor {
	return store.Doctor{Path: p.path, KeyFile: p.key, Directories: []string{"corp"}, Now: 1000}
}

// saved reads what a store that was saved knows, and expects that all of it was known before.
func (p place) saved(t *testing.T, path string, known map[event.Ref]event.Object, d store.Diagnosis) {
	t.Helper()
	p.path = path
	s := p.open(t, store.ToServe)
	defer s.Close()
	var objects int64
	for ref, want := range known {
		got, record, err := s.Lookup(t.Context(), store.Key{Directory: "corp", Object: ref})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		objects++
		if err != nil || record.Link != "link-of-"+ref.ID {
			t.Fatalf("%s has the link %q: %v", ref, record.Link, err)
		}
		if diff := cmp.Diff(want.Facts, got.Facts); diff != "" {
			t.Fatalf("%s is another (-was +is):\n%s", ref, diff)
		}
	}
	if objects != d.Table("object").Read {
		t.Fatalf("%d objects are saved, and the diagnosis is %+v", objects, d)
	}
	records, err := s.Events(t.Context(), store.Filter{States: []event.State{event.Pending, event.Waiting}})
	if err != nil || len(records) > 0 {
		t.Fatalf("not held are %v: %v", records, err)
	}
}

// A whole store is healthy, and what is saved of it is all of it.
func TestDoctorOfAWholeStore(t *testing.T) {
	p, known := newPatient(t)
	unchanged(t, p.folder, func() {
		d, err := p.doctor().Examine(t.Context())
		if err != nil || !d.Healthy() || d.Schema == 0 {
			t.Fatalf("%+v: %v", d, err)
		}
		want := []store.DirectoryState{{Directory: "corp", Objects: peopleOfDoctor + 1, Linked: peopleOfDoctor + 1, Unfinished: waitingOfDoctor, Lost: []string{}}}
		if diff := cmp.Diff(want, d.Directories); diff != "" {
			t.Error(diff)
		}
	})
	to := filepath.Join(t.TempDir(), "saved.db")
	d, err := p.doctor().Salvage(t.Context(), to, "ann")
	if err != nil {
		t.Fatal(err)
	}
	p.saved(t, to, known, d)
	p.path = to
	s := p.open(t, store.ToServe)
	held, err := s.Events(t.Context(), store.Filter{States: []event.State{event.Held}})
	if err != nil || len(held) != waitingOfDoctor || !strings.Contains(held[0].Outcome.Message, "the store was damaged") {
		t.Errorf("held are %+v: %v", held, err)
	}
	if audit, err := s.Audit(t.Context(), 1); err != nil || len(audit) != 1 || audit[0].What != "salvage" || audit[0].Who != "ann" {
		t.Errorf("recorded is %+v: %v", audit, err)
	}
	if due, _, err := s.Due(t.Context(), "corp", 1<<60, 10); err != nil || len(due) > 0 {
		t.Fatalf("due are %v: %v", due, err)
	}
	// What is held can be decided upon.
	if tried, err := s.Retry(t.Context(), 9, "ann", []int64{held[0].Seq}); err != nil || len(tried) != 1 {
		t.Errorf("tried again are %v: %v", tried, err)
	}
	if _, err := p.doctor().Salvage(t.Context(), to, "ann"); err == nil || !strings.Contains(err.Error(), "nothing is replaced") {
		t.Errorf("a second time: %v", err)
	}
}

// Whatever page is damaged and in whatever way, nothing but what was there is saved, most of it as a rule, and the new store is served.
func TestDoctorSavesWhatCanBeRead(t *testing.T) {
	p, known := newPatient(t)
	whole := read(t, p.path)
	pages := len(whole) / pageSize
	if pages < 60 {
		t.Fatalf("there are %d pages", pages)
	}
	spoils := []struct {
		name string
		// costs is how many pages of a hundred may cost more than a quarter of the objects: those that lead to others.
		costs int
		// every is how far it is from one page to the next that is tried.
		every int
		spoil func(page int) []byte
	}{
		{"nothing is left of a page", 20, 6, func(page int) []byte {
			spoilt := bytes.Clone(whole)
			clear(spoilt[page*pageSize : (page+1)*pageSize])
			return spoilt
		}},
		{"some bytes of a page are others", 20, 6, func(page int) []byte {
			spoilt := bytes.Clone(whole)
			for i := range 16 {
				spoilt[page*pageSize+(i*997+page*31)%pageSize] ^= byte(1 + i)
			}
			return spoilt
		}},
		{"one byte is another", 10, 7, func(page int) []byte {
			spoilt := bytes.Clone(whole)
			spoilt[page*pageSize+(page*131)%pageSize] ^= 0x20
			return spoilt
		}},
		{"the end is missing", 100, 17, func(page int) []byte { return whole[:page*pageSize+page] }},
	}
	for _, c := range spoils {
		t.Run(c.name, func(t *testing.T) {
			costly, tried := 0, 0
			for page := 1; page < pages; page += c.every {
				q := place{folder: t.TempDir(), key: p.key}
				q.path = filepath.Join(q.folder, "store.db")
				if err := os.WriteFile(q.path, c.spoil(page), 0o600); err != nil {
					t.Fatal(err)
				}
				d, err := q.doctor().Examine(t.Context())
				if err != nil {
					t.Fatalf("page %d: %v", page, err)
				}
				tried++
				if d.Table("object").Read < int64(len(known))*3/4 {
					costly++
				}
				if tried%5 != 0 {
					continue // to make a store takes a while
				}
				to := filepath.Join(q.folder, "saved.db")
				saved, err := q.doctor().Salvage(t.Context(), to, "ann")
				if errors.Is(err, store.ErrNothingOpens) && !d.KeyOpens {
					continue
				}
				if err != nil {
					t.Fatalf("page %d: %v", page, err)
				}
				q.saved(t, to, known, saved)
			}
			t.Logf("%d of %d pages cost much", costly, tried)
			if costly*100 > tried*c.costs {
				t.Errorf("%d of %d pages cost more than a quarter of the objects", costly, tried)
			}
		})
	}
}

// The header is the same in all stores, so nothing is lost with it; with all of the first page nothing but the file is left.
func TestDoctorMendsTheHeader(t *testing.T) {
	p, known := newPatient(t)
	whole := read(t, p.path)
	for _, bytes := range []int{24, pageSize} {
		all := bytes < pageSize
		spoilt := append(make([]byte, bytes), whole[bytes:]...)
		if err := os.WriteFile(p.path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := p.doctor().Examine(t.Context())
		if err != nil || d.Healthy() || !strings.Contains(d.Problem, "the database is damaged") || all != (d.Table("object").Read == int64(len(known))) {
			t.Errorf("without %d bytes: %+v: %v", bytes, d, err)
		}
	}
	if _, err := p.doctor().Salvage(t.Context(), filepath.Join(p.folder, "saved.db"), "ann"); !errors.Is(err, store.ErrNothingOpens) {
		t.Errorf("without the first page: %v", err)
	}
}

// What cannot be helped is said: another key, none, no database, one of a newer version.
func TestDoctorSaysWhatCannotBeHelped(t *testing.T) {
	for name, c := range map[string]struct {
		spoil         func(t *testing.T, p *place)
		problem, want string
	}{
		"another key": {func(t *testing.T, p *place) { t.Helper(); write(t, p.key, strings.Repeat("ab", 32)) }, "does not belong to this database", "nothing in it opens with the key"},
		"no key":      {func(t *testing.T, p *place) { t.Helper(); remove(t, p.key) }, "put it back", "nothing in it opens with the key"},
		"a newer one": {func(t *testing.T, p *place) {
			t.Helper()
			alter(t, p.path, "INSERT INTO schema_version (version) VALUES (99)")
		}, "newer version of this program", "newer version of this program"},
		"not even a header": {func(t *testing.T, p *place) { t.Helper(); write(t, p.path, "x") }, "", "not even a header"},
		"nothing":           {func(t *testing.T, p *place) { t.Helper(); p.path += ".none" }, "", "there is no store yet"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			c.spoil(t, &p)
			d, err := p.doctor().Examine(t.Context())
			if c.problem != "" && (err != nil || d.Healthy() || !strings.Contains(d.Problem, c.problem)) || c.problem == "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("it finds %+v: %v", d, err)
			}
			to := filepath.Join(p.folder, "saved.db")
			unchanged(t, p.folder, func() {
				if _, err := p.doctor().Salvage(t.Context(), to, "ann"); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("it says %v", err)
				}
			})
		})
	}
}

// A row that somebody has changed is left out and counted, whatever SQLite thinks of it.
func TestDoctorLeavesOutWhatWasChanged(t *testing.T) {
	p, known := newPatient(t)
	alter(t, p.path, "UPDATE object SET dn = replace(dn, 'user_0003', 'user_0004') WHERE id = 'user_0003'")
	alter(t, p.path, "UPDATE object SET facts = x'00' WHERE id = 'user_0005'")
	alter(t, p.path, "UPDATE event SET object = 'user_0008' WHERE object = 'user_0007'")
	alter(t, p.path, "UPDATE membership SET said = 9223372036854775807 WHERE member = 'user_0009'")
	d, err := p.doctor().Examine(t.Context())
	if err != nil || d.Healthy() {
		t.Fatalf("%+v: %v", d, err)
	}
	for table, refused := range map[string]int64{"object": 2, "event": 1, "delivery": 1, "membership": 1} {
		if got := d.Table(table); got.Refused != refused || got.Broken {
			t.Errorf("%+v; want %d refused", got, refused)
		}
	}
	if lost := d.Directories[0].Lost; len(lost) != 2 || lost[0] != userOfDoctor(3).String() || lost[1] != userOfDoctor(5).String() {
		t.Errorf("lost are %v", lost)
	}
	to := filepath.Join(p.folder, "saved.db")
	if d, err = p.doctor().Salvage(t.Context(), to, "ann"); err != nil {
		t.Fatal(err)
	}
	p.saved(t, to, known, d)
}
