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
	var told error // so that it is said once
	var look time.Time
	for ctx.Err() == nil {
		err := l.tryToLead(ctx, all)
		if err == nil {
			told = nil
			continue
		}
		if ctx.Err() != nil {
			return
		}
		l.sayWhy(err, told)
		told = err
		l.setTenure(err)
		l.hearDown(ctx, all)
		if now := l.Clock.Now(); !now.Before(look) {
			l.hearAnswers(ctx, all, l.board.open(l.route.Directory))
			look = now.Add(l.lookEvery(leaseAgain))
		}
		l.standBy(ctx, all)
	}
}

// tryToLead works on the directory for as long as the lease lasts, or says why there is none.
func (l *lane) tryToLead(ctx context.Context, all store.Store) error {
	tenure, left, ok := l.mayLead(ctx)
	if !ok {
		return errDrained
	}
	defer left()
	lease, err := all.Lease(tenure, l.route.Directory)
	if err != nil {
		return err //nolint:wrapcheck // It names the directory.
	}
	l.own(tenure, lease)
	return nil
}

// sayWhy tells why somebody else works on the directory, or nobody, unless that was told before.
func (l *lane) sayWhy(err, told error) {
	reserved := errors.Is(err, store.ErrReserved)
	if errors.Is(err, errDrained) || told != nil && reserved == errors.Is(told, store.ErrReserved) {
		return
	}
	log := l.Log.WithError(err).WithField("directory", l.route.Directory)
	if reserved {
		log.Info("another instance works on the directory; this one takes over when that ends")
	} else {
		log.Error("cannot take the lease of the directory; trying again until that succeeds")
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
	log := l.Log.WithField("directory", l.route.Directory)
	if !lease.Ends().IsZero() {
		log.Info("this instance works on the directory")
	}
	l.Observer.Leased(l.route.Directory, LeaseTaken)
	l.setTenure(nil)
	lost, done := false, make(chan struct{})
	go func() {
		defer close(done)
		if l.outlives(tenure, lease) {
			return
		}
		lost = true
		l.Observer.Leased(l.route.Directory, LeaseLost)
		log.Error("the lease of the directory has ended, as the database was not reached in time or this process was stopped; what was under way is tried again by whoever has it next")
		end()
		stop()
	}()
	l.takeStock()
	l.tellDown(ctx, "")
	l.run(ctx)
	end()
	<-done
	l.giveUp(context.WithoutCancel(ctx), lease, lost)
}

// giveUp hands the directory over to whoever takes it next, unless somebody else may have it by now.
func (l *lane) giveUp(ctx context.Context, lease store.Lease, lost bool) {
	log := l.Log.WithField("directory", l.route.Directory)
	standing := lease.Ends().IsZero()
	switch err := lease.Release(ctx); {
	case err != nil:
		log.WithError(err).Warn("cannot give the lease of the directory up; it ends by itself")
	case !lost && !standing:
		log.Info("this instance has handed the directory over")
	}
	if !lost {
		l.Observer.Leased(l.route.Directory, LeaseGivenUp)
	}
	if !standing {
		l.forgetDown()
	}
}

// forgetDown leaves it to whoever works on the directory next to find out whether that answers.
func (l *lane) forgetDown() {
	l.mu.Lock()
	was := l.down
	l.down = ""
	l.mu.Unlock()
	if was != "" {
		l.Observer.Available(l.route.Directory, true)
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

// takeStock forgets what was put in the queue while somebody else worked on it, and where units were before that: the store knows what is due,
// and where they are.
func (l *lane) takeStock() {
	l.units = newUnits()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue, l.behind, l.away = nil, true, ""
	clear(l.queued)
	clear(l.made) // somebody else has worked on them since
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
