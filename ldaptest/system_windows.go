package ldaptest

import (
	"os"
	"syscall"
)

// socket is what the system knows a socket by.
type socket = syscall.Handle

// reusePort lets several sockets be bound to one port.
const reusePort = syscall.SO_REUSEADDR

// ownGroup makes a program the first of a process group of its own.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killGroup ends a program, which may be gone already. Windows knows no signals, and none of the servers runs on it.
func killGroup(first *os.Process, _ syscall.Signal) { _ = first.Kill() }
