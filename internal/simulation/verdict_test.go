package simulation_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// soon is how long the directory may let in who may not log in: after the event that says so, or after the last thing that went wrong
// with the directory, the store or an instance.
const soon = 45 * time.Second

// keepsOut checks that nobody can log in of whom it has been clear for long enough that they may not. A narrow guard holds that up; a
// clock that is wrong lets a lock end early, and one that was ahead has put off what is tried again.
func (w *world) keepsOut() {
	now := time.Now()
	w.heard.look(now)
	sky := weather(w.storm.sky.Load())
	wrong := now.Sub(w.setAt) < 5*time.Minute || slices.ContainsFunc(w.offsets, func(d time.Duration) bool { return d != 0 })
	if wrong || w.script.narrow || w.full.Load() || sky != windy && sky != calm || now.Sub(time.UnixMilli(w.storm.troubledAt.Load())) < soon {
		return
	}
	for _, i := range w.instances {
		if i.isStopped() {
			return
		}
	}
	for _, e := range w.storm.Entries() {
		id := e.Value("employeeNumber")
		since, out := w.heard.outSince[id]
		if out && now.Sub(since) >= soon && w.logsIn(e.DN, id) {
			w.fail("%s can log in, who may not since %s", e.DN, since.UTC().Format("15:04:05.000"))
		}
	}
}

// logsIn reports whether a user can log in with the newest password that can have arrived.
func (w *world) logsIn(dn plan.DN, id string) bool {
	p := w.company.personOf(user(id))
	return p != nil && p.password != "" && w.storm.Login(dn, secret.New(p.password))
}

// judge compares the directory with what was said.
func (w *world) judge() {
	for _, r := range w.open() {
		if !w.mayStay(r) {
			w.fail("%s %s %s is still %s %s: %s", r.EventID, r.Type.Short(), r.Object, r.Outcome.State, r.Outcome.Code, r.Outcome.Message)
		}
	}
	if diff := cmp.Diff(w.company.directory(), w.content()); diff != "" {
		w.fail("the directory (-want +got):\n%s", diff)
	}
	w.hasAddresses()
	w.letsIn()
	w.saysItAgain()
}

// finding says what a failure is about, by what was seen first.
func (o outcome) finding() finding {
	for _, words := range []struct {
		said string
		of   finding
	}{
		{"is still", unsettled},
		{"was written twice", doubled},
		{"all once more wrote", doubled},
		{"which is older than", reordered},
		{"can log in, who may not", letIn},
		{"that the guard lets pass", overGuard},
	} {
		if strings.Contains(o.kind, words.said) {
			return words.of
		}
	}
	return lost
}

// content is what the directory says, by the ids of IDaaS.
func (w *world) content() map[string]string {
	out := map[string]string{}
	for _, e := range w.storm.Entries() {
		id := e.Value("employeeNumber") + e.Value("businessCategory")
		if id == "" {
			continue
		}
		members := []string{}
		for _, m := range e.Values("member") {
			members = append(members, plan.MustParseDN(m).String()) // servers have their own ways to escape
		}
		slices.Sort(members)
		out[id] = fmt.Sprint(e.DN, " ", e.Value("displayName"), " ", members)
	}
	return out
}

// hasAddresses checks that users have their newest address or, where the directory does not take that, an earlier one or none.
func (w *world) hasAddresses() {
	for _, e := range w.storm.Entries() {
		id, mail := e.Value("employeeNumber"), e.Value("mail")
		said := w.heard.users[id]
		if w.company.personOf(user(id)) == nil || said == nil {
			continue
		}
		if !isRefused(said.email) && mail != said.email || mail != "" && (!said.emails[mail] || isRefused(mail)) {
			w.fail("%s has the address %q; the newest is %q", e.DN, mail, said.email)
		}
	}
}

// letsIn checks that in the end they log in who may.
func (w *world) letsIn() {
	now := time.Now().UnixMilli()
	for _, e := range w.storm.Entries() {
		p := w.company.personOf(user(e.Value("employeeNumber")))
		if p == nil || p.password == "" {
			continue
		}
		may := !p.disabled && p.locked <= now && (p.expires == 0 || p.expires > now)
		got := w.storm.Login(e.DN, secret.New(p.password))
		if got != may && !(p.returned && !got) {
			w.fail("%s logs in: %t; want %t of %+v", e.DN, got, may, *p)
		}
	}
}

// saysItAgain says everything once more, in any order, after which nothing is written. Passwords are left out: another event about one means
// another one.
func (w *world) saysItAgain() {
	written := w.watch.seen
	all := slices.DeleteFunc(slices.Clone(w.company.said), func(c event.Change) bool { return c.Type == event.TypeUserUpdatePassword })
	for i := range all {
		j := i + w.below(len(all)-i, "again")
		all[i], all[j] = all[j], all[i]
	}
	for i := range all {
		all[i].ID += " again"
	}
	if len(all) > 0 {
		w.send(all)
	}
	w.passes(10 * time.Minute)
	for _, op := range w.storm.WrittenAfter(written) {
		w.fail("all once more wrote %s %s", op.Verb(), op.Target())
	}
}
