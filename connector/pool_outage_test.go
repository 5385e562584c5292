package connector_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

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
			d := openDirectory(t, connector.Config{URLs: []string{cable.url()}, Timeout: patience, Clock: newSteady().Now})
			for d.Check(t.Context(), plan.MustParseDN(suffix)) != nil { // on a busy machine it may not answer within that time at first
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

// A connection that was not used for long is tried before it is used, and no longer than who asks wants to wait.
func TestTheTrialOfAnIdleConnectionEndsWithItsCaller(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	clock := newSteady()
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 1, Timeout: time.Hour, Clock: clock.Now})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	clock.pass(2 * time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server.Fault(func(ldaptest.Operation) ldaptest.Fault {
		cancel()
		return ldaptest.Fault{Wait: make(chan struct{})}
	})
	if _, err := d.Read(ctx, plan.MustParseDN(people), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
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

// While one connects the others wait for what comes of it: a server that is down, or a password that is wrong, is tried once.
func TestOneConnectsAtATime(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: 3})
	arrived, answer := make(chan struct{}, 3), make(chan struct{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "bind" {
			arrived <- struct{}{}
			return ldaptest.Fault{Wait: answer, Code: ldap.LDAPResultBusy}
		}
		return ldaptest.Fault{}
	})
	errs := make(chan error, 2)
	for range 2 {
		go func() { errs <- d.Apply(t.Context(), plan.Delete{DN: annDN}) }()
	}
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Apply(ctx, plan.Delete{DN: annDN}); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up while another connects gets %v", err)
	}
	close(answer)
	wantKind(t, <-errs, connector.KindUnavailable)
	wantKind(t, <-errs, connector.KindUnavailable)
	if n := len(arrived); n != 0 {
		t.Errorf("%d further logins", n)
	}
}
