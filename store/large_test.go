package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"idaas-ldap/store"
)

// said hands on each line that is logged.
type said chan string

func (s said) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}

// filled makes a database with so many events, and returns where in its file the pages of a table or index are.
func filled(t *testing.T, events int, name string) (path string, pages []int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	var all []store.NewEvent
	for i := range events {
		all = append(all, newEvent(fmt.Sprintf("evt_%d", i)))
	}
	if _, err := s.Accept(t.Context(), 1, all); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := peek(t, path)
	defer db.Close()
	rows, err := db.Query("SELECT pageno FROM dbstat WHERE name = ? ORDER BY path", name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var page int64
		if err := rows.Scan(&page); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, (page-1)*4096)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return path, pages
}

// onDisk is what the files of a database hold.
func onDisk(t *testing.T, path string) string {
	t.Helper()
	content := string(read(t, path))
	if log, err := os.ReadFile(path + "-wal"); err == nil {
		content += string(log)
	}
	return content
}

// What is damaged is refused at the start where that is to be seen at once, whatever the size of the database.
func TestDamageThatIsSeenAtOnceIsRefused(t *testing.T) {
	good, table := filled(t, 200, "delivery")
	whole := read(t, good)
	filling := bytes.Repeat([]byte{0x5a}, 4096)
	for name, harm := range map[string]struct {
		at      int64
		content []byte
		cut     int64
	}{
		"the header":       {0, filling[:100], 0},
		"the schema":       {100, filling[:3000], 0},
		"the first page":   {table[0], filling, 0},
		"the unused pages": {36, []byte{0x7f, 0xff, 0xff, 0xff}, 0},
		"the end is lost":  {0, nil, 8 * 4096},
	} {
		for access, what := range map[store.Access]string{store.ToServe: "serve", store.ToChange: "change", store.ToRead: "read"} {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, harm.at, harm.content)
			if harm.cut > 0 {
				truncate(t, path, harm.cut)
			}
			before := onDisk(t, path)
			s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: path, Seal: seal(t, 1), Large: 1, Access: access})
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "restore it from a backup") {
				t.Errorf("%s, to %s: %v", name, what, err)
			}
			if onDisk(t, path) != before {
				t.Errorf("%s, to %s: the database is changed", name, what)
			}
		}
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// A large database is served at once, and checked meanwhile. When damage is found nothing more is taken in, read or written, and the
// next one who opens it looks through all of it first.
func TestALargeDatabaseIsCheckedWhileItIsServed(t *testing.T) {
	path, index := filled(t, 500, "event_by_object")
	whole := read(t, path)
	overwrite(t, path, index[len(index)-1], bytes.Repeat([]byte{0x5a}, 4096))
	small := store.SQLiteConfig{Path: path, Seal: seal(t, 1)}
	if s, err := store.OpenSQLite(t.Context(), small); err == nil {
		_ = s.Close()
		t.Error("a small one that is damaged is opened")
	}
	log, lines, told := logrus.New(), make(said, 10), make(chan error, 1)
	log.SetOutput(lines)
	large := store.SQLiteConfig{Path: path, Seal: seal(t, 1), Large: 1, Log: log, Damaged: func(err error) { told <- err }}
	s, err := store.OpenSQLite(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	if line := <-lines; !strings.Contains(line, "level=error") || !strings.Contains(line, "restore the database from a backup") {
		t.Errorf("it says %q", line)
	}
	if err := <-told; !errors.Is(err, store.ErrDamaged) {
		t.Errorf("it tells %v", err)
	}
	before := onDisk(t, path)
	_, accept := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_more")})
	_, load := s.Load(t.Context(), store.Key{Directory: "corp"}, 1)
	for what, err := range map[string]error{"it takes an event": accept, "it is read": load, "it is ready": s.Check(t.Context())} {
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if onDisk(t, path) != before {
		t.Error("it is written to")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if again, err := store.OpenSQLite(t.Context(), large); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("opened again: %v", errors.Join(err, again.Close()))
	}
	alter(t, path, "DELETE FROM schema_version WHERE version > 1")
	if again, err := store.OpenSQLite(t.Context(), large); err == nil {
		_ = again.Close()
		t.Error("one that is damaged gets another schema")
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + beside); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	restored := open(t, store.SQLiteConfig{Path: path, Large: 1})
	if _, err := restored.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_more")}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-damaged"); !os.IsNotExist(err) {
		t.Errorf("one that was restored is said to be damaged still: %v", err)
	}
}

// Damage that a write meets before the check has come there ends the work all the same.
func TestDamageThatIsMetEndsTheWork(t *testing.T) {
	path, index := filled(t, 1, "event_by_object")
	told := make(chan error, 1)
	s := open(t, store.SQLiteConfig{Path: path, Damaged: func(err error) { told <- err }})
	overwrite(t, path, index[0], bytes.Repeat([]byte{0x5a}, 4096))
	_, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent("evt_more")})
	if !errors.Is(err, store.ErrDamaged) || !errors.Is(s.Check(t.Context()), store.ErrDamaged) || !errors.Is(<-told, store.ErrDamaged) {
		t.Errorf("it is met with %v", err)
	}
}
