package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

func TestEachEventOfAReconcileHasItsOwnOutcome(t *testing.T) {
	refusedPassword := map[event.Facet]event.Outcome{event.FacetSecret: {State: event.Failed, Code: event.CodePasswordRefused, Message: "too short"}}
	switchedOff := map[event.Facet]event.Outcome{event.FacetSecret: {State: event.Skipped, Code: event.CodeSwitchedOff, Message: "passwords are not written"}}
	password := func(at int64, text string) event.Change {
		c := said(event.TypeUserUpdatePassword, user("ann"), at, nil)
		c.Password = secret.New(text)
		return c
	}
	create := func(at int64, text string) event.Change {
		c := said(event.TypeUserCreate, user("ann"), at, event.Values{event.FieldUsername: "ann"})
		c.Password = secret.New(text)
		return c
	}
	members := func(at int64, users ...string) event.Change {
		c := said(event.TypeGroupAddUser, group("vpn"), at, nil)
		for _, u := range users {
			c.Members = append(c.Members, event.Member{User: u, Present: true})
		}
		return c
	}
	waits := map[string]event.Outcome{"bob": {State: event.Waiting, Code: event.CodeWaitsForObject, Message: "waits for bob"}}
	gone := map[string]event.Outcome{"bob": {State: event.Skipped, Code: event.CodeNoObject, Message: "bob is gone"}}
	outside := map[string]event.Outcome{"bob": {State: event.Skipped, Code: event.CodeOutOfScope, Message: "bob is out of scope"}}
	for _, c := range []struct {
		name    string
		result  processor.Result // on top of what applied gives
		changes []event.Change
		want    []event.Code
	}{
		{"a refused password does not spoil the record", processor.Result{Facets: refusedPassword}, []event.Change{update("ann", 1), password(2, "x")}, []event.Code{event.CodeApplied, event.CodePasswordRefused}},
		{"a refused password fails the creation that carries it", processor.Result{Facets: refusedPassword}, []event.Change{create(1, "x")}, []event.Code{event.CodePasswordRefused}},
		{"a password that is not written does not fail the creation", processor.Result{Facets: switchedOff}, []event.Change{create(1, "x")}, []event.Code{event.CodeApplied}},
		{"and is said of the event that is about nothing else", processor.Result{Facets: switchedOff}, []event.Change{update("ann", 1), password(2, "x")}, []event.Code{event.CodeApplied, event.CodeSwitchedOff}},
		{"a password event without a password", processor.Result{}, []event.Change{update("ann", 1), password(2, "")}, []event.Code{event.CodeApplied, event.CodeSwitchedOff}},
		{"only the newest password counts", processor.Result{}, []event.Change{update("ann", 1), password(3, "new"), password(2, "old")}, []event.Code{event.CodeApplied, event.CodeApplied, event.CodeSuperseded}},
		{"one member waits, the other does not", processor.Result{MemberOutcomes: waits}, []event.Change{members(1, "ann"), members(2, "bob")}, []event.Code{event.CodeApplied, event.CodeWaitsForObject}},
		{"an event of several members waits with the last of them", processor.Result{MemberOutcomes: waits}, []event.Change{members(1, "ann", "bob")}, []event.Code{event.CodeWaitsForObject}},
		{"a member who is gone", processor.Result{MemberOutcomes: gone}, []event.Change{members(1, "ann"), members(2, "bob")}, []event.Code{event.CodeApplied, event.CodeNoObject}},
		{"a member who is gone among others", processor.Result{MemberOutcomes: gone}, []event.Change{members(1, "ann", "bob")}, []event.Code{event.CodeApplied}},
		{"a member outside the scope", processor.Result{MemberOutcomes: outside}, []event.Change{members(1, "bob")}, []event.Code{event.CodeOutOfScope}},
		{"a member outside the scope among others", processor.Result{MemberOutcomes: outside}, []event.Change{members(1, "ann", "bob")}, []event.Code{event.CodeApplied}},
		{"an older word and a newer one", processor.Result{}, []event.Change{update("ann", 2), update("ann", 1)}, []event.Code{event.CodeApplied, event.CodeSuperseded}},
		{"made and deleted", processor.Result{}, []event.Change{update("ann", 1), said(event.TypeUserDelete, user("ann"), 2, nil)}, []event.Code{event.CodeSuperseded, event.CodeApplied}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.script(func(_ context.Context, task processor.Task) processor.Result {
					result := applied(task)
					result.Facets, result.MemberOutcomes = c.result.Facets, c.result.MemberOutcomes
					return result
				})
				for i, o := range r.await(r.accept(c.changes...)) {
					if o.Code != c.want[i] {
						r.Errorf("%s is answered with %+v; want %s", c.changes[i].ID, o, c.want[i])
					}
				}
			})
		})
	}
}

func TestWhatIsOlderThanWhatIsKnownIsStale(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 10))
		tasks := len(r.directories[corp].tasks())
		if o := r.answer(update("ann", 5)); o.State != event.Skipped || o.Code != event.CodeStale {
			r.Errorf("an older event is answered with %+v", o)
		}
		r.answer(said(event.TypeUserDelete, user("ann"), 20, nil))
		if o := r.answer(update("ann", 15)); o.State != event.Skipped || o.Code != event.CodeStale {
			r.Errorf("an update from before the deletion is answered with %+v", o)
		}
		if n := len(r.directories[corp].tasks()) - tasks; n != 1 {
			r.Errorf("%d reconciles for one deletion and two stale events", n)
		}
		if o := r.answer(said(event.TypeUserCreate, user("ann"), 30, nil)); o.Code != event.CodeApplied {
			r.Errorf("a later creation is answered with %+v", o)
		}
	})
}

// The news that somebody is back may come later than what happened then, which is kept for a while.
func TestWhatIsNewerThanADeletionWaitsForTheReturn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.answer(said(event.TypeUserDelete, user("ann"), 2, nil))
		disable := said(event.TypeUserDisable, user("ann"), 4, event.Values{event.FieldStatus: event.StatusDisabled})
		if o := r.answer(disable); o.State != event.Waiting || o.Code != event.CodeWaitsForRecord {
			r.Errorf("it is answered with %+v", o)
		}
		r.answer(said(event.TypeUserCreate, user("ann"), 3, event.Values{event.FieldStatus: event.StatusEnabled}))
		r.wantCode(disable.ID, event.CodeApplied)
		tasks := r.directories[corp].tasks()
		if account := tasks[len(tasks)-1].task.Merged.Object.Account(); !account.Disabled {
			r.Errorf("in the end the account is %+v", account)
		}
		// Nobody waits for ever for somebody who does not come back.
		now := func(c event.Change) event.Change {
			c.Stamp.Event = event.Millis(time.Now().UnixMilli())
			return c
		}
		r.answer(now(said(event.TypeUserDelete, user("bob"), 5, nil)))
		r.pass(time.Second)
		never := now(said(event.TypeUserDisable, user("bob"), 6, nil))
		if o := r.answer(never); o.State != event.Waiting {
			r.Errorf("it is answered with %+v", o)
		}
		r.pass(3 * time.Hour)
		r.wantCode(never.ID, event.CodeNoObject)
	})
}

// Who is back may wait for a unit, while a disabling or a new password is there already. It is not settled before the news is, or it would
// be forgotten, and who was disabled could log in when that is written.
func TestWhatIsDoneBeforeAReturnIsKnownIsNotForgotten(t *testing.T) {
	inBubble(t, func(r *rig) {
		waits := true
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if !waits || !task.Merged.Object.Exists() {
				return applied(task)
			}
			result := parked(task, event.CodeWaitsForObject, unit("sales"))
			done := event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "it is so"}
			result.Facets = map[event.Facet]event.Outcome{event.FacetAccess: done, event.FacetSecret: done}
			return result
		})
		r.answer(update("ann", 1))
		r.answer(said(event.TypeUserDelete, user("ann"), 2, nil))
		create := said(event.TypeUserCreate, user("ann"), 3, event.Values{event.FieldStatus: event.StatusEnabled})
		create.Password = secret.New("correct horse 1")
		password := said(event.TypeUserUpdatePassword, user("ann"), 4, nil)
		password.Password = secret.New("correct horse 2")
		disable := said(event.TypeUserDisable, user("ann"), 5, event.Values{event.FieldStatus: event.StatusDisabled})
		for _, c := range []event.Change{create, password, disable} {
			if o := r.answer(c); o.State != event.Waiting {
				r.Errorf("%s is answered with %+v", c.Type, o)
			}
		}
		waits = false
		r.answer(update("ann", 6))
		tasks := r.directories[corp].tasks()
		last := tasks[len(tasks)-1].task.Merged
		if !last.Object.Account().Disabled || last.Password.Reveal() != "correct horse 2" {
			r.Errorf("written is %+v with the password of event %d", last.Object.Account(), last.PasswordFrom)
		}
		r.wantCode(disable.ID, event.CodeApplied)
	})
}

// An entry of which nobody knows may be that of another object, written at this moment and not settled yet. Nothing tells
// when it is, so another look follows soon.
func TestAPlaceThatIsTakenByAnUnknownEntryIsLookedAtSoonAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			if len(r.directories[corp].tasks()) == 1 {
				return parked(task, event.CodeDNTaken)
			}
			return applied(task)
		})
		create := update("ann", 1)
		if o := r.answer(create); o.Code != event.CodeDNTaken {
			r.Errorf("it is answered with %+v", o)
		}
		r.pass(time.Second)
		r.wantCode(create.ID, event.CodeApplied)
	})
}

// What waits is not known yet: it comes again with its event, and with everything that came since.
func TestOnlyWhatIsSettledIsKnown(t *testing.T) {
	inBubble(t, func(r *rig) {
		open := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			select {
			case <-open:
				return applied(task)
			default:
				return parked(task, event.CodeRetry)
			}
		})
		email := said(event.TypeUserUpdateInfo, user("ann"), 1, event.Values{"email": "a@example.org"})
		r.answer(email)
		if _, _, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")}); err == nil {
			object, _, _ := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")})
			if object.Text("email") != "" {
				r.Errorf("what waits is known: %+v", object)
			}
		}
		close(open)
		r.answer(said(event.TypeUserUpdateInfo, user("ann"), 2, event.Values{event.FieldUsername: "ann"}))
		object, record, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")})
		if err != nil || object.Text("email") != "a@example.org" || object.Text(event.FieldUsername) != "ann" || record.Link != "link of ann" {
			r.Errorf("known is %+v, %+v, %v", object, record, err)
		}
		r.wantCode(email.ID, event.CodeApplied)
	})
}

// A password is handed to the processor once, with a note of whether it may have been written before.
func TestAPasswordThatWasTriedIsKnownAsSuch(t *testing.T) {
	inBubble(t, func(r *rig) {
		var tried []bool
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			if task.Merged.Password.Empty() {
				return applied(task)
			}
			tried = append(tried, task.PasswordTried)
			if err := task.Memory.BeforePassword(ctx); err != nil {
				r.Error(err)
			}
			if len(tried) == 1 {
				return parked(task, event.CodeRetry) // nobody knows whether it was written
			}
			return applied(task)
		})
		c := said(event.TypeUserCreate, user("ann"), 1, nil)
		c.Password = secret.New("correct horse")
		r.answer(c)
		r.pass(time.Minute)
		r.wantCode(c.ID, event.CodeApplied)
		r.answer(update("ann", 2))
		if len(tried) != 2 || tried[0] || !tried[1] {
			r.Errorf("the password was tried with %v", tried)
		}
	})
}

// When a lock or an account ends, the object is looked at again without an event.
func TestAnAccountThatChangesByItselfIsLookedAtThen(t *testing.T) {
	inBubble(t, func(r *rig) {
		ends := time.Now().Add(90 * time.Minute)
		r.answer(said(event.TypeUserLock, user("ann"), 1, event.Values{event.FieldLockExpireTime: ends.UnixMilli()}))
		r.pass(2 * time.Hour)
		tasks := r.directories[corp].tasks()
		if len(tasks) != 1 {
			r.Errorf("a lock of somebody who is not known was looked at %d times", len(tasks))
		}
		r.answer(update("ann", 2))
		ends = time.Now().Add(90 * time.Minute)
		r.answer(said(event.TypeUserLock, user("ann"), 3, event.Values{event.FieldLockExpireTime: ends.UnixMilli()}))
		before := len(r.directories[corp].tasks())
		r.pass(4 * time.Hour)
		tasks = r.directories[corp].tasks()
		if len(tasks) != before+1 || !tasks[before].at.Equal(ends.Truncate(time.Millisecond)) {
			r.Fatalf("%d looks; want one at %s", len(tasks)-before, ends)
		}
		if account := tasks[before].task.Merged.Object.Account(); account.Locked(tasks[before].task.Now) {
			r.Errorf("the lock that has ended is %+v", account)
		}
	})
}

// The DNs that are remembered of those below a unit follow when the unit is renamed.
func TestThoseBelowARenamedUnitAreRememberedAtTheirNewPlace(t *testing.T) {
	inBubble(t, func(r *rig) {
		where := map[event.Ref]string{unit("sales"): "ou=Sales,dc=example,dc=org", user("ann"): "uid=ann,ou=Sales,dc=example,dc=org"}
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			result.DN = plan.MustParseDN(where[task.Merged.Object.Ref])
			return result
		})
		r.answer(said(event.TypeUnitCreate, unit("sales"), 1, nil))
		r.answer(update("ann", 1))
		where[unit("sales")] = "ou=Trade,dc=example,dc=org"
		r.answer(said(event.TypeUnitUpdate, unit("sales"), 2, nil))
		synctest.Wait()
		_, record, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")})
		if err != nil || record.DN.String() != "uid=ann,ou=Trade,dc=example,dc=org" {
			r.Errorf("the user is remembered at %s: %v", record.DN, err)
		}
	})
}
