package dispatch

import "sync"

// gate lets many through at a time, or one alone. Who wants to be alone comes before those who arrive later.
type gate struct {
	mu      sync.Mutex
	inside  int
	alone   bool
	waiting int           // for being alone
	changed chan struct{} // closed when somebody leaves; nil if nobody waits
}

// enter waits until nobody is alone inside, nor waits to be.
func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.alone || g.waiting > 0 {
		g.wait()
	}
	g.inside++
}

// enterAlone waits until nobody is inside.
func (g *gate) enterAlone() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting++
	for g.alone || g.inside > 0 {
		g.wait()
	}
	g.waiting--
	g.alone = true
}

// leave is for both.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.alone {
		g.alone = false
	} else {
		g.inside--
	}
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// wait gives up the lock until somebody leaves.
func (g *gate) wait() {
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	changed := g.changed
	g.mu.Unlock()
	<-changed
	g.mu.Lock()
}
