package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// runs is a server whose process a test ends and starts again.
type runs interface {
	Start(testing.TB)
	Stop()
}

// side is one of two directories that an application feeds.
type side struct {
	*scene
	called string // in the configuration
	server runs
}

// twoWorlds is one application that feeds an OpenLDAP and an Active Directory, each by the ready mapping for it.
type twoWorlds struct {
	*product
	// The scene of openLDAP makes up people and groups; each says what became of them on its side.
	openLDAP, activeDirectory side
}

func startTwoWorlds(t *testing.T) *twoWorlds {
	t.Helper()
	ldaptest.Require(t, ldaptest.OpenLDAP)
	slapd, samba := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}), ldaptest.StartSamba(t)
	w := &twoWorlds{}
	w.product = startProductWith(t, setup{directories: []configured{
		{name: "openldap", dir: slapdDirectory(slapd), feed: "one"}, {name: "ad", dir: sambaDirectory(samba), feed: "one"},
	}})
	units, seen := map[string]idaastest.Unit{}, 0
	look := func(name string, dir *directory, server runs) side {
		t.Cleanup(dir.close)
		f := *w.feed
		f.directory, f.dir = name, dir
		return side{scene: &scene{t: t, p: w.product, f: &f, dir: dir, seen: &seen, units: units}, called: name, server: server}
	}
	w.openLDAP = look("openldap", w.dir, slapd)
	w.activeDirectory = look("ad", sambaDirectory(samba), samba)
	return w
}

func (w *twoWorlds) sides() []side { return []side{w.openLDAP, w.activeDirectory} }

// both fails unless events are answered as applied, and calls a look for either side.
func (w *twoWorlds) both(look func(side), events ...idaastest.Event) {
	w.t.Helper()
	w.apply(event.CodeApplied, events...)
	w.look(look)
}

func (w *twoWorlds) look(look func(side)) {
	w.t.Helper()
	for _, s := range w.sides() {
		look(s)
	}
}

// answered sends an event and returns the list that it is in with its result.
func (w *twoWorlds) answered(e idaastest.Event) (string, event.Code, string) {
	w.t.Helper()
	answer := w.send(e)
	list, result := answer.Of(e.ID)
	return list, event.Code(result.EventCode), result.EventMessage
}

// One application feeds a real OpenLDAP and a real Active Directory: everything arrives in both, in the terms of each, and
// neither waits for the other or answers for it.
func TestSambaAndOpenLDAPAreFedByOneApplication(t *testing.T) {
	t.Parallel()
	w := startTwoWorlds(t)
	w.livesInBoth()
	w.refusedByOne()
	w.stopped(w.openLDAP, w.activeDirectory)
	w.stopped(w.activeDirectory, w.openLDAP)
}

// livesInBoth sends a life of people, a unit and a group.
func (w *twoWorlds) livesInBoth() {
	s := w.openLDAP
	lab, ann, bob, g := s.unit("Lab"), s.user("ann"), s.user("bob"), s.group("Vpn")
	ann.Unit = lab.ID
	w.both(func(d side) { d.hasUnit(lab) }, s.unitEvent(event.TypeUnitCreate, lab))
	before := map[string][]byte{}
	w.both(func(d side) {
		before[d.called] = d.hasUser(ann).GetRawAttributeValue(d.dir.uniqueID)
		d.logsIn(ann, goodPassword, true)
		d.logsIn(ann, "Wrong-Horse-1", false)
	}, s.createWith(ann, goodPassword))
	w.both(func(d side) { d.hasUser(bob) }, s.create(bob))
	w.both(func(d side) { d.hasGroup(g) }, s.groupEvent(event.TypeGroupCreate, g))
	w.both(func(d side) { d.hasGroup(g, ann, bob) }, s.members(event.TypeGroupAddUser, g, ann, bob))

	ann.Username, ann.Unit = s.name("ann.lee"), ""
	w.both(func(d side) {
		if after := d.hasUser(ann).GetRawAttributeValue(d.dir.uniqueID); !slices.Equal(before[d.called], after) {
			w.t.Errorf("%s: who was renamed became another entry", d.called)
		}
		d.hasGroup(g, ann, bob)
		d.logsIn(ann, goodPassword, true)
	}, s.update(ann))
	g.Name = s.name("Remote")
	w.both(func(d side) { d.hasGroup(g, ann, bob) }, s.groupEvent(event.TypeGroupUpdate, g))
	w.both(func(d side) { d.hasGroup(g, ann) }, s.members(event.TypeGroupRemoveUser, g, bob))

	w.both(func(d side) { d.logsIn(ann, goodPassword, false) }, s.disable(ann))
	w.both(func(d side) { d.logsIn(ann, goodPassword, true) }, s.enable(ann))
	const next = "Another-Horse-2"
	w.both(func(d side) {
		d.logsIn(ann, next, true)
		d.logsIn(ann, goodPassword, false)
	}, s.f.tenant.UpdatePassword(*ann, next))

	w.both(func(d side) {
		d.gone(ann.ID)
		d.hasGroup(g)
	}, s.f.tenant.DeleteUser(ann.ID))
	w.both(func(d side) { d.gone(g.ID) }, s.f.tenant.DeleteGroup(g.ID))
	w.both(func(d side) { d.gone(lab.ID) }, s.f.tenant.DeleteUnit(lab.ID))
}

// refusedByOne sends a password that is too simple for Active Directory and good enough for OpenLDAP.
func (w *twoWorlds) refusedByOne() {
	t := w.t
	const simple = "correcthorseone"
	s := w.openLDAP
	ann := s.user("ann")
	w.apply(event.CodeApplied, s.createWith(ann, goodPassword))
	list, code, message := w.answered(s.f.tenant.UpdatePassword(*ann, simple))
	if list != "failed" || code != event.CodePasswordRefused || !strings.Contains(message, "openldap: ") || !strings.Contains(message, "ad: ") || !strings.Contains(message, "52D") {
		t.Errorf("it is answered with %s %s: %s", list, code, message)
	}
	if strings.Contains(message, simple) {
		t.Error("the password is in the answer")
	}
	w.openLDAP.logsIn(ann, simple, true)
	w.activeDirectory.logsIn(ann, simple, false)
	w.activeDirectory.logsIn(ann, goodPassword, true)
	failed := w.events(t, store.Filter{States: []event.State{event.Failed}})
	if len(failed) != 1 || failed[0].Directory != "ad" {
		t.Errorf("failed are %+v", failed)
	}
	// The next one is good enough for both.
	const next = "Another-Horse-3"
	w.both(func(d side) { d.logsIn(ann, next, true) }, s.f.tenant.UpdatePassword(*ann, next))
}

// stopped ends the process of one server while events come. The other one has them at once, with their passwords, and so
// has the first when it is back, in their order.
func (w *twoWorlds) stopped(down, up side) {
	t, s := w.t, w.openLDAP
	there := s.user("there")
	w.apply(event.CodeApplied, s.createWith(there, goodPassword))
	g := s.group("Vpn")
	w.apply(event.CodeApplied, s.groupEvent(event.TypeGroupCreate, g))

	down.server.Stop()
	accepted := func(e idaastest.Event) {
		t.Helper()
		list, code, message := w.answered(e)
		if list != "success" || code != event.CodeAccepted || !strings.Contains(message, up.called+": ") || !strings.Contains(message, down.called+": ") {
			t.Fatalf("%s is answered with %s %s: %s", e.Type.Short(), list, code, message)
		}
	}
	var people []*idaastest.User
	for i := range 5 {
		u := s.user(fmt.Sprint("new", i))
		people = append(people, u)
		accepted(s.createWith(u, goodPassword))
		up.hasUser(u)
		up.logsIn(u, goodPassword, true)
	}
	accepted(s.members(event.TypeGroupAddUser, g, people...))
	up.hasGroup(g, people...)
	left := people[4]
	accepted(s.f.tenant.DeleteUser(left.ID))
	people = people[:4]
	const next = "Another-Horse-4"
	accepted(s.f.tenant.UpdatePassword(*there, next))
	there.Username = s.name("moved")
	accepted(s.update(there))
	accepted(s.disable(people[0]))
	now := func(d side) {
		t.Helper()
		d.gone(left.ID)
		d.hasUser(there)
		d.logsIn(there, next, true)
		d.hasGroup(g, people...)
		for i, u := range people {
			d.hasUser(u)
			d.logsIn(u, goodPassword, i > 0)
		}
	}
	now(up)

	down.server.Start(t)
	for _, r := range w.settle() {
		// The password that one of them refused stays where it is.
		if r.Outcome.Code != event.CodePasswordRefused {
			t.Errorf("%+v", r)
		}
	}
	w.look(now)
}
