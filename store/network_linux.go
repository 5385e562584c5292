package store

import (
	"fmt"
	"syscall"
)

// refuseNetwork refuses a folder on a file system of another machine: the locks that SQLite relies on do not hold there.
func refuseNetwork(folder string) error {
	var stat syscall.Statfs_t
	if syscall.Statfs(folder, &stat) != nil {
		return nil
	}
	const (
		nfs  = 0x6969
		smb  = 0x517b
		cifs = 0xff534d42
		smb2 = 0xfe534d42
	)
	switch uint32(stat.Type) { //nolint:gosec // The magic numbers are 32 bits wide.
	case nfs, smb, cifs, smb2:
		return fmt.Errorf("the store's folder %s is on a network file system, where the locks of SQLite do not hold: put it on a local disk", folder)
	}
	return nil
}
