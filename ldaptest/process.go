package ldaptest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ServerKind names a real server, or the browser that tests look with.
type ServerKind string

// What tests can start.
const (
	OpenLDAP ServerKind = "OpenLDAP (slapd)"
	DS389    ServerKind = "389 Directory Server (ns-slapd)"
	Samba    ServerKind = "Samba AD DC (samba)"
	Postgres ServerKind = "PostgreSQL (postgres, pgbouncer)"
	Browser  ServerKind = "Chromium"
)

// binaries are where Debian puts them.
var binaries = map[ServerKind]string{OpenLDAP: "/usr/sbin/slapd", DS389: "/usr/sbin/ns-slapd", Samba: "/usr/sbin/samba", Postgres: "/usr/sbin/pgbouncer", Browser: "/usr/bin/chromium"}

// Binary returns where one of them is.
func Binary(kind ServerKind) string { return binaries[kind] }

// Require makes sure that a server can be started. Where it cannot, the test is left out with the command that installs it;
// in CI, which is told by the variable of that name, it fails.
func Require(tb testing.TB, kind ServerKind) {
	tb.Helper()
	missing := ""
	if _, err := os.Stat(binaries[kind]); err != nil || kind == Postgres && postgresBinary("postgres") == "" {
		missing = "it is not installed; run: sudo make install-servers"
	} else if kind == Samba && os.Geteuid() != 0 {
		missing = "it listens on port 389 and nowhere else, which needs root"
	}
	switch {
	case missing == "":
	case os.Getenv("CI") != "": //nolint:forbidigo // Tests are told by the environment that they run in CI.
		tb.Fatalf("nothing is left out in CI. %s: %s", kind, missing)
	default:
		tb.Skipf("%s: %s", kind, missing)
	}
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

// process is a server that runs in the foreground of a process group of its own.
type process struct {
	tb   testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when the server and everything that it started are gone
	log  *bytes.Buffer
	told bool // to end
}

func startProcess(tb testing.TB, name string, args ...string) *process {
	tb.Helper()
	p := &process{tb: tb, cmd: exec.CommandContext(context.Background(), name, args...), done: make(chan struct{}), log: &bytes.Buffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// Children of the server do not die with the test, however that ends; Samba, which has some, ends them when its standard input
	// does.
	p.cmd.SysProcAttr = ownGroup()
	if _, err := p.cmd.StdinPipe(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended does not matter, only that it did
		close(p.done)
	}()
	return p
}

// signal sends a signal to the server and everything that it has started, and waits until it is gone. The test fails if the
// server was gone already and nobody had told it to.
func (p *process) signal(s syscall.Signal) {
	p.tb.Helper()
	told := p.told
	p.told = true
	select {
	case <-p.done:
		if !told {
			p.tb.Errorf("%s had ended by itself: %v\n%s", p.cmd.Path, p.cmd.ProcessState, p.log)
		}
		return
	default:
	}
	killGroup(p.cmd.Process, s)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		killGroup(p.cmd.Process, syscall.SIGKILL)
		<-p.done
	}
}

// awaitPort waits until a port answers, or the server has ended.
func (p *process) awaitPort(tb testing.TB, address string) {
	tb.Helper()
	dialer := net.Dialer{Timeout: time.Second}
	deadline := time.Now().Add(5 * time.Minute) // only met where something is wrong
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
