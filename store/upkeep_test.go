package store_test

import (
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
