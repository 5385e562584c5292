package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

var restoredAt = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// backedUp makes a backup of the store at a place.
func (p place) backedUp(t *testing.T) string {
	t.Helper()
	s := p.open(t, store.ToRead)
	path := filepath.Join(p.folder, "backup.db")
	if err := errors.Join(s.Backup(t.Context(), path), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p place) restore(t *testing.T, backup string) (store.Restored, error) {
	t.Helper()
	return store.Restore(t.Context(), store.SQLiteConfig{Path: p.path}, p.key, backup, "ann", restoredAt)
}

func (p place) take(t *testing.T, ids ...string) {
	t.Helper()
	s := p.open(t, store.ToServe)
	for _, id := range ids {
		e := newEvent(id)
		e.Change.Password = secret.New("canary-of-" + id)
		if _, err := s.Accept(t.Context(), 7, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A backup is of one moment and whole, however much is written while it is made.
func TestABackupIsWholeWhileOthersWrite(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, store.ToServe)
	stop, began := make(chan struct{}), make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			if i == 3 {
				close(began)
			}
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent(fmt.Sprint("first", i)), newEvent(fmt.Sprint("second", i))}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	<-began
	for i := range 2 {
		path := filepath.Join(p.folder, fmt.Sprint("backup", i))
		if err := s.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		held, err := store.ExamineBackup(t.Context(), path, p.key)
		if err != nil || held.Events < 7 || held.Events%2 != 1 {
			t.Errorf("a backup of pairs and one holds %+v: %v", held, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("it is %v: %v", info.Mode(), err)
		}
	}
	close(stop)
	writing.Wait()
	if names, err := filepath.Glob(filepath.Join(p.folder, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left over are %v: %v", names, err)
	}
}

// hideFirst lets the guard hold what is said of the first user, as the entry is not to be seen.
func (p place) hideFirst(t *testing.T) {
	t.Helper()
	s := p.open(t, store.ToServe)
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 10)
	if err == nil {
		held := store.Settlement{Key: job.Key, Version: job.Version, Due: 8, Outcomes: map[int64]event.Outcome{}}
		for _, e := range job.Pending {
			held.Outcomes[e.Seq] = event.Outcome{State: event.Held, Code: event.CodeGuarded, Act: "vanished"}
		}
		_, err = s.Settle(t.Context(), 7, held)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// What comes of a restore: what was known, and nothing that would set the directory back.
func TestARestoreHoldsWhatWaited(t *testing.T) {
	for _, unseen := range []bool{false, true} {
		t.Run(fmt.Sprint("not to be seen: ", unseen), func(t *testing.T) { restoreHolds(t, unseen) })
	}
}

func restoreHolds(t *testing.T, unseen bool) {
	t.Helper()
	p := newPlace(t)
	p.take(t, "evt_2")
	if unseen {
		p.hideFirst(t)
	}
	backup := p.backedUp(t)
	p.take(t, "evt_3")
	got, err := p.restore(t, backup)
	if err != nil {
		t.Fatal(err)
	}
	if got.Events != 2 || got.Waiting != 2 || got.Last != 7 || !strings.HasSuffix(got.Former, "-before-20261128T120000Z") {
		t.Errorf("it says %+v", got)
	}
	s := p.open(t, store.ToServe)
	records, err := s.Events(t.Context(), store.Filter{})
	if err != nil || len(records) != 2 {
		t.Fatalf("restored are %v: %v", records, err)
	}
	var seqs []int64
	for _, r := range records {
		seqs = append(seqs, r.Seq)
		if r.Outcome.State != event.Held || r.Outcome.Code != event.CodeRestored || !strings.Contains(r.Outcome.Message, "idaas-ldap pull") {
			t.Errorf("%s is %+v", r.EventID, r.Outcome)
		}
	}
	if due, next, err := s.Due(t.Context(), "corp", 1<<60, 10); err != nil || len(due) > 0 || next != 0 {
		t.Errorf("due are %v, and %d: %v", due, next, err)
	}
	if audit, err := s.Audit(t.Context(), 1); err != nil || len(audit) != 1 || audit[0].Who != "ann" || audit[0].What != "restore" {
		t.Errorf("recorded is %+v: %v", audit, err)
	}
	if _, err := s.Retry(t.Context(), 9, "ann", seqs); err != nil {
		t.Fatal(err)
	}
	job, err := s.Load(t.Context(), store.Key{Directory: "corp", Object: userOne}, 10)
	if err != nil || len(job.Pending) != 2 {
		t.Fatalf("tried again are %+v: %v", job.Pending, err)
	}
	for _, e := range job.Pending {
		if !e.Change.Password.Empty() || e.Approved != "" {
			t.Errorf("%s comes back with a password, or approved for %q", e.EventID, e.Approved)
		}
	}
	former := store.SQLiteConfig{Path: got.Former, Access: store.ToRead}
	before, err := store.Open(t.Context(), former, p.key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if records, err := before.Events(t.Context(), store.Filter{}); err != nil || len(records) != 3 {
		t.Errorf("kept are %v: %v", records, err)
	}
}

// A store that is gone or damaged is what a restore is for.
func TestARestoreTakesThePlaceOfWhateverIsThere(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, p place){
		"nothing":  func(t *testing.T, p place) { t.Helper(); remove(t, p.path) },
		"rubbish":  func(t *testing.T, p place) { t.Helper(); write(t, p.path, strings.Repeat("receiver:\n", 900)) },
		"an empty": func(t *testing.T, p place) { t.Helper(); write(t, p.path, "") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			backup := p.backedUp(t)
			spoil(t, p)
			if _, err := p.restore(t, backup); err != nil {
				t.Fatal(err)
			}
			s := p.open(t, store.ToServe)
			if records, err := s.Events(t.Context(), store.Filter{}); err != nil || len(records) != 1 {
				t.Errorf("restored are %v: %v", records, err)
			}
		})
	}
}

// What cannot be restored says why, and changes nothing.
func TestARestoreThatFailsChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, p *place, backup *string)
		want  string
	}{
		"there is no such file": {func(_ *testing.T, _ *place, backup *string) { *backup += "x" }, "no backup"},
		"it is empty":           {func(t *testing.T, _ *place, backup *string) { t.Helper(); write(t, *backup, "") }, "no backup"},
		"it is something else": {func(t *testing.T, _ *place, backup *string) {
			t.Helper()
			write(t, *backup, strings.Repeat("receiver:\n", 900))
		}, "no backup"},
		"it is cut short": {func(t *testing.T, _ *place, backup *string) {
			t.Helper()
			whole := read(t, *backup)
			write(t, *backup, string(whole[:len(whole)/2]))
		}, "damaged"},
		"it is of another store": {func(t *testing.T, _ *place, backup *string) { t.Helper(); *backup = newPlace(t).backedUp(t) }, "the key file does not belong to this database"},
		"the key is gone":        {func(t *testing.T, p *place, _ *string) { t.Helper(); remove(t, p.key) }, "read the store's key"},
		"somebody serves it": {func(t *testing.T, p *place, _ *string) {
			t.Helper()
			release, err := p.open(t, store.ToServe).Reserve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = release() })
		}, "has it"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			backup := p.backedUp(t)
			c.spoil(t, &p, &backup)
			before := contents(t, filepath.Dir(p.path))
			_, err := p.restore(t, backup)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v", err)
			}
			after := contents(t, filepath.Dir(p.path))
			delete(after, p.path+"-work") // the lock, of which nothing comes
			delete(before, p.path+"-work")
			if fmt.Sprint(before) != fmt.Sprint(after) {
				t.Error("the folder of the store has changed")
			}
		})
	}
}

// A backup replaces nothing, not even a backup.
func TestABackupReplacesNothing(t *testing.T) {
	p := newPlace(t)
	path := p.backedUp(t)
	before := string(read(t, path))
	s := p.open(t, store.ToRead)
	if err := s.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("it says %v", err)
	}
	if string(read(t, path)) != before {
		t.Error("it was written to")
	}
	if err := s.Backup(t.Context(), filepath.Join(p.folder, "no such folder", "x")); err == nil {
		t.Error("a folder was made")
	}
}

// A round of reading that was under way begins anew, and whoever listens knows since when nobody has.
func TestARestoreBeginsReadingAnew(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, store.ToServe)
	for _, name := range []string{"round:app", "alive:app"} {
		if err := s.SetNote(t.Context(), name, []byte("1"), "app", []store.Mark{{Object: userOne, Stage: store.ReadingAbsent}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.restore(t, p.backedUp(t)); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, store.ToServe)
	round, _ := s.Note(t.Context(), "round:app")
	alive, _ := s.Note(t.Context(), "alive:app")
	marked, err := s.HasMark(t.Context(), "app", userOne)
	if len(round) > 0 || string(alive) != "1" || marked || err != nil {
		t.Errorf("the round is %q, the last sign of life %q, the mark there: %v, %v", round, alive, marked, err)
	}
}
