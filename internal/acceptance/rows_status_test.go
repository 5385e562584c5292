package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// statusRows are the promises about who may log in: enabled, not locked and not expired.
var statusRows = []row{
	{"user:disable, enable, lock, unlock", "the user can log in if enabled and not locked, after every pair of events and beside updates and passwords", statusPairs},
	{"user:disable, enable, lock, unlock", "in whatever order they come, the newest word on each counts", statusOrders},
	{"user:disable, lock", "together with creation, update and password, in whatever order they come", statusWithOthers},
	{"user:disable", "together with a deletion, in whatever order they come, the user is gone", statusWithDeletion},
	{"user:disable", "a user who is created disabled cannot log in before being enabled", statusFromTheStart},
	{"user:lock", "a lock with an end is lifted at that time without an event", lockEnds},
	{"user:lock", "a lock ends at its time across a restart", lockEndsAfterRestart},
	{"user:lock", "a lock without an end stays", lockStays},
	{"user:unlock", "a lock that the server has set itself after wrong passwords is lifted", lockOfServer},
	{"user:update_info", "accountExpireTime: an account can be used until it expires, and not after", accountExpires},
	{"user:update_info", "accountExpireTime: an account expires at its time without an event, also across a restart", accountExpiresByItself},
}

// without reports whether the server has no means for status. Then a disabled user is a failure that says so.
func (s *scene) withoutStatus() bool {
	s.t.Helper()
	if s.dir.can.status {
		return false
	}
	u := s.user("ann")
	s.applied(s.create(u))
	e := s.disable(u)
	s.gets(event.CodeRefused, e)
	s.is(e, event.Failed, event.CodeRefused, "no means to disable")
	s.note("fails: the server has no means")
	return true
}

// What IDaaS does with an account; the record follows, as it does there.

func (s *scene) disable(u *idaastest.User) idaastest.Event {
	u.Status = event.StatusDisabled
	return s.f.tenant.UserStatus(event.TypeUserDisable, *u)
}

func (s *scene) enable(u *idaastest.User) idaastest.Event {
	u.Status = event.StatusEnabled
	return s.f.tenant.UserStatus(event.TypeUserEnable, *u)
}

func (s *scene) lock(u *idaastest.User, until time.Time) idaastest.Event {
	u.LockExpireTime = until.UnixMilli()
	return s.f.tenant.LockUser(*u, until)
}

func (s *scene) unlock(u *idaastest.User) idaastest.Event {
	u.LockExpireTime = 0
	return s.f.tenant.UserStatus(event.TypeUserUnlock, *u)
}

func (s *scene) hour() time.Time { return s.p.clock.Now().Add(time.Hour) }

// logsIn fails unless the user can log in, or cannot.
func (s *scene) logsIn(u *idaastest.User, password string, want bool) {
	s.t.Helper()
	if got := s.dir.canBind(s.t, s.entry(u.ID).DN, password); got != want {
		s.t.Fatalf("%s with status %q, lock %d: logs in %v; want %v", u.Username, u.Status, u.LockExpireTime, got, want)
	}
}

// statusPairs walks over the events so that each follows each, and looks after every step.
func statusPairs(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	password := goodPassword
	s.applied(s.createWith(u, password))
	steps := []func() idaastest.Event{
		func() idaastest.Event { return s.disable(u) },
		func() idaastest.Event { return s.enable(u) },
		func() idaastest.Event { return s.lock(u, s.hour()) },
		func() idaastest.Event { return s.unlock(u) },
		func() idaastest.Event {
			u.Description = s.name("desk")
			return s.update(u)
		},
		func() idaastest.Event {
			password = s.name(goodPassword)
			return s.f.tenant.UpdatePassword(*u, password)
		},
	}
	for i, step := range eachAfterEach(len(steps)) {
		e := steps[step]()
		s.send(e)
		if got := s.f.outcome(s.t, e.ID); got.State != event.Done {
			s.t.Fatalf("step %d, %s: %+v", i, e.Type.Short(), got)
		}
		s.logsIn(u, password, u.Status != event.StatusDisabled && u.LockExpireTime == 0)
	}
	s.hasUser(u)
	s.note(holds + " by " + s.meansOfStatus(u))
}

// eachAfterEach returns a sequence in which every pair of n numbers stands side by side: an Euler cycle.
func eachAfterEach(n int) []int {
	left := make([]int, n) // how many ways out of a number are taken
	var path, stack []int
	stack = append(stack, 0)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		if left[at] < n {
			stack = append(stack, left[at])
			left[at]++
			continue
		}
		path = append(path, at)
		stack = stack[:len(stack)-1]
	}
	slices.Reverse(path)
	return path
}

// meansOfStatus disables a user once more and tells what the server has changed.
func (s *scene) meansOfStatus(u *idaastest.User) string {
	s.t.Helper()
	s.send(s.enable(u), s.unlock(u))
	before := s.everything(u.ID)
	s.send(s.disable(u))
	var by []string
	for _, name := range changed(before, s.everything(u.ID)) {
		if spelled, ok := statusAttributes[name]; ok {
			by = append(by, spelled)
		}
	}
	return strings.Join(by, ", ")
}

// statusAttributes are those by which servers keep users out, in their usual spelling.
var statusAttributes = map[string]string{
	"pwdaccountlockedtime": "pwdAccountLockedTime", "nsaccountlock": "nsAccountLock", "useraccountcontrol": "userAccountControl",
	"pwdendtime": "pwdEndTime", "accountexpires": "accountExpires",
}

// orders returns all orders of n things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for _, rest := range orders(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(rest), at, n-1))
		}
	}
	return out
}

// inEveryOrder plays the same four events for one user for each order in which they can arrive. The times of the events
// are always the same ones.
func (s *scene) inEveryOrder(events func(u *idaastest.User) []idaastest.Event) []*idaastest.User {
	s.t.Helper()
	var users []*idaastest.User
	var arriving [4][]idaastest.Event
	for i, order := range orders(len(arriving)) {
		u := s.user(fmt.Sprintf("u%d", i))
		users = append(users, u)
		happened := events(u)
		for at, which := range order {
			arriving[at] = append(arriving[at], happened[which])
		}
	}
	for _, request := range arriving {
		s.send(request...)
	}
	s.settle()
	return users
}

func statusOrders(s *scene) {
	if s.withoutStatus() {
		return
	}
	var expect []bool
	for _, last := range []func(u *idaastest.User) []idaastest.Event{
		func(u *idaastest.User) []idaastest.Event {
			return []idaastest.Event{s.createWith(u, goodPassword), s.disable(u), s.lock(u, s.hour()), s.enable(u)}
		},
		func(u *idaastest.User) []idaastest.Event {
			return []idaastest.Event{s.createWith(u, goodPassword), s.disable(u), s.enable(u), s.disable(u)}
		},
		func(u *idaastest.User) []idaastest.Event {
			return []idaastest.Event{s.createWith(u, goodPassword), s.lock(u, s.hour()), s.disable(u), s.unlock(u)}
		},
		func(u *idaastest.User) []idaastest.Event {
			return []idaastest.Event{s.createWith(u, goodPassword), s.lock(u, s.hour()), s.unlock(u), s.enable(u)}
		},
	} {
		for _, u := range s.inEveryOrder(last) {
			s.logsIn(u, goodPassword, u.Status != event.StatusDisabled && u.LockExpireTime == 0)
			expect = append(expect, u.Status != event.StatusDisabled && u.LockExpireTime == 0)
		}
	}
	if !slices.Contains(expect, true) || !slices.Contains(expect, false) {
		s.t.Fatal("nothing was tried")
	}
}

func statusWithOthers(s *scene) {
	const newPassword = goodPassword + "-new"
	if s.withoutStatus() {
		return
	}
	for _, u := range s.inEveryOrder(func(u *idaastest.User) []idaastest.Event {
		create := s.createWith(u, goodPassword)
		password, disable := s.f.tenant.UpdatePassword(*u, newPassword), s.disable(u)
		u.Email = "other@example.org"
		return []idaastest.Event{create, password, disable, s.update(u)}
	}) {
		s.hasUser(u)
		s.logsIn(u, newPassword, false)
		s.applied(s.enable(u))
		s.logsIn(u, newPassword, true)
		s.logsIn(u, goodPassword, false)
	}
}

func statusWithDeletion(s *scene) {
	for _, u := range s.inEveryOrder(func(u *idaastest.User) []idaastest.Event {
		create := s.createWith(u, goodPassword)
		return []idaastest.Event{create, s.f.tenant.UpdatePassword(*u, goodPassword+"-new"), s.disable(u), s.f.tenant.DeleteUser(u.ID)}
	}) {
		s.gone(u.ID)
	}
}

func statusFromTheStart(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	u.Status = event.StatusDisabled
	s.applied(s.createWith(u, goodPassword))
	s.logsIn(u, goodPassword, false)
	s.applied(s.enable(u))
	s.logsIn(u, goodPassword, true)
}

func lockEnds(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	s.applied(s.createWith(u, goodPassword))
	s.applied(s.lock(u, s.hour()))
	s.logsIn(u, goodPassword, false)
	s.p.clock.Forward(2 * time.Hour)
	s.eventually("the lock ends", func() bool { return s.dir.canBind(s.t, s.entry(u.ID).DN, goodPassword) })
	// A user who is disabled as well stays out.
	s.send(s.lock(u, s.hour()), s.disable(u))
	s.logsIn(u, goodPassword, false)
	other := s.user("other")
	s.applied(s.createWith(other, goodPassword))
	s.applied(s.lock(other, s.hour()))
	s.p.clock.Forward(2 * time.Hour)
	s.eventually("the lock of the other ends", func() bool { return s.dir.canBind(s.t, s.entry(other.ID).DN, goodPassword) })
	s.logsIn(u, goodPassword, false)
}

func lockEndsAfterRestart(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	s.applied(s.createWith(u, goodPassword))
	s.applied(s.lock(u, s.hour()))
	s.p.halt()
	s.p.clock.Forward(2 * time.Hour)
	s.p.start()
	s.eventually("the lock ends", func() bool { return s.dir.canBind(s.t, s.entry(u.ID).DN, goodPassword) })
}

func lockStays(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	s.applied(s.createWith(u, goodPassword))
	s.applied(s.f.tenant.Event(event.TypeUserLock, u.ID, map[string]any{"userId": u.ID, "lockExpireTime": "-1"}))
	s.p.clock.Forward(1000 * time.Hour)
	s.logsIn(u, goodPassword, false)
	s.applied(s.unlock(u))
	s.logsIn(u, goodPassword, true)
}

func lockOfServer(s *scene) {
	u := s.user("ann")
	s.applied(s.createWith(u, goodPassword))
	if !s.dir.can.lockout {
		s.note("not tried: this server locks nobody by itself")
		return
	}
	for range 6 {
		s.logsIn(u, "wrong", false)
	}
	s.logsIn(u, goodPassword, false)
	s.applied(s.unlock(u))
	s.logsIn(u, goodPassword, true)
}

func accountExpires(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	u.AccountExpireTime = time.Now().Add(1000 * 24 * time.Hour).UnixMilli()
	s.applied(s.createWith(u, goodPassword))
	s.logsIn(u, goodPassword, true)
	before := s.everything(u.ID)
	u.AccountExpireTime = time.Now().Add(-48 * time.Hour).UnixMilli()
	s.applied(s.update(u))
	s.logsIn(u, goodPassword, false)
	var by []string
	for _, name := range changed(before, s.everything(u.ID)) {
		if spelled, ok := statusAttributes[name]; ok {
			by = append(by, spelled)
		}
	}
	s.note(holds + " by " + strings.Join(by, ", "))
	u.AccountExpireTime = 0
	s.applied(s.update(u))
	s.logsIn(u, goodPassword, true)
	m := s.touch(u.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, u))
	s.notWritten(m)
}

func accountExpiresByItself(s *scene) {
	if s.withoutStatus() {
		return
	}
	u := s.user("ann")
	u.AccountExpireTime = s.hour().UnixMilli()
	s.applied(s.createWith(u, goodPassword))
	if s.dir.can.ends {
		// The clock of the server cannot be put forward, and it is the server's business.
		for _, name := range []string{"pwdEndTime", "accountExpires"} {
			if e := s.entry(u.ID, name); e.GetAttributeValue(name) != "" {
				s.note(holds + " by the server: " + name)
				return
			}
		}
		s.t.Fatal("the server was not told when the account ends")
	}
	s.logsIn(u, goodPassword, true)
	s.p.clock.Forward(2 * time.Hour)
	s.eventually("the account expires", func() bool { return !s.dir.canBind(s.t, s.entry(u.ID).DN, goodPassword) })
	other := s.user("other")
	other.AccountExpireTime = s.hour().UnixMilli()
	s.applied(s.createWith(other, goodPassword))
	s.p.halt()
	s.p.clock.Forward(2 * time.Hour)
	s.logsIn(other, goodPassword, true)
	s.p.start()
	s.eventually("the account expires after the restart", func() bool { return !s.dir.canBind(s.t, s.entry(other.ID).DN, goodPassword) })
	s.note(holds + " by idaas-ldap at that time")
}
