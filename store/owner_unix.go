//go:build linux || darwin

package store

import (
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
