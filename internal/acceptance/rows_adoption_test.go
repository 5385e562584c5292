package acceptance_test

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// adoptionRows are the promises about directories that were filled by others, and about references.
var adoptionRows = []row{
	{"an entry that others have made", "is taken over by a match rule with adopt, and keeps what no rule speaks about", userAdopted},
	{"a directory that others have filled", "is taken over by a full push: nothing is made anew, nothing deleted", directoryAdopted},
	{"two entries that match", "held, with both named, until a person decides", ambiguous},
	{"an entry that others have made", "outside adopt_below is not taken over; the user waits and the message names it", adoptedNowhereElse},
	{"a reference to a manager", "is written when the manager is there, and follows every rename and move", managerFollows},
	{"a reference to a manager", "who is gone is no reason to wait", managerGone},
	{"a reference to a manager", "outside the scope is not waited for, and written when the manager comes into it", managerOutOfScope},
}

func userAdopted(s *scene) {
	u := s.user("ann")
	elsewhere := s.found("Elsewhere")
	s.addByHand(s.dir.userDN(*u, s.unitDN(elsewhere.ID)), s.dir.handmade(*u, ""))
	before := s.dir.find(s.t, "("+s.dir.login+"="+u.Username+")", s.dir.uniqueID)
	g := s.gather("Vpn")
	s.addValueByHand(s.entry(g.ID).DN, s.dir.member, s.dir.memberIs(*u, before.DN))
	s.setByHand(before.DN, s.dir.userSpare, "by hand")
	s.applied(s.userEvent(event.TypeUserPush, u))
	after := s.hasUser(u)
	s.sameEntry(before, after)
	wantValues(s.t, after, s.dir.userSpare, "by hand")
	values := s.entry(g.ID).GetEqualFoldAttributeValues(s.dir.member)
	found := false
	for _, v := range values {
		found = found || v == s.dir.memberIs(*u, after.DN) || sameDN(v, s.dir.memberIs(*u, after.DN))
	}
	if !found {
		s.t.Fatalf("the members are %q; want %s among them", values, after.DN)
	}
}

func adoptedNowhereElse(s *scene) {
	u := s.user("ann")
	dn := s.dir.userDN(*u, s.dir.leavers)
	s.addByHand(dn, s.dir.handmade(*u, ""))
	e := s.userEvent(event.TypeUserPush, u)
	s.waits(event.CodeDNTaken, e, "adopt_below")
	s.remove(dn)
	s.retry(e)
	s.settle()
	s.hasUser(u)
}

func directoryAdopted(s *scene) {
	v := s.on("adopting")
	top := v.unit("Research")
	lab := v.unit("Lab", *top)
	users := []*idaastest.User{v.user("ann", *top), v.user("bob", *lab), v.user("cid", *lab), v.user("dan")}
	g := v.group("Vpn")
	before := map[string]*ldap.Entry{}
	for _, u := range []*idaastest.Unit{top, lab} {
		dn := v.unitDN(u.ID)
		s.addByHand(dn, map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {u.Name}})
		before[u.ID] = s.readByHand(dn)
	}
	var members []string
	for _, u := range users {
		dn := v.userDN(u)
		s.addByHand(dn, s.dir.handmade(*u, ""))
		before[u.ID] = s.readByHand(dn)
		members = append(members, s.dir.memberIs(*u, dn))
	}
	entry := s.dir.handmadeGroup(g.Name)
	entry[s.dir.member] = members[:2]
	s.addByHand(s.dir.groupDN(g.Name), entry)
	before[g.ID] = s.readByHand(s.dir.groupDN(g.Name))
	entries := len(s.dir.tree(s.t))

	events := []idaastest.Event{v.unitEvent(event.TypeUnitPush, lab), v.unitEvent(event.TypeUnitPush, top), v.groupEvent(event.TypeGroupPush, g), v.members(event.TypeGroupAddUser, g, users...)}
	for _, u := range users {
		events = append(events, v.userEvent(event.TypeUserPush, u))
	}
	v.send(idaastest.Shuffled(7, events)...)
	v.settle()
	for _, u := range []*idaastest.Unit{top, lab} {
		s.sameEntry(before[u.ID], v.hasUnit(u))
	}
	for _, u := range users {
		s.sameEntry(before[u.ID], v.hasUser(u))
	}
	s.sameEntry(before[g.ID], v.hasGroup(g, users...))
	if now := len(s.dir.tree(s.t)); now != entries {
		s.t.Fatalf("there are %d entries; before there were %d", now, entries)
	}
}

// readByHand returns an entry by its name.
func (s *scene) readByHand(dn string) *ldap.Entry {
	s.t.Helper()
	result, err := s.dir.reader(s.t).Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"*", s.dir.uniqueID}, nil))
	if err != nil || len(result.Entries) != 1 {
		s.t.Fatalf("read %s by hand: %v", dn, err)
	}
	return result.Entries[0]
}

func ambiguous(s *scene) {
	u := s.user("ann")
	one, two := *u, *u
	one.Username, two.Username = s.name("one"), s.name("two")
	first, second := s.dir.userDN(one, s.dir.people), s.dir.userDN(two, s.dir.leavers)
	s.addByHand(first, s.dir.handmade(one, u.ID))
	s.addByHand(second, s.dir.handmade(two, u.ID))
	e := s.userEvent(event.TypeUserPush, u)
	s.gets(event.CodeAccepted, e)
	s.is(e, event.Held, event.CodeAmbiguous)
	message := strings.ToLower(s.f.outcome(s.t, e.ID).Message)
	for _, dn := range []string{first, second} {
		if !strings.Contains(message, strings.ToLower(dn)) {
			s.t.Fatalf("the message does not name %s: %s", dn, message)
		}
	}
	s.remove(second)
	s.retry(e)
	s.settle()
	s.is(e, event.Done, event.CodeApplied)
	s.hasUser(u)
}

func managerFollows(s *scene) {
	boss, ann := s.user("boss"), s.user("ann")
	ann.Custom = map[string]string{"manager": boss.ID}
	s.applied(s.create(ann))
	s.hasUser(ann)
	s.hasSame(s.entry(ann.ID), "manager", nil)
	s.applied(s.create(boss))
	s.eventually("the manager is written", func() bool { return s.entry(ann.ID, "manager").GetEqualFoldAttributeValue("manager") != "" })
	managed := func() {
		s.t.Helper()
		s.hasSame(s.entry(ann.ID), "manager", []string{s.userDN(boss)})
	}
	managed()
	boss.Username = s.name("chief")
	s.applied(s.update(boss))
	managed()
	research := s.found("Research")
	boss.Unit = research.ID
	s.applied(s.update(boss))
	managed()
	research.Name = s.name("Development")
	s.applied(s.unitEvent(event.TypeUnitUpdate, research))
	managed()
	m := s.touch(ann.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, ann))
	s.notWritten(m)
	// Somebody else, then nobody.
	other := s.hire("other")
	ann.Custom["manager"] = other.ID
	s.applied(s.update(ann))
	s.hasSame(s.entry(ann.ID), "manager", []string{s.userDN(other)})
	ann.Custom["manager"] = ""
	s.applied(s.update(ann))
	s.hasSame(s.entry(ann.ID), "manager", nil)
}

func managerGone(s *scene) {
	boss, ann := s.hire("boss"), s.user("ann")
	ann.Custom = map[string]string{"manager": boss.ID}
	s.applied(s.create(ann))
	s.applied(s.f.tenant.DeleteUser(boss.ID))
	ann.Email = "other@example.org"
	s.applied(s.update(ann))
	s.hasUser(ann)
	s.hasSame(s.entry(ann.ID), "manager", nil)
}

func managerOutOfScope(s *scene) {
	boss, ann := s.user("svc-boss"), s.user("ann")
	s.gets(event.CodeOutOfScope, s.create(boss))
	ann.Custom = map[string]string{"manager": boss.ID}
	s.applied(s.create(ann))
	s.hasUser(ann)
	s.hasSame(s.entry(ann.ID), "manager", nil)
	boss.Username = s.name("boss")
	s.applied(s.update(boss))
	s.eventually("the manager is written", func() bool { return s.entry(ann.ID, "manager").GetEqualFoldAttributeValue("manager") != "" })
	s.hasSame(s.entry(ann.ID), "manager", []string{s.hasUser(boss).DN})
}
