package dispatch

import (
	"context"
	"slices"
	"sync"

	"idaas-ldap/event"
)

// fleet is the lanes of all directories that are fed at a time. It is replaced as a whole.
type fleet struct {
	lanes []*lane
	// replaced is closed when another fleet has taken its place, unused when then nobody asks the directories of this one any more
	// on their own, as the connection test does.
	replaced, unused chan struct{}

	mu    sync.Mutex
	users int
	over  bool
}

// Reroute makes the dispatcher feed other directories from now on. What was accepted for one that is fed no more stays in the
// store, and whoever waits for it is told so. Run works on what is due in these directories until ctx ends or they are replaced
// in their turn, and returns when nobody uses their routes any more; the caller has to call it, once.
func (d *Dispatcher) Reroute(routes []Route) (run func(ctx context.Context)) {
	d.rerouting.Lock()
	defer d.rerouting.Unlock()
	next := d.newFleet(routes)
	before := d.fleet.Swap(next)
	before.retire()
	for _, l := range before.lanes {
		if next.lane(l.route.Directory) == nil {
			d.board.reportAll(l.route.Directory, notFed(l.route.Directory))
		}
	}
	return func(ctx context.Context) { d.run(ctx, next) }
}

func (d *Dispatcher) newFleet(routes []Route) *fleet {
	f := &fleet{replaced: make(chan struct{}), unused: make(chan struct{})}
	for _, route := range routes {
		if d.turns[route.Directory] == nil {
			d.turns[route.Directory] = make(chan struct{}, 1)
		}
		l := newLane(d.cfg, route, d.board, d.random)
		l.turn = d.turns[route.Directory]
		l.tenancy.drained = d.drained
		f.lanes = append(f.lanes, l)
	}
	return f
}

// run lets the lanes of a fleet work until ctx ends or another one has taken its place. What is under way is finished.
func (d *Dispatcher) run(ctx context.Context, f *fleet) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var lanes sync.WaitGroup
	for _, l := range f.lanes {
		lanes.Go(func() { l.takeTurn(ctx) })
	}
	select {
	case <-f.replaced:
	case <-ctx.Done():
	}
	stop()
	lanes.Wait()
	select {
	case <-f.replaced:
		<-f.unused
	default:
	}
}

// takeTurn is the life of a lane when the one that fed the same directory before has ended: two would work on one object.
func (l *lane) takeTurn(ctx context.Context) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-l.turn }()
	l.lead(ctx)
}

// inForce returns the fleet that is in force, and keeps its routes until done is called.
func (d *Dispatcher) inForce() (f *fleet, done func()) {
	for {
		if f := d.fleet.Load(); f.enter() {
			return f, f.leave
		}
	}
}

// enter counts a user, unless the fleet was replaced.
func (f *fleet) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return false
	}
	f.users++
	return true
}

func (f *fleet) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users--
	if f.over && f.users == 0 {
		close(f.unused)
	}
}

// retire is called once, when another fleet is in force.
func (f *fleet) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	close(f.replaced)
	if f.users == 0 {
		close(f.unused)
	}
}

// lane returns the lane of a directory, nil where it is not fed.
func (f *fleet) lane(directory string) *lane {
	i := slices.IndexFunc(f.lanes, func(l *lane) bool { return l.route.Directory == directory })
	if i < 0 {
		return nil
	}
	return f.lanes[i]
}

func notFed(directory string) event.Outcome {
	return event.Outcome{State: event.Waiting, Code: event.CodeUnavailable, Message: "stored; waits until the directory " + directory + " is in the configuration again"}
}
