package connector_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

var annDN = plan.MustParseDN("uid=ann," + people)

// steady is a clock that a test moves.
type steady struct {
	mu  sync.Mutex
	now time.Time
}

func newSteady() *steady { return &steady{now: time.Now()} }

func (c *steady) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *steady) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// patience is how long operations may take in tests in which some never end: long for those that do, on a slow machine.
const patience = 2 * time.Second

func read(t *testing.T, d *connector.Directory) error {
	t.Helper()
	entry, err := d.Read(t.Context(), plan.MustParseDN(people), []string{"ou"})
	if err == nil && entry == nil {
		t.Error("the entry is not there")
	}
	return err
}

// failure is the error of an operation, which has to be of a kind.
func failure(t *testing.T, err error, kind connector.Kind) *connector.OutcomeError {
	t.Helper()
	var o *connector.OutcomeError
	if !errors.As(err, &o) || o.Kind != kind {
		t.Fatalf("the error is %v (%+v); want kind %d", err, o, kind)
	}
	return o
}

func wantKind(t *testing.T, err error, kind connector.Kind) {
	t.Helper()
	_ = failure(t, err, kind) // what else it says is the business of others
}

func TestNoMoreConnectionsThanConfigured(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 2})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	release, held := make(chan struct{}), make(chan struct{}, 6)
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "modify" {
			held <- struct{}{}
			return ldaptest.Fault{Wait: release}
		}
		return ldaptest.Fault{}
	})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			op := plan.Modify{DN: plan.MustParseDN(people), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description", Values: []string{"x"}}}}
			if err := d.Apply(t.Context(), op); err != nil {
				t.Error(err)
			}
		})
	}
	<-held
	<-held
	if n := server.Connections(); n != 2 {
		t.Errorf("%d connections for six operations at once", n)
	}
	// Who has no connection yet gives up when its caller does.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Apply(ctx, plan.Delete{DN: annDN}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	close(release)
	wg.Wait()
	if n := server.Connections(); n != 2 {
		t.Errorf("%d connections afterwards", n)
	}
}

// A read whose connection is cut is made again on another one; a write is in doubt.
func TestAConnectionThatIsDroppedInFlight(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	drop := func(verb string, fault ldaptest.Fault) {
		var done atomic.Bool
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb == verb && !done.Swap(true) {
				return fault
			}
			return ldaptest.Fault{}
		})
	}
	drop("search", ldaptest.Fault{DropBefore: true})
	if err := read(t, d); err != nil {
		t.Errorf("a read on a connection that was cut: %v", err)
	}
	add := person(annDN.String())
	drop("add", ldaptest.Fault{DropBefore: true})
	if o := failure(t, d.Apply(t.Context(), add), connector.KindRetry); !o.InDoubt {
		t.Error("a write that was cut off is not in doubt")
	}
	drop("add", ldaptest.Fault{DropAfter: true})
	if o := failure(t, d.Apply(t.Context(), add), connector.KindRetry); !o.InDoubt {
		t.Error("a write whose answer was cut off is not in doubt")
	}
	wantKind(t, d.Apply(t.Context(), add), connector.KindExists)
}

func TestAServerThatIsRestartedIsNotNoticed(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 4})
	for range 3 {
		if err := read(t, d); err != nil {
			t.Fatal(err)
		}
		server.Down()
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
	}
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
}

// A server that takes a request and never answers costs the timeout, not for ever; so does one that does not even read.
func TestAServerThatHangs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		try  func(d *connector.Directory) error
		kind connector.Kind
	}{
		// The read is tried again on a new connection, which shows that the server as a whole is not there.
		{"a read", func(d *connector.Directory) error {
			_, err := d.Read(t.Context(), plan.MustParseDN(people), nil)
			return err
		}, connector.KindUnavailable},
		{"a write", func(d *connector.Directory) error { return d.Apply(t.Context(), plan.Delete{DN: annDN}) }, connector.KindRetry},
		{"a write that does not fit into any buffer", func(d *connector.Directory) error {
			return d.Apply(t.Context(), person(annDN.String(), "description="+strings.Repeat("x", 12<<20)))
		}, connector.KindRetry},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, ldaptest.Config{})
			cable := newWire(t, server.URL())
			d := openDirectory(t, connector.Config{URLs: []string{cable.url()}, Timeout: patience})
			if err := read(t, d); err != nil {
				t.Fatal(err)
			}
			cable.die()
			o := failure(t, c.try(d), c.kind)
			if want := c.kind == connector.KindRetry; o.InDoubt != want {
				t.Errorf("in doubt: %t", o.InDoubt)
			}
			// The connection is given up: the next one meets a server that does not answer the bind.
			wantKind(t, read(t, d), connector.KindUnavailable)
		})
	}
}

func TestACallerWhoGoesAwayDoesNotWait(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Timeout: time.Hour})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	server.Fault(func(ldaptest.Operation) ldaptest.Fault {
		cancel()
		return ldaptest.Fault{Wait: make(chan struct{})}
	})
	if _, err := d.Read(ctx, plan.MustParseDN(people), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	server.Fault(nil)
	if err := read(t, d); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// The second server takes over when the first is down, and the first when the second is.
func TestTheNextServerTakesOverAndTheFirstAgain(t *testing.T) {
	first, second := startServer(t, ldaptest.Config{}), startServer(t, ldaptest.Config{})
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{first.URL(), second.URL()}, Clock: clock.Now})
	var asked atomic.Pointer[ldaptest.Server]
	for _, server := range []*ldaptest.Server{first, second} {
		server.Fault(func(ldaptest.Operation) ldaptest.Fault {
			asked.Store(server)
			return ldaptest.Fault{}
		})
	}
	use := func(want *ldaptest.Server) {
		t.Helper()
		if err := read(t, d); err != nil {
			t.Fatal(err)
		}
		if got := asked.Load(); got != want {
			t.Fatalf("the server that was asked last is not the one at %s", want.URL())
		}
	}
	use(first)
	first.Down()
	use(second)
	if err := first.Up(); err != nil {
		t.Fatal(err)
	}
	use(second) // it stays until it fails
	second.Down()
	use(first)
	first.Down()
	o := failure(t, read(t, d), connector.KindUnavailable)
	for _, server := range []*ldaptest.Server{first, second} {
		if !strings.Contains(o.Error(), server.URL()) {
			t.Errorf("the error does not name %s: %v", server.URL(), o)
		}
	}
	if err := second.Up(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, read(t, d), connector.KindUnavailable) // nobody dials for a while
	clock.pass(time.Second)
	use(second)
}

// After all servers have failed nobody dials for a while, which grows up to half a minute. A check dials at once.
func TestNobodyHammersAServerThatIsDown(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	cable := newWire(t, server.URL())
	server.Down()
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{cable.url()}, Clock: clock.Now})
	pause := time.Second
	for tries := 1; tries <= 7; tries++ {
		for range 5 {
			wantKind(t, read(t, d), connector.KindUnavailable)
		}
		if n := cable.dialed(); n != tries {
			t.Fatalf("%d connections were tried; want %d", n, tries)
		}
		clock.pass(pause*3/4 - time.Millisecond)
		wantKind(t, read(t, d), connector.KindUnavailable)
		if n := cable.dialed(); n != tries {
			t.Fatalf("it dialed again within %s", pause)
		}
		clock.pass(pause)
		pause = min(2*pause, 30*time.Second)
	}
	wantKind(t, read(t, d), connector.KindUnavailable)
	before := cable.dialed()
	wantKind(t, d.Check(t.Context(), plan.MustParseDN(suffix)), connector.KindUnavailable)
	if n := cable.dialed(); n != before+1 {
		t.Errorf("a check dialed %d times", n-before)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(t.Context(), plan.MustParseDN(suffix)); err != nil {
		t.Errorf("the server is back, and the check says %v", err)
	}
	if err := read(t, d); err != nil {
		t.Errorf("after a good check: %v", err)
	}
}

// One bind is refused and puts up the barrier, another succeeds and takes it away.
func TestAServerThatRefusesOnlySome(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 3, Clock: clock.Now})
	arrived, refuse, admit := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		switch {
		case op.Verb == "bind" && op.Connection == 1:
			arrived <- struct{}{}
			return ldaptest.Fault{Wait: refuse, Code: ldap.LDAPResultBusy}
		case op.Verb == "bind" && op.Connection == 2:
			arrived <- struct{}{}
			return ldaptest.Fault{Wait: admit}
		}
		return ldaptest.Fault{}
	})
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- d.Apply(t.Context(), plan.Delete{DN: annDN}) }()
	}
	<-arrived
	<-arrived
	close(refuse)
	wantKind(t, <-errs, connector.KindUnavailable)
	close(admit)
	wantKind(t, <-errs, connector.KindConflict) // there is no such entry: the server has answered
	release, held := make(chan struct{}), make(chan struct{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "delete" && op.Connection == 2 {
			close(held)
			return ldaptest.Fault{Wait: release}
		}
		return ldaptest.Fault{}
	})
	go func() { errs <- d.Apply(t.Context(), plan.Delete{DN: annDN}) }()
	<-held
	wantKind(t, d.Apply(t.Context(), plan.Delete{DN: annDN}), connector.KindConflict) // on a connection of its own
	close(release)
	wantKind(t, <-errs, connector.KindConflict)
}

// A connection that has rested is tried before it is used, and one that has grown old is replaced.
func TestAConnectionThatHasRestedIsTriedFirst(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Clock: clock.Now})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, op.Verb+" "+op.DN)
		return ldaptest.Fault{DropBefore: op.Verb == "search" && op.DN == "" && op.Connection == 1}
	})
	clock.pass(2 * time.Minute)
	op := plan.Modify{DN: plan.MustParseDN(people), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "description", Values: []string{"x"}}}}
	if err := d.Apply(t.Context(), op); err != nil {
		t.Fatalf("the connection was dead, and the write fails with %v", err)
	}
	if got, want := strings.Join(seen, ", "), "search , bind "+adminDN+", modify "+people; got != want {
		t.Errorf("the server saw %q; want %q", got, want)
	}
	seen = nil
	if err := d.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Hour)
	if err := d.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(seen, ", "), "modify "+people+", bind "+adminDN+", modify "+people; got != want {
		t.Errorf("the server saw %q; want %q", got, want)
	}
}

func TestPasswordsTravelProtected(t *testing.T) {
	own, trusted := certificate(t)
	_, strangers := certificate(t)
	server := startServer(t, ldaptest.Config{TLS: &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}, RequireTLS: true})
	for _, c := range []struct {
		name string
		cfg  connector.Config
		kind connector.Kind
		ok   bool
	}{
		{"StartTLS", connector.Config{URLs: []string{server.URL()}, StartTLS: true, TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}, 0, true},
		{"ldaps", connector.Config{URLs: []string{server.SecureURL()}, TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}, 0, true},
		{"a stranger's certificate after StartTLS", connector.Config{URLs: []string{server.URL()}, StartTLS: true, TLS: &tls.Config{RootCAs: strangers, MinVersion: tls.VersionTLS12}}, connector.KindUnavailable, false},
		{"a stranger's certificate with ldaps", connector.Config{URLs: []string{server.SecureURL()}, TLS: &tls.Config{RootCAs: strangers, MinVersion: tls.VersionTLS12}}, connector.KindUnavailable, false},
		{"a server that wants TLS", connector.Config{URLs: []string{server.URL()}}, connector.KindConfiguration, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := read(t, openDirectory(t, c.cfg))
			if c.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantKind(t, err, c.kind)
		})
	}
	plain := startServer(t, ldaptest.Config{})
	err := read(t, openDirectory(t, connector.Config{URLs: []string{plain.URL()}, StartTLS: true}))
	wantKind(t, err, connector.KindUnavailable) // a server without TLS is not talked to in clear text instead
}

func TestOpenRefusesWhatWouldBeUnprotected(t *testing.T) {
	for _, c := range []struct {
		cfg  connector.Config
		says string
	}{
		{connector.Config{}, "at least one server"},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"ldaps://ldap.example.org", "ldap://192.0.2.1"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"ldap://127.0.0.1.example.org"}}, "would send passwords unprotected"},
		{connector.Config{URLs: []string{"http://ldap.example.org"}}, "neither"},
		{connector.Config{URLs: []string{"ldaps://l"}, BindDN: adminDN}, "bind_password"},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}, StartTLS: true}, ""},
		{connector.Config{URLs: []string{"ldap://ldap.example.org"}, AllowCleartext: true}, ""},
		{connector.Config{URLs: []string{"ldap://localhost", "ldap://127.0.0.2:1389", "ldap://[::1]", "ldapi:///run/ldapi", "ldaps://l"}}, ""},
	} {
		d, err := connector.Open(c.cfg)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%v: %v", c.cfg.URLs, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%v: the error is %v; want %q", c.cfg.URLs, err, c.says)
		case err == nil:
			d.Close()
		}
	}
}

func TestWrongCredentialsAreSaidToBeWrong(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, BindDN: adminDN, BindPassword: secret.New("c4n4ry")})
	o := failure(t, read(t, d), connector.KindConfiguration)
	if o.Verb != "bind" || !strings.Contains(o.Explain(), "check bind_dn") || strings.Contains(o.Explain(), "c4n4ry") {
		t.Errorf("the error is %q", o.Explain())
	}
}

// A referral is shown and not followed, whatever was asked: the other server would get our credentials.
func TestAReferralIsNeverFollowed(t *testing.T) {
	other := startServer(t, ldaptest.Config{})
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	server.Fault(func(ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{Code: ldap.LDAPResultReferral, Message: other.URL() + "/" + suffix}
	})
	for _, op := range []plan.Operation{
		person(annDN.String()), plan.Modify{DN: annDN}, plan.ModifyDN{DN: annDN, NewRDN: annDN.RDN()}, plan.Delete{DN: annDN}, plan.SetPassword{DN: annDN, Password: secret.New("x")},
	} {
		if o := failure(t, d.Apply(t.Context(), op), connector.KindRefused); !strings.Contains(o.Explain(), "directories[].urls") {
			t.Errorf("%s: %q", op.Verb(), o.Explain())
		}
	}
	_, err := d.Read(t.Context(), annDN, nil)
	wantKind(t, err, connector.KindRefused)
	if n := other.Connections(); n != 0 {
		t.Errorf("the other server has %d connections", n)
	}
}
