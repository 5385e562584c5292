package store_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/store"
)

// The write-ahead log is emptied every minute. Who writes at that moment does not meet its lock, for which SQLite would wait
// for a millisecond or more, and in the end give up.
func TestNoWriteWaitsForTheUpkeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store.db")
		s := open(t, store.SQLiteConfig{Path: path})
		for range 20 {
			<-time.After(time.Minute)
			start := time.Now()
			for range 20 {
				if err := s.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if waited := time.Since(start); waited > 0 {
				t.Fatalf("those who write at the time of the upkeep wait for %s", waited)
			}
			synctest.Wait()
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
			t.Errorf("after a minute without a write the log is not empty: %+v, %v", info, err)
		}
	})
}

// The write-ahead log is copied into the database seldom: what changes with each event is copied once for many of them, and nobody waits
// for the disk meanwhile.
func TestManyEventsAreCopiedIntoTheDatabaseOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, store.SQLiteConfig{Path: path})
	for i := range 300 {
		if _, err := s.Accept(t.Context(), 1, []store.NewEvent{newEvent(fmt.Sprintf("evt_%d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, page = 32, 24 + 4096
	pages := (info.Size() - header) / page
	rounds := binary.BigEndian.Uint32(read(t, path+"-wal")[12:])
	if pages < 2000 || rounds != 0 {
		t.Errorf("after 300 events the log holds %d pages and was begun anew %d times", pages, rounds)
	}
}
