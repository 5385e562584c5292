//go:build unix

package app

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeBytes returns what this process may still write where a folder is.
func freeBytes(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("look how full the disk of %s is: %w", folder, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:gosec,unconvert,nolintlint // The types differ from system to system.
}
