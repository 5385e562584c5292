package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// service is the product as a process of its own, which can be killed.
type service struct {
	t      *testing.T
	config string
	url    string
	cmd    *exec.Cmd
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start starts the service and waits until it says that it is ready.
func (s *service) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0], "serve", "--config", s.config)
	s.cmd.Args[0] = "idaas-ldap"
	output, err := s.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if containsReady(lines.Text()) {
			go func() {
				for lines.Scan() { // keeps the pipe from filling
				}
			}()
			return
		}
	}
	s.t.Fatalf("the service does not start: %q", said)
}

func containsReady(line string) bool { return strings.Contains(line, "ready for events") }

// kill ends the service as a power cut would.
func (s *service) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // it was killed
}

func newService(t *testing.T, directory *ldaptest.Server) (*service, *idaastest.Client) {
	t.Helper()
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "jwks.json"), tenant.JWKS(), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	s := &service{t: t, url: "http://" + address + "/accounts/provision"}
	s.config = writeConfig(t, folder, fmt.Sprintf("listen: %q, answer_within: 2s", address),
		fmt.Sprintf("  - { id: %s, jwks_file: jwks.json, encryption_keys: [%q] }", tenant.Application, tenant.EncryptionKey.Reveal()), directory.URL())
	return s, &idaastest.Client{Tenant: tenant, URL: s.url}
}

// A service that is killed between accepting an event and writing it applies it once when it is back.
func TestKilledBetweenAcceptingAndWriting(t *testing.T) {
	directory := startDirectory(t, "")
	s, client := newService(t, directory)
	s.start()
	directory.Down()
	user := idaastest.User{ID: client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	create := client.Tenant.CreateUser(user, "correct horse 1")
	answer, err := client.Send(context.Background(), create)
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
	if answer, err = client.Send(context.Background(), create); err != nil || answer.Status != 200 {
		t.Fatalf("the repeat: %v %+v", err, answer)
	}
	if w := directory.Journal(); len(w) != 0 {
		t.Errorf("the repeat wrote %+v", w)
	}
}

// Killed again and again in the middle of its work, the service loses nothing that it has answered with 200 and adds
// nobody twice.
func TestKilledAgainAndAgain(t *testing.T) {
	directory := startDirectory(t, "")
	s, client := newService(t, directory)
	random := rand.New(rand.NewPCG(1, 2))
	const kills, users = 5, 60
	made := map[string]idaastest.User{}
	s.start()
	for round := range kills {
		for i := range users / kills {
			u := idaastest.User{ID: client.Tenant.NewUserID(), Username: fmt.Sprintf("u%d-%d", round, i), DisplayName: "User " + fmt.Sprint(i)}
			answer, err := client.Send(context.Background(), client.Tenant.CreateUser(u, "correct horse "+u.Username))
			if err != nil || answer.Status != 200 {
				t.Fatalf("%v %+v", err, answer)
			}
			u.Email = u.Username + "@example.org"
			sent := make(chan bool)
			update := client.Tenant.UserEvent(event.TypeUserUpdateInfo, u)
			go func() {
				answer, err := client.Send(context.Background(), update)
				sent <- err == nil && answer.Status == 200
			}()
			if i == users/kills-1 {
				<-time.After(time.Duration(random.IntN(3000)) * time.Microsecond)
				s.kill()
				s.start()
			}
			if !<-sent {
				u.Email = "" // not answered: it may have been lost, and IDaaS would send it again
				continue
			}
			made[u.ID] = u
		}
	}
	defer s.kill()
	for _, u := range made {
		dn := "uid=" + u.Username + ",ou=people," + suffix
		await(t, u.Username+" is as it was said", func() bool {
			e := directory.Entry(dn)
			return e != nil && e.Value("mail") == u.Email && canBind(directory, dn, "correct horse "+u.Username)
		})
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

// On SIGHUP the service goes on.
func TestHangUpDoesNotEndTheService(t *testing.T) {
	s, client := newService(t, startDirectory(t, ""))
	s.start()
	defer s.kill()
	for range 3 {
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if answer, err := client.Send(t.Context(), client.Tenant.Test()); err != nil || answer.Status != 200 {
			t.Fatalf("%v %+v", err, answer)
		}
	}
}

// await looks until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
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
