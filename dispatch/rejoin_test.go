package dispatch_test

import (
	"context"
	"testing"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// vpnOfAnn makes a group with a member, and stops.
func vpnOfAnn(r *rig) {
	r.Helper()
	joins := said(event.TypeGroupAddUser, group("vpn"), 11, nil)
	joins.Members = []event.Member{{User: "ann", Present: true}}
	for _, c := range []event.Change{update("ann", 1), said(event.TypeGroupCreate, group("vpn"), 10, nil), joins} {
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
		r.script(func(ctx context.Context, task connector.Task) connector.Result {
			result := applied(task)
			if task.Merged.Object.Ref == user("ann") {
				result.Link, result.DN = "another", plan.MustParseDN("cn=elsewhere,dc=example,dc=org")
				if err := task.Memory.Moved(ctx, result.Link, result.DN); err != nil {
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
