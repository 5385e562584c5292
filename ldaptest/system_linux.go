package ldaptest

import "syscall"

// reusePort is SO_REUSEPORT, which the standard library does not name on every kind of Linux.
const reusePort = 0xf

// ownGroup makes a program the first of a process group of its own, which dies with the test, however that ends. Children of the
// program do not.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
