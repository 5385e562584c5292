package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// crashWorkers is how many goroutines write when the process is killed.
const crashWorkers = 8

// WriteUntilKilled accepts events and settles every other one, and writes a line to out for each that the store has
// acknowledged. It is what the process of [Crash] does; round makes the names of its events its own. It returns with the
// first error.
func WriteUntilKilled(ctx context.Context, s store.Store, round string, out io.Writer) error {
	errs := make(chan error, crashWorkers)
	var lines sync.Mutex
	for worker := range crashWorkers {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s_%d_%d", round, worker, i)
				said, err := writeOne(ctx, s, id, i%2 == 0)
				if err == nil {
					lines.Lock()
					_, err = fmt.Fprintln(out, said)
					lines.Unlock()
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}

// writeOne accepts an event of an object of its own, and settles it or not. It returns what to tell the one who kills.
func writeOne(ctx context.Context, s store.Store, id string, finish bool) (string, error) {
	e := withPassword(update("evt_"+id, id), "pass "+id)
	if _, err := s.Accept(ctx, noon, []store.NewEvent{e}); err != nil {
		return "", fmt.Errorf("accept: %w", err)
	}
	if !finish {
		return "accepted " + id, nil
	}
	job, err := s.Load(ctx, in(corp, user(id)), 10)
	if err != nil {
		return "", fmt.Errorf("load: %w", err)
	}
	settlement := settlement(job, done())
	settlement.Known = known(user(id))
	if _, err := s.Settle(ctx, noon, settlement); err != nil {
		return "", fmt.Errorf("settle: %w", err)
	}
	return "settled " + id, nil
}

// Crash kills a process that writes, several times, and looks whether what it had been told is still there. The command
// that start returns runs [WriteUntilKilled] on the store that open opens, with its standard output for out. It is killed after so many
// lines, and later in each round.
func Crash(t *testing.T, lines int, start func(ctx context.Context, round string) *exec.Cmd, open func(t *testing.T) store.Store) {
	t.Helper()
	const rounds = 4
	var told []string
	for round := range rounds {
		told = append(told, writeAndKill(t, start(t.Context(), numbered("round", round)), lines*(round+1))...)
	}
	w := world{T: t, Store: open(t)}
	for _, line := range told {
		what, id, _ := strings.Cut(line, " ")
		job := w.load(in(corp, user(id)))
		switch what {
		case "settled":
			equal(w, "outcome of "+id, w.outcome(corp, "evt_"+id), done())
			equal(w, "existence and events of "+id, []any{job.Known.Exists(), len(job.Pending)}, []any{true, 0})
		case "accepted":
			equal(w, "events of "+id, len(job.Pending), 1)
			equal(w, "password of "+id, job.Pending[0].Change.Password.Reveal(), "pass "+id)
		default:
			w.Fatalf("the process says %q", line)
		}
	}
	w.everythingIsDue()
	// It also works on: numbers of deliveries are not given twice.
	w.finish(noon, in(corp, user("after")), done())
	equal(w, "repeat after the crashes", w.accept(noon, update("evt_after", "after"))[0].Repeat, false)
}

// everythingIsDue checks that each event that is not settled has its object in the queue.
func (w world) everythingIsDue() {
	w.Helper()
	due, _, err := w.Due(w.Context(), corp, noon, 1_000_000)
	w.must(err)
	equal(w, "objects that are due", int64(len(due)), w.counts(corp)[event.Pending])
}

// writeAndKill starts a process, kills it after a number of lines, and returns all whole lines that it wrote.
func writeAndKill(t *testing.T, cmd *exec.Cmd, lines int) []string {
	t.Helper()
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string
	reader := bufio.NewReader(out)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			break // a line without an end was not told
		}
		told = append(told, strings.TrimSuffix(line, "\n"))
		if len(told) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(told) < lines {
		t.Fatalf("the process ended by itself after %d lines (%v): %s", len(told), err, complaints.String())
	}
	return told
}
