package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

var userOne = event.Ref{Kind: event.KindUser, ID: "user_1"}

// newEvent is an event about user_1 for the directory corp.
func newEvent(id string) store.NewEvent {
	return store.NewEvent{
		Application: "app_example",
		Change:      event.Change{ID: id, Type: event.TypeUserCreate, Object: userOne, Stamp: event.Stamp{Event: 1}},
		Targets:     []store.Target{{Directory: "corp", KeepPassword: true}},
	}
}

// settleAll gives all pending events of user_1 one outcome, with what is known and remembered of it.
func settleAll(t *testing.T, s store.Store, state event.State, known event.Object, record store.Record) {
	t.Helper()
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	settlement := store.Settlement{Key: job.Key, Version: job.Version, Known: known, Record: record, Outcomes: map[int64]event.Outcome{}}
	for _, p := range job.Pending {
		settlement.Outcomes[p.Seq] = event.Outcome{State: state, Code: event.CodeApplied}
	}
	if _, err := s.Settle(t.Context(), 1, settlement); err != nil {
		t.Fatal(err)
	}
}

func TestNothingSecretIsReadableOnDisk(t *testing.T) {
	const canary = "c4n4ry"
	folder := filepath.Join(t.TempDir(), "data")
	s := open(t, store.SQLiteConfig{Path: filepath.Join(folder, "store.db")})
	for i := range 50 {
		e := newEvent(fmt.Sprintf("evt_%d", i))
		e.Change.Password = secret.New(canary + "-password")
		e.Change.Fields = event.Values{"displayName": canary + "-name", "custom." + canary: canary}
		e.Change.Members = []event.Member{{User: canary + "-member"}}
		e.Change.Problem = canary + "-problem"
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
		if i == 25 {
			settleAll(t, s, event.Failed, event.Object{
				Ref: userOne, Facts: map[string]event.Fact{canary: {Value: canary + "-fact"}},
			}, store.Record{Owned: map[string][]string{canary: {canary + "-owned"}}})
		}
	}
	look := func(when string, files int) {
		found := 0
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			found++
			checkMode(t, path, 0o600)
			raw, err := os.ReadFile(path)
			for _, form := range []string{canary, fmt.Sprintf("%x", canary), "YzRuNHJ5", "M0bjRyeS", "jNG40cn"} { // as it is, in hex and in base64
				if bytes.Contains(raw, []byte(form)) {
					t.Errorf("%s: %s holds %q", when, path, form)
				}
			}
			return err
		})
		if err != nil || found != files {
			t.Fatalf("%s: there are %d files, not %d (%v)", when, found, files, err)
		}
	}
	look("while it is open", 3) // with the write-ahead log and its index
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("when it is closed", 1)
}

func TestPasswordIsErasedOnceItsEventIsSettled(t *testing.T) {
	for state, kept := range map[event.State]bool{
		event.Done: false, event.Skipped: false, event.Discarded: false, event.Failed: true, event.Held: true, event.Waiting: true,
	} {
		t.Run(string(state), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, store.SQLiteConfig{Path: path})
			e := newEvent("evt_1")
			e.Change.Password = secret.New("pass")
			if _, err := s.Accept(t.Context(), 1, []store.NewEvent{e}); err != nil {
				t.Fatal(err)
			}
			settleAll(t, s, state, event.Object{}, store.Record{})
			var passwords int
			if err := peek(t, path).QueryRow("SELECT COUNT(password) FROM delivery").Scan(&passwords); err != nil {
				t.Fatal(err)
			}
			if kept != (passwords == 1) {
				t.Errorf("%d passwords are stored", passwords)
			}
		})
	}
}

// peek opens the database of a store behind its back.
func peek(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestFilesAreTheirOwnersOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b # c?%41")
	path := filepath.Join(folder, "store.db")
	if err := open(t, store.SQLiteConfig{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	checkMode(t, folder, fs.ModeDir|0o700)
	checkMode(t, path, 0o600)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, store.SQLiteConfig{Path: path})
	checkMode(t, path, 0o600)
}

func TestStoreKeepsWhatItHasOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	key := store.Key{Directory: "corp", Object: userOne}
	first, err := s.Allocate(t.Context(), key, "uidNumber", 100, 200)
	if err != nil {
		t.Fatal(err)
	}
	settleAll(t, s, event.Done, event.Object{Ref: userOne, Existence: event.Existence{Present: true}}, store.Record{DN: plan.MustParseDN("uid=a,dc=example")})
	before, err := s.Load(t.Context(), key, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, store.SQLiteConfig{Path: path})
	after, err := s.Load(t.Context(), key, 1)
	if err != nil || after.Record.DN.String() != "uid=a,dc=example" || after.Version < before.Version {
		t.Fatalf("the job is %+v, before it was %+v (%v)", after, before, err)
	}
	key.Object.ID = "user_2"
	if second, err := s.Allocate(t.Context(), key, "uidNumber", 100, 200); err != nil || second != first+1 {
		t.Fatalf("the next number is %d after %d (%v)", second, first, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		cfg   store.SQLiteConfig
		want  string
	}{
		"another key": {func(*testing.T, string) {}, store.SQLiteConfig{Seal: seal(t, 2)}, "key file does not belong to this database"},
		"a newer schema": {func(t *testing.T, path string) {
			t.Helper()
			alter(t, path, "INSERT INTO schema_version (version) VALUES (99)")
		}, store.SQLiteConfig{Seal: seal(t, 1)}, "newer version of this program"},
		"a damaged database": {func(t *testing.T, path string) {
			t.Helper()
			overwrite(t, path, 4096, bytes.Repeat([]byte{0x5a}, 20*4096))
		}, store.SQLiteConfig{Seal: seal(t, 1)}, ""},
		"a file that is no database": {func(t *testing.T, path string) {
			t.Helper()
			overwrite(t, path, 0, bytes.Repeat([]byte("receiver:\n"), 500))
		}, store.SQLiteConfig{Seal: seal(t, 1)}, "not a database"},
		"no key": {func(*testing.T, string) {}, store.SQLiteConfig{}, "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			s := open(t, store.SQLiteConfig{Path: path})
			if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, path)
			content := read(t, path)
			c.cfg.Path = path
			s, err := store.OpenSQLite(t.Context(), c.cfg)
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Fatalf("the error is %v", err)
			}
			if !bytes.Equal(read(t, path), content) {
				t.Error("the file was changed")
			}
		})
	}
}

// A database of before the last deletion was remembered knows it of those that are gone.
func TestDeletionsOfAnOlderSchemaCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store.MakeOfVersion(t, path, 3)
	alter(t, path, `INSERT INTO object (directory, kind, id, present, said, said_update, password, password_update, facts, link, dn, dn_key, removed, woke)
		VALUES ('corp', 'user', 'user_1', FALSE, 7, 6, 0, 0, '', '', '', '', 0, 0)`)
	s := open(t, store.SQLiteConfig{Path: path})
	var at event.Stamp
	err := peek(t, path).QueryRow("SELECT floor, floor_update FROM object").Scan(&at.Event, &at.Update)
	if want := (event.Stamp{Event: 7, Update: 6}); err != nil || at != want {
		t.Errorf("it is %+v, %v", at, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpeningAgainChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := open(t, store.SQLiteConfig{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	content := read(t, path)
	if err := open(t, store.SQLiteConfig{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, path), content) {
		t.Error("the file was changed")
	}
}

func TestUnusedPagesCanBeGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, store.SQLiteConfig{Path: path})
	const incremental = 2
	var mode int
	if err := peek(t, path).QueryRow("PRAGMA auto_vacuum").Scan(&mode); err != nil || mode != incremental {
		t.Errorf("the database is made with auto_vacuum %d (%v)", mode, err)
	}
}

func TestOpenTellsAWrongKeyApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, store.SQLiteConfig{Path: path})
	_, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: path, Seal: seal(t, 2)})
	if !errors.Is(err, store.ErrWrongKey) {
		t.Fatalf("the error is %v", err)
	}
}

func TestSealedValueThatWasMovedDoesNotOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	other := newEvent("evt_2")
	other.Change.Object.ID = "user_2"
	if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1"), other}); err != nil {
		t.Fatal(err)
	}
	alter(t, path, "UPDATE event SET payload = (SELECT payload FROM event WHERE event_id = 'evt_2')")
	_, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 10)
	if !errors.Is(err, store.ErrWrongKey) {
		t.Fatalf("the error is %v", err)
	}
	if _, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: other.Change.Object}, 10); err != nil {
		t.Fatal(err)
	}
}

func alter(t *testing.T, path, statement string) {
	t.Helper()
	db := peek(t, path)
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, at int64, content []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(content, at); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestFullStoreTakesNothingAndRecovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path, MaxPages: 150})
	large := func(i int) []store.NewEvent {
		events := make([]store.NewEvent, 5)
		for n := range events {
			events[n] = newEvent(fmt.Sprintf("evt_%d_%d", i, n))
			events[n].Change.Fields = event.Values{"description": strings.Repeat("x", 10_000)}
		}
		return events
	}
	accepted := 0
	var full error
	for full == nil {
		if _, full = s.Accept(t.Context(), 1, large(accepted)); full == nil {
			accepted++
		}
	}
	if !errors.Is(full, store.ErrUnavailable) || accepted == 0 {
		t.Fatalf("after %d calls the error is %v", accepted, full)
	}
	small := 0
	for full = nil; full == nil; { // there may be room for one of these yet
		if _, full = s.Accept(t.Context(), 1, []store.NewEvent{newEvent(fmt.Sprintf("evt_small_%d", small))}); full == nil {
			small++
		}
	}
	if err := s.Check(t.Context()); !errors.Is(full, store.ErrUnavailable) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("after %v a full store passes its check: %v", full, err)
	}
	counts := func() int64 {
		counts, err := s.Counts(t.Context(), "corp")
		if err != nil {
			t.Fatal(err)
		}
		return counts[event.Pending]
	}
	if got := counts(); got != int64(5*accepted+small) {
		t.Fatalf("there are %d events after %d calls with 5 each and %d with one", got, accepted, small)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, store.SQLiteConfig{Path: path})
	again, err := s.Accept(t.Context(), 1, large(accepted))
	if err != nil || again[0].Repeat {
		t.Fatalf("what was refused is answered with %+v (%v)", again, err)
	}
	if got := counts(); got != int64(5*accepted+small+5) {
		t.Fatalf("there are %d events after one call more", got)
	}
}

func TestFullStoreKeepsWhatOthersWroteAtTheSameTime(t *testing.T) {
	s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), MaxPages: 150})
	const callers = 200
	results := make(chan error, callers)
	for i := range callers {
		go func() {
			e := newEvent(fmt.Sprintf("evt_%d", i))
			e.Change.Fields = event.Values{"description": strings.Repeat("x", 5000)}
			_, err := s.Accept(t.Context(), 1, []store.NewEvent{e})
			results <- err
		}()
	}
	acknowledged := int64(0)
	for range callers {
		switch err := <-results; {
		case err == nil:
			acknowledged++
		case !errors.Is(err, store.ErrUnavailable):
			t.Error(err)
		}
	}
	counts, err := s.Counts(t.Context(), "corp")
	if err != nil || counts[event.Pending] != acknowledged || acknowledged == callers {
		t.Fatalf("%d events were acknowledged, the counts are %v (%v)", acknowledged, counts, err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherProcessMayRetry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	service, command := open(t, store.SQLiteConfig{Path: path}), open(t, store.SQLiteConfig{Path: path})
	accepted, err := service.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_1")})
	if err != nil {
		t.Fatal(err)
	}
	settleAll(t, service, event.Failed, event.Object{}, store.Record{})
	if _, err := command.Retry(t.Context(), 2, "ann", []int64{accepted[0].Deliveries[0].Seq}); err != nil {
		t.Fatal(err)
	}
	due, _, err := service.Due(t.Context(), "corp", 2, 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("due are %v (%v)", due, err)
	}
}
