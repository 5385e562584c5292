package store

import (
	"fmt"
	"syscall"
)

// refuseNetwork refuses a folder on a file system of another machine: the locks and the shared memory that SQLite relies
// on do not hold there. Where the system does not tell what the folder is on, opening the database shows what is wrong.
func refuseNetwork(folder string) error {
	var stat syscall.Statfs_t
	if syscall.Statfs(folder, &stat) == nil && isNetwork(uint32(stat.Type)) { //nolint:gosec // The magic numbers are 32 bits wide.
		return fmt.Errorf("the folder %s is on a network file system, where the locks of SQLite do not hold: put the store on a local disk", folder)
	}
	return nil
}

// isNetwork knows the magic numbers of statfs(2) by which network file systems show.
func isNetwork(magic uint32) bool {
	const (
		nfs    = 0x6969
		smb    = 0x517b
		cifs   = 0xff534d42
		smb2   = 0xfe534d42
		ceph   = 0x00c36400
		lustre = 0x0bd00bd0
	)
	switch magic {
	case nfs, smb, cifs, smb2, ceph, lustre:
		return true
	default:
		return false
	}
}

// freeSpace returns how many bytes more this user may write to the file system of a folder, negative where nobody can tell.
func freeSpace(folder string) int64 {
	var stat syscall.Statfs_t
	if syscall.Statfs(folder, &stat) != nil {
		return -1
	}
	return int64(stat.Bavail) * int64(stat.Bsize) //nolint:gosec,unconvert // Its types differ from system to system.
}
