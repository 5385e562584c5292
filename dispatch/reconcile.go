package dispatch

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// pendingLimit bounds how many events of one object are merged at a time.
const pendingLimit = 1000

// grace is how long work under way may go on after the lane was told to stop.
const grace = 20 * time.Second

// reconcile brings one object to what is known of it, side by side with others where that does not move their entries.
func (l *lane) reconcile(ctx context.Context, key store.Key) {
	// What has begun is finished even if the product is told to stop.
	ctx, cancel := withGrace(ctx)
	defer cancel()
	defer context.AfterFunc(l.tenure, cancel)() // but not beyond the lease
	l.tree.enter()
	needsAlone := l.attempt(ctx, key, false)
	l.tree.leave()
	if needsAlone {
		l.tree.enterAlone()
		defer l.tree.leave()
		l.attempt(ctx, key, true)
	}
}

// attempt is one reconcile: load, merge, process, settle. It reports whether the object has to be worked on alone; then
// nothing was done.
func (l *lane) attempt(ctx context.Context, key store.Key, alone bool) (needsAlone bool) {
	log := l.Log.WithFields(logrus.Fields{"directory": key.Directory, "object": key.Object.String()})
	start := l.Clock.Now()
	job, err := l.Store.Load(ctx, key, pendingLimit)
	if err == nil {
		err = l.loadMembers(ctx, &job)
	}
	if err != nil {
		log.WithError(err).Error("cannot load the object from the store; trying again")
		l.dueAt(l.now() + event.Millis(firstPause.Milliseconds()))
		return false
	}
	merged := event.Merge(job.Known, changesOf(job))
	result, worked := l.process(ctx, &job, merged, alone)
	if result.NeedsAlone {
		return true
	}
	l.noteMade(job, result)
	if l.over() {
		return false // whoever works on the directory next finds the object as due as it was
	}
	if result.Outcome.Code == event.CodeUnavailable {
		l.markDown(result.Outcome.Message)
		return false
	}
	now := l.now()
	s := settlement(job, job.Known, merged, result, now)
	if touches(s.Attempts) {
		s.Touch = result.Touch
	}
	if s.Attempts > 0 {
		again := now + event.Millis(l.random.spread(rest(s, result)).Milliseconds())
		s.Due = earliest(s.Due, again)
	}
	l.settle(ctx, log, job, s, result)
	if worked {
		l.Observer.Reconciled(key.Directory, len(result.Operations), l.Clock.Now().Sub(start))
	}
	return false
}

// touches reports whether a try that did not finish makes others due that it came upon: the first one, and then whenever the number of tries in a
// row has doubled. Two who are looked at in vain, as their entries are hidden, would otherwise wake an object in turns, without a pause.
func touches(attempts int) bool { return attempts&(attempts-1) == 0 }

// loadMembers adds what is known of the memberships that pending events speak about.
func (l *lane) loadMembers(ctx context.Context, job *store.Job) error {
	users := map[string]bool{}
	for _, user := range job.Rejoin {
		users[user] = true
	}
	for _, p := range job.Pending {
		if p.Change.Type == event.TypeReconcile && job.Key.Object.Kind == event.KindGroup {
			// Who asks for a group to be compared means all of its members.
			members, err := l.Store.Memberships(ctx, job.Key, nil)
			job.Known.Members = members
			return err
		}
		for _, m := range p.Change.Members {
			users[m.User] = true
		}
	}
	if len(users) == 0 {
		return nil
	}
	members, err := l.Store.Memberships(ctx, job.Key, slices.Sorted(maps.Keys(users)))
	job.Known.Members = members
	return err
}

func changesOf(job store.Job) []event.Change {
	changes := make([]event.Change, len(job.Pending))
	for i, p := range job.Pending {
		changes[i] = p.Change
	}
	return changes
}

// process hands the object to the processor unless there is nothing that could have changed.
func (l *lane) process(ctx context.Context, job *store.Job, merged event.Merged, alone bool) (result processor.Result, worked bool) {
	untold := l.recall(job)
	keep := kept(job.Record)
	// An entry that is kept although its object is gone has a time at which it is deleted, which only the processor knows.
	// What is due for another reason than its events must not be forgotten with those that say nothing.
	says := len(job.Pending) == 0 || job.Record.RemovedAt != 0 || job.Asked || hasChanged(job.Known.Account(), l.now()) || len(job.Rejoin) > 0 && merged.Object.Exists()
	for i, role := range merged.Roles {
		kind := job.Pending[i].Change.Type
		hint := kind.Effect() == event.EffectTouch && kind != event.TypeReconcile
		says = says || role == event.Effective && (!hint || merged.Object.Exists())
	}
	known := merged.Object.Exists() || len(job.Pending) > 0 || job.Record.RemovedAt != 0
	switch {
	case !says:
		keep.Outcome = event.Outcome{State: event.Skipped, Code: event.CodeNoObject, Message: job.Key.Object.String() + " is not known"}
		return keep, false
	case !known:
		keep.Outcome = event.Outcome{State: event.Done, Code: event.CodeUnchanged}
		return keep, false
	}
	m := &memory{store: l.Store, units: l.units, job: *job, now: l.now, hold: l.hold}
	defer func() {
		l.release(m.held)
		job.Record = m.job.Record
		for _, key := range m.woken {
			if key != job.Key { // its own end is settled soon
				l.enqueue(key.Object)
			}
		}
	}()
	task := processor.Task{
		Record: job.Record, Doubted: untold.perhapsAt, MayName: untold.mayName, Tried: l.tried(*job, merged), Remained: remained(*job), Known: job.Known, Merged: merged,
		Unlock: unlocks(*job, merged), TryRefused: triesRefused(*job), Now: l.now(), Memory: m, Alone: alone,
	}
	if i := merged.PasswordFrom; i >= 0 {
		task.PasswordTried = job.Pending[i].PasswordTried
		m.password = job.Pending[i].Seq
	}
	return l.guarded(ctx, task, m), true
}

// remained reports whether the last try to delete the entry ended with entries below it, or as it was not seen any more after that.
func remained(job store.Job) bool {
	return slices.ContainsFunc(job.Pending, func(p store.Pending) bool {
		return p.Outcome.Code == event.CodeWaitsForEmpty || p.Outcome.State == event.Held
	})
}

// hasChanged reports whether a lock or an account has ended by itself.
func hasChanged(a event.Account, now event.Millis) bool {
	return a.LockedUntil > 0 && !a.Locked(now) || a.Expired(now)
}

// guarded lets the processor work and turns a panic of it into a failure of this one object: a fault of the program that one
// object meets must not keep all others from being worked on. What is remembered of the object is kept.
func (l *lane) guarded(ctx context.Context, task processor.Task, m *memory) (result processor.Result) {
	defer func() {
		if p := recover(); p != nil {
			l.Log.WithFields(logrus.Fields{
				"directory": l.route.Directory, "object": task.Merged.Object.Ref.String(), "panic": fmt.Sprint(p), "stack": string(debug.Stack()),
			}).Error("a fault of the program ended the work on the object; please report it with the stack")
			result = kept(m.job.Record)
			result.Outcome = event.Outcome{
				State: event.Failed, Code: event.CodeInternal,
				Message: "a fault of the program ended the work on this object; the log has its place. Please report it; 'events retry' tries again",
			}
		}
	}()
	ctx, end := l.within(ctx)
	defer end()
	if l.route.Begin != nil {
		ctx = l.route.Begin(ctx, m.job)
	}
	return l.cutShort(ctx, l.route.Processor.Process(leased{ctx, l.lease, l.Clock}, task))
}

// kept is a result that leaves what is remembered of an object as it is.
func kept(r store.Record) processor.Result {
	return processor.Result{Record: r}
}

// unlocks reports whether a pending event asks for a lock to go, whoever has set it.
func unlocks(job store.Job, merged event.Merged) bool {
	for i, role := range merged.Roles {
		kind := job.Pending[i].Change.Type
		if role == event.Effective && (kind == event.TypeUserUnlock || kind == event.TypeUserEnable) {
			return true
		}
	}
	return false
}

// triesRefused reports whether a person asks for another try.
func triesRefused(job store.Job) bool {
	return slices.ContainsFunc(job.Pending, func(p store.Pending) bool {
		return p.Retried || p.Change.Type == event.TypeReconcile
	})
}

// settle stores the end of a reconcile and tells everybody whom it concerns. Where the store cannot take it the object
// stays due: the next reconcile finds the directory as it should be and only has to store that.
func (l *lane) settle(ctx context.Context, log logrus.FieldLogger, job store.Job, s store.Settlement, result processor.Result) {
	var woken []store.Key
	var err error
	l.units.settle(job.Key.Object, func() { woken, err = l.Store.Settle(ctx, l.now(), s) })
	if err != nil {
		log.WithError(err).Error("cannot store what became of the object; trying again")
		l.dueAt(l.now() + event.Millis(firstPause.Milliseconds()))
		return
	}
	l.isStored(job.Key.Object)
	l.noteStored(job.Key.Object, result)
	dn := result.DN
	if dn.Empty() {
		dn = job.Record.DN // that of an entry that is gone now
	}
	for _, p := range job.Pending {
		outcome := s.Outcomes[p.Seq]
		if isStillHeld(p, outcome) {
			continue // it was told then
		}
		l.Observer.Settled(job.Key.Directory, outcome)
		entry := log.WithFields(logrus.Fields{
			"event": p.EventID, "type": string(p.Change.Type), "state": string(outcome.State), "code": string(outcome.Code),
			"dn": dn.String(), "reason": outcome.Message,
		})
		if p.ApprovedBy != "" {
			entry = entry.WithField("approved_by", p.ApprovedBy)
		}
		switch outcome.State {
		case event.Failed, event.Held:
			entry.Warn("event not applied")
		case event.Waiting:
			entry.Info("event waits")
		default:
			entry.Info("event settled")
		}
		// Whoever is answered finds it in the log and counted.
		l.board.report(postKey{directory: job.Key.Directory, application: p.Application, eventID: p.EventID}, outcome)
	}
	for _, key := range woken {
		l.enqueue(key.Object)
	}
	l.dueAt(s.Due)
}

// isStillHeld reports whether an event that is held is so still, for the same reason.
func isStillHeld(p store.Pending, o event.Outcome) bool {
	o.Act = ""
	return p.Outcome.State == event.Held && p.Outcome == o
}

// withGrace returns a context that outlives its parent by the grace period.
func withGrace(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() {
		stop()
		cancel()
	}
}
