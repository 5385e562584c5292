//go:build unix && !linux

package ldaptest

import "syscall"

// reusePort lets several sockets be bound to one port.
const reusePort = syscall.SO_REUSEPORT

// ownGroup makes a program the first of a process group of its own. It outlives a test that is killed: only Linux can tell a
// program that the one who started it has died.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
