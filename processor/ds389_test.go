package processor_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
)

func Test389DSRefusesNamesThatAreNotASCII(t *testing.T) {
	w := enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml")
	ref := user("zhuge")
	r := w.must(event.CodeRefused, ref, w.say(event.TypeUserCreate, ref, record("诸葛亮", event.Values{"email": "z@example.org"})))
	if !strings.Contains(r.Outcome.Message, "The value is not 7-bit clean: 诸葛亮") {
		t.Fatal(r.Outcome.Message)
	}
	if left, err := w.dir.Read(t.Context(), peopleOf("", "uid").user("诸葛亮"), nil); err != nil || left != nil {
		t.Fatalf("half an entry was written: %v, %v", left, err)
	}
}

// The server knows no end of an account, so the product locks it at that time, although no event comes.
func Test389DSEnd(t *testing.T) {
	w := enter(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access, ldaps, "389ds.yaml")
	ref := user("ann")
	w.create(ref, "ann", "Correct-Horse-1", event.Values{"accountExpireTime": w.at + int64(hour)})
	w.login(ref, "Correct-Horse-1", true)
	w.at += 2 * int64(hour)
	w.must(event.CodeApplied, ref)
	w.login(ref, "Correct-Horse-1", false)
	w.quiet(ref)
}

// Without TLS the server would refuse the password, and everybody on the way would know it. So it is not even sent, and all
// else is.
func Test389DSPasswordIsNotSentUnprotected(t *testing.T) {
	a := ldaptest.StartDS389(t, ldaptest.DS389Config{}).Access
	wire := listenIn(t, strings.TrimPrefix(a.URL, "ldap://"))
	proxied := a
	proxied.URL = "ldap://" + wire.address
	w := enter(t, proxied, plainLDAP, "389ds.yaml")
	ref := user("ann")
	c := w.say(event.TypeUserCreate, ref, record("ann", nil))
	const password = "Canary-Horse-1"
	c.Password = secretText(password)
	r := w.process(ref, c)
	if o := secretOf(r); o == nil || o.State != event.Failed || o.Code != event.CodePasswordRefused || !strings.Contains(o.Message, "TLS only") {
		t.Fatalf("%+v", r)
	}
	w.wantValues(w.dn(ref), "uid", "ann")
	if wire.saw([]byte(password)) {
		t.Fatal("the password went over the wire")
	}
	if !wire.saw([]byte("ann@example.org")) {
		t.Fatal("nothing was listened to")
	}
}

// tap hears everything that is sent to a server.
type tap struct {
	address string
	mu      sync.Mutex
	heard   bytes.Buffer
}

func (l *tap) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard.Write(b)
}

func (l *tap) saw(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.heard.Bytes(), b)
}

// listenIn puts a tap in front of a server.
func listenIn(t *testing.T, server string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &tap{address: listener.Addr().String()}
	var done sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		done.Wait()
	})
	done.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			done.Go(func() {
				_, _ = io.Copy(io.MultiWriter(upstream, l), client)
				_ = upstream.Close()
			})
			done.Go(func() {
				_, _ = io.Copy(client, upstream)
				_ = client.Close()
			})
		}
	})
	return l
}
