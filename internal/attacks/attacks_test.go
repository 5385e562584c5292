//go:build linux && !race

package attacks_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/idaastest"
)

// What the service may become, whatever is done to it.
const (
	mostMemory = 150 << 20
	mostLogged = 100_000
)

// giant is the size of a large body, a little below the largest that is read.
const giant = 4<<20 - 1024

// from returns a dialer with an address of this machine that the service sees as the caller's.
func from(host int) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(host))}}
	return d.DialContext
}

// attacker is somebody without a key.
type attacker struct {
	t       *testing.T
	address string
	held    []net.Conn
	mu      sync.Mutex
	// listening are those who read what the service says on connections over TLS.
	listening sync.WaitGroup
}

// connect opens a connection from one of the addresses of the attacker and keeps it.
func (a *attacker) connect(host int) net.Conn {
	conn, err := from(host)(context.Background(), "tcp", a.address)
	if err != nil {
		a.t.Error(err)
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = append(a.held, conn)
	return conn
}

// letGo closes everything that is held.
func (a *attacker) letGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, conn := range a.held {
		_ = conn.Close() // the service may have done so
	}
	a.held = nil
	a.listening.Wait()
}

// idle opens connections and sends nothing.
func (a *attacker) idle(n int) {
	for i := range n {
		a.connect(10 + i%8)
	}
}

// bodies opens requests with large bodies of which the last octets never come.
func (a *attacker) bodies(n int) {
	var wg sync.WaitGroup
	filling := bytes.Repeat([]byte("A"), 64<<10)
	for i := range n {
		wg.Go(func() {
			conn := a.connect(20 + i%4)
			if conn == nil {
				return
			}
			_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second)) // cannot fail on a connection that is open
			fmt.Fprintf(conn, "POST /accounts/provision HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{\"event\":\"", giant)
			for sent := 0; sent < giant-2*len(filling); sent += len(filling) {
				if _, err := conn.Write(filling); err != nil {
					return // the service has had enough of it
				}
			}
		})
	}
	wg.Wait()
}

// flood asks for paths that there are not.
func (a *attacker) flood(n int) {
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{DialContext: from(30 + worker)}}
			defer client.CloseIdleConnections()
			for i := range n / 8 {
				answer, err := client.Get(fmt.Sprintf("http://%s/%d/%d%s", a.address, worker, i, strings.Repeat("x", 200)))
				if err != nil {
					continue // it is not served, which is as good
				}
				_, _ = io.Copy(io.Discard, answer.Body) // it may break off
				_ = answer.Body.Close()
			}
		})
	}
	wg.Wait()
}

// giants sends forged tokens that would take long to parse.
func (a *attacker) giants(tenant *idaastest.Tenant, n int) {
	header := fmt.Sprintf(`{"kid":%q,"typ":"JWT","alg":"RS256"}`, tenant.KeyID)
	payload := `{"aud":"` + tenant.Application + `","x":[` + strings.Repeat(`{"a":[1,2,3]},`, giant*3/4/14-100) + `0]}`
	encode := base64.RawURLEncoding.EncodeToString
	body := `{"event":"` + encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode(make([]byte, 256)) + `"}`
	client := &http.Client{Transport: &http.Transport{DialContext: from(40)}}
	defer client.CloseIdleConnections()
	for range n {
		answer, err := client.Post("http://"+a.address+"/accounts/provision", "application/json", strings.NewReader(body))
		if err != nil {
			a.t.Error(err)
			return
		}
		text, _ := io.ReadAll(answer.Body) // it is short
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			a.t.Errorf("a forged token is answered with %d %s", answer.StatusCode, text)
			return
		}
	}
}

// genuine sends events, at least one, until the returned function is called, which says how many there were. Each has to be taken
// in at the first try, as far as the attacked part goes.
func genuine(t *testing.T, s *service, url string, client *http.Client) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan int)
	go func() {
		n := 0
		defer func() { answered <- n }()
		for n == 0 || ctx.Err() == nil {
			user := idaastest.User{ID: s.tenant.NewUserID(), Username: fmt.Sprintf("user%d", n), DisplayName: "Ann Lee"}
			sender := &idaastest.Client{Tenant: s.tenant, URL: url, HTTP: client, AnswerWithin: time.Minute} // the machine may be slow
			answer, err := sender.Send(context.Background(), s.tenant.CreateUser(user, ""))
			if err == nil && strings.Contains(answer.Body, "events cannot be stored now") {
				continue // the disk of a busy machine may take too long, whoever attacks
			}
			if err != nil || answer.Status != http.StatusOK || len(answer.Success) != 1 {
				t.Errorf("event %d: %v, %d %s", n, err, answer.Status, answer.Body)
				return
			}
			n++
		}
	}()
	return func() int {
		cancel()
		return <-answered
	}
}

// within says what the service has become.
func within(t *testing.T, s *service) {
	t.Helper()
	memory, logged := s.most(), s.logged.Load()
	t.Logf("resident at most %d MiB, %d octets of log, %s of processor", memory>>20, logged, s.processor())
	if memory > mostMemory {
		t.Errorf("the service had %d MiB resident", memory>>20)
	}
	if logged > mostLogged {
		t.Errorf("the service wrote %d octets of log: %.2000s", logged, s.log())
	}
}

// A thousand connections, two hundred large bodies, a flood of unknown paths and forged giants at the same time take bounded
// memory and log, and events are answered meanwhile.
func TestAttacksOverHTTP(t *testing.T) {
	s := start(t, "", "")
	a := &attacker{t: t, address: s.address}
	defer a.letGo()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	stop := genuine(t, s, "http://"+s.address+"/accounts/provision", fresh)
	a.idle(1000)
	var wg sync.WaitGroup
	wg.Go(func() { a.bodies(200) })
	wg.Go(func() { a.flood(10_000) })
	wg.Wait()
	a.idle(300)
	a.giants(s.tenant, 40)
	if n := stop(); n == 0 {
		t.Error("no event was answered")
	} else {
		t.Logf("%d events were answered", n)
	}
	within(t, s)
}

// A forged token costs little more than the hash over it.
func TestAForgedGiantCostsAHash(t *testing.T) {
	s := start(t, "", "")
	a := &attacker{t: t, address: s.address}
	a.giants(s.tenant, 1)
	before := s.processor()
	a.giants(s.tenant, 40)
	took := s.processor() - before
	begin := time.Now()
	text := make([]byte, giant)
	for range 40 {
		_ = sha256.Sum256(text)
	}
	hash := time.Since(begin)
	t.Logf("40 forged tokens took %s of processor; their hashes alone %s", took, hash)
	if took > 8*hash+time.Second {
		t.Errorf("40 forged tokens took %s of processor; their hashes alone %s", took, hash)
	}
	within(t, s)
}

// Two hundred connections that are never used leave room for events where the system gives few descriptors.
func TestFewDescriptors(t *testing.T) {
	s := start(t, "", "64")
	a := &attacker{t: t, address: s.address}
	defer a.letGo()
	a.idle(200)
	stop := genuine(t, s, "http://"+s.address+"/accounts/provision", &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	a.idle(200)
	if n := stop(); n == 0 {
		t.Error("no event was answered")
	}
	within(t, s)
}
