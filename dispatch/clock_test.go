package dispatch_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
)

// heldClock is a clock that stands still until it is put forward.
type heldClock struct {
	mu    sync.Mutex
	now   time.Time
	waits map[chan time.Time]time.Time
}

func (c *heldClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *heldClock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := make(chan time.Time, 1)
	c.waits[wait] = moment
	return wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waits, wait)
	}
}

func (c *heldClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for wait, moment := range c.waits {
		if !c.now.Before(moment) {
			wait <- c.now
			delete(c.waits, wait)
		}
	}
}

// The clock that is handed in is the only one: nothing that is due at a time waits for that of the machine.
func TestWhatIsDueFollowsTheClockThatIsHandedIn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		clock := &heldClock{now: time.Now(), waits: map[chan time.Time]time.Time{}}
		r.configureAt(clock, r.routes())
		r.start()
		start := time.Now()
		r.answer(update("ann", 1))
		r.answer(locked("ann", 2, 30*time.Minute))
		directory := r.directories[corp]
		synctest.Wait()
		tasks := len(directory.tasks())
		clock.forward(30*time.Minute - time.Millisecond)
		synctest.Wait()
		if len(directory.tasks()) != tasks {
			t.Error("a lock is looked at before it ends")
		}
		clock.forward(time.Millisecond)
		synctest.Wait()
		if len(directory.tasks()) == tasks {
			t.Error("nobody looks when a lock ends")
		}
		directory.goDown(errDown)
		r.accept(update("ann", 3))
		synctest.Wait()
		directory.goDown(nil)
		clock.forward(time.Minute)
		synctest.Wait()
		r.wantCode("ann@3", event.CodeApplied)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %s by the clock of the machine", took)
		}
	})
}
