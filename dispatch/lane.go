package dispatch

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// queueLength bounds how many due objects a lane keeps in memory; the others wait in the store.
const queueLength = 4096

// lane works on the objects of one directory.
type lane struct {
	Config
	route  Route
	board  *board
	random *lockedRand
	room   int           // how many due objects are kept in memory
	signal chan struct{} // something changed; capacity one
	turn   chan struct{} // one lane at a time has put something in
	units  *units
	lease  store.Lease     // in whose time the lane works
	tenure context.Context // ends with the lease
	tree   gate            // every reconcile is inside; one that moves entries of other objects is so alone

	mu      sync.Mutex
	queue   []event.Ref
	queued  map[event.Ref]bool
	running map[event.Ref]bool
	again   map[event.Ref]bool // running, and to be looked at once more
	stored  map[event.Ref]bool // running, with nothing left to do but to tell what came of it
	ended   map[event.Ref]bool // worked on while the store is being asked, whose answer is older; nil at other times
	behind  bool               // the store may hold due objects that are not in the queue
	nextDue event.Millis       // when to ask the store again, zero for never
	askAt   event.Millis       // when to ask it again in any case
	latest  event.Millis       // the latest that the clock has shown; the lane's own goroutine alone looks at it
	down    string             // why the directory is not reachable
	away    string             // the same in the words of whoever else works on it
	news    news               // what other processes have done
	tenancy tenancy
	made    map[event.Ref]made // of which the store does not know
	former  int64              // Seq of the last event that whoever had the lease before may have worked on
	holds   holds              // who may not be worked on, as another object is written that names them
}

func newLane(cfg Config, route Route, b *board, random *lockedRand) *lane {
	return &lane{
		Config:  cfg,
		route:   route,
		board:   b,
		random:  random,
		room:    queueLength,
		signal:  make(chan struct{}, 1),
		queued:  map[event.Ref]bool{},
		running: map[event.Ref]bool{},
		again:   map[event.Ref]bool{},
		stored:  map[event.Ref]bool{},
		behind:  true,
		units:   newUnits(),
		made:    map[event.Ref]made{},
		holds:   newHolds(),
		news:    news{told: make(chan struct{}, 1), settled: map[postKey]bool{}},
	}
}

func (l *lane) feeds(application string) bool {
	return len(l.route.Applications) == 0 || slices.Contains(l.route.Applications, application)
}

func (l *lane) now() event.Millis { return event.Millis(l.Clock.Now().UnixMilli()) }

// run is the life of the lane: start what is due while there are free workers, then wait for something to change.
func (l *lane) run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	slots := make(chan struct{}, max(1, l.route.Workers))
	l.recallClock(ctx)
	l.inherit(ctx)
	for ctx.Err() == nil {
		if reason := l.downReason(); reason != "" {
			l.tellDown(ctx, reason)
			workers.Wait()
			l.probe(ctx)
			continue
		}
		l.watchClock(ctx)
		l.refill(ctx)
		for l.start(ctx, slots, &workers) {
		}
		l.rest(ctx)
	}
}

// start begins the work on the next object, if there is one and a worker is free.
func (l *lane) start(ctx context.Context, slots chan struct{}, workers *sync.WaitGroup) bool {
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	ref, ok := l.next(ctx)
	if !ok {
		<-slots
		return false
	}
	workers.Go(func() {
		defer func() {
			<-slots
			l.finished(ref)
		}()
		l.reconcile(ctx, store.Key{Directory: l.route.Directory, Object: ref})
	})
	return true
}

func (l *lane) next(ctx context.Context) (event.Ref, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && l.down == "" && ctx.Err() == nil {
		ref := l.queue[0]
		l.queue = l.queue[1:]
		delete(l.queued, ref)
		if l.holds.park(ref) {
			continue
		}
		l.running[ref] = true
		return ref, true
	}
	return event.Ref{}, false
}

func (l *lane) finished(ref event.Ref) {
	l.mu.Lock()
	delete(l.running, ref)
	delete(l.stored, ref)
	if l.ended != nil {
		l.ended[ref] = true
	}
	due := l.holds.ended(ref)
	if l.again[ref] {
		due = append(due, ref)
	}
	delete(l.again, ref)
	l.mu.Unlock()
	l.requeue(due...)
}

// enqueue makes the lane look at objects that the store knows to be due. One that is being worked on is looked at again
// afterwards.
func (l *lane) enqueue(refs ...event.Ref) { l.add(l.room, refs) }

// requeue is for objects that the lane had taken out of its queue: that they are to be looked at may be known to nobody else
// any more, so that there is always room for them. They are no more than were worked on or kept aside.
func (l *lane) requeue(refs ...event.Ref) { l.add(math.MaxInt, refs) }

func (l *lane) add(room int, refs []event.Ref) {
	l.mu.Lock()
	for _, ref := range refs {
		switch {
		case l.running[ref]:
			l.again[ref] = true
		case l.queued[ref], l.holds.parked[ref]:
		case len(l.queue) >= room:
			l.behind = true
		default:
			l.queued[ref] = true
			l.queue = append(l.queue, ref)
		}
	}
	l.mu.Unlock()
	l.wake()
}

func (l *lane) wake() {
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// dueAt makes the lane ask the store again at a moment.
func (l *lane) dueAt(at event.Millis) {
	if at == 0 {
		return
	}
	l.mu.Lock()
	if l.nextDue == 0 || at < l.nextDue {
		l.nextDue = at
	}
	l.mu.Unlock()
	l.wake()
}

// askEvery is how often the store is asked for due objects without a reason, whatever else there is to do: another process
// may have made some due, by a retry on the command line.
const askEvery = 2 * time.Second

// lookEvery returns the pause between two looks at what other processes have done.
func (l *lane) lookEvery(usual time.Duration) time.Duration { return cmp.Or(l.LookEvery, usual) }

// refill takes due objects from the store where the queue may lack some and is not full, and from time to time.
func (l *lane) refill(ctx context.Context) {
	now := l.now()
	l.mu.Lock()
	due := l.nextDue != 0 && l.nextDue <= now
	need := (l.behind || due) && len(l.queue) <= l.room/2 || l.askAt <= now
	if need {
		l.behind = false
		l.nextDue = 0
		l.askAt = now + event.Millis(l.lookEvery(askEvery).Milliseconds())
		l.ended = map[event.Ref]bool{}
	}
	l.mu.Unlock()
	if !need {
		return
	}
	// What is in the queue is due longest, and comes first.
	limit := 2 * l.room
	found, next, err := l.Store.Due(ctx, l.route.Directory, now, limit)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.WithError(err).WithField("directory", l.route.Directory).Error("cannot read what is due from the store; trying again")
		}
		next = now + event.Millis(firstPause.Milliseconds())
	}
	l.take(found, len(found) == limit)
	l.dueAt(next)
}

// take adds what the store says is due to the queue. What runs, or ran while the store was asked, settles its own future:
// to queue it again would only do the work twice.
func (l *lane) take(found []store.Due, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range found {
		ref := d.Key.Object
		if l.queued[ref] || l.running[ref] || l.ended[ref] || l.holds.parked[ref] {
			continue
		}
		if len(l.queue) >= l.room {
			more = true
			break
		}
		l.queued[ref] = true
		l.queue = append(l.queue, ref)
	}
	l.ended = nil
	l.behind = l.behind || more
}

// rest waits until something changes or the next object is due.
func (l *lane) rest(ctx context.Context) {
	soon := l.Clock.Now().Add(l.lookEvery(askEvery)) // where the clock was set back meanwhile, the others are far off
	l.mu.Lock()
	until := l.askAt.Time()
	if soon.Before(until) {
		until = soon
	}
	if due := l.nextDue.Time(); l.nextDue != 0 && len(l.queue) <= l.room/2 && due.Before(until) {
		until = due // with a longer queue a worker that gets free comes first
	}
	l.mu.Unlock()
	reached, stop := l.Clock.At(until)
	defer stop()
	select {
	case <-l.signal:
	case <-ctx.Done():
	case <-reached:
	}
}

func (l *lane) downReason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// markDown stops the lane until the directory answers again. Nothing is stored for the object that found out: it stays
// due.
func (l *lane) markDown(reason string) {
	l.mu.Lock()
	was := l.down
	l.down = reason
	l.mu.Unlock()
	if was == "" {
		l.Log.WithField("directory", l.route.Directory).WithField("reason", reason).Warn("the directory does not answer; events are kept until it does")
		l.Observer.Available(l.route.Directory, false)
	}
	l.board.reportAll(l.route.Directory, unavailable(reason))
	l.wake()
}

// probe tries the directory with growing pauses until it answers or ctx ends. They stay short, as somebody's access may be waiting to be
// ended.
func (l *lane) probe(ctx context.Context) {
	const longest = 15 * time.Second
	for wait := firstPause; ; wait = min(2*wait, longest) {
		over, stop := l.Clock.At(l.Clock.Now().Add(l.random.spread(wait)))
		select {
		case <-over:
		case <-ctx.Done():
		}
		stop()
		if ctx.Err() != nil {
			return
		}
		err := l.route.Check(ctx)
		if err == nil {
			break
		}
		l.markDown(err.Error())
		l.tellDown(ctx, err.Error())
	}
	l.tellDown(ctx, "")
	l.mu.Lock()
	l.down = ""
	l.behind = true
	l.mu.Unlock()
	l.Log.WithField("directory", l.route.Directory).Info("the directory answers again")
	l.Observer.Available(l.route.Directory, true)
}
