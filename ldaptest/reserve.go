package ldaptest

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// reservation keeps a port for a server while that is down, so that nobody who asks the system for any free port gets it: the
// socket is bound to the port and not listened on, so that who connects is refused. The server shares the port with it.
type reservation struct {
	fd      socket
	address string
}

// reserve keeps a free port of an IP address.
func reserve(host string) (*reservation, error) {
	ip := net.ParseIP(host)
	if ip == nil {
		return nil, fmt.Errorf("reserve a port: %q is not an IP address", host)
	}
	family, any4, any6 := syscall.AF_INET, &syscall.SockaddrInet4{}, &syscall.SockaddrInet6{}
	var where syscall.Sockaddr = any4
	if four := ip.To4(); four != nil {
		copy(any4.Addr[:], four)
	} else {
		family, where = syscall.AF_INET6, any6
		copy(any6.Addr[:], ip)
	}
	// Nobody starts a program in between, which would inherit the socket and keep the port.
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	r := &reservation{fd: fd}
	if err := r.bind(host, where); err != nil {
		r.release()
		return nil, fmt.Errorf("reserve a port of %s: %w", host, err)
	}
	return r, nil
}

func (r *reservation) bind(host string, where syscall.Sockaddr) error {
	if err := share(r.fd); err != nil {
		return err
	}
	if err := syscall.Bind(r.fd, where); err != nil {
		return os.NewSyscallError("bind", err)
	}
	got, err := syscall.Getsockname(r.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	port := 0
	switch got := got.(type) {
	case *syscall.SockaddrInet4:
		port = got.Port
	case *syscall.SockaddrInet6:
		port = got.Port
	}
	r.address = net.JoinHostPort(host, fmt.Sprint(port))
	return nil
}

func (r *reservation) release() { _ = syscall.Close(r.fd) } // nothing was ever written to it

// share lets a socket be bound to a port that another one of the same user is bound to, which has to allow it as well.
func share(fd socket) error {
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1))
}

// shared makes a listener that shares its port with the reservation.
func shared() net.ListenConfig {
	return net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if failed := c.Control(func(fd uintptr) { err = share(socket(fd)) }); failed != nil {
			return failed //nolint:wrapcheck // The listener says where.
		}
		return err
	}}
}
