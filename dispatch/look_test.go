package dispatch_test

import (
	"context"
	"testing"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// inspector keeps the task that it was asked about.
type inspector struct{ task processor.Task }

func (i *inspector) Inspect(_ context.Context, task processor.Task) processor.Inspection {
	i.task = task
	return processor.Inspection{Result: applied(task)}
}

// Whoever looks sees what is known with what still waits, a lock that is to go and all members of a group, and leaves
// everything as it is.
func TestALookSeesWhatWaitsAndChangesNothing(t *testing.T) {
	s := openStore(t)
	accept := func(changes ...event.Change) {
		t.Helper()
		for _, c := range changes {
			if _, err := s.Accept(t.Context(), 1, []store.NewEvent{{Application: "app", Change: c, Targets: []store.Target{{Directory: corp}}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	joined := said(event.TypeGroupAddUser, group("staff"), 3, nil)
	joined.Members = []event.Member{{User: "ann", Present: true}}
	accept(said(event.TypeUserCreate, user("ann"), 1, event.Values{event.FieldUsername: "ann"}), said(event.TypeUserUnlock, user("ann"), 2, event.Values{event.FieldLockExpireTime: int64(0)}),
		said(event.TypeGroupCreate, group("staff"), 1, nil), joined)
	look := func(ref event.Ref) processor.Task {
		t.Helper()
		var i inspector
		if _, err := dispatch.LookAt(t.Context(), s, store.Key{Directory: corp, Object: ref}, &i, 5); err != nil {
			t.Fatal(err)
		}
		return i.task
	}
	if task := look(user("ann")); task.Merged.Object.Text(event.FieldUsername) != "ann" || !task.Unlock || task.Now != 5 {
		t.Errorf("ann is looked at as %+v", task)
	}
	if members := look(group("staff")).Merged.Object.Members; !members["ann"].Present {
		t.Errorf("the members of the group are %v", members)
	}
	if _, _, err := s.Lookup(t.Context(), store.Key{Directory: corp, Object: user("ann")}); err == nil {
		t.Error("looking has stored something")
	}
	if counts, err := s.Counts(t.Context(), corp); err != nil || counts[event.Pending] != 4 {
		t.Errorf("pending are %v, %v", counts, err)
	}
}
