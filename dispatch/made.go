package dispatch

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// made is where the entry of an object was made without the store being told of it, or may have been without an answer: a deletion that comes
// next looks there.
type made struct{ at, perhapsAt plan.DN }

// noteMade notes what a try has made of which the store knows nothing yet.
func (l *lane) noteMade(job store.Job, result processor.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := made{perhapsAt: result.Doubted}
	if isUnknown(job.Record) || !l.made[job.Key.Object].at.Empty() {
		m.at = result.DN
	}
	l.note(job.Key.Object, m)
}

// noteStored is for when the store knows all but what nobody does.
func (l *lane) noteStored(ref event.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(ref, made{perhapsAt: l.made[ref].perhapsAt})
}

// note needs the lock.
func (l *lane) note(ref event.Ref, m made) {
	if m.at.Empty() && m.perhapsAt.Empty() {
		delete(l.made, ref)
		return
	}
	l.made[ref] = m
}

// recall adds to a job where the entry was made, if the store was not told, and returns where it may have been made.
func (l *lane) recall(job *store.Job) (perhapsAt plan.DN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.made[job.Key.Object]
	if isUnknown(job.Record) {
		job.Record.DN = m.at
	}
	return m.perhapsAt
}

// isUnknown reports whether nothing is remembered of an entry.
func isUnknown(r store.Record) bool { return r.Link == "" && r.DN.Empty() }
