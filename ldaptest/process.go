package ldaptest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ServerKind names a real directory server.
type ServerKind string

// The servers that tests can start.
const (
	OpenLDAP ServerKind = "OpenLDAP (slapd)"
	DS389    ServerKind = "389 Directory Server (ns-slapd)"
	Samba    ServerKind = "Samba AD DC (samba)"
)

// binaries are where Debian puts the servers.
var binaries = map[ServerKind]string{OpenLDAP: "/usr/sbin/slapd", DS389: "/usr/sbin/ns-slapd", Samba: "/usr/sbin/samba"}

// Require makes sure that a server is installed. Where it is not, the test is left out with the command that installs it;
// in CI, which is told by the variable of that name, it fails.
func Require(tb testing.TB, kind ServerKind) {
	tb.Helper()
	if _, err := os.Stat(binaries[kind]); err == nil {
		return
	}
	const advice = "install it with 'sudo make install-servers'"
	if os.Getenv("CI") != "" { //nolint:forbidigo // Tests are told by the environment that they run in CI.
		tb.Fatalf("%s is not installed, and nothing is left out in CI: %s", kind, advice)
	}
	tb.Skipf("%s is not installed: %s", kind, advice)
}

// FreePort returns a TCP port of the loopback address that is free now.
func FreePort(tb testing.TB) int {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("find a free port: %v", err)
	}
	defer func() { _ = listener.Close() }() // it was only asked for its port
	return listener.Addr().(*net.TCPAddr).Port
}

// command runs a program to its end and fails the test with its output where it does not succeed.
func command(tb testing.TB, input, name string, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// process is a server that runs in the foreground of its own.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  *bytes.Buffer
}

func startProcess(tb testing.TB, name string, args ...string) *process {
	tb.Helper()
	p := &process{cmd: exec.CommandContext(context.Background(), name, args...), done: make(chan struct{}), log: &bytes.Buffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended does not matter, only that it did
		close(p.done)
	}()
	return p
}

// signal sends a signal to the server and everything that it has started, and waits until it is gone.
func (p *process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may be gone already
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// awaitPort waits until a port answers, or the server has ended.
func (p *process) awaitPort(tb testing.TB, address string) {
	tb.Helper()
	dialer := net.Dialer{Timeout: time.Second}
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := dialer.DialContext(context.Background(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-p.done:
			tb.Fatalf("the server ended before it listened on %s:\n%s", address, p.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	tb.Fatalf("the server does not listen on %s:\n%s", address, p.log)
}

func ldapURL(scheme string, port int) string {
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
