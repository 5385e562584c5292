package notify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/notify"
)

// inbox is a receiver in memory.
type inbox struct {
	mu   sync.Mutex
	got  []string
	hang bool
	fail bool
}

// Send takes a message in, or hangs, or fails.
func (i *inbox) Send(ctx context.Context, m notify.Message) error {
	i.mu.Lock()
	hang, fail := i.hang, i.fail
	i.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fail {
		return errors.New("out of order")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, fmt.Sprintf("%s %d %v repeats %d", m.Title(), m.Count, m.Names, m.Repeats))
	return nil
}

func (i *inbox) all() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.got)
}

// counts is an observer.
type counts struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[what]++
}

// Notified counts a message.
func (c *counts) Notified(receiver, result string) { c.add(receiver + " " + result) }

// NotTold counts what was held back.
func (c *counts) NotTold(kind string) { c.add(kind) }

func settings(names bool, boxes map[string]*inbox) notify.Settings {
	s := notify.Settings{Every: time.Hour, Names: names}
	for name, box := range boxes {
		s.Receivers = append(s.Receivers, notify.Receiver{Name: name, Sender: func() notify.Sender { return box }})
	}
	return s
}

// rig runs a notifier in the time of the test.
func rig(t *testing.T, s notify.Settings) (*notify.Notifier, *counts) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	seen := &counts{seen: map[string]int{}}
	n := notify.New(notify.Config{Clock: dispatch.SystemClock{}, Log: log, Observer: seen, Instance: "host1"}, s)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return n, seen
}

func news(kind notify.Kind, count int, names ...string) notify.News {
	return notify.News{Kind: kind, Subject: "corp", Count: count, Names: names}
}

func TestWhatRepeatsIsToldOnceAndThenAsANumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{}
		n, seen := rig(t, settings(true, map[string]*inbox{"ops": box}))
		n.Tell(news(notify.Held, 1, "ann"))
		for range 30 {
			<-time.After(time.Minute)
			n.Tell(news(notify.Held, 2, "bob"))
		}
		n.Tell(notify.News{Kind: notify.Held, Subject: "other", Count: 1})
		<-time.After(3 * time.Hour)
		n.Tell(news(notify.Held, 1, "eve"))
		synctest.Wait()
		want := []string{
			"1 event of corp is held until a person decides 1 [ann] repeats 0", "1 event of other is held until a person decides 1 [] repeats 0",
			"60 events of corp are held until a person decides 60 [bob] repeats 30", "1 event of corp is held until a person decides 1 [eve] repeats 0",
		}
		if diff := cmp.Diff(want, box.all()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if seen.seen["held"] != 30 || seen.seen["ops sent"] != 4 {
			t.Errorf("counted %v", seen.seen)
		}
	})
}

func TestADirectoryThatComesAndGoesIsToldWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &inbox{}
		n, _ := rig(t, settings(true, map[string]*inbox{"ops": box}))
		for range 20 {
			n.Tell(news(notify.Down, 0))
			<-time.After(time.Minute)
			n.Tell(notify.News{Kind: notify.Down, Subject: "corp", Over: true})
			<-time.After(time.Minute)
		}
		<-time.After(3 * time.Hour)
		synctest.Wait()
		want := []string{"the directory corp cannot be written 0 [] repeats 0", "the directory corp is back 0 [] repeats 0", "the directory corp is back 0 [] repeats 19"}
		if diff := cmp.Diff(want, box.all()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A receiver that hangs holds up neither who tells nor another receiver, and what waits for it is bounded.
func TestReceiversDoNotHoldEachOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, hanging, broken := &inbox{}, &inbox{hang: true}, &inbox{fail: true}
		n, seen := rig(t, settings(true, map[string]*inbox{"good": good, "hanging": hanging, "broken": broken}))
		for i := range 100 {
			n.Tell(notify.News{Kind: notify.Pull, Subject: fmt.Sprint("app", i)})
			synctest.Wait()
		}
		if got := len(good.all()); got != 100 {
			t.Errorf("%d messages came through, want 100", got)
		}
		if seen.seen["broken failed"] != 100 || seen.seen["hanging dropped"] != 100-64 {
			t.Errorf("counted %v", seen.seen)
		}
	})
}

func TestOtherSettingsKeepWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, later := &inbox{hang: true}, &inbox{}
		n, _ := rig(t, settings(true, map[string]*inbox{"ops": slow}))
		n.Tell(news(notify.Held, 1, "ann"))
		synctest.Wait()
		n.Change(settings(false, map[string]*inbox{"ops": later}))
		synctest.Wait()
		n.Tell(news(notify.Failed, 3, "ann"))
		synctest.Wait()
		want := []string{"1 event of corp is held until a person decides 1 [ann] repeats 0", "3 events of corp have failed 3 [] repeats 0"}
		if diff := cmp.Diff(want, later.all()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// What was taken while other settings came into force is not sent to the same receiver a second time.
func TestOtherSettingsRepeatNothingThatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := &finishing{begun: make(chan struct{}), finish: make(chan struct{})}
		same := notify.Settings{Every: time.Hour, Receivers: []notify.Receiver{{Name: "ops", Sender: func() notify.Sender { return taken }}}}
		n, seen := rig(t, same)
		n.Tell(news(notify.Held, 1))
		<-taken.begun
		n.Change(same)
		synctest.Wait()
		close(taken.finish)
		synctest.Wait()
		if got := taken.times.Load(); got != 1 || seen.seen["ops sent"] != 1 {
			t.Errorf("it was sent %d times, and %v counted", got, seen.seen)
		}
	})
}

// finishing is a receiver that takes a message although nobody waits for its answer any more.
type finishing struct {
	times         atomic.Int64
	begun, finish chan struct{}
}

// Send takes a message in.
func (f *finishing) Send(context.Context, notify.Message) error {
	if f.times.Add(1) == 1 {
		close(f.begun)
	}
	<-f.finish
	return nil
}

func TestWhatIsSaidIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got notify.Message
		n, _ := rig(t, notify.Settings{Names: true, Receivers: []notify.Receiver{{Name: "ops", Sender: func() notify.Sender {
			return sends(func(m notify.Message) { got = m })
		}}}})
		n.Tell(notify.News{Kind: notify.Held, Subject: "corp", Count: 500, Names: slices.Repeat([]string{strings.Repeat("王", 200) + "\n\u202e"}, 500), Text: strings.Repeat("x\r\n", 10_000)})
		synctest.Wait()
		if len(got.Names) != 5 || len([]rune(got.Names[0])) > 65 || len([]rune(got.Text)) > 601 || strings.ContainsAny(got.Text+got.Names[0], "\r\n\u202e") {
			t.Errorf("told %d names, %.80q, and %d characters", len(got.Names), got.Names, len(got.Text))
		}
	})
}

// sends is a sender that is one function.
type sends func(notify.Message)

// Send calls it.
func (s sends) Send(_ context.Context, m notify.Message) error {
	s(m)
	return nil
}
