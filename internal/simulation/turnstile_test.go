package simulation_test

import (
	"fmt"
	"sync"
	"testing/synctest"
	"time"
)

// turnstile lets operations through in an order that the lottery decides, one after the other, or all at once where it is loose. What of
// an instance that is stopped waits until that goes on.
type turnstile struct {
	*lottery

	loose   bool
	arrived chan struct{} // somebody waits; capacity one

	mu      sync.Mutex // guards waiting
	waiting []*passage
	passed  int
}

// passage is an operation that waits to be let through.
type passage struct {
	by    *instance
	order uint64
	open  chan struct{}
}

// wait returns when an operation is let through, or its instance has crashed.
func (t *turnstile) wait(by *instance, what string) {
	p := &passage{by: by, order: t.number(by.name + " " + what), open: make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, p)
	t.mu.Unlock()
	t.look()
	select {
	case <-p.open:
	case <-by.dead:
	}
}

// release lets the next operation through, or all. It reports whether there was any.
func (t *turnstile) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first *passage
	left := t.waiting[:0]
	for _, p := range t.waiting {
		switch {
		case p.by.hasCrashed():
		case p.by.isStopped():
			left = append(left, p)
		case t.loose:
			close(p.open)
			t.passed++
			first = p
		case first == nil:
			first = p
		case p.order < first.order:
			left = append(left, first)
			first = p
		default:
			left = append(left, p)
		}
	}
	clear(t.waiting[len(left):])
	t.waiting = left
	if first != nil && !t.loose {
		close(first.open)
		t.passed++
	}
	return first != nil
}

// tooMany is more than goes on between two steps where anything comes to rest.
const tooMany = 30_000

// pass lets operations through until a moment has come and nothing is left to do at it. Crashed is called where an instance may have.
func (t *turnstile) pass(until time.Time, crashed func()) error {
	over := time.NewTimer(time.Until(until))
	defer over.Stop()
	begun := t.passed
	for last := false; ; {
		synctest.Wait()
		crashed()
		if t.release() {
			if t.passed-begun > tooMany {
				return fmt.Errorf("%d operations, and no end", tooMany)
			}
			continue
		}
		if last {
			return nil
		}
		select {
		case <-over.C:
			last = true
		case <-t.arrived:
		}
	}
}

// look makes whoever lets operations through look once more.
func (t *turnstile) look() {
	select {
	case t.arrived <- struct{}{}:
	default:
	}
}
