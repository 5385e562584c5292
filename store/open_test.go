package store_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// contents are all files below a folder by their names. Of the index of the write-ahead log there is only the name: every reader
// may build it anew.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		switch {
		case err != nil:
			return err
		case info.IsDir():
			found[path] = "a folder"
			return nil
		case strings.HasSuffix(path, "-shm"):
			found[path] = "an index"
			return nil
		}
		found[path] = string(read(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unchanged calls act and says what it did to a folder.
func unchanged(t *testing.T, folder string, act func()) {
	t.Helper()
	before := contents(t, folder)
	act()
	after := contents(t, folder)
	if !maps.Equal(before, after) {
		t.Errorf("the folder held %v and holds %v, or a file was changed", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}

// place is a folder with a store in it that has one event, and its key.
type place struct{ folder, path, key string }

func newPlace(t *testing.T) place {
	t.Helper()
	folder := t.TempDir()
	p := place{folder, filepath.Join(folder, "data", "store.db"), filepath.Join(folder, "data", "store.key")}
	s := p.open(t, store.ToServe)
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) open(t *testing.T, access store.Access) *store.SQLite {
	t.Helper()
	s, err := store.Open(t.Context(), store.SQLiteConfig{Path: p.path, Access: access}, p.key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// However a store cannot be opened, the reason is said and nothing on the disk is changed.
func TestAStoreThatCannotBeOpenedIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p *place)
		want  string
		only  []store.Access // nil for all
	}{
		"the key is missing": {func(t *testing.T, p *place) {
			t.Helper()
			remove(t, p.key)
		}, "with the key that it was made with is not there: put it back", nil},
		"the key is another one": {func(t *testing.T, p *place) {
			t.Helper()
			write(t, p.key, strings.Repeat("ab", 32))
		}, "the key file does not belong to this database", nil},
		"the key is a folder":      {func(t *testing.T, p *place) { t.Helper(); p.key = filepath.Dir(p.key) }, "is not a file", nil},
		"the database is a folder": {func(t *testing.T, p *place) { t.Helper(); p.path = filepath.Dir(p.path) }, "it is a folder; name a file in it", nil},
		"the database is a file of something else": {func(t *testing.T, p *place) {
			t.Helper()
			write(t, p.path, strings.Repeat("receiver:\n", 500))
		}, "the database is damaged", nil},
		"the database is of a later version": {func(t *testing.T, p *place) {
			t.Helper()
			alter(t, p.path, "INSERT INTO schema_version (version) VALUES (99)")
		}, "newer version of this program", nil},
		"the database is of an earlier version": {func(t *testing.T, p *place) {
			t.Helper()
			alter(t, p.path, "DELETE FROM schema_version WHERE version > 1")
		}, "brings it up to date", []store.Access{store.ToChange, store.ToRead}},
		"there is none": {func(t *testing.T, p *place) { t.Helper(); p.path += ".none" }, "there is no store yet", []store.Access{store.ToChange, store.ToRead}},
		"there is none, and no place for its key": {func(t *testing.T, p *place) {
			t.Helper()
			p.key = filepath.Join(p.path, "key", "store.key")
			p.path = filepath.Join(p.folder, "new", "deep", "store.db")
		}, "not a directory", []store.Access{store.ToServe}},
		"there is none, and no place for it": {func(t *testing.T, p *place) {
			t.Helper()
			p.key = filepath.Join(p.folder, "new.key")
			p.path = filepath.Join(p.path, "store.db")
		}, "not a directory", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if c.only == nil {
				c.only = []store.Access{store.ToServe, store.ToChange, store.ToRead}
			}
			p := newPlace(t)
			c.spoil(t, &p)
			for _, access := range c.only {
				unchanged(t, p.folder, func() {
					s, err := store.Open(t.Context(), store.SQLiteConfig{Path: p.path, Access: access}, p.key, rand.Reader)
					if err == nil {
						_ = s.Close()
						t.Fatal("it was opened")
					}
					if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
						t.Errorf("the error is %q; want one line with %q", err, c.want)
					}
				})
			}
		})
	}
}

// Who only reads makes nothing beside the database and changes nothing in it, whether the service runs or not.
func TestReadingLeavesNoTrace(t *testing.T) {
	p := newPlace(t)
	look := func(t *testing.T, p place) {
		t.Helper()
		unchanged(t, p.folder, func() {
			s := p.open(t, store.ToRead)
			events, err := s.Events(t.Context(), store.Filter{})
			if err != nil || len(events) != 1 {
				t.Errorf("%d events are seen (%v)", len(events), err)
			}
			for what, err := range map[string]error{
				"accept": second(s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_2")})), "check": s.Check(t.Context()),
				"retry": second(s.Retry(t.Context(), 1, "me", []int64{1})), "audit": s.RecordAudit(t.Context(), store.AuditRecord{}),
			} {
				if !errors.Is(err, store.ErrReadOnly) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	look(t, p)
	running := p.open(t, store.ToServe)
	look(t, p)
	// As after a power cut: what is in the write-ahead log is read, and stays there.
	cut := place{folder: t.TempDir()}
	cut.path, cut.key = filepath.Join(cut.folder, "store.db"), filepath.Join(cut.folder, "store.key")
	if _, err := running.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 1); err != nil {
		t.Fatal(err)
	}
	settleAll(t, running, event.Failed, event.Object{}, store.Record{})
	for name, content := range contents(t, filepath.Dir(p.path)) {
		if content != "a folder" {
			write(t, filepath.Join(cut.folder, filepath.Base(name)), string(read(t, name)))
		}
	}
	unchanged(t, cut.folder, func() {
		s := cut.open(t, store.ToRead)
		failed, err := s.Events(t.Context(), store.Filter{States: []event.State{event.Failed}})
		if err != nil || len(failed) != 1 {
			t.Errorf("%d failed events are seen (%v)", len(failed), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Who changes rows needs a store that is there; the service may run meanwhile.
func TestRowsAreChangedBesideTheService(t *testing.T) {
	p := newPlace(t)
	running := p.open(t, store.ToServe)
	s := p.open(t, store.ToChange)
	if n, err := s.Discard(t.Context(), 1, "me", []int64{1}); err != nil || n != 1 {
		t.Fatalf("%d events are discarded (%v)", n, err)
	}
	events, err := running.Events(t.Context(), store.Filter{States: []event.State{event.Discarded}})
	if err != nil || len(events) != 1 {
		t.Errorf("the service sees %d discarded events (%v)", len(events), err)
	}
}

func second[T any](_ T, err error) error { return err }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
