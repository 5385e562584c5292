package syslog_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/syslog"
)

// journal is a log in memory.
type journal struct {
	mu        sync.Mutex
	entries   []syslog.Entry
	first     int64 // the first that is still there
	remembers int64
	noted     chan int64
	counts    map[string]int64
}

func (j *journal) count(result string, entries int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[result] += entries
}

// counted returns what became of entries.
func (j *journal) counted(result string) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counts[result]
}

func newJournal(n int) *journal {
	j := &journal{first: 1, noted: make(chan int64, 1000), counts: map[string]int64{}}
	j.add(n)
	return j
}

func (j *journal) add(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for range n {
		seq := int64(len(j.entries) + 1)
		j.entries = append(j.entries, syslog.Entry{
			Seq: seq, At: time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC), Severity: syslog.Informational, Sort: "modify",
			Data: [][2]string{{"dn", `cn="a]\b"`}}, Text: []byte(fmt.Sprintf(`{"seq":%d,"cn":"王"}`, seq)),
		})
	}
}

func (j *journal) after(seq int64, most int) ([]syslog.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	from := max(seq, j.first-1)
	return j.entries[from:min(int(from)+most, len(j.entries))], nil
}

func (j *journal) remember(_ context.Context, seq int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.remembers = seq
	j.noted <- seq
	return nil
}

// until waits until something is remembered.
func (j *journal) until(t *testing.T, seq int64) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case at := <-j.noted:
			if at >= seq {
				return
			}
		case <-late:
			t.Fatalf("entry %d is not beyond doubt", seq)
		}
	}
}

// begin runs a forwarder until end is called.
func begin(t *testing.T, j *journal, network, address string, change ...func(*syslog.Config)) (f *syslog.Forwarder, end func()) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	cfg := syslog.Config{
		Network: network, Address: address, Facility: 13, Host: "host1", Program: "idaas-ldap", Process: 7, After: j.after, Position: j.remembers, Remember: j.remember,
		Count: j.count,
		Clock: dispatch.SystemClock{}, Log: log, Within: time.Minute, Pause: time.Millisecond, Doubt: time.Millisecond,
	}
	for _, c := range change {
		c(&cfg)
	}
	f = syslog.New(cfg)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx)
	}()
	var once sync.Once
	end = func() {
		once.Do(func() {
			stop()
			<-done
		})
	}
	t.Cleanup(end)
	return f, end
}

// frame reads one message from a stream.
func frame(from *bufio.Reader) (string, error) {
	length, err := from.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(from, message)
	return string(message), err
}

var numbered = regexp.MustCompile(`^<110>1 2026-11-28T09:30:00\.000000Z host1 idaas-ldap 7 modify \[audit@32473 seq="(\d+)" dn="cn=\\"a\\]\\\\b\\""\] ` + "\ufeff" + `\{"seq":(\d+),"cn":"王"\}$`)

func number(t *testing.T, message string) int64 {
	t.Helper()
	found := numbered.FindStringSubmatch(message)
	if found == nil || found[1] != found[2] {
		t.Fatalf("%q is no message of the log", message)
	}
	n, _ := strconv.ParseInt(found[1], 10, 64)
	return n
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func accept(t *testing.T, l net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

// takes reads messages up to one of a number, and returns that of the first.
func takes(t *testing.T, from *bufio.Reader, last int64) (first int64) {
	t.Helper()
	for n := int64(0); n < last; {
		message, err := frame(from)
		if err != nil {
			t.Fatal(err)
		}
		next := number(t, message)
		if first == 0 {
			first = next
		} else if next != n+1 {
			t.Fatalf("entry %d follows %d", next, n)
		}
		n = next
	}
	return first
}

// A server that cuts and comes back has every entry, those in doubt twice, and a restart goes on where the last one was.
func TestAServerThatCutsAndComesBackMissesNothing(t *testing.T) {
	j := newJournal(250)
	l := listen(t, "tcp", "127.0.0.1:0")
	f, end := begin(t, j, syslog.TCP, l.Addr().String())
	conn, from := accept(t, l)
	takes(t, from, 250)
	j.until(t, 250)
	_ = conn.Close()
	conn, from = accept(t, l)
	j.add(50)
	f.Wake()
	if first := takes(t, from, 300); first != 251 {
		t.Errorf("it goes on with %d", first)
	}
	j.until(t, 300)
	end()
	_ = conn.Close()
	j.add(1)
	begin(t, j, syslog.TCP, l.Addr().String())
	_, from = accept(t, l)
	if first := takes(t, from, 301); first != 301 {
		t.Errorf("after a restart it goes on with %d", first)
	}
}

// What a server took with it just before it went away is sent again.
func TestWhatIsInDoubtIsSentAgain(t *testing.T) {
	j := newJournal(20)
	l := listen(t, "tcp", "127.0.0.1:0")
	begin(t, j, syslog.TCP, l.Addr().String(), func(c *syslog.Config) { c.Doubt = time.Hour })
	for range 3 {
		conn, from := accept(t, l)
		if first := takes(t, from, 5); first != 1 {
			t.Errorf("it goes on with %d", first)
		}
		_ = conn.Close()
	}
}

// A server that hangs is left after a while.
func TestAServerThatHangsIsLeft(t *testing.T) {
	j := newJournal(1)
	j.entries[0].Text = []byte(strings.Repeat("x", 900<<10))
	for range 60 { // more than any buffer on the way
		j.entries = append(j.entries, j.entries[0])
		j.entries[len(j.entries)-1].Seq = int64(len(j.entries))
	}
	l := listen(t, "tcp", "127.0.0.1:0")
	begin(t, j, syslog.TCP, l.Addr().String(), func(c *syslog.Config) { c.Within, c.Doubt = 50*time.Millisecond, time.Hour })
	accept(t, l)
	accept(t, l) // the next try
}

func TestOverTLSToWhoeverIsTrusted(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	l := tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12})
	j := newJournal(3)
	trusted := make(chan struct{})
	begin(t, j, syslog.TLS, l.Addr().String(), func(c *syslog.Config) {
		c.TLS = func() (*tls.Config, error) {
			select {
			case <-trusted:
				return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
			default:
				return &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}, nil
			}
		}
	})
	_, from := accept(t, l)
	if _, err := frame(from); err == nil {
		t.Error("something was sent to a server that nobody vouches for")
	}
	close(trusted)
	for {
		_, from := accept(t, l)
		if message, err := frame(from); err == nil { // those before were still not trusted
			if n := number(t, message); n != 1 {
				t.Errorf("it begins with %d", n)
			}
			return
		}
	}
}

func TestDatagramsAreCutToWhatFits(t *testing.T) {
	networks := map[string]string{syslog.UDP: "127.0.0.1:0"}
	if runtime.GOOS == "linux" {
		networks[syslog.Unix] = filepath.Join(t.TempDir(), "log")
	}
	for network, address := range networks {
		t.Run(network, func(t *testing.T) {
			socket := map[string]string{syslog.UDP: "udp", syslog.Unix: "unixgram"}[network]
			conn, err := net.ListenPacket(socket, address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			j := newJournal(2)
			j.entries[1].Text = []byte(strings.Repeat("王", 30_000))
			begin(t, j, network, conn.LocalAddr().String())
			buffer := make([]byte, 1<<16)
			n, _, err := conn.ReadFrom(buffer)
			if err != nil || number(t, string(buffer[:n])) != 1 {
				t.Errorf("%q (%v)", buffer[:n], err)
			}
			n, _, err = conn.ReadFrom(buffer)
			if message := string(buffer[:n]); err != nil || n > 60<<10 || !strings.Contains(message, ` cut="yes"] `) || !strings.HasSuffix(message, "王") {
				t.Errorf("%d octets: %.200q (%v)", n, message, err)
			}
		})
	}
}

// What was removed before it was forwarded is said, and does not stop the rest; nor does a log that cannot be read now.
func TestAGapIsPassed(t *testing.T) {
	j := newJournal(10)
	j.first = 5
	j.remembers = 2
	l := listen(t, "tcp", "127.0.0.1:0")
	failed := false
	f, _ := begin(t, j, syslog.TCP, l.Addr().String(), func(c *syslog.Config) {
		c.After = func(seq int64, most int) ([]syslog.Entry, error) {
			if !failed {
				failed = true
				return nil, errors.New("the disk does not answer")
			}
			return j.after(seq, most)
		}
	})
	accept(t, l)
	_, from := accept(t, l)
	if first := takes(t, from, 10); first != 5 {
		t.Errorf("it goes on with %d", first)
	}
	j.until(t, 10)
	if sent, lost := j.counted(syslog.Sent), j.counted(syslog.Lost); sent != 6 || lost != 2 || f.Position() != 10 {
		t.Errorf("up to %d, %d were sent and %d lost", f.Position(), sent, lost)
	}
}
