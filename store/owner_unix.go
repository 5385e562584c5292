//go:build linux || darwin

package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// mayWrite reports whether this process may write a file, or make files in a folder.
func mayWrite(path string) bool {
	const write = 2
	return syscall.Access(path, write) == nil
}

// giveTo gives a file that root has made to the owner of another one: who runs a command as root does not keep the service,
// which has a user of its own, from its files. SQLite does the same with what it puts beside a database.
func giveTo(path string, like fs.FileInfo) error {
	owner, known := like.Sys().(*syscall.Stat_t)
	if !known || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid)) //nolint:wrapcheck // The error names the path.
}

// othersMayRead reports whether others than a user may read a file. The group of one that root has handed over is that user's: so secrets come
// to a container that does not run as root.
func othersMayRead(info fs.FileInfo, user int) bool {
	const group, others = 0o070, 0o007
	if owner, known := info.Sys().(*syscall.Stat_t); known && owner.Uid == 0 && user != 0 {
		return info.Mode().Perm()&(others|0o030) != 0
	}
	return info.Mode().Perm()&(group|others) != 0
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	return errors.Join(folder.Sync(), folder.Close())
}
