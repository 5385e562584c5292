package dispatch

import (
	"context"
	"time"

	"idaas-ldap/event"
)

// setBackBy is by how much a clock has to show less than before to count as set back; less is what corrects it all the time.
const setBackBy = time.Second

// aheadBy is by how much a minute that was remembered lies ahead where the clock was ahead: those of several instances differ by less.
const aheadBy = 2 * time.Minute

// recallClock takes up what the clock showed when the directory was worked on last, as far as that is known, so that one that was set back
// while nobody worked on it is noticed as well.
func (l *lane) recallClock(ctx context.Context) {
	l.latest = l.now()
	ahead, err := l.Store.Samples(ctx, l.latest+event.Millis(aheadBy.Milliseconds()))
	if err != nil {
		l.Log.WithError(err).WithField("directory", l.route.Directory).Warn("cannot read what the clock showed before; what it has put off, if it was ahead, waits for that long")
	}
	for _, minute := range ahead {
		l.latest = max(l.latest, minute.At)
	}
}

// watchClock notices a clock that was set back. What waits for its time was put off by what the clock showed before, by up to the longest
// pause from then; it is looked at now. To look too early is as right as to look in time.
func (l *lane) watchClock(ctx context.Context) {
	now, was := l.now(), l.latest
	if l.latest = max(now, was); was <= now+event.Millis(setBackBy.Milliseconds()) {
		return
	}
	log := l.Log.WithField("directory", l.route.Directory).WithField("by", time.Duration(was-now)*time.Millisecond)
	if err := l.Store.BringForward(ctx, l.route.Directory, now, was+event.Millis(slowPause.Milliseconds())); err != nil {
		log.WithError(err).Error("the clock was set back, and what waits for its time cannot be looked at now; trying again")
		return
	}
	l.latest = now
	l.mu.Lock()
	l.askAt, l.nextDue, l.behind = 0, 0, true
	l.mu.Unlock()
	log.Warn("the clock was set back; what waits for its time is looked at now")
}
