package acceptance_test

import (
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// obstacleRows are the promises about what becomes of the rest when a part cannot be written.
var obstacleRows = []row{
	{"a value that the server refuses", "everything else is written; the event fails and names the attribute", refusedValue},
	{"a value that the server refuses", "is not tried again by what says nothing of it, and a disabling beside it is applied", disabledBesideRefused},
	{"a unit that never comes", "a disabling, a password and an enabling are applied meanwhile", actsBesideUnknownUnit},
	{"a name that somebody else has", "a disabling is applied meanwhile", disabledBesideTakenName},
	{"an entry below that of a user who is deleted", "the login ends and the groups are left at once; the entry goes when it is empty", deletedWithEntryBelow},
	{"a name that is taken among the leavers", "the leaver gets another one, cannot log in and is in no group", secondLeaverOfAName},
	{"managers in a ring, in one push", "everybody is made, and the references follow", managersInARing},
}

// spoil gives a user a value that the server does not take, and returns its attribute.
func (s *scene) spoil(u *idaastest.User) (attribute string) {
	if s.dir.kind == ldaptest.Samba {
		u.DisplayName = strings.Repeat("x", 300)
		return "displayName"
	}
	u.Email = "买@example.org"
	return "mail"
}

func refusedValue(s *scene) {
	u := s.hire("ann")
	attribute := s.spoil(u)
	u.Description = "written all the same"
	e := s.update(u)
	s.gets(event.CodeRefused, e)
	s.is(e, event.Failed, event.CodeRefused, attribute)
	wantValues(s.t, s.entry(u.ID, "description"), "description", "written all the same")
	fresh := s.user("bob")
	s.spoil(fresh)
	e = s.create(fresh)
	s.gets(event.CodeRefused, e)
	s.is(e, event.Failed, event.CodeRefused, attribute)
	s.entry(fresh.ID)
}

func disabledBesideRefused(s *scene) {
	if !s.dir.can.status {
		s.note("fails: the server has no means")
		return
	}
	u := s.hire("ann")
	s.applied(s.passwordOf(u))
	s.spoil(u)
	s.gets(event.CodeRefused, s.update(u))
	s.applied(s.disable(u))
	s.logsIn(u, goodPassword, false)
	s.applied(s.enable(u))
	s.logsIn(u, goodPassword, true)
}

// passwordOf sets the password that every directory takes.
func (s *scene) passwordOf(u *idaastest.User) idaastest.Event {
	return s.f.tenant.UpdatePassword(*u, goodPassword)
}

func actsBesideUnknownUnit(s *scene) {
	u := s.hire("ann")
	moved := *u
	moved.Unit = "never"
	e := s.userEvent(event.TypeUserUpdatePrimaryOU, &moved)
	s.waits(event.CodeWaitsForObject, e, "never")
	s.applied(s.passwordOf(&moved))
	s.logsIn(u, goodPassword, true)
	if s.dir.can.status {
		s.applied(s.disable(&moved))
		s.logsIn(u, goodPassword, false)
		s.applied(s.enable(&moved))
		s.logsIn(u, goodPassword, true)
	}
	s.send(s.update(u)) // back where the unit is known
	s.settle()
}

func disabledBesideTakenName(s *scene) {
	holder, u := s.hire("holder"), s.hire("ann")
	s.applied(s.passwordOf(u))
	renamed := *u
	renamed.Username = holder.Username
	s.waits(event.CodeWaitsForDN, s.update(&renamed), holder.ID)
	if s.dir.can.status {
		s.applied(s.disable(u))
		s.logsIn(u, goodPassword, false)
	}
	s.send(s.update(u)) // with the name that the user has
	s.settle()
}

func deletedWithEntryBelow(s *scene) {
	u := s.hire("ann")
	s.applied(s.passwordOf(u))
	g := s.gather("Vpn", u)
	class := "device"
	if s.dir.kind == ldaptest.Samba {
		class = "nTFRSSubscriptions"
	}
	dn := s.entry(u.ID).DN
	below := "cn=phone," + dn
	s.addByHand(below, map[string][]string{"objectClass": {class}, "cn": {"phone"}})
	e := s.f.tenant.DeleteUser(u.ID)
	s.waits(event.CodeWaitsForEmpty, e, "phone")
	s.hasGroup(g)
	if s.dir.can.status && s.dir.canBind(s.t, dn, goodPassword) {
		s.t.Fatal("who is deleted can log in")
	}
	s.remove(below)
	s.retry(e)
	s.settle()
	s.gone(u.ID)
}

func secondLeaverOfAName(s *scene) {
	v := s.on("leavers-moved")
	first := v.hire("ann")
	v.applied(v.f.tenant.DeleteUser(first.ID))
	second := v.user("ann")
	second.Username = first.Username
	v.applied(v.create(second))
	v.applied(v.passwordOf(second))
	g := v.gather("Vpn", second)
	v.applied(v.f.tenant.DeleteUser(second.ID))
	v.hasGroup(g)
	entry := v.entry(second.ID)
	if !strings.Contains(entry.DN, second.ID) || s.dir.can.status && s.dir.canBind(s.t, entry.DN, goodPassword) {
		s.t.Fatalf("the second leaver is at %s, or can log in", entry.DN)
	}
	for _, u := range []*idaastest.User{first, second} {
		s.remove(v.entry(u.ID).DN)
	}
}

func managersInARing(s *scene) {
	ceo, cto, dev := s.user("ceo"), s.user("cto"), s.user("dev")
	ceo.Custom = map[string]string{"manager": ceo.ID}
	cto.Custom = map[string]string{"manager": dev.ID}
	dev.Custom = map[string]string{"manager": cto.ID}
	s.send(s.create(cto), s.create(dev), s.create(ceo))
	s.settle()
	for who, boss := range map[*idaastest.User]*idaastest.User{ceo: ceo, cto: dev, dev: cto} {
		s.eventually("the manager is written", func() bool { return s.entry(who.ID, "manager").GetEqualFoldAttributeValue("manager") != "" })
		s.hasSame(s.entry(who.ID), "manager", []string{s.userDN(boss)})
	}
}
