package dispatch_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// unseeing is a directory that shows no entry while it hides, and takes every person whom it does not show for one to be kept out where owed.
type unseeing struct {
	hides, owed atomic.Bool
	looks       atomic.Int32
	merged      atomic.Pointer[event.Object] // what the last look knew
}

func (u *unseeing) process(_ context.Context, task processor.Task) processor.Result {
	u.looks.Add(1)
	u.merged.Store(&task.Merged.Object)
	result := applied(task)
	if u.hides.Load() {
		result = processor.Result{Record: task.Record, AccessOwed: u.owed.Load()}
		result.Outcome = event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "not to be seen", Act: string(processor.ActVanish)}
	}
	return result
}

// What is held because the entry is not to be seen goes on by itself when it is seen again, without anybody's approval.
func TestWhatIsSeenAgainGoesOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		var u unseeing
		r.script(u.process)
		r.answer(update("ann", 1))
		u.hides.Store(true)
		r.answer(update("ann", 2))
		r.pass(time.Hour)
		r.wantCode("ann@2", event.CodeGuarded)
		if records, err := r.store.Events(r.Context(), store.Filter{Type: event.TypeReconcile}); err != nil || len(records) > 0 {
			r.Errorf("beside the event that is held there are %+v, %v", records, err)
		}
		u.hides.Store(false)
		r.pass(time.Hour)
		r.wantCode("ann@2", event.CodeApplied)
		if records, err := r.store.Events(r.Context(), store.Filter{EventID: "ann@2"}); err != nil || len(records) != 1 || records[0].ApprovedBy != "" {
			r.Errorf("recorded is %+v, %v", records, err)
		}
	})
}

// What is held because the entry is not to be seen is part of what is known: the next event is worked on with it.
func TestWhatIsNotSeenIsKnown(t *testing.T) {
	inBubble(t, func(r *rig) {
		var u unseeing
		r.script(u.process)
		r.answer(update("ann", 1))
		u.hides.Store(true)
		r.answer(said(event.TypeUserUpdateInfo, user("ann"), 2, event.Values{"email": "ann@example.org"}))
		r.answer(update("ann", 4))
		u.hides.Store(false)
		if o := r.answer(update("ann", 3)); o.Code != event.CodeStale && o.Code != event.CodeSuperseded {
			r.Errorf("what is older than what is held is %+v", o)
		}
		got := *u.merged.Load()
		if got.Facts["email"].Value != "ann@example.org" || got.Facts[event.FieldUsername].Value != "ann 4" {
			r.Errorf("worked on is %+v", got.Facts)
		}
		r.wantCode("ann@2", event.CodeApplied)
		r.wantCode("ann@4", event.CodeApplied)
	})
}

// Whoever is not seen is looked at four times an hour, and three times a minute where access is to be ended. It is told once.
func TestHowOftenSomebodyIsLookedForWhoIsNotSeen(t *testing.T) {
	for _, owed := range []bool{false, true} {
		inBubble(t, func(r *rig) {
			var u unseeing
			r.script(u.process)
			r.answer(update("ann", 1))
			u.hides.Store(true)
			u.owed.Store(owed)
			r.answer(update("ann", 2))
			before := u.looks.Load()
			r.pass(time.Hour)
			want := map[bool]int32{false: 4, true: 180}[owed]
			if looks := u.looks.Load() - before; looks < want-1 || looks > want+1 {
				r.Errorf("within an hour there were %d looks; want %d", looks, want)
			}
			if n := r.log.count("event not applied"); n != 1 {
				r.Errorf("it was told %d times", n)
			}
		})
	}
}

// A deletion that is said twice is not known before it is made.
func TestADeletionThatWasOvertakenIsNotKnownBeforeTheOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		var u unseeing
		r.script(u.process)
		r.answer(update("ann", 1))
		u.hides.Store(true)
		r.answer(said(event.TypeUserDelete, user("ann"), 2, nil))
		r.answer(said(event.TypeUserDelete, user("ann"), 3, nil))
		r.wantCode("ann@2", event.CodeSuperseded)
		r.wantCode("ann@3", event.CodeGuarded)
		key := store.Key{Directory: corp, Object: user("ann")}
		if o, _, err := r.store.Lookup(r.Context(), key); err != nil || !o.Exists() {
			r.Errorf("known is %+v, %v", o, err)
		}
		u.hides.Store(false)
		r.pass(time.Hour)
		r.wantCode("ann@3", event.CodeApplied)
		if o, _, err := r.store.Lookup(r.Context(), key); err != nil || !o.Deleted() {
			r.Errorf("known is %+v, %v", o, err)
		}
	})
}
