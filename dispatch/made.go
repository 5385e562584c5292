package dispatch

import (
	"context"
	"math"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// made is where the entry of an object was made without the store being told of it, or may have been without an answer: a deletion that comes
// next looks there. It is also by what a group may name members without the store being told: no search for who names them finds it
// where it is hidden, and it may name them so for ever.
type made struct {
	at, perhapsAt plan.DN
	mayName       []plan.FormerName
}

// inherit finds out which events whoever had the lease before may have worked on, without a trace if that was ended in the middle.
func (l *lane) inherit(ctx context.Context) {
	newest, err := l.Store.Newest(ctx)
	if err != nil {
		l.Log.WithError(err).WithField("directory", l.route.Directory).Warn("cannot read which events are new; until the service is started anew, whoever is deleted before the entry was seen is looked for with more care")
		newest = math.MaxInt64
	}
	l.former = newest
}

// tried returns the object as an event wanted it that whoever had the lease before may have worked on, or as it is known: where nothing is
// remembered of an entry and a deletion has come since, there may be an entry all the same. It is the zero Object where there is none.
func (l *lane) tried(job store.Job, merged event.Merged) event.Object {
	if !isUnknown(job.Record) || !merged.Object.Deleted() {
		return event.Object{}
	}
	var changes []event.Change
	for _, p := range job.Pending {
		if p.Seq <= l.former && p.Change.Type.Effect() != event.EffectDelete {
			changes = append(changes, p.Change)
		}
	}
	if o := event.Merge(job.Known, changes).Object; o.Exists() {
		return o
	}
	return event.Object{}
}

// noteMade notes what a try has made of which the store knows nothing yet.
func (l *lane) noteMade(job store.Job, result processor.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := made{perhapsAt: result.Doubted, mayName: result.MayName}
	if isUnknown(job.Record) || !l.made[job.Key.Object].at.Empty() {
		m.at = result.DN
	}
	l.note(job.Key.Object, m)
}

// noteStored is for when the store knows all but what nobody does.
func (l *lane) noteStored(ref event.Ref, result processor.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := made{perhapsAt: l.made[ref].perhapsAt}
	if !result.Outcome.State.Settled() {
		m.mayName = result.MayName
	}
	l.note(ref, m)
}

// note needs the lock.
func (l *lane) note(ref event.Ref, m made) {
	if m.at.Empty() && m.perhapsAt.Empty() && len(m.mayName) == 0 {
		delete(l.made, ref)
		return
	}
	l.made[ref] = m
}

// recall adds to a job where the entry was made, if the store was not told, and returns what else nobody but the lane knows.
func (l *lane) recall(job *store.Job) made {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.made[job.Key.Object]
	if isUnknown(job.Record) {
		job.Record.DN = m.at
	}
	return m
}

// isUnknown reports whether nothing is remembered of an entry.
func isUnknown(r store.Record) bool { return r.Link == "" && r.DN.Empty() }
