//go:build linux && !race

package attacks_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/ldaptest"
)

// program is what the test program is called where it is the service.
const program = "idaas-ldap under attack"

// TestMain runs the service in a process of its own, whose memory nobody else uses.
func TestMain(m *testing.M) {
	if os.Args[0] == program {
		if err := serve(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return
	}
	m.Run()
}

// serve serves with at most so many files and connections open, where that is said.
func serve(path, descriptors string) error {
	if most, err := strconv.ParseUint(descriptors, 10, 32); err == nil {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: cfg.Log.Level, Format: cfg.Log.Format, Out: os.Stderr})
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, log, "test")
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// service is the product in a process of its own.
type service struct {
	t       *testing.T
	tenant  *idaastest.Tenant
	cmd     *exec.Cmd
	address string
	logged  atomic.Int64 // octets
	mu      sync.Mutex
	said    bytes.Buffer
	ended   chan struct{}
}

var ready = regexp.MustCompile(`msg="ready for events".* listen="([^"]+)"`)

// start starts the service with the defaults for everything that bounds it. The receiver may have more settings, and the
// number of descriptors a bound.
func start(t *testing.T, receiver, descriptors string) *service {
	t.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := ldaptest.Start(ldaptest.Config{AdminDN: "cn=admin,dc=example,dc=org", AdminPassword: tenant.EncryptionKey, Placeholder: "cn=nobody,dc=example,dc=org", LDIF: ldaptest.Content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(directory.Close)
	mapping, err := filepath.Abs("../../configs/mappings/openldap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("jwks.json", string(tenant.JWKS()))
	write("idaas-ldap.yaml", fmt.Sprintf(`receiver: { listen: "127.0.0.1:0"%s }
applications: [ { id: %s, jwks_file: jwks.json, encryption_keys: [%q] } ]
directories:
  - { name: corp, type: openldap, urls: [%q], bind_dn: "cn=admin,dc=example,dc=org", bind_password: %q, mapping: %q }
admin: { listen: "127.0.0.1:0" }
`, receiver, tenant.Application, tenant.EncryptionKey.Reveal(), directory.URL(), tenant.EncryptionKey.Reveal(), mapping))
	s := &service{t: t, tenant: tenant, ended: make(chan struct{})}
	s.run(filepath.Join(folder, "idaas-ldap.yaml"), descriptors)
	return s
}

func (s *service) run(path, descriptors string) {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0], path, descriptors)
	// As where the system gives a limit. Attackers send eight hundred MiB and more, and on a busy machine garbage is collected late otherwise.
	s.cmd.Env = append(s.cmd.Environ(), "GOMEMLIMIT=96MiB")
	s.cmd.Args[0] = program
	output, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			s.t.Fatalf("the service does not start: %s", s.log())
		}
		s.said.WriteString(line)
		if found := ready.FindStringSubmatch(line); found != nil {
			s.address = found[1]
			break
		}
	}
	go func() {
		defer close(s.ended)
		for line, err := lines.ReadString('\n'); err == nil; line, err = lines.ReadString('\n') { // ends with the service
			s.hear(line)
		}
	}()
	s.t.Cleanup(s.stop)
}

// hear takes a line of the log of the service. What it says of events that it has applied is not the attacker's doing.
func (s *service) hear(line string) {
	if strings.Contains(line, `msg="event settled"`) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logged.Add(int64(len(line)))
	s.said.WriteString(line)
}

// log is what the service said.
func (s *service) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

func (s *service) stop() {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	<-s.ended
	var failed *exec.ExitError
	if err := s.cmd.Wait(); errors.As(err, &failed) {
		s.t.Errorf("the service ended with %v: %s", err, s.log())
	}
}

// most returns the most memory that the service had resident so far, in octets.
func (s *service) most() int64 {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	s.t.Fatal("the system does not tell how much memory the service has")
	return 0
}

// processor returns how much processor time the service has used.
func (s *service) processor() time.Duration {
	s.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	const user, system, ticks = 11, 12, 100 // counted behind the name; 100 a second on every Linux
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var sum int64
	for _, i := range []int{user, system} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}
