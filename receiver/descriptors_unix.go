//go:build unix

package receiver

import (
	"math"
	"syscall"
)

// maxDescriptors returns how many files and connections this process may have open, 0 where that cannot be found out.
func maxDescriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:unconvert // The type differs between systems.
}
