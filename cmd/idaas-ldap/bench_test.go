package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

var program = flag.String("program", "", "the absolute path of the product, for benchmarks")

// waiting is how many events wait in a large store.
const waiting = 1_000_000

// BenchmarkStart measures how long the program takes to be ready with a store that has nothing in it, and how large it is.
func BenchmarkStart(b *testing.B) {
	directory := startDirectory(b, "")
	s := newService(b, directory)
	s.program = builtProgram(b)
	s.start()
	s.kill()
	var took time.Duration
	for b.Loop() {
		took += s.timed(s.start)
		s.kill()
	}
	info, err := os.Stat(s.program)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ready-ms")
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
}

// BenchmarkWaiting measures a service with very many waiting events beside one with none: how long it takes to be ready again
// after kill -9, how much memory it holds, how fast it takes events in, how long it takes to look at it, and how fast it works on
// what waits.
func BenchmarkWaiting(b *testing.B) {
	full, empty := newWaiting(b, waiting), newWaiting(b, 0)
	for b.Loop() {
		b.ReportMetric(float64(full.timed(full.start).Milliseconds()), "start-ms")
		empty.start()
		var slow, quick time.Duration
		const times = 200
		for range times {
			quick += empty.timed(empty.tellOne)
			slow += full.timed(full.tellOne)
		}
		b.ReportMetric(float64(slow.Microseconds())/times, "accept-µs")
		b.ReportMetric(float64(slow)/float64(quick), "accept-ratio")
		for range 3 {
			b.ReportMetric(float64(full.timed(full.metrics).Milliseconds()), "metrics-ms")
			b.ReportMetric(float64(full.timed(func() { full.command("events", "list") }).Milliseconds()), "list-ms")
			b.ReportMetric(float64(full.timed(func() { full.command("explain", userID(waiting/2)) }).Milliseconds()), "explain-ms")
		}
		b.ReportMetric(full.resident(), "resident-MiB")
		full.kill()
		b.ReportMetric(float64(full.timed(full.start).Milliseconds()), "restart-ms")
		b.ReportMetric(full.drains(20_000), "drained/s")
		b.ReportMetric(full.resident(), "draining-MiB")
		full.kill()
		empty.kill()
	}
}

// BenchmarkDraining measures how fast a service works on few waiting events, for comparison.
func BenchmarkDraining(b *testing.B) {
	const few = 21_000
	for b.Loop() {
		s := newWaiting(b, few)
		s.start()
		b.ReportMetric(s.drains(20_000), "drained/s")
		s.kill()
	}
}

// waitingService is a service whose directory is down, with events that wait for it.
type waitingService struct {
	*service
	directory *ldaptest.Server
	added     atomic.Int64
}

func newWaiting(b *testing.B, events int) *waitingService {
	b.Helper()
	directory := startDirectory(b, "")
	w := &waitingService{service: newService(b, directory), directory: directory}
	w.program = builtProgram(b)
	directory.Down()
	w.fill(b, events)
	return w
}

func userID(i int) string { return fmt.Sprintf("user_%08d", i) }

// fill stores events as if they had been taken in.
func (w *waitingService) fill(b *testing.B, events int) {
	b.Helper()
	folder := filepath.Dir(w.config)
	seal, err := store.LoadOrCreateKey(filepath.Join(folder, "store.key"), bytes.NewReader(bytes.Repeat([]byte{7}, 1<<10)))
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.OpenSQLite(b.Context(), store.SQLiteConfig{Path: filepath.Join(folder, "store.db"), Seal: seal, Access: store.ToServe})
	if err != nil {
		b.Fatal(err)
	}
	now := event.Millis(time.Now().UnixMilli())
	const batch = 5000
	for from := 0; from < events; from += batch {
		var news []store.NewEvent
		for i := from; i < min(events, from+batch); i++ {
			id := userID(i)
			news = append(news, store.NewEvent{
				Application: w.client.Tenant.Application, Instance: w.client.Tenant.Instance,
				Change: event.Change{
					ID: fmt.Sprintf("evt_%08d", i), Type: event.TypeUserPush, Object: event.Ref{Kind: event.KindUser, ID: id}, Stamp: event.Stamp{Event: now},
					Fields: event.Values{
						event.FieldID: id, "username": "u" + id, "displayName": "Ann Lee", "email": id + "@example.org", "description": "desk 1",
						event.FieldUnits: []any{map[string]any{"id": event.RootUnitID, "primary": true}},
					},
				},
				Targets: []store.Target{{Directory: "corp", KeepPassword: true}},
			})
		}
		if _, err := s.Accept(b.Context(), now, news); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// builtProgram is the product as users get it.
func builtProgram(b *testing.B) string {
	b.Helper()
	if *program == "" {
		b.Fatal("-program has to name the product as users get it; make performance builds it")
	}
	return *program
}

func (s *service) timed(work func()) time.Duration {
	start := time.Now()
	work()
	return time.Since(start)
}

func (w *waitingService) tellOne() {
	u := idaastest.User{ID: w.client.Tenant.NewUserID(), Username: "new." + fmt.Sprint(w.added.Add(1)), DisplayName: "Ann Lee"}
	if answer, err := send(w.client, w.client.Tenant.CreateUser(u, "")); err != nil || answer.Status != http.StatusOK {
		w.t.Fatalf("%v %+v", err, answer)
	}
}

func (w *waitingService) metrics() {
	answer, err := http.Get("http://" + w.admin + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`backlog_counted{directory="corp"} 1`)) {
		w.t.Fatalf("%v %d %s", err, answer.StatusCode, text)
	}
}

// command runs a command of the program on the configuration.
func (w *waitingService) command(args ...string) {
	out, err := exec.CommandContext(context.Background(), w.program, append(args, "--config", w.config)...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !bytes.Contains(out, []byte("user_")) {
		w.t.Fatalf("%v: %v %v\n%s", args, err, exit, out)
	}
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident returns how much memory the service holds, in MiB.
func (s *service) resident() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	var kib float64
	if found := residentLine.FindSubmatch(status); found != nil {
		_, _ = fmt.Sscan(string(found[1]), &kib) // it is digits
	}
	return kib / 1024
}

// drains lets the directory be reached and returns how many entries a second are made, once it is under way.
func (w *waitingService) drains(entries int64) float64 {
	var adds atomic.Int64
	const first = 1000
	begun, ended := make(chan time.Time, 1), make(chan time.Time, 1)
	w.directory.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "add" {
			switch adds.Add(1) {
			case first:
				begun <- time.Now()
			case first + entries:
				ended <- time.Now()
			}
		}
		return ldaptest.Fault{}
	})
	if err := w.directory.Up(); err != nil {
		w.t.Fatal(err)
	}
	start := <-begun
	return float64(entries) / (<-ended).Sub(start).Seconds()
}
