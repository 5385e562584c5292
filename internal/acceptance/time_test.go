package acceptance_test

import (
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// becomes waits until something is so, without an event.
func (p *product) becomes(what string, so func() bool) {
	p.t.Helper()
	if left := p.await(p.t, func() []store.EventRecord {
		if so() {
			return nil
		}
		return []store.EventRecord{{}}
	}); len(left) > 0 {
		p.t.Fatalf("it does not come about that %s", what)
	}
}

// restart stops the product, lets time pass and starts it again.
func (p *product) restart(pass time.Duration) {
	p.t.Helper()
	p.halt()
	p.clock.Forward(pass)
	p.start()
}

// ended is a mapping edit by which an account that has ended is told by a title, which the product has to write.
var ended = edit{"expire: auto", "expire: { on: { title: ended }, off: { title: staff } }"}

// A lock and an account end at their time by the product itself: while it runs, and while it is stopped.
func TestEmbeddedLocksAndAccountsEndByThemselves(t *testing.T) {
	for _, c := range []struct {
		name string
		pass func(p *product, d time.Duration)
	}{
		{"while the product runs", func(p *product, d time.Duration) { p.clock.Forward(d) }},
		{"while the product is stopped", func(p *product, d time.Duration) { p.restart(d) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startProductWith(t, setup{directories: []configured{{name: "corp", dir: embeddedDirectory(startEmbedded(t)), edits: []edit{ended}}}})
			now := p.clock.Now()
			ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann", DisplayName: "Ann"}
			bob := idaastest.User{ID: p.tenant.NewUserID(), Username: "bob", DisplayName: "Bob", AccountExpireTime: now.Add(2 * time.Hour).UnixMilli()}
			p.apply(event.CodeApplied, p.tenant.CreateUser(ann, "correct horse 1"), p.tenant.CreateUser(bob, "correct horse 2"))
			p.apply(event.CodeApplied, p.tenant.LockUser(ann, now.Add(time.Hour)))
			annDN, bobDN := "uid=ann,"+p.dir.people, "uid=bob,"+p.dir.people
			if p.canBind(annDN, "correct horse 1") {
				t.Error("a user who is locked can log in")
			}
			if got := p.user(bob.ID).GetAttributeValue("title"); got != "staff" {
				t.Errorf("the title is %q at first", got)
			}
			c.pass(p, time.Hour+time.Second)
			p.becomes("the lock ends", func() bool { return p.canBind(annDN, "correct horse 1") })
			if got := p.user(bob.ID).GetAttributeValue("title"); got != "staff" {
				t.Errorf("the title is %q before the account ends", got)
			}
			c.pass(p, time.Hour)
			p.becomes("the account ends", func() bool { return p.find("(uid=bob)").GetAttributeValue("title") == "ended" })
			if !p.canBind(bobDN, "correct horse 2") {
				t.Error("the mapping has another way to say that the account has ended, and yet the user is kept out by the server")
			}
		})
	}
}

// The entry of a leaver is deleted after purge_after, also across restarts, and within the guard.
func TestEmbeddedLeaversAreDeletedAfterTheirTime(t *testing.T) {
	keep := edit{"delete: delete", `delete: { move: "ou=leavers,dc=example,dc=org", purge_after: 48h }`}
	p := startProductWith(t, setup{directories: []configured{{name: "corp", dir: embeddedDirectory(startEmbedded(t)), edits: []edit{
		keep, {"deletes: { max: 100000, percent: 100, window: 1ms }", "deletes: { max: 3, percent: 100, window: 1h }"},
	}}}})
	var events []idaastest.Event
	var users []idaastest.User
	for _, name := range []string{"ann", "bob", "cid", "dan", "eve", "fay", "guy"} { // the last three stay
		u := idaastest.User{ID: p.tenant.NewUserID(), Username: name, DisplayName: name}
		users = append(users, u)
		events = append(events, p.tenant.CreateUser(u, ""))
	}
	p.apply(event.CodeApplied, events...)
	users = users[:4]
	leavers := func() int {
		n := 0
		for _, u := range users {
			if e := p.user(u.ID); e != nil && sameDN(e.DN, "uid="+u.Username+","+p.dir.leavers) {
				n++
			}
		}
		return n
	}
	p.apply(event.CodeApplied, p.tenant.DeleteUser(users[0].ID))
	p.clock.Forward(2 * time.Hour)
	p.apply(event.CodeApplied, p.tenant.DeleteUser(users[1].ID), p.tenant.DeleteUser(users[2].ID), p.tenant.DeleteUser(users[3].ID))
	if n := leavers(); n != 4 {
		t.Fatalf("%d are among the leavers", n)
	}
	const early = 20 * time.Minute // more than this test takes
	p.restart(46*time.Hour - early)
	p.settle()
	if n := leavers(); n != 4 {
		t.Errorf("before the end of their time %d are among the leavers", n)
	}
	p.clock.Forward(early + time.Minute)
	p.becomes("the first is deleted", func() bool { return p.user(users[0].ID) == nil })
	// The guard allows three in an hour, of which the first was one.
	p.restart(2*time.Hour - 62*time.Minute)
	p.clock.Forward(61 * time.Minute)
	p.becomes("the others are deleted", func() bool { return leavers() == 0 })
	if bad := p.settle(); len(bad) > 0 {
		t.Errorf("%+v", bad)
	}
}

// What goes beyond the guard at its time is held with its name, and done when it is approved.
func TestEmbeddedWhatTimeTakesAwayIsHeldByTheGuard(t *testing.T) {
	p := startProductWith(t, setup{directories: []configured{{name: "corp", dir: embeddedDirectory(startEmbedded(t)), edits: []edit{
		ended, {"disables: { max: 100000, percent: 100, window: 1ms }", "disables: { max: 2, percent: 100, window: 1h }"},
	}}}})
	end := p.clock.Now().Add(24 * time.Hour).UnixMilli()
	var events []idaastest.Event
	for _, name := range []string{"ann", "bob", "cid", "dan"} {
		events = append(events, p.tenant.CreateUser(idaastest.User{ID: p.tenant.NewUserID(), Username: name, DisplayName: name, AccountExpireTime: end}, ""))
	}
	p.apply(event.CodeApplied, events...)
	count := func() int { return len(p.dir.search(t, "(title=ended)")) }
	held := func() []store.EventRecord { return p.events(t, store.Filter{States: []event.State{event.Held}}) }
	p.clock.Forward(25 * time.Hour)
	p.becomes("two accounts have ended and two are held", func() bool { return count() == 2 && len(held()) == 2 })
	var seqs []int64
	for _, r := range held() {
		if r.Type != event.TypeReconcile || r.Outcome.Code != event.CodeGuarded {
			t.Errorf("held is %+v", r)
		}
		seqs = append(seqs, r.Seq)
	}
	p.restart(3 * time.Hour) // waiting is no approval
	p.settle()
	if count() != 2 || len(held()) != 2 {
		t.Errorf("later %d have ended and %d are held", count(), len(held()))
	}
	if _, err := p.app.Store.Retry(t.Context(), event.Millis(p.clock.Now().UnixMilli()), "ann", seqs); err != nil {
		t.Fatal(err)
	}
	p.becomes("all accounts have ended", func() bool { return count() == 4 })
}
