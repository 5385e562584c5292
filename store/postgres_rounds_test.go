package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

// counted stands before a PostgreSQL server and counts how often a client has waited for it.
type counted struct {
	address string
	waits   atomic.Int64
}

// startCounted listens until the test ends. Whoever connects gets a connection to the server.
func startCounted(t *testing.T, server string) *counted {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{address: listener.Addr().String()}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { c.serve(client, server) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait() // the stores are closed by now
	})
	return c
}

func (c *counted) serve(client net.Conn, server string) {
	defer client.Close()
	upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", server)
	if err != nil {
		return
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(client, upstream) // until either ends
		_ = client.Close()
	}()
	_ = c.forward(client, upstream) // until either ends
	_ = upstream.Close()
	<-answered
}

// forward passes on what a client says. It waits for the server after each query, and after each Sync, which ends what is asked in several
// messages. The first message, and it alone, has no type. Whether a connection that was idle for a second still works does not count, as that
// depends on the time.
func (c *counted) forward(from io.Reader, to io.Writer) error {
	for typed := 0; ; typed = 1 {
		head := make([]byte, typed+4)
		if _, err := io.ReadFull(from, head); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[typed:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return err
		}
		if typed == 1 && (head[0] == 'Q' && !bytes.HasPrefix(body, []byte("-- ping")) || head[0] == 'S') {
			c.waits.Add(1)
		}
		if _, err := to.Write(slices.Concat(head, body)); err != nil {
			return err
		}
	}
}

// roundTrips is how often the store may wait for the server, from the beginning of a transaction to its end.
var roundTrips = map[string]float64{
	"take one event in":                       7,
	"take one event in that was taken before": 4,
	"load one object":                         3,
	"settle one object":                       14,
	"take a document of 20 in":                7,
	"take 20 events in that wait together":    7,
	"settle 20 objects that wait together":    12,
}

// On PostgreSQL what is dear is to wait for the server, so that is counted: it is bounded for one event, grows hardly with those that come
// together, and not at all with what is known already.
func (p postgres) fewRoundTrips() {
	t := p.T
	between := startCounted(t, p.Address)
	url := p.url()
	c := &server{T: t, between: between, Postgres: openPostgres(t, store.PostgresConfig{URL: secret.New(p.At(between.address) + "&search_path=" + schemaOf(url))})}
	store.BePatientOnPostgres(c.Postgres)
	for _, people := range []int{1000, 100_000} {
		store.PopulatePostgres(t, c.Postgres, people)
		for range 2 { // the first time statements are prepared
			c.measured = map[string]float64{}
			c.everything()
		}
		for what, n := range c.measured {
			t.Logf("with %d people known, to %s takes %.0f round trips", people, what, n)
			if n > roundTrips[what] {
				t.Errorf("it may take %.0f", roundTrips[what])
			}
		}
	}
}

// server is a store on a server, with what its work has taken.
type server struct {
	*testing.T
	*store.Postgres

	between  *counted
	next     int
	measured map[string]float64
}

// takes notes how often the store waits while work is done.
func (c *server) takes(what string, work func() error) {
	c.Helper()
	before := c.between.waits.Load()
	if err := work(); err != nil {
		c.Fatalf("%s: %v", what, err)
	}
	c.measured[what] = float64(c.between.waits.Load() - before)
}

// people returns events about so many who are new.
func (c *server) people(n int) []store.NewEvent {
	events := make([]store.NewEvent, n)
	for i := range events {
		c.next++
		events[i] = newEvent(fmt.Sprint("evt new ", c.next))
		events[i].Change.Object = event.Ref{Kind: event.KindUser, ID: fmt.Sprint("new_", c.next)}
	}
	return events
}

func (c *server) accepts(events ...store.NewEvent) func() error {
	return func() error {
		_, err := c.Accept(c.Context(), 7, events)
		return err
	}
}

// settles loads an object, and returns what settles it.
func (c *server) settles(e store.NewEvent) func() error {
	job, err := c.Load(c.Context(), store.Key{Directory: "corp", Object: e.Change.Object}, 10)
	if err != nil || len(job.Pending) != 1 {
		c.Fatalf("%+v %v", job, err)
	}
	return func() error {
		s := settlementOf(job.Key, true)
		s.Version, s.Mended = job.Version, true
		s.Outcomes = map[int64]event.Outcome{job.Pending[0].Seq: {State: event.Done, Code: event.CodeApplied}}
		_, err := c.Settle(c.Context(), 8, s)
		return err
	}
}

func (c *server) everything() {
	one, many := c.people(1), c.people(20)
	c.takes("take one event in", c.accepts(one...))
	c.takes("take one event in that was taken before", c.accepts(one...))
	var settle func() error
	c.takes("load one object", func() error {
		settle = c.settles(one[0])
		return nil
	})
	c.takes("settle one object", settle)
	c.takes("take a document of 20 in", c.accepts(many...))
	settles := make([]func() error, len(many))
	for i, e := range many {
		settles[i] = c.settles(e)
	}
	c.takes("settle 20 objects that wait together", func() error {
		store.WriteAtOnceOnPostgres(c.T, c.Postgres, settles...)
		return nil
	})
	comes := make([]func() error, 20)
	for i, e := range c.people(20) {
		comes[i] = c.accepts(e)
	}
	c.takes("take 20 events in that wait together", func() error {
		store.WriteAtOnceOnPostgres(c.T, c.Postgres, comes...)
		return nil
	})
}
