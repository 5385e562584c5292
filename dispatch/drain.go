package dispatch

import (
	"context"
	"errors"
	"time"

	"idaas-ldap/store"
)

// errDrained is why a directory is left to others that nobody else may work on yet.
var errDrained = errors.New("this instance was told to hand over what it works on")

// Drain hands all directories over to other processes, and takes none any more. It returns when what is under way is finished and the
// leases are given up, or ctx ends. Events are taken in as before.
func (d *Dispatcher) Drain(ctx context.Context) error {
	d.rerouting.Lock()
	d.drained = true
	lanes := d.fleet.Load().lanes
	d.rerouting.Unlock()
	for _, l := range lanes {
		select {
		case <-l.drain():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Drained reports whether nothing is worked on here any more.
func (d *Dispatcher) Drained() bool {
	d.rerouting.Lock()
	defer d.rerouting.Unlock()
	return d.drained
}

// Tenure says who works on a directory.
type Tenure struct {
	// Mine: this process does. Other says who else does, as far as is known.
	Mine  bool
	Other string
	// Since is when that began, or when this process has found out.
	Since time.Time
}

// Tenures returns who works on each directory, by name.
func (d *Dispatcher) Tenures() map[string]Tenure {
	lanes := d.fleet.Load().lanes
	out := make(map[string]Tenure, len(lanes))
	for _, l := range lanes {
		l.mu.Lock()
		out[l.route.Directory] = l.tenancy.now
		l.mu.Unlock()
	}
	return out
}

// Elsewhere returns who else works on each directory, by name; an empty text where this process does.
func (d *Dispatcher) Elsewhere() map[string]string {
	out := map[string]string{}
	for name, tenure := range d.Tenures() {
		out[name] = tenure.Other
	}
	return out
}

// tenancy is what a lane knows of the lease of its directory.
type tenancy struct {
	now     Tenure
	drained bool
	// ended is closed when the lane neither has the lease nor asks for it; nil before it has asked. stop ends its work.
	ended chan struct{}
	stop  context.CancelFunc
}

// drain ends the work of the lane for good, and returns what is closed when that has ended.
func (l *lane) drain() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tenancy.drained = true
	if l.tenancy.ended == nil {
		over := make(chan struct{})
		close(over)
		return over
	}
	l.tenancy.stop()
	return l.tenancy.ended
}

// mayLead begins a try to get the lease, unless the lane is drained. The returned context ends with the work, and left has to be called
// when it has ended.
func (l *lane) mayLead(ctx context.Context) (tenure context.Context, left func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tenancy.drained {
		return nil, nil, false
	}
	ended := make(chan struct{})
	tenure, l.tenancy.stop = context.WithCancel(ctx)
	l.tenancy.ended = ended
	stop := l.tenancy.stop
	return tenure, func() {
		stop()
		close(ended)
	}, true
}

// setTenure notes who works on the directory: we do, or why we do not.
func (l *lane) setTenure(other error) {
	now := Tenure{Mine: other == nil}
	if other != nil {
		if now.Other = store.OwnerIn(other); now.Other == "" {
			now.Other = other.Error()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.tenancy.now; was.Mine != now.Mine || was.Other != now.Other {
		now.Since = l.Clock.Now()
		l.tenancy.now = now
	}
}
