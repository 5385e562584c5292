package connector_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// safe is a place where credentials are kept, as a file would.
type safe struct {
	mu     sync.Mutex
	kept   secret.Text // what the file holds
	taken  secret.Text // what was read last
	reread int
}

func newSafe(password string) *safe {
	return &safe{kept: secret.New(password), taken: secret.New(password)}
}

func (s *safe) credentials(anew bool) connector.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	if anew {
		s.reread++
		s.taken = s.kept
	}
	return connector.Credentials{BindPassword: s.taken}
}

func (s *safe) put(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = secret.New(password)
}

// binds counts the logins that a server is asked for.
func binds(server *ldaptest.Server) *atomic.Int32 {
	var n atomic.Int32
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "bind" {
			n.Add(1)
		}
		return ldaptest.Fault{}
	})
	return &n
}

// However many want a connection and however often the directory is probed, a login that is refused is tried three times
// within half an hour.
func TestARefusedLoginIsNotRepeatedUntilTheAccountIsLocked(t *testing.T) {
	first, second := startServer(t, ldaptest.Config{}), startServer(t, ldaptest.Config{})
	tried, triedElsewhere := binds(first), binds(second)
	clock, kept := newSteady(), newSafe("wr0ng")
	d := openDirectory(t, connector.Config{
		URLs: []string{first.URL(), second.URL()}, Connections: 8, Clock: clock.Now, Credentials: kept.credentials, LoginKey: "bind_password_file /etc/bind.secret",
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := d.Read(t.Context(), plan.MustParseDN(people), nil)
			if err == nil {
				t.Error("a wrong password is accepted")
			}
		})
	}
	wg.Wait()
	for range 30 * 60 / 15 { // a probe every 15 seconds
		o := failure(t, d.Check(t.Context(), plan.MustParseDN(people)), connector.KindConfiguration)
		if !strings.Contains(o.Explain(), "check bind_dn") {
			t.Fatalf("the error is %v", o.Explain())
		}
		clock.pass(15 * time.Second)
	}
	if got := tried.Load(); got != 3 {
		t.Errorf("%d logins within half an hour; want 3", got)
	}
	if got := triedElsewhere.Load(); got != 0 {
		t.Errorf("%d logins at the second server, which has the same account", got)
	}
	err := d.LoginRefused()
	if err == nil || !strings.Contains(err.Error(), "refuses our login with bind_password_file /etc/bind.secret") || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("the refusal is %v", err)
	}
}

// A new password is taken up without waiting for the pause, or for anybody to notice that its file has changed.
func TestANewPasswordIsTriedAtOnceAfterARefusal(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	tried := binds(server)
	kept := newSafe("wr0ng")
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Credentials: kept.credentials})
	wantKind(t, read(t, d), connector.KindConfiguration)
	wantKind(t, read(t, d), connector.KindConfiguration)
	kept.put(password)
	if err := read(t, d); err != nil {
		t.Fatalf("with the new password: %v", err)
	}
	if err := d.LoginRefused(); err != nil {
		t.Errorf("a login that works is still said to be refused: %v", err)
	}
	if got := tried.Load(); got != 2 {
		t.Errorf("%d logins; want one with each password", got)
	}
}

// Who changes the password in the directory and in the file, and nothing else, interrupts nobody: the file is read before the
// login counts as refused.
func TestAPasswordThatWasChangedInItsFileIsReadWhenTheLoginIsRefused(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	kept := newSafe("0ld")
	kept.put(password)
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Credentials: kept.credentials})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	if kept.reread != 1 {
		t.Errorf("the file was read %d times; want once", kept.reread)
	}
}

func TestALoginIsTriedAgainWhereSomebodySaysSo(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	tried := binds(server)
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Credentials: newSafe("wr0ng").credentials})
	wantKind(t, read(t, d), connector.KindConfiguration)
	d.LogInAgain()
	wantKind(t, read(t, d), connector.KindConfiguration)
	wantKind(t, read(t, d), connector.KindConfiguration)
	if got := tried.Load(); got != 2 {
		t.Errorf("%d logins; want 2", got)
	}
}

// A connection that was opened with a former password is not used any more once there is another.
func TestAConnectionEndsWithItsCredentials(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	tried := binds(server)
	kept := newSafe(password)
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Credentials: kept.credentials})
	for range 2 {
		if err := read(t, d); err != nil {
			t.Fatal(err)
		}
	}
	kept.put("wr0ng")
	kept.credentials(true)
	wantKind(t, read(t, d), connector.KindConfiguration)
	if got := tried.Load(); got != 2 {
		t.Errorf("%d logins; want one with each password", got)
	}
}
