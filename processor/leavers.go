package processor

import (
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// purge turns a removal that keeps the entry into one that deletes it, where the entry has been among the leavers for long
// enough. One that somebody took out of there is not deleted: it goes back, and its time begins anew.
func (r *run) purge(desired *plan.Desired, current *plan.Entry) {
	removal := desired.Removal
	if removal == nil || removal.PurgeAfter <= 0 || r.task.RemovedAt == 0 {
		return
	}
	at := purgeAt(r.task.RemovedAt, removal)
	switch {
	case at > r.task.Now:
		r.result.PurgeAt = at
	case current != nil && current.DN.Below(removal.MoveTo):
		purge := removal.Purge()
		desired.Removal = &purge
	}
}

// keep notes since when the entry of an object that is gone is kept, after it was written.
func (r *run) keep(d draft) {
	removal := d.desired.Removal
	r.result.PurgeAt = 0
	switch {
	case removal == nil, r.result.Gone, removal.Action == plan.RemoveKeep:
		r.result.RemovedAt = 0
		return
	case r.task.RemovedAt == 0, d.moves():
		r.result.RemovedAt = r.task.Now
	}
	if removal.Action == plan.RemoveMove && removal.PurgeAfter > 0 {
		r.result.PurgeAt = purgeAt(r.result.RemovedAt, removal)
	}
}

func purgeAt(removed event.Millis, removal *plan.Removal) event.Millis {
	return removed + event.Millis(removal.PurgeAfter.Milliseconds())
}
