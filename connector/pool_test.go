package connector_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/connector"
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

// patience is how long operations may take in tests in which some never end.
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

// A server that was restarted has cut all connections at once. Who finds that out on one does not try another one of them, and
// so does not take the server for one that is down.
func TestConnectionsAreLostTogether(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	const connections = 4
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}, Connections: connections})
	if err := read(t, d); err != nil { // what the server says of itself is asked for once
		t.Fatal(err)
	}
	together := make(chan struct{})
	var arrived atomic.Int64
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb != "search" {
			return ldaptest.Fault{}
		}
		if arrived.Add(1) == connections {
			close(together)
		}
		return ldaptest.Fault{Wait: together}
	})
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			if err := read(t, d); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		return ldaptest.Fault{DropBefore: op.Connection <= connections}
	})
	if err := read(t, d); err != nil {
		t.Errorf("the server is taken for down: %v", err)
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

// over is a context that has ended, and whose end nobody was told of yet.
type over struct{ context.Context }

// Err reports the end.
func (over) Err() error { return context.Canceled }

// Whoever may not ask any more does not, whether that has got about or not.
func TestNothingIsAskedAfterTheEnd(t *testing.T) {
	server := startServer(t, ldaptest.Config{})
	d := openDirectory(t, connector.Config{URLs: []string{server.URL()}})
	if err := read(t, d); err != nil {
		t.Fatal(err)
	}
	asked := false
	server.Fault(func(ldaptest.Operation) ldaptest.Fault {
		asked = true
		return ldaptest.Fault{}
	})
	if _, err := d.Read(over{t.Context()}, plan.MustParseDN(people), nil); !errors.Is(err, context.Canceled) || asked {
		t.Errorf("the directory was asked: %t (%v)", asked, err)
	}
	server.Fault(nil)
	if err := read(t, d); err != nil {
		t.Errorf("afterwards: %v", err)
	}
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
