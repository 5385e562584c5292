package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/ldaptest"
)

// service is the product as a process of its own, which can be killed.
type service struct {
	t      testing.TB
	config string
	client *idaastest.Client
	cmd    *exec.Cmd
	// program is the name by which the test binary is the product, empty for the usual one, or the path of another binary.
	program string
	// admin is the address for those who look.
	admin string
	log   *serviceLog
}

// serviceLog is what a service has written so far.
type serviceLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *serviceLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *serviceLog) has(words string) bool { return strings.Contains(l.String(), words) }

// String returns what was written.
func (l *serviceLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The product with another number of objects that are worked on at a time: as few and as many as can be.
const (
	oneAtOnce  = "idaas-ldap-one-at-once"
	manyAtOnce = "idaas-ldap-many-at-once"
)

// serveAtOnce is the command serve with a number of objects at a time.
func serveAtOnce(n int) func() {
	return func() {
		t := terminal{Out: os.Stdout, Err: os.Stderr}
		os.Exit(report(t, func() error {
			cfg, err := loadConfig(os.Args[len(os.Args)-1], t)
			if err != nil {
				return err
			}
			log, err := telemetry.NewLogger(telemetry.LogConfig{Level: cfg.Log.Level, Format: cfg.Log.Format, Out: t.Err})
			if err != nil {
				return err
			}
			a, err := app.OpenWith(context.Background(), cfg, log, currentVersion(), app.Options{AtOnce: n})
			if err != nil {
				return err
			}
			return a.Run(context.Background())
		}()))
	}
}

// listening finds the address in the line with which the service says that it is ready.
var listening = regexp.MustCompile(`msg="ready for events" admin="([^"]+)" listen="([^"]+)"`)

// start starts the service and waits until it says that it is ready, and where.
func (s *service) start() {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--config", s.config)
	s.cmd = cmd
	if s.cmd.Args[0] = cmp.Or(s.program, "idaas-ldap"); filepath.IsAbs(s.program) {
		s.cmd.Path = s.program
	}
	output, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	// However the test ends, nothing of it goes on: a process that is left holds ports, files and whatever it has inherited.
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // and been waited for
	})
	lines, log := bufio.NewScanner(output), &serviceLog{}
	s.log = log
	for lines.Scan() {
		log.add(lines.Text())
		if ready := listening.FindStringSubmatch(lines.Text()); ready != nil {
			s.admin = ready[1]
			s.client.URL = "http://" + ready[2] + "/accounts/provision"
			go func() {
				for lines.Scan() {
					log.add(lines.Text())
				}
			}()
			return
		}
	}
	s.t.Fatalf("the service does not start:\n%s", log)
}

// kill ends the service as a power cut would.
func (s *service) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}

func newService(tb testing.TB, directory *ldaptest.Server) *service {
	tb.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	folder := tb.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "jwks.json"), tenant.JWKS(), 0o600); err != nil {
		tb.Fatal(err)
	}
	s := &service{t: tb, client: &idaastest.Client{Tenant: tenant}}
	s.config = writeConfig(tb, folder, `listen: "127.0.0.1:0", answer_within: 2s`,
		fmt.Sprintf("  - { id: %s, jwks_file: jwks.json, encryption_keys: [%q] }", tenant.Application, tenant.EncryptionKey.Reveal()), directory.URL())
	return s
}

// A service that is killed between accepting an event and writing it applies it once when it is back.
func TestKilledBetweenAcceptingAndWriting(t *testing.T) {
	directory := startDirectory(t, "")
	s := newService(t, directory)
	client := s.client
	s.start()
	directory.Down()
	user := idaastest.User{ID: client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	create := client.Tenant.CreateUser(user, "correct horse 1")
	answer, err := send(client, create)
	if err != nil {
		t.Fatal(err)
	}
	if _, result := answer.Of(create.ID); result.EventCode != string(event.CodeAccepted) {
		t.Fatalf("answered with %+v", answer)
	}
	s.kill()
	if err := directory.Up(); err != nil {
		t.Fatal(err)
	}
	s.start()
	defer s.kill()
	await(t, "the user is there and can log in", func() bool { return canBind(directory, "uid=ann,ou=people,"+suffix, "correct horse 1") })
	adds := 0
	for _, r := range directory.Journal() {
		if r.Verb == "add" {
			adds++
		}
	}
	if adds != 1 {
		t.Errorf("the user was added %d times", adds)
	}
	// The repeat that IDaaS sends, as it never saw an answer, changes nothing.
	directory.ClearJournal()
	if answer, err = send(client, create); err != nil || answer.Status != 200 {
		t.Fatalf("the repeat: %v %+v", err, answer)
	}
	if w := directory.Journal(); len(w) != 0 {
		t.Errorf("the repeat wrote %+v", w)
	}
}

// tell sends events one after the other and reports whether all were answered with 200.
func tell(client *idaastest.Client, events []idaastest.Event) bool {
	for _, e := range events {
		if answer, err := send(client, e); err != nil || answer.Status != 200 {
			return false
		}
	}
	return true
}

// send sends events in one request, and again while the service says that it cannot store them now, which a busy disk is enough
// for. IDaaS does the same.
func send(client *idaastest.Client, events ...idaastest.Event) (idaastest.Answer, error) {
	for {
		answer, err := client.Send(context.Background(), events...)
		if err != nil || answer.Status != http.StatusServiceUnavailable {
			return answer, err
		}
	}
}

func writes(directory *ldaptest.Server, verb string) int {
	n := 0
	for _, r := range directory.Journal() {
		if r.Verb == verb {
			n++
		}
	}
	return n
}

// Killed again and again in the middle of a stream of events, the service loses nothing that it has answered with 200 and
// adds nobody twice, however many objects it works on at a time.
func TestKilledAgainAndAgain(t *testing.T) {
	for program, kills := range map[string]int{"idaas-ldap": 5, oneAtOnce: 2, manyAtOnce: 2} {
		t.Run(program, func(t *testing.T) { killAgainAndAgain(t, program, kills) })
	}
}

func killAgainAndAgain(t *testing.T, program string, kills int) {
	t.Helper()
	directory := startDirectory(t, "")
	s := newService(t, directory)
	s.program = program
	random := rand.New(rand.NewPCG(1, 2))
	const senders = 3
	var mu sync.Mutex
	var accepted []idaastest.User
	for round := range kills {
		// It is killed at some operation in the directory, whatever else it does at that moment.
		var count atomic.Int64
		last := int64(100 + random.IntN(100)) // some were answered by then
		reached := make(chan struct{})
		directory.Fault(func(ldaptest.Operation) ldaptest.Fault {
			if count.Add(1) == last {
				close(reached)
			}
			return ldaptest.Fault{}
		})
		s.start()
		var sending sync.WaitGroup
		for i := range senders {
			sending.Go(func() {
				for n := 0; ; n++ {
					u := idaastest.User{ID: s.client.Tenant.NewUserID(), Username: fmt.Sprintf("u%d-%d-%d", round, i, n), DisplayName: "Somebody"}
					if !tell(s.client, []idaastest.Event{s.client.Tenant.CreateUser(u, "correct horse "+u.Username)}) {
						return
					}
					mu.Lock()
					accepted = append(accepted, u)
					mu.Unlock()
				}
			})
		}
		<-reached
		s.kill()
		sending.Wait()
	}
	directory.Fault(nil)
	s.start()
	defer s.kill()
	for _, u := range accepted {
		dn := "uid=" + u.Username + ",ou=people," + suffix
		await(t, u.Username+" is there and can log in", func() bool { return canBind(directory, dn, "correct horse "+u.Username) })
	}
	if len(accepted) == 0 {
		t.Error("nothing was accepted before it was killed, so that nothing is lost proves nothing")
	}
	added := map[string]int{}
	for _, r := range directory.Journal() {
		if r.Verb == "add" {
			added[r.DN]++
		}
	}
	for dn, n := range added {
		if n != 1 {
			t.Errorf("%s was added %d times", dn, n)
		}
	}
}

// await looks until something is so. How long it looks matters only where something is wrong.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func canBind(directory *ldaptest.Server, dn, password string) bool {
	conn, err := ldap.DialURL(directory.URL())
	if err != nil {
		return false
	}
	defer conn.Close()
	return conn.Bind(dn, password) == nil
}
