package dispatch_test

import (
	"context"
	"testing"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// in returns a moment from now on as events write it.
func in(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }

// locked makes an event that locks a user for a while.
func locked(id string, at int64, d time.Duration) event.Change {
	return said(event.TypeUserLock, user(id), at, event.Values{event.FieldLockExpireTime: in(d)})
}

// lookedAt reports whether the processor was asked about a user at a moment, without an event that says anything.
func (r *rig) lookedAt(id string, at time.Time) bool {
	for _, c := range r.directories[corp].tasksOf(user(id)) {
		if c.at.Equal(at) {
			return true
		}
	}
	return false
}

// An account ends at its time also while the event that says when it does waits or is held, whose own pauses are longer by then.
func TestAnAccountEndsAtItsTimeWhileItsEventWaits(t *testing.T) {
	unseen := func(_ context.Context, task processor.Task) processor.Result {
		result := parked(task, event.CodeGuarded)
		result.Outcome.State, result.Outcome.Act = event.Held, string(processor.ActVanish)
		return result
	}
	waits := func(_ context.Context, task processor.Task) processor.Result {
		return parked(task, event.CodeWaitsForObject, unit("sales"))
	}
	for name, c := range map[string]struct {
		does  func(context.Context, processor.Task) processor.Result
		after time.Duration
	}{"waits": {waits, 20 * time.Minute}, "held": {unseen, 10 * time.Minute}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.script(c.does)
				at := time.Now().Add(c.after)
				r.answer(said(event.TypeUserUpdateInfo, user("ann"), 1, event.Values{event.FieldUsername: "ann", event.FieldAccountExpireTime: in(c.after)}))
				r.pass(c.after + time.Second)
				if !r.lookedAt("ann", at) {
					t.Errorf("nobody has looked when the account ended: %v", r.directories[corp].tasksOf(user("ann")))
				}
			})
		})
	}
}

// What changes by itself is seen to at its moment, whatever happened before.
func TestALockEndsAtItsTime(t *testing.T) {
	refused := func(_ context.Context, task processor.Task) processor.Result {
		result := parked(task, event.CodeRefused)
		result.Outcome.State = event.Failed
		return result
	}
	for _, c := range []struct {
		name  string
		until func(r *rig)
	}{
		{"where nothing else happens", func(*rig) {}},
		{"after an event that says nothing new", func(r *rig) {
			r.answer(update("ann", 1))
		}},
		{"after an event that says the same", func(r *rig) {
			c := update("ann", 9)
			r.answer(c)
			r.answer(c)
		}},
		{"after an event that failed", func(r *rig) {
			r.script(refused)
			r.answer(update("ann", 9))
			r.script(nil)
		}},
		{"after one that a guard holds", func(r *rig) {
			r.script(func(_ context.Context, task processor.Task) processor.Result {
				result := parked(task, event.CodeGuarded)
				result.Outcome.State, result.Outcome.Act = event.Held, string(processor.ActDisable)
				return result
			})
			r.answer(update("ann", 9))
			r.script(nil)
		}},
		{"while an event waits for longer than that", func(r *rig) {
			r.script(func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeDNTaken) })
			r.answer(update("ann", 9))
			r.pass(20 * time.Minute) // the pauses are longer than what is left now
		}},
		{"after a restart", func(r *rig) {
			r.stop()
			r.configure(r.routes())
			r.start()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.answer(update("ann", 2))
				r.answer(locked("ann", 3, 30*time.Minute))
				end := time.Now().Add(30 * time.Minute)
				c.until(r)
				r.pass(time.Until(end) - time.Millisecond)
				if r.lookedAt("ann", end) {
					t.Error("it is looked at before its time")
				}
				r.pass(time.Millisecond)
				if !r.lookedAt("ann", end) {
					t.Errorf("at %s nothing happens", end)
				}
				r.pass(time.Hour)
			})
		})
	}
}

// An event that says nothing new does not take with it what else the object is due for: a lock that has ended during an outage, or what
// another object has asked for.
func TestAnEventThatSaysNothingHidesNothing(t *testing.T) {
	for name, makesDue := range map[string]func(r *rig){
		"the end of a lock": func(r *rig) { r.answer(locked("ann", 3, 30*time.Minute)) },
		"another object": func(r *rig) {
			r.script(func(_ context.Context, task processor.Task) processor.Result {
				result := applied(task)
				result.Touch = []event.Ref{user("ann")}
				r.directories[corp].goDown(errDown)
				return result
			})
			r.answer(update("cid", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.answer(update("ann", 2))
				makesDue(r)
				r.script(nil)
				r.directories[corp].goDown(errDown)
				r.answer(update("bob", 1))
				r.pass(time.Hour)
				r.accept(update("ann", 1))
				before := len(r.directories[corp].tasksOf(user("ann")))
				r.directories[corp].goDown(nil)
				r.pass(time.Minute)
				if n := len(r.directories[corp].tasksOf(user("ann"))); n == before {
					t.Error("it is not looked at")
				}
				r.wantCode("ann@1", event.CodeStale)
			})
		})
	}
}

// routes returns the routes as at the start.
func (r *rig) routes() []dispatch.Route {
	s := r.directories[corp]
	return []dispatch.Route{{Directory: corp, Workers: 4, PasswordSync: true, Processor: s, Check: s.check}}
}

func TestALockThatEndsWhileTheProductIsStoppedIsSeenToAtTheStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(locked("ann", 2, time.Minute))
		r.stop()
		<-time.After(time.Hour)
		r.configure(r.routes())
		start := time.Now()
		r.start()
		r.pass(time.Millisecond)
		if !r.lookedAt("ann", start) {
			t.Error("nothing happens at the start")
		}
	})
}

func TestALockThatEndsWhileTheDirectoryIsDownIsSeenToAfterwards(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(locked("ann", 2, time.Minute))
		r.directories[corp].goDown(errDown)
		r.pass(time.Hour)
		r.directories[corp].goDown(nil)
		before := len(r.directories[corp].tasksOf(user("ann")))
		r.pass(time.Minute)
		if len(r.directories[corp].tasksOf(user("ann"))) == before {
			t.Error("nothing happens when the directory is back")
		}
	})
}

func TestAnAccountEndsAtItsTimeAndALockBeforeThat(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := update("ann", 1)
		c.Fields[event.FieldAccountExpireTime] = in(2 * time.Hour)
		c.Fields[event.FieldLockExpireTime] = in(time.Hour)
		r.answer(c)
		start := time.Now()
		for _, end := range []time.Duration{time.Hour, 2 * time.Hour} {
			r.pass(time.Until(start.Add(end)))
			if !r.lookedAt("ann", start.Add(end)) {
				t.Errorf("after %s nothing happens", end)
			}
		}
		tasks := len(r.directories[corp].tasksOf(user("ann")))
		r.pass(3 * time.Hour)
		if got := len(r.directories[corp].tasksOf(user("ann"))); got != tasks {
			t.Errorf("afterwards it is looked at %d times more", got-tasks)
		}
	})
}

// An entry that is kept although its object is gone is looked at when its time is over, even where events about the object
// come in between; and the processor is told since when it is kept.
func TestAnEntryThatIsKeptIsLookedAtWhenItsTimeIsOver(t *testing.T) {
	inBubble(t, func(r *rig) {
		const keep = 2 * time.Hour
		kept := func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if !task.Merged.Object.Deleted() {
				return result
			}
			result.Gone, result.Link, result.DN, result.Operations = false, task.Link, task.DN, nil
			if result.RemovedAt = task.RemovedAt; result.RemovedAt == 0 {
				result.RemovedAt = task.Now
			}
			if at := result.RemovedAt + event.Millis(keep.Milliseconds()); at > task.Now {
				result.PurgeAt = at
			} else {
				result.Gone, result.Link, result.DN, result.RemovedAt = true, "", nil, 0
			}
			return result
		}
		r.script(kept)
		r.answer(update("ann", 1))
		r.answer(said(event.TypeUserDelete, user("ann"), 5, nil))
		end := time.Now().Add(keep)
		r.pass(time.Hour)
		r.answer(said(event.TypeUserDisable, user("ann"), 9, nil)) // about somebody who is gone
		r.stop()
		r.configure(r.routes())
		r.start()
		r.pass(time.Until(end))
		if !r.lookedAt("ann", end) {
			t.Fatalf("at %s nothing happens", end)
		}
		_, record, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")})
		if err != nil || record.RemovedAt != 0 || record.Link != "" {
			t.Errorf("remembered is %+v (%v)", record, err)
		}
		if o := r.answer(update("ann", 20)); o.Code != event.CodeApplied {
			t.Errorf("coming back ends with %+v", o)
		}
	})
}

// What goes wrong at a time of its own is shown like what goes wrong with an event, and can be tried again.
func TestWhatFailsWithoutAnEventIsListed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(locked("ann", 2, time.Hour))
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := parked(task, event.CodeGuarded)
			result.Outcome.State, result.Outcome.Act = event.Held, string(processor.ActDisable)
			return result
		})
		r.pass(2 * time.Hour)
		records, err := r.store.Events(r.Context(), store.Filter{States: []event.State{event.Held}})
		if err != nil || len(records) != 1 || records[0].Type != event.TypeReconcile || records[0].Object != user("ann") {
			t.Fatalf("held is %+v (%v)", records, err)
		}
		r.script(nil)
		r.Wake(retry(r, records[0].EventID))
		r.pass(time.Minute)
		if o := r.outcome(corp, records[0].EventID); o.Code != event.CodeApplied {
			t.Errorf("approved, it ends with %+v", o)
		}
		task := r.directories[corp].tasksOf(user("ann"))
		approved, err := task[len(task)-1].task.Memory.Permit(r.Context(), processor.ActDisable, nil, mapping.Limit{})
		if err != nil || !approved.Granted {
			t.Errorf("what was approved is not permitted: %v", err)
		}
	})
}

func TestWhatIsAskedForIsWorkedOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		tasks := len(r.directories[corp].tasks())
		key := store.Key{Directory: corp, Object: user("ann")}
		if err := r.store.Ask(r.Context(), event.Millis(in(0)), []store.Key{key}); err != nil {
			t.Fatal(err)
		}
		r.pass(3 * time.Second) // another process has asked
		if got := len(r.directories[corp].tasks()); got != tasks+1 {
			t.Errorf("it was worked on %d times", got-tasks)
		}
		records, err := r.store.Events(r.Context(), store.Filter{Type: event.TypeReconcile})
		if err != nil || len(records) != 1 || records[0].Outcome.Code != event.CodeApplied {
			t.Errorf("recorded is %+v (%v)", records, err)
		}
	})
}
