package dispatch

import "idaas-ldap/event"

// holds keeps objects from being worked on while another one that names their entries is written. Somebody who is renamed
// looks for what names the entry by its old name; what was written after that look, by who had read the old name before,
// would keep it for ever, and pass on to the next one of that name. So these two never happen at the same time. It belongs to
// a lane, which guards it by its lock.
type holds struct {
	// held counts, for each object, those who name it; parked are due and held.
	held   map[event.Ref]int
	parked map[event.Ref]bool
	// after are those who are to be looked at when an object is not worked on any more.
	after map[event.Ref][]event.Ref
}

func newHolds() holds {
	return holds{held: map[event.Ref]int{}, parked: map[event.Ref]bool{}, after: map[event.Ref][]event.Ref{}}
}

// hold keeps objects from being worked on until release, for the sake of another one. Those who are being worked on already
// are busy and not held; the other one is looked at again after each of them.
func (l *lane) hold(by event.Ref, refs []event.Ref) (held []event.Ref, busy map[event.Ref]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	busy = map[event.Ref]bool{}
	for _, ref := range refs {
		if l.running[ref] && !l.stored[ref] && ref != by {
			busy[ref] = true
			l.holds.after[ref] = append(l.holds.after[ref], by)
			continue
		}
		l.holds.held[ref]++
		held = append(held, ref)
	}
	return held, busy
}

// isStored says that nothing is written any more for an object that is being worked on. It comes before anybody is told what
// came of it: who is told that a user is there may at once name that user as a member.
func (l *lane) isStored(ref event.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored[ref] = true
}

// release ends what hold began, and lets those be worked on who became due meanwhile.
func (l *lane) release(refs []event.Ref) {
	var due []event.Ref
	l.mu.Lock()
	for _, ref := range refs {
		l.holds.held[ref]--
		if l.holds.held[ref] > 0 {
			continue
		}
		delete(l.holds.held, ref)
		if l.holds.parked[ref] {
			delete(l.holds.parked, ref)
			due = append(due, ref)
		}
	}
	l.mu.Unlock()
	l.requeue(due...)
}

// park puts an object aside that is due and held. The lock is held.
func (h *holds) park(ref event.Ref) bool {
	if h.held[ref] > 0 {
		h.parked[ref] = true
	}
	return h.parked[ref]
}

// ended returns those who are to be looked at now that an object is not worked on any more. The lock is held.
func (h *holds) ended(ref event.Ref) []event.Ref {
	waiting := h.after[ref]
	delete(h.after, ref)
	return waiting
}
