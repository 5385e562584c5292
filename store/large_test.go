package store_test

import (
	"bytes"
	"fmt"
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

// A large database is served at once, and checked meanwhile. Before its schema is changed it is checked all the same.
func TestALargeDatabaseIsCheckedWhileItIsServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	for i := range 50 {
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent(fmt.Sprintf("evt_%d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var page int64
	if err := peek(t, path).QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'event_by_object'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, (page-1)*4096, bytes.Repeat([]byte{0x5a}, 4096))
	if s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: path, Seal: seal(t, 1)}); err == nil {
		_ = s.Close()
		t.Error("a small one that is damaged is opened")
	}
	log, lines := logrus.New(), make(said, 10)
	log.SetOutput(lines)
	s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: path, Seal: seal(t, 1), Large: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if line := <-lines; !strings.Contains(line, "level=error") || !strings.Contains(line, "restore it from a backup") || !strings.Contains(line, "damaged") {
		t.Errorf("it says %q", line)
	}
	alter(t, path, "DELETE FROM schema_version WHERE version > 1")
	if again, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: path, Seal: seal(t, 1), Large: 1}); err == nil {
		_ = again.Close()
		t.Error("one that is damaged gets another schema")
	}
}
