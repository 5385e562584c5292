//go:build unix

package acceptance_test

import (
	"syscall"
	"testing"
	"time"
)

// processorTime is what this process has used of all processors: on a machine that others use as well it says more than
// the time that has passed.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
