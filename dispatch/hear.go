package dispatch

import (
	"context"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// Hear takes in what another process has done with the store. It does not wait.
func (d *Dispatcher) Hear(n store.Notice) {
	for _, l := range d.fleet.Load().lanes {
		if n.What == store.NoticeMissed || n.Directory == l.route.Directory {
			l.hear(n)
		}
	}
}

// news is what a lane was told and has not looked at yet.
type news struct {
	told    chan struct{} // there is some; capacity one
	free    bool          // nobody may have the lease
	settled map[postKey]bool
}

// hear notes what a lane was told, and wakes it.
func (l *lane) hear(n store.Notice) {
	var settled []postKey
	switch n.What {
	case store.NoticeSettled:
		settled = l.board.settled(l.route.Directory, n.Seqs)
	case store.NoticeMissed:
		settled = l.board.open(l.route.Directory)
	case store.NoticeWork, store.NoticeFree:
	}
	l.tell(n.What, settled...)
	if n.What == store.NoticeWork || n.What == store.NoticeMissed {
		l.mu.Lock()
		l.behind = true
		l.mu.Unlock()
		l.wake()
	}
}

// tell notes what is to be looked at where somebody else works on the directory.
func (l *lane) tell(what store.Happened, settled ...postKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.news.free = l.news.free || what == store.NoticeFree || what == store.NoticeMissed
	for _, key := range settled {
		l.news.settled[key] = true
	}
	if !l.news.free && len(l.news.settled) == 0 {
		return
	}
	select {
	case l.news.told <- struct{}{}:
	default:
	}
}

// takeNews returns what was told since the last time: whether the lease may be free, and what was settled.
func (l *lane) takeNews() (free bool, settled []postKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	free, l.news.free = l.news.free, false
	for key := range l.news.settled {
		settled = append(settled, key)
	}
	clear(l.news.settled)
	return free, settled
}

// standBy waits until the lease is to be asked for again. What was settled meanwhile is looked at.
func (l *lane) standBy(ctx context.Context, s store.Store) {
	again, stop := l.Clock.At(l.Clock.Now().Add(leaseAgain))
	defer stop()
	for {
		select {
		case <-again:
			return
		case <-ctx.Done():
			return
		case <-l.news.told:
		}
		free, settled := l.takeNews()
		l.hearAnswers(ctx, s, settled)
		if free {
			return
		}
	}
}

// hearAnswers looks in the store for what became of events that somebody waits for here, and somebody else works on.
func (l *lane) hearAnswers(ctx context.Context, s store.Store, keys []postKey) {
	for _, key := range keys {
		records, err := s.Events(ctx, store.Filter{Directory: key.directory, EventID: key.eventID})
		if err != nil {
			return // looked for again before long
		}
		for _, r := range records {
			if r.Application == key.application && r.Outcome.State != event.Pending {
				l.board.report(key, r.Outcome)
			}
		}
	}
}

// downNote is the name of the note by which whoever works on a directory tells the others why it does not answer.
func (l *lane) downNote() string { return "down " + l.route.Directory }

// tellDown tells those who take events in elsewhere why the directory does not answer, with an empty reason that it does. It comes before
// anything is applied again, so that nobody is told of an outage that is over.
func (l *lane) tellDown(ctx context.Context, reason string) {
	if l.lease.Ends().IsZero() {
		return // nobody else is there
	}
	said, err := l.Store.Note(ctx, l.downNote())
	if err != nil || string(said) == reason {
		return // a store that does not answer is told of by those who need it more
	}
	_ = l.Store.SetNote(ctx, l.downNote(), []byte(reason), "", nil) // else answers elsewhere take longer
}

// hearDown looks why the directory does not answer whoever else works on it, and tells all who wait for it here.
func (l *lane) hearDown(ctx context.Context, s store.Store) {
	said, err := s.Note(ctx, l.downNote())
	if err != nil {
		return // looked for again before long
	}
	l.mu.Lock()
	l.away = string(said)
	l.mu.Unlock()
	if len(said) > 0 {
		l.board.reportAll(l.route.Directory, unavailable(string(said)))
	}
}

// isAway reports whether the directory did not answer whoever else works on it when that was looked at last.
func (l *lane) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away != ""
}
