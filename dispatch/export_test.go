package dispatch

import (
	"context"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// SetRoom changes how many due objects each lane keeps in memory.
func SetRoom(d *Dispatcher, room int) {
	for _, l := range d.fleet.Load().lanes {
		l.room = room
	}
}

// Queued returns how many due objects are kept in memory.
func Queued(d *Dispatcher) int {
	n := 0
	for _, l := range d.fleet.Load().lanes {
		l.mu.Lock()
		n += len(l.queue)
		l.mu.Unlock()
	}
	return n
}

// Watched returns for how many events of directories somebody waits.
func Watched(d *Dispatcher) int {
	d.board.mu.Lock()
	defer d.board.mu.Unlock()
	return len(d.board.posts)
}

// Busy reports whether an object whose entry a group names is being worked on, so that the group has to wait for it.
func Busy(d *Dispatcher, directory string, by, ref event.Ref) bool {
	for _, l := range d.fleet.Load().lanes {
		if l.route.Directory == directory {
			held, busy := l.hold(by, []event.Ref{ref})
			l.release(held)
			return busy[ref]
		}
	}
	return false
}

// MemoryOf returns the memory of the task of a job, at the beginning of time and with nobody busy.
func MemoryOf(s store.Store, job store.Job) processor.Memory {
	return &memory{store: s, job: job, now: func() event.Millis { return 1 }}
}

// Under returns the context of work under a lease.
func Under(ctx context.Context, lease store.Lease, clock Clock) context.Context {
	return leased{ctx, lease, clock}
}
