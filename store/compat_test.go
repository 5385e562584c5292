package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

var update = flag.Bool("update", false, "make the stores in testdata/compat that are missing")

// What every store in testdata/compat knows: a user, a unit, a group with the user in it, and an event that waits with a password.
const compatPassword = "c4n4ry-of-old"

var (
	compatUser   = event.Ref{Kind: event.KindUser, ID: "user_old"}
	compatUnit   = event.Ref{Kind: event.KindUnit, ID: "ou_old"}
	compatGroup  = event.Ref{Kind: event.KindGroup, ID: "group_old"}
	compatPlaces = map[event.Ref]string{
		compatUser: "uid=old,ou=Lab,ou=people,dc=example,dc=org", compatUnit: "ou=Lab,ou=people,dc=example,dc=org", compatGroup: "cn=vpn,ou=groups,dc=example,dc=org",
	}
)

func compatStore(version int) string {
	return filepath.Join("testdata", "compat", fmt.Sprintf("schema-%02d.db.gz", version))
}

// A store of every earlier version of the schema is opened, brought up to date, and knows what it knew. Those in testdata are never made anew: a new
// migration gets its store by -update.
func TestStoresOfEveryEarlierVersionAreOpened(t *testing.T) {
	for version := 1; version <= store.SchemaVersion(t); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			packed, err := os.ReadFile(compatStore(version))
			if errors.Is(err, os.ErrNotExist) && *update {
				packed, err = makeCompatStore(t, version)
			}
			if err != nil {
				t.Fatalf("%v: make it by 'go test ./store -run EveryEarlierVersion -update'", err)
			}
			path := filepath.Join(t.TempDir(), "store.db")
			unpack(t, packed, path)
			s := open(t, store.SQLiteConfig{Path: path})
			knowsWhatItKnew(t, s)
		})
	}
}

// knowsWhatItKnew checks what every store in testdata/compat knows, and that more is taken in.
func knowsWhatItKnew(t *testing.T, s store.Store) {
	t.Helper()
	for ref, dn := range compatPlaces {
		known, record, err := s.Lookup(t.Context(), store.Key{Directory: "corp", Object: ref})
		if err != nil || record.Link != "link-of-"+ref.ID || record.DN.String() != dn || !known.Existence.Present {
			t.Fatalf("%s: %+v %+v: %v", ref, known, record, err)
		}
		if diff := cmp.Diff(event.Values{"displayName": "name of " + ref.ID}, valuesOf(known)); diff != "" {
			t.Errorf("%s (-was +is):\n%s", ref, diff)
		}
	}
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: compatUser}, 10)
	if err != nil || len(job.Pending) != 1 || job.Pending[0].Change.Password.Reveal() != compatPassword {
		t.Fatalf("what waits is %+v: %v", job.Pending, err)
	}
	members, err := s.Memberships(t.Context(), store.Key{Directory: "corp", Object: compatGroup}, []string{compatUser.ID})
	if err != nil || !members[compatUser.ID].Present {
		t.Errorf("members are %v: %v", members, err)
	}
	// It is served.
	if _, err := s.Accept(t.Context(), 20, []store.NewEvent{newEvent("evt_new")}); err != nil {
		t.Error(err)
	}
}

func valuesOf(o event.Object) event.Values {
	values := event.Values{}
	for name, fact := range o.Facts {
		values[name] = fact.Value
	}
	return values
}

// makeCompatStore makes the store of an earlier version from one of this version, whose rows that one knew in the same form.
func makeCompatStore(t *testing.T, version int) ([]byte, error) {
	t.Helper()
	folder := t.TempDir()
	current, old := filepath.Join(folder, "current.db"), filepath.Join(folder, "old.db")
	s := open(t, store.SQLiteConfig{Path: current})
	for _, ref := range []event.Ref{compatUnit, compatUser, compatGroup} {
		e := newEvent("evt_" + ref.ID)
		e.Change.Type = map[event.Kind]event.Type{event.KindUser: event.TypeUserPush, event.KindUnit: event.TypeUnitPush, event.KindGroup: event.TypeGroupPush}[ref.Kind]
		e.Change.Object, e.Change.Fields = ref, event.Values{"displayName": "name of " + ref.ID}
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{e}); err != nil {
			return nil, err
		}
		job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: ref}, 1)
		if err != nil {
			return nil, err
		}
		settlement := store.Settlement{
			Key: job.Key, Version: job.Version, Known: event.Merge(event.Object{Ref: ref}, []event.Change{job.Pending[0].Change}).Object,
			Record:   store.Record{Link: "link-of-" + ref.ID, DN: plan.MustParseDN(compatPlaces[ref])},
			Outcomes: map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeApplied}},
		}
		if ref == compatGroup {
			settlement.Memberships = map[string]event.Membership{compatUser.ID: {Present: true, At: event.Stamp{Event: 1}}}
		}
		if _, err := s.Settle(t.Context(), 1, settlement); err != nil {
			return nil, err
		}
	}
	e := newEvent("evt_waits")
	e.Change.Object, e.Change.Password = compatUser, secret.New(compatPassword)
	if _, err := s.Accept(t.Context(), 2, []store.NewEvent{e}); err != nil {
		return nil, err
	}
	store.CopyToVersion(t, s, old, version)
	raw, err := os.ReadFile(old)
	if err != nil {
		return nil, err
	}
	return pack(raw, compatStore(version))
}

// pack writes a file with what is given, and returns what it holds.
func pack(raw []byte, path string) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(raw)
	}
	if err = errors.Join(err, w.Close(), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
		return nil, err
	}
	return packed.Bytes(), os.WriteFile(path, packed.Bytes(), 0o644)
}

func unpack(t *testing.T, packed []byte, path string) {
	t.Helper()
	if err := os.WriteFile(path, unpacked(t, packed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
