package dispatch

import (
	"context"
	"errors"
	"time"

	"idaas-ldap/store"
)

const (
	// leaseMargin is how long before a lease ends nothing new is begun, and what is under way is cut off: a directory may still do
	// what it was asked last.
	leaseMargin = 3 * time.Second
	// leaseAgain is the pause between two tries to get the lease of a directory that somebody else works on, and, where the configuration
	// does not say, between two looks for what became of events.
	leaseAgain = 500 * time.Millisecond
)

// lead works on the directory whenever nobody else does, until ctx ends.
func (l *lane) lead(ctx context.Context) {
	all := l.Store
	defer func() { l.Store = all }()
	const failed, other = "failed", "other"
	told := "" // so that it is said once
	var look time.Time
	for ctx.Err() == nil {
		lease, err := all.Lease(ctx, l.route.Directory)
		if err == nil {
			l.own(ctx, lease)
			told = ""
			continue
		}
		log := l.Log.WithError(err).WithField("directory", l.route.Directory)
		switch reserved := errors.Is(err, store.ErrReserved); {
		case ctx.Err() != nil:
			return
		case !reserved && told != failed:
			log.Error("cannot take the lease of the directory; trying again until that succeeds")
			told = failed
		case reserved && told != other:
			log.Info("another instance works on the directory; this one takes over when that ends")
			told = other
		}
		l.setOwner(err)
		if now := l.Clock.Now(); !now.Before(look) {
			l.hearAnswers(ctx, all, l.board.open(l.route.Directory))
			look = now.Add(l.lookEvery(leaseAgain))
		}
		l.standBy(ctx, all)
	}
}

// own works on the directory for as long as the lease lasts.
func (l *lane) own(ctx context.Context, lease store.Lease) {
	if fenced := lease.Store(); fenced != nil {
		l.Store = fenced
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tenure, end := context.WithCancel(context.WithoutCancel(ctx)) // what has begun is finished although ctx has ended
	defer end()
	l.tenure = tenure
	l.lease = lease
	done := make(chan struct{})
	go func() {
		defer close(done)
		if l.outlives(tenure, lease) {
			return
		}
		l.Log.WithField("directory", l.route.Directory).Error("the lease of the directory has ended, as the database was not reached in time or this process was stopped; what was under way is tried again by whoever has it next")
		end()
		stop()
	}()
	if !lease.Ends().IsZero() {
		l.Log.WithField("directory", l.route.Directory).Info("this instance works on the directory")
	}
	l.setOwner(nil)
	l.takeStock()
	l.run(ctx)
	end()
	<-done
	if err := lease.Release(context.WithoutCancel(ctx)); err != nil {
		l.Log.WithError(err).WithField("directory", l.route.Directory).Warn("cannot give the lease of the directory up; it ends by itself")
	}
}

// outlives waits until the work ends, or the lease is about to. It reports whether the work has ended first.
func (l *lane) outlives(work context.Context, lease store.Lease) bool {
	for {
		ends := lease.Ends()
		if ends.IsZero() {
			<-work.Done()
			return true
		}
		if !l.Clock.Now().Before(ends.Add(-leaseMargin)) {
			return work.Err() != nil
		}
		reached, stop := l.Clock.At(ends.Add(-leaseMargin))
		select {
		case <-work.Done():
			stop()
			return true
		case <-reached:
		}
		stop()
	}
}

// takeStock forgets what was put in the queue while somebody else worked on it: the store knows what is due.
func (l *lane) takeStock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.behind = nil, true
	clear(l.queued)
}

// over reports whether the lease has ended, also where nobody has come to say so yet.
func (l *lane) over() bool { return (leased{l.tenure, l.lease, l.Clock}).Err() != nil }

// leased is a context that ends with a lease also where nobody has come to say so yet: a process that was stopped for longer than that
// finds out before it asks a directory for anything.
type leased struct {
	context.Context
	lease store.Lease
	clock Clock
}

// Err reports why there is nothing to be done any more.
func (c leased) Err() error {
	if ends := c.lease.Ends(); !ends.IsZero() && !c.clock.Now().Before(ends.Add(-leaseMargin)) {
		return context.Canceled
	}
	return c.Context.Err()
}

// setOwner notes why somebody else works on the directory; nil where we do.
func (l *lane) setOwner(other error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.elsewhere = ""
	if other != nil {
		l.elsewhere = other.Error()
	}
}
