//go:build unix

package ldaptest

import (
	"os"
	"syscall"
)

// socket is what the system knows a socket by.
type socket = int

// killGroup sends a signal to the process group of a program, which may be gone already.
func killGroup(first *os.Process, s syscall.Signal) { _ = syscall.Kill(-first.Pid, s) }
