package ldaptest

import (
	"bufio"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Forgetful stands between a client and a real server. The server forgets who is logged in on a connection when it is told to, as behind a
// proxy that puts connections together anew: an anonymous bind is slipped in, and its answer kept back.
type Forgetful struct {
	// URL is where the client connects to.
	URL string

	listener net.Listener
	server   string // host and port
	wg       sync.WaitGroup

	mu        sync.Mutex
	relays    []*relay
	forgets   bool
	forgotten int
}

// relay is one connection of a client, and that to the server for it.
type relay struct {
	f              *Forgetful
	client, server net.Conn

	mu    sync.Mutex
	open  int // requests that are not answered yet
	after int // answers since the last bind that was slipped in
	due   bool
}

// forgetEvery is after how many answers a connection is forgotten that was opened while the server forgets.
const forgetEvery = 7

// slippedIn is the message id of the bind that no client has sent; none counts so far.
const slippedIn = 1<<31 - 1

// largestElement is what the relays take of one message.
const largestElement = 16 << 20

// StartForgetful starts one for a server at a URL ldap://host:port, and ends it with the test.
func StartForgetful(tb testing.TB, url string) *Forgetful {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f := &Forgetful{URL: "ldap://" + listener.Addr().String(), listener: listener, server: strings.TrimPrefix(url, "ldap://")}
	f.wg.Go(f.serve)
	tb.Cleanup(f.close)
	return f
}

func (f *Forgetful) close() {
	_ = f.listener.Close() // it was open
	f.mu.Lock()
	for _, r := range f.relays {
		r.close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

// Forget has the server forget every login as soon as nothing is under way on its connection, and those that come every few answers,
// until it is told not to.
func (f *Forgetful) Forget(forgets bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgets = forgets
	for _, r := range f.relays {
		r.mu.Lock()
		r.due = forgets
		r.forget()
		r.mu.Unlock()
	}
}

// Forgotten is how many logins were forgotten so far.
func (f *Forgetful) Forgotten() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.forgotten
	return n
}

func (f *Forgetful) serve() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return // it was closed
		}
		var dialer net.Dialer
		server, err := dialer.Dial("tcp", f.server)
		if err != nil {
			_ = client.Close() // the server is gone
			continue
		}
		r := &relay{f: f, client: client, server: server}
		f.mu.Lock()
		f.relays = append(f.relays, r)
		f.mu.Unlock()
		f.wg.Go(r.requests)
		f.wg.Go(r.answers)
	}
}

func (r *relay) close() {
	_, _ = r.client.Close(), r.server.Close() // either may be closed already
}

// operationOf returns the id and the operation of a message.
func operationOf(raw []byte) (id int64, operation ber.Tag, ok bool) {
	p, err := ber.DecodePacketErr(raw)
	if err != nil || len(p.Children) < 2 {
		return 0, 0, false
	}
	id, ok = p.Children[0].Value.(int64)
	return id, p.Children[1].Tag, ok
}

// requests hands on what the client sends.
func (r *relay) requests() {
	defer r.close()
	from := bufio.NewReader(r.client)
	for {
		raw, err := readElement(from, largestElement)
		if err != nil {
			return
		}
		_, operation, ok := operationOf(raw)
		r.mu.Lock()
		if ok && operation != ldap.ApplicationUnbindRequest && operation != ldap.ApplicationAbandonRequest {
			r.open++
		}
		_, err = r.server.Write(raw)
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answers hands on what the server answers, but for what nobody has asked for.
func (r *relay) answers() {
	defer r.close()
	defer r.f.remove(r)
	from := bufio.NewReader(r.server)
	for {
		raw, err := readElement(from, largestElement)
		if err != nil {
			return
		}
		id, operation, ok := operationOf(raw)
		if ok && id == slippedIn {
			continue
		}
		if _, err := r.client.Write(raw); err != nil {
			return
		}
		if !ok || operation == ldap.ApplicationSearchResultEntry || operation == ldap.ApplicationSearchResultReference {
			continue
		}
		r.answered()
	}
}

// answered counts an answer, after which the login may be forgotten.
func (r *relay) answered() {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	if r.after++; r.f.forgets && r.after >= forgetEvery {
		r.due = true
	}
	r.forget()
}

// forget slips the bind in where it is due and nothing is under way, which it would end. Both locks are held.
func (r *relay) forget() {
	if !r.due || r.open > 0 {
		return
	}
	r.due, r.after = false, 0
	bind := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	bind.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(slippedIn), ""))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationBindRequest, nil, "")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(3), ""))
	request.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "", ""))
	bind.AppendChild(request)
	if _, err := r.server.Write(bind.Bytes()); err == nil {
		r.f.forgotten++
	}
}

func (f *Forgetful) remove(r *relay) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.relays = slices.DeleteFunc(f.relays, func(other *relay) bool { return other == r })
}
