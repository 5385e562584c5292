package dispatch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// joins says that users belong to the group vpn.
func joins(at int64, users ...string) event.Change {
	c := said(event.TypeGroupAddUser, group("vpn"), at, nil)
	for _, u := range users {
		c.Members = append(c.Members, event.Member{User: u, Present: true})
	}
	return c
}

// vpnOfAnn makes a group with a member, and stops.
func vpnOfAnn(r *rig) {
	r.Helper()
	for _, c := range []event.Change{update("ann", 1), said(event.TypeGroupCreate, group("vpn"), 10, nil), joins(11, "ann")} {
		if o := r.answer(c); o.Code != event.CodeApplied {
			r.Fatalf("%s is %+v", c.ID, o)
		}
	}
	r.stop()
}

// lookedAtFor fails the test unless the last look at the group was for this member.
func lookedAtFor(r *rig, member string) {
	r.Helper()
	tasks := r.directories[corp].tasksOf(group("vpn"))
	if got := tasks[len(tasks)-1].task.Merged.Object.Members; len(tasks) != 3 || !got[member].Present || len(got) != 1 {
		r.Errorf("after %d looks at the group the last one is for %v; want a third one for %s", len(tasks), got, member)
	}
}

// An event that says nothing new does not use up that the group is to be looked at.
func TestAnOldWordDoesNotTakeThePlaceOfAMemberWhoIsBack(t *testing.T) {
	inBubble(t, func(r *rig) {
		vpnOfAnn(r)
		ctx, ann := context.Background(), store.Key{Directory: corp, Object: user("ann")}
		job, err := r.store.Load(ctx, ann, 1)
		if err != nil {
			r.Fatal(err)
		}
		s := store.Settlement{Key: ann, Version: job.Version, Known: job.Known, Record: job.Record, Entered: true}
		if _, err := r.store.Settle(ctx, 1, s); err != nil {
			r.Fatal(err)
		}
		r.accept(said(event.TypeGroupCreate, group("vpn"), 5, nil))
		r.start()
		r.pass(0)
		r.wantCode("vpn@5", event.CodeStale)
		lookedAtFor(r, "ann")
	})
}

// The link of another entry may be remembered before the user is done.
func TestAnEntryThatIsRememberedBeforeTheEndJoinsToo(t *testing.T) {
	inBubble(t, func(r *rig) {
		vpnOfAnn(r)
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if task.Merged.Object.Ref == user("ann") {
				result.Link, result.DN = "another", plan.MustParseDN("cn=elsewhere,dc=example,dc=org")
				if err := task.Memory.Moved(ctx, result.Link, result.DN, plan.DefaultMatching()); err != nil {
					t.Error(err)
				}
			}
			return result
		})
		r.accept(update("ann", 20))
		r.start()
		r.pass(0)
		lookedAtFor(r, "ann")
	})
}

// A deletion that is overtaken by the comeback leaves the entry as it is, and not the memberships: the groups are looked at.
func TestADeletionThatIsOvertakenEndsMemberships(t *testing.T) {
	gone, back := said(event.TypeUserDelete, user("ann"), 20, nil), update("ann", 30)
	for name, requests := range map[string][][]event.Change{
		"comes with it": {{gone, back}},
		"comes later":   {{back}, {gone}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				vpnOfAnn(r)
				r.start()
				for _, request := range requests {
					r.await(r.accept(request...))
				}
				r.pass(0)
				lookedAtFor(r, "ann")
			})
		})
	}
}

// annComesAnew gives ann another entry. Outcome is asked what becomes of her membership at each look at the group, where that is
// another thing than of the group.
func annComesAnew(r *rig, outcome func() (event.Outcome, bool)) {
	r.Helper()
	vpnOfAnn(r)
	r.script(func(_ context.Context, task processor.Task) processor.Result {
		result := applied(task)
		switch task.Merged.Object.Ref {
		case user("ann"):
			result.Link = "another"
		case group("vpn"):
			if o, differs := outcome(); differs {
				result.MemberOutcomes = map[string]event.Outcome{"ann": o}
			}
		}
		return result
	})
	r.accept(update("ann", 20))
	r.start()
}

// A member who has moved away at the last moment is looked at again, although no event says the word.
func TestAMemberWhoHasToWaitIsNotForgotten(t *testing.T) {
	inBubble(t, func(r *rig) {
		looks := 0
		annComesAnew(r, func() (event.Outcome, bool) {
			looks++
			return event.Outcome{State: event.Waiting, Code: event.CodeRetry}, looks == 1
		})
		r.pass(time.Minute)
		tasks := r.directories[corp].tasksOf(group("vpn"))
		if got := tasks[len(tasks)-1].task.Merged.Object.Members; looks != 2 || !got["ann"].Present {
			r.Errorf("after %d looks the last one is for %v", looks, got)
		}
	})
}

// Nobody asked for a member to be put back, so what fails then would not be seen otherwise.
func TestAMemberWhoCannotComeBackIsShown(t *testing.T) {
	inBubble(t, func(r *rig) {
		annComesAnew(r, func() (event.Outcome, bool) {
			return event.Outcome{State: event.Failed, Code: event.CodeMapping, Message: "no"}, true
		})
		r.pass(0)
		failed, err := r.store.Events(r.Context(), store.Filter{States: []event.State{event.Failed}, Limit: 10})
		if err != nil || len(failed) != 1 || failed[0].Object != group("vpn") || failed[0].Outcome.Code != event.CodeMapping {
			r.Errorf("failed are %+v, %v", failed, err)
		}
	})
}

// What is left of the members of a large group is due on disk before it is worked on.
func TestManyMembersWhoAreBackSurviveTheEndOfTheProgram(t *testing.T) {
	const members = 1001 // one more than a job takes
	inBubble(t, func(r *rig) {
		users := make([]string, members)
		for i := range users {
			users[i] = fmt.Sprint("u", i)
		}
		r.answer(said(event.TypeGroupCreate, group("vpn"), 10, nil))
		r.answer(joins(11, users...))
		r.stop()
		ctx := context.Background()
		for _, u := range users {
			key := store.Key{Directory: corp, Object: user(u)}
			job, err := r.store.Load(ctx, key, 1)
			if err != nil {
				r.Fatal(err)
			}
			if _, err := r.store.Settle(ctx, 1, store.Settlement{Key: key, Version: job.Version, Entered: true}); err != nil {
				r.Fatal(err)
			}
		}
		seen := 0
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			due, _, err := r.store.Due(ctx, corp, event.Millis(time.Now().UnixMilli()), 10)
			if err != nil || len(due) != 1 {
				r.Errorf("with %d members still to come %v is due, %v", members-seen, due, err)
			}
			seen += len(task.Merged.Object.Members)
			return applied(task)
		})
		r.start()
		r.pass(3 * time.Second) // until the store is asked
		if seen != members {
			r.Errorf("%d of %d members were looked at", seen, members)
		}
	})
}

// wordOf returns what is remembered of ann in the group.
func wordOf(r *rig) (word event.Membership, known bool) {
	r.Helper()
	words, err := r.store.Memberships(r.Context(), store.Key{Directory: corp, Object: group("vpn")}, nil)
	if err != nil {
		r.Fatal(err)
	}
	word, known = words["ann"]
	return word, known
}

// A deletion ends what was said before, whether the entry is deleted or kept among the leavers.
func TestADeletionEndsMembershipsAlsoOfWhomIsKept(t *testing.T) {
	inBubble(t, func(r *rig) {
		vpnOfAnn(r)
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			result := applied(task)
			if task.Merged.Object.Deleted() {
				result.RemovedAt, result.Gone = task.Now, false
			}
			return result
		})
		r.start()
		r.answer(said(event.TypeUserDelete, user("ann"), 20, nil))
		if word, known := wordOf(r); known {
			r.Errorf("of somebody who was deleted %+v is remembered", word)
		}
	})
}

// The same where the word comes after the deletion that is newer, or after the comeback.
func TestAWordFromBeforeADeletionIsNotKept(t *testing.T) {
	for _, code := range []event.Code{event.CodeNoObject, event.CodeStale} {
		inBubble(t, func(r *rig) {
			r.script(func(_ context.Context, task processor.Task) processor.Result {
				result := applied(task)
				result.MemberOutcomes = map[string]event.Outcome{"ann": {State: event.Skipped, Code: code}}
				return result
			})
			r.answer(said(event.TypeGroupCreate, group("vpn"), 10, nil))
			r.answer(joins(11, "ann"))
			if word, known := wordOf(r); known {
				r.Errorf("of somebody for whom the word is %s %+v is remembered", code, word)
			}
		})
	}
}

// What is from before a deletion says nothing to an object that is back, and that outlives a restart.
func TestWhatIsFromBeforeADeletionIsOldAfterTheComebackToo(t *testing.T) {
	inBubble(t, func(r *rig) {
		for _, at := range []int64{10, 30} {
			r.answer(said(event.TypeUserCreate, user("bob"), at, event.Values{event.FieldUsername: "bob"}))
			r.answer(said(event.TypeGroupCreate, group("vpn"), at, nil))
			if at == 10 {
				r.answer(said(event.TypeUserDelete, user("bob"), 20, nil))
				r.answer(said(event.TypeGroupDelete, group("vpn"), 20, nil))
			}
		}
		r.stop()
		r.start()
		field := said(event.TypeUserUpdateInfo, user("bob"), 15, event.Values{"email": "a@b"})
		for _, c := range []event.Change{field, joins(15, "ann")} {
			if o := r.answer(c); o.Code != event.CodeStale {
				r.Errorf("%s is %+v", c.ID, o)
			}
		}
		bob, _, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("bob")})
		if _, seen := bob.Value("email"); err != nil || seen || !bob.Exists() {
			r.Errorf("who is back is known as %+v, %v", bob, err)
		}
		if word, known := wordOf(r); known {
			r.Errorf("of a member from before %+v is remembered", word)
		}
	})
}

// Who waits for somebody that goes out of the scope hears of it.
func TestNobodyWaitsForWhoGoesOutOfTheScope(t *testing.T) {
	inBubble(t, func(r *rig) {
		out := false
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			switch {
			case task.Merged.Object.Ref == group("vpn") && !out:
				return parked(task, event.CodeWaitsForObject, user("ann"))
			case task.Merged.Object.Ref == group("vpn"):
				return applied(task)
			case task.Merged.Object.Facts[event.FieldUsername].Value == "out":
				out = true
				return processor.Result{Outcome: event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope}}
			}
			return parked(task, event.CodeWaitsForObject, unit("sales"))
		})
		r.answer(update("ann", 1))
		r.answer(said(event.TypeGroupCreate, group("vpn"), 10, nil))
		r.answer(said(event.TypeUserUpdateInfo, user("ann"), 20, event.Values{event.FieldUsername: "out"}))
		r.pass(0)
		r.wantCode("vpn@10", event.CodeApplied)
	})
}
