package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// fanOut is one application that feeds two directories, of which the second takes no passwords.
type fanOut struct {
	*product
	corp, branch         *ldaptest.Server
	corpSide, branchSide *directory
}

func startFanOut(t *testing.T) *fanOut {
	t.Helper()
	f := &fanOut{corp: startEmbedded(t), branch: startEmbedded(t)}
	f.corpSide, f.branchSide = embeddedDirectory(f.corp), embeddedDirectory(f.branch)
	f.product = startProductWith(t, setup{directories: []configured{
		{name: "corp", dir: f.corpSide, feed: "one"},
		{name: "branch", dir: f.branchSide, feed: "one", passwordsOff: true},
	}})
	return f
}

func (f *fanOut) person(name string) idaastest.User {
	return idaastest.User{ID: f.tenant.NewUserID(), Username: name, DisplayName: name}
}

// answered sends an event and returns the list that it is in with its result.
func (f *fanOut) answered(e idaastest.Event) (string, event.Code, string) {
	f.t.Helper()
	answer := f.send(e)
	list, result := answer.Of(e.ID)
	return list, event.Code(result.EventCode), result.EventMessage
}

func mailIn(tb testing.TB, d *directory, id string) string {
	tb.Helper()
	if e := d.user(tb, id); e != nil {
		return e.GetAttributeValue("mail")
	}
	return "no entry"
}

// One event goes to both directories, and only to those that take passwords with its password.
func TestEmbeddedOneApplicationFeedsTwoDirectories(t *testing.T) {
	f := startFanOut(t)
	ann := f.person("ann")
	f.apply(event.CodeApplied, f.tenant.CreateUser(ann, "correct horse 1"))
	dn := "uid=ann," + f.corpSide.people
	if !f.corpSide.canBind(t, dn, "correct horse 1") {
		t.Error("the password is not in the directory that takes it")
	}
	if f.branchSide.user(t, ann.ID) == nil {
		t.Fatal("the other directory has no entry")
	}
	if f.branchSide.canBind(t, dn, "correct horse 1") {
		t.Error("the password is in the directory that takes none")
	}
}

// One directory that is down holds up neither the other one nor the answer, which says what is done and what waits. The other
// catches up by itself, also across a restart.
func TestEmbeddedADirectoryThatIsDownHoldsUpNoOther(t *testing.T) {
	f := startFanOut(t)
	f.branch.Down()
	var users []idaastest.User
	for i := range 40 {
		u := f.person(fmt.Sprint("u", i))
		users = append(users, u)
		list, code, message := f.answered(f.tenant.CreateUser(u, "correct horse 1"))
		if list != "success" || code != event.CodeAccepted || !strings.Contains(message, "corp: ") || !strings.Contains(message, "branch: ") || !strings.Contains(message, "does not answer") {
			t.Fatalf("it is answered with %s %s: %s", list, code, message)
		}
		if f.corpSide.user(t, u.ID) == nil {
			t.Fatalf("%s waits for the directory that is down", u.Username)
		}
	}
	key := func(directory string) store.Key {
		return store.Key{Directory: directory, Object: event.Ref{Kind: event.KindUser, ID: users[0].ID}}
	}
	for directory, want := range map[string]int{"corp": 0, "branch": 1} {
		job, err := f.app.Store.Load(t.Context(), key(directory), 10)
		if err != nil || len(job.Pending) != want {
			t.Fatalf("%d events of %s are open (%v), want %d", len(job.Pending), directory, err, want)
		}
		for _, p := range job.Pending {
			if !p.Change.Password.Empty() {
				t.Error("a password is kept for the directory that takes none")
			}
		}
	}
	// It is kept for the one that takes it, for as long as that is down.
	f.corp.Down()
	f.answered(f.tenant.UpdatePassword(users[0], "another horse 2"))
	if job, err := f.app.Store.Load(t.Context(), key("corp"), 10); err != nil || len(job.Pending) != 1 || job.Pending[0].Change.Password.Empty() {
		t.Errorf("the password is not kept for the directory that takes it (%v)", err)
	}
	f.halt()
	f.start()
	for _, s := range []*ldaptest.Server{f.corp, f.branch} {
		if err := s.Up(); err != nil {
			t.Fatal(err)
		}
	}
	if bad := f.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	for _, u := range users {
		if f.branchSide.user(t, u.ID) == nil {
			t.Errorf("%s is missing in the directory that was down", u.Username)
		}
	}
	dn := "uid=u0," + f.corpSide.people
	if !f.corpSide.canBind(t, dn, "another horse 2") || f.branchSide.canBind(t, dn, "another horse 2") {
		t.Error("the password is not where it should be")
	}
}

// What one directory refuses is a failure, and the answer says that the other one has taken it. A retry is for the one that
// refused alone.
func TestEmbeddedADirectoryThatRefusesIsNamed(t *testing.T) {
	f := startFanOut(t)
	ann := f.person("ann")
	f.apply(event.CodeApplied, f.tenant.CreateUser(ann, ""))
	f.branch.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "modify" {
			return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "this is the branch"}
		}
		return ldaptest.Fault{}
	})
	ann.Email = "ann@example.org"
	update := f.tenant.UserEvent(event.TypeUserUpdateInfo, ann)
	list, code, message := f.answered(update)
	if list != "failed" || code != event.CodeRefused || !strings.Contains(message, "corp: ") || !strings.Contains(message, "branch: ") || !strings.Contains(message, "this is the branch") {
		t.Errorf("it is answered with %s %s: %s", list, code, message)
	}
	if got := mailIn(t, f.corpSide, ann.ID); got != ann.Email {
		t.Errorf("in the directory that takes it the address is %q", got)
	}
	if list, _, _ := f.answered(update); list != "failed" {
		t.Errorf("the repeat is answered with %s", list)
	}
	f.branch.Fault(nil)
	f.corp.ClearJournal()
	failed := f.events(t, store.Filter{States: []event.State{event.Failed}})
	if len(failed) != 1 || failed[0].Directory != "branch" {
		t.Fatalf("failed are %+v", failed)
	}
	keys, err := f.app.Store.Retry(t.Context(), event.Millis(f.clock.Now().UnixMilli()), "ann", []int64{failed[0].Seq})
	if err != nil {
		t.Fatal(err)
	}
	f.app.Dispatcher.Wake(keys)
	if bad := f.settle(); len(bad) > 0 {
		t.Fatalf("%+v", bad)
	}
	if got := mailIn(t, f.branchSide, ann.ID); got != ann.Email {
		t.Errorf("after the retry the address is %q", got)
	}
	if w := f.corp.Journal(); len(w) != 0 {
		t.Errorf("the other directory was written: %v", w)
	}
	if list, code, _ := f.answered(update); list != "success" || code != event.CodeApplied {
		t.Errorf("after that the repeat is answered with %s %s", list, code)
	}
}
