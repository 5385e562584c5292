package processor_test

import (
	"sync"
	"time"
)

// steady is a clock that a test moves.
type steady struct {
	mu  sync.Mutex
	now time.Time
}

func newSteady() *steady { return &steady{now: time.Now()} }

func (c *steady) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *steady) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
