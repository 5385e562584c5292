//go:build linux || darwin

package store_test

import (
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"

	"idaas-ldap/store"
)

// Nobody but the owner may read the key, or the group of a file that root has handed over to a user in that group.
func TestWhoMayReadTheKey(t *testing.T) {
	for _, c := range []struct {
		mode        fs.FileMode
		owner, user int
		others      bool
	}{
		{0o600, 1000, 1000, false},
		{0o640, 1000, 1000, true},
		{0o604, 1000, 1000, true},
		{0o440, 0, 65532, false},
		{0o460, 0, 65532, true},
		{0o444, 0, 65532, true},
		{0o440, 0, 0, true},
		{0o400, 0, 0, false},
	} {
		files := fstest.MapFS{"store.key": {Mode: c.mode, Sys: &syscall.Stat_t{Uid: uint32(c.owner)}}} //nolint:gosec // They are small.
		info, err := files.Stat("store.key")
		if err != nil {
			t.Fatal(err)
		}
		if got := store.OthersMayRead(info, c.user); got != c.others {
			t.Errorf("%v of %d for %d: %t", c.mode, c.owner, c.user, got)
		}
	}
}
