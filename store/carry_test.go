package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// full makes a store in a file in which every table has rows, and closes it.
func full(t *testing.T) (p place, content []store.Carried) {
	t.Helper()
	folder := t.TempDir()
	p = place{folder, filepath.Join(folder, "store.db"), filepath.Join(folder, "store.key")}
	s := p.open(t, store.ToServe)
	if others := store.FillTables(t, s); !slices.Equal(others, []string{"lease", "schema_version"}) {
		t.Errorf("the tables %v are not carried over", others)
	}
	content, _ = store.ContentOf(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return p, content
}

// carrying carries a store in a file over.
func (p place) carrying(to store.Place) store.Carrying {
	return store.Carrying{From: store.Place{File: p.path}, To: to, KeyFile: p.key, As: "the test", Clock: time.Now, Random: rand.Reader}
}

// A store is carried over whole, from a file to a server and back, and the numbers go on where they were.
func (p postgres) carriedOver() {
	t := p.T
	file, want := full(t)
	url := p.url()
	carried := file.carrying(store.Place{URL: url})
	carried.ToName = "the server"
	var told int64
	carried.Told = func(done, of int64) {
		if told = of - done; done > of {
			t.Errorf("%d of %d rows", done, of)
		}
	}
	got, err := carried.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || told != 0 {
		t.Errorf("carried over is\n%v\nand not\n%v; %d rows were not told of", got, want, told)
	}
	key, err := store.LoadKey(file.key)
	if err != nil {
		t.Fatal(err)
	}
	s := openPostgres(t, store.PostgresConfig{URL: url, Seal: key})
	if got, last := store.ContentOf(t, s); !slices.Equal(got, want) || last != 4000 {
		t.Errorf("there is\n%v\nand not\n%v; the last number is %d", got, want, last)
	}
	serve := func() error {
		s, err := store.Open(t.Context(), store.SQLiteConfig{Path: file.path}, file.key, rand.Reader)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	var wrong *store.Misconfigured
	if err := serve(); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "carried over to the server") {
		t.Errorf("the one that it comes from is served: %v", err)
	}
	if where, err := carried.TakeBack(t.Context()); err != nil || where != "the server" {
		t.Errorf("it is taken back from %q: %v", where, err)
	}
	if err := serve(); err != nil {
		t.Errorf("taken back, it is not served: %v", err)
	}
	if _, err := carried.TakeBack(t.Context()); !errors.Is(err, store.ErrNotLeft) {
		t.Errorf("it is taken back twice: %v", err)
	}
	back := place{file.folder, filepath.Join(file.folder, "back.db"), file.key}
	toFile := carried
	toFile.From, toFile.To = carried.To, store.Place{File: back.path}
	if _, err := toFile.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tryPostgres(t, store.PostgresConfig{URL: url, Seal: key}); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "carried over to") {
		t.Errorf("the server that it came back from is served: %v", err)
	}
	if got, last := store.ContentOf(t, back.open(t, store.ToServe)); !slices.Equal(got, want) || last != 4000 {
		t.Errorf("back in a file there is\n%v\nand not\n%v; the last number is %d", got, want, last)
	}
}

// Nothing is carried to where something is, from or to what somebody works with, or without the key; and nothing is changed then.
func (p postgres) carriedNowhere() {
	t := p.T
	file, _ := full(t)
	key, err := store.LoadKey(file.key)
	if err != nil {
		t.Fatal(err)
	}
	run := func(c store.Carrying) error { return second(c.Run(t.Context())) }

	used := p.url()
	s := openPostgres(t, store.PostgresConfig{URL: used, Seal: key})
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
		t.Fatal(err)
	}
	before, _ := store.ContentOf(t, s)
	if err := run(file.carrying(store.Place{URL: used})); !errors.Is(err, store.ErrHasContent) {
		t.Errorf("to a store with an event: %v", err)
	}
	if after, _ := store.ContentOf(t, s); !slices.Equal(before, after) {
		t.Error("a store that was not empty has changed")
	}

	empty := p.url()
	lease, err := openPostgres(t, store.PostgresConfig{URL: empty, Seal: key}).Lease(t.Context(), "corp")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(file.carrying(store.Place{URL: empty})); !errors.Is(err, store.ErrReserved) {
		t.Errorf("to a store that somebody works with: %v", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	openPostgres(t, store.PostgresConfig{URL: empty, Seal: key}) // which it is still: no mark is left

	serving, err := store.Open(t.Context(), store.SQLiteConfig{Path: file.path, Reserve: true}, file.key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(file.carrying(store.Place{URL: empty})); !errors.Is(err, store.ErrReserved) {
		t.Errorf("from a store that somebody works with: %v", err)
	}
	if err := serving.Close(); err != nil {
		t.Fatal(err)
	}
	other := file.carrying(store.Place{URL: p.url()})
	openPostgres(t, store.PostgresConfig{URL: other.To.URL, Seal: seal(t, 2)})
	if err := run(other); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("to a store with another key: %v", err)
	}
	other.From = store.Place{File: filepath.Join(file.folder, "none.db")}
	if err := run(other); !errors.Is(err, store.ErrNoStore) {
		t.Errorf("from nothing: %v", err)
	}
}

// What was broken off serves nobody, and is begun again. What has arrived otherwise than it was is found.
func (p postgres) carriedInPart() {
	t := p.T
	file, want := full(t)
	key, err := store.LoadKey(file.key)
	if err != nil {
		t.Fatal(err)
	}
	onServer := store.Place{URL: p.url()}
	for _, to := range []store.Place{onServer, {File: filepath.Join(file.folder, "other.db")}} {
		c := file.carrying(to)
		ctx, stop := context.WithCancel(t.Context())
		c.Told = func(int64, int64) { stop() }
		if err := second(c.Run(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("broken off: %v", err)
		}
		for _, access := range []store.Access{store.ToServe, store.ToChange, store.ToRead} {
			var err error
			if to.File != "" {
				_, err = store.Open(t.Context(), store.SQLiteConfig{Path: to.File, Access: access}, file.key, rand.Reader)
			} else {
				_, err = tryPostgres(t, store.PostgresConfig{URL: to.URL, Seal: key, Access: access})
			}
			var wrong *store.Misconfigured
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "'idaas-ldap store migrate' again") {
				t.Errorf("what was broken off is opened: %v", err)
			}
		}
		c.Told = nil
		if got, err := c.Run(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("again: %v (%v)", got, err)
		}
	}

	changed := file.carrying(store.Place{URL: p.url()})
	openPostgres(t, store.PostgresConfig{URL: changed.To.URL, Seal: key})
	p.Administer(t, ldaptest.PostgresDatabase, "SET search_path = "+schemaOf(changed.To.URL)+`;
		CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.value := NEW.value + 1; RETURN NEW; END $$;
		CREATE TRIGGER spoil BEFORE INSERT ON number FOR EACH ROW EXECUTE FUNCTION spoil()`)
	if err := second(changed.Run(t.Context())); err == nil || !strings.Contains(err.Error(), "the table number has 5 rows") {
		t.Errorf("with other values: %v", err)
	}
	if _, err := tryPostgres(t, store.PostgresConfig{URL: changed.To.URL, Seal: key}); err == nil {
		t.Error("what has arrived otherwise is opened")
	}
}
