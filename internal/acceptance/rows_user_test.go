package acceptance_test

import (
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// userRows are the promises about the record of a user.
var userRows = []row{
	{"user:create", "a user who is not there is added", userAdded},
	{"user:create", "a user who is there is brought to what the event says", userCreatedAgain},
	{"user:update_info", "a user who is not there is added", func(s *scene) { addedBy(s, event.TypeUserUpdateInfo) }},
	{"user:push", "a user who is not there is added", func(s *scene) { addedBy(s, event.TypeUserPush) }},
	{"user:update_primary_ou", "a user who is not there is added with what is known", userAddedByMove},
	{"user:update_info", "only what differs is written", userDifference},
	{"user:update_info", "a field that is left out keeps its value, an empty one is removed", userPartOfRecord},
	{"user:update_info", "a renamed user keeps unique id, unmapped attributes and memberships", userRenamed},
	{"user:update_info", "a user who is renamed, moved and changed at once stays the same entry", userRenamedAndMoved},
	{"user:update_info", "upper and lower case of a name are corrected", userCase},
	{"user:update_primary_ou", "a moved user keeps unique id, unmapped attributes and memberships", userMoved},
	{"user:push", "equal: nothing is written", func(s *scene) { equalUser(s, event.TypeUserPush) }},
	{"user:update_info", "equal: nothing is written", func(s *scene) { equalUser(s, event.TypeUserUpdateInfo) }},
	{"user:create", "equal: nothing is written", func(s *scene) { equalUser(s, event.TypeUserCreate) }},
	{"user:push", "an entry that was moved and renamed by hand is found by its link and put back", userMovedByHand},
	{"user:push", "an entry that was deleted by hand is made again", userDeletedByHand},
	{"user:delete", "the id alone is enough; memberships and references go too", userDeleted},
	{"user:delete", "a user who is gone already, or was never known, is no failure", userGoneAlready},
	{"user:delete", "an older event does not bring a deleted user back, a newer creation does", userBack},
	{"user:delete", "lifecycle.delete: disable keeps the entry, which can log in no more", userKeptDisabled},
	{"user:delete", "lifecycle.delete: move keeps the entry among the leavers, without memberships", userMovedToLeavers},
	{"user:delete", "purge_after: the entry among the leavers is deleted at its time, also across a restart", userPurged},
	{"user:push", "a user whom the scope leaves out is skipped, and removed where the user was in it before", userOutOfScope},
}

func userAdded(s *scene) {
	u := s.user("ann", *s.found("Research"))
	u.PhoneRegion, u.PhoneNumber, u.PhoneVerified = "86", "13900000000", true
	s.applied(s.create(u))
	s.hasUser(u)
}

func userCreatedAgain(s *scene) {
	u := s.hire("ann")
	before := s.hasUser(u)
	u.Email = "other@example.org"
	s.applied(s.create(u))
	s.sameEntry(before, s.hasUser(u))
}

func addedBy(s *scene, kind event.Type) {
	u := s.user("ann")
	s.applied(s.userEvent(kind, u))
	s.hasUser(u)
}

func userAddedByMove(s *scene) {
	unit := s.found("Research")
	u := s.user("ann", *unit)
	s.applied(s.f.tenant.MoveUser(*u))
	before := s.entry(u.ID, s.dir.uniqueID)
	wantValues(s.t, before, s.dir.login, u.Username)
	s.applied(s.update(u))
	s.sameEntry(before, s.hasUser(u))
}

func userDifference(s *scene) {
	u := s.hire("ann")
	s.touch(u.ID)
	before := s.everything(u.ID)
	u.Email = "other@example.org"
	writes := s.writesDuring(func() { s.applied(s.update(u)) })
	s.hasUser(u)
	kept := []string{"mail", "modifytimestamp", "modifiersname", "entrycsn", "entryusn", "whenchanged", "usnchanged"}
	if wrote := changed(before, s.everything(u.ID)); slices.ContainsFunc(wrote, func(name string) bool { return !slices.Contains(kept, name) }) {
		s.t.Fatalf("a new mail address changed %q", wrote)
	}
	if s.dir.writes != nil && (len(writes) != 1 || writes[0].Type != "modify" || !onlyTouches(writes[0], "mail")) {
		s.t.Fatalf("a new mail address led to %+v", writes)
	}
}

// writesDuring returns what the connector's account wrote while something was done, where the server tells.
func (s *scene) writesDuring(do func()) []ldaptest.Write {
	s.t.Helper()
	if s.dir.writes == nil {
		do()
		return nil
	}
	before := len(s.dir.writes(s.t))
	do()
	return s.dir.writes(s.t)[before:]
}

func userPartOfRecord(s *scene) {
	u := s.hire("ann")
	s.applied(s.f.tenant.Event(event.TypeUserUpdateInfo, u.ID, map[string]any{"userId": u.ID, "email": ""}))
	u.Email = ""
	s.hasUser(u)
	s.applied(s.f.tenant.Event(event.TypeUserUpdateInfo, u.ID, map[string]any{"userId": u.ID, "description": nil, "email": "back@example.org"}))
	u.Email, u.Description = "back@example.org", ""
	s.hasUser(u)
}

// employed is a user in a group and in a unit, with an attribute that no mapping knows.
func employed(s *scene) (u *idaastest.User, g *idaastest.Group, before *ldap.Entry) {
	s.t.Helper()
	u = s.hire("ann", *s.found("Research"))
	g = s.gather("Vpn", u)
	s.touch(u.ID)
	return u, g, s.hasUser(u)
}

// stillEmployed fails unless the user is at the new place, and is the same entry with the same attributes and memberships.
func stillEmployed(s *scene, u *idaastest.User, g *idaastest.Group, before *ldap.Entry) {
	s.t.Helper()
	after := s.hasUser(u)
	s.sameEntry(before, after)
	wantValues(s.t, after, s.dir.userSpare, before.GetAttributeValue(s.dir.userSpare))
	s.hasGroup(g, u)
}

func userRenamed(s *scene) {
	u, g, before := employed(s)
	u.Username, u.DisplayName = s.name("kim"), "Ann Kim"
	s.applied(s.update(u))
	stillEmployed(s, u, g, before)
}

func userRenamedAndMoved(s *scene) {
	u, g, before := employed(s)
	u.Username, u.DisplayName, u.Unit, u.Email, u.Description = s.name("kim"), "Ann Kim", s.found("Sales").ID, "kim@example.org", ""
	s.applied(s.update(u))
	stillEmployed(s, u, g, before)
	u.Unit = ""
	s.applied(s.update(u))
	stillEmployed(s, u, g, before)
}

func userCase(s *scene) {
	u, g, before := employed(s)
	u.Username, u.DisplayName = strings.ToUpper(u.Username), "ANN LEE"
	s.applied(s.update(u))
	stillEmployed(s, u, g, before)
	want := s.userDN(u)
	rdn, _, _ := strings.Cut(want, ",")
	if after := s.entry(u.ID); !strings.HasPrefix(after.DN, rdn) && !strings.HasPrefix(strings.ToLower(rdn[:3])+after.DN[3:], rdn) {
		s.t.Fatalf("the entry is %s; want %s", after.DN, want)
	}
	m := s.touch(u.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, u))
	s.notWritten(m)
}

func userMoved(s *scene) {
	u, g, before := employed(s)
	u.Unit = s.found("Sales").ID
	s.applied(s.f.tenant.MoveUser(*u))
	stillEmployed(s, u, g, before)
}

func equalUser(s *scene, kind event.Type) {
	u := s.user("ann", *s.found("Research"))
	u.PhoneRegion, u.PhoneNumber, u.PhoneVerified = "86", "13900000000", true
	s.applied(s.createWith(u, goodPassword))
	m := s.touch(u.ID)
	s.unchanged(s.userEvent(kind, u))
	s.notWritten(m)
}

func userMovedByHand(s *scene) {
	u, g, before := employed(s)
	sales := s.found("Sales")
	s.rename(before.DN, s.dir.rdnByHand, s.unitDN(sales.ID))
	s.applied(s.userEvent(event.TypeUserPush, u))
	stillEmployed(s, u, g, before)
}

func userDeletedByHand(s *scene) {
	u := s.hire("ann")
	s.remove(s.entry(u.ID).DN)
	s.applied(s.userEvent(event.TypeUserPush, u))
	s.hasUser(u)
}

func userDeleted(s *scene) {
	boss, ann := s.hire("boss"), s.user("ann")
	ann.Custom = map[string]string{"manager": boss.ID}
	s.applied(s.create(ann))
	g := s.gather("Vpn", boss, ann)
	s.hasSame(s.entry(ann.ID), "manager", []string{s.userDN(boss)})
	s.applied(s.f.tenant.DeleteUser(boss.ID))
	s.gone(boss.ID)
	s.hasGroup(g, ann)
	s.namesNobody(s.entry(ann.ID), "manager")
	s.applied(s.f.tenant.DeleteUser(ann.ID))
	s.gone(ann.ID)
	s.hasGroup(g)
}

// namesNobody fails unless an attribute is empty, or holds what the server puts in the place of the last value.
func (s *scene) namesNobody(e *ldap.Entry, attribute string) {
	s.t.Helper()
	for _, v := range e.GetEqualFoldAttributeValues(attribute) {
		if !sameDN(v, s.dir.placeholder) {
			s.t.Fatalf("%s of %s is still %s", attribute, e.DN, v)
		}
	}
}

func userGoneAlready(s *scene) {
	u := s.hire("ann")
	s.remove(s.entry(u.ID).DN)
	s.unchanged(s.f.tenant.DeleteUser(u.ID))
	s.unchanged(s.f.tenant.DeleteUser(u.ID))
	s.unchanged(s.f.tenant.DeleteUser(s.user("never").ID))
}

func userBack(s *scene) {
	u := s.hire("ann")
	before := s.hasUser(u)
	update, status := s.update(u), s.f.tenant.UserStatus(event.TypeUserDisable, *u)
	s.applied(s.f.tenant.DeleteUser(u.ID))
	s.gets(event.CodeStale, update, status, older(s.create(u), time.Second))
	s.gone(u.ID)
	s.applied(s.create(u))
	after := s.hasUser(u)
	if string(before.GetRawAttributeValue(s.dir.uniqueID)) == string(after.GetRawAttributeValue(s.dir.uniqueID)) {
		s.t.Fatal("the deleted entry was not deleted")
	}
}

func userKeptDisabled(s *scene) {
	kept := s.on("leavers-disabled")
	u := kept.user("ann")
	kept.applied(kept.createWith(u, goodPassword))
	before := kept.hasUser(u)
	if !s.dir.can.status {
		e := kept.f.tenant.DeleteUser(u.ID)
		kept.gets(event.CodeRefused, e)
		kept.is(e, event.Failed, event.CodeRefused, "no means to disable")
		s.note("fails: the server has no means")
		return
	}
	kept.applied(kept.f.tenant.DeleteUser(u.ID))
	after := kept.entry(u.ID, s.dir.uniqueID)
	kept.sameEntry(before, after)
	kept.logsIn(u, goodPassword, false)
	// Somebody who comes back gets the entry back.
	u.Email = "back@example.org"
	kept.applied(kept.create(u))
	kept.sameEntry(before, kept.hasUser(u))
	kept.logsIn(u, goodPassword, true)
}

func userMovedToLeavers(s *scene) {
	left := s.on("leavers-moved")
	u, g, before := employed(left)
	left.applied(left.f.tenant.DeleteUser(u.ID))
	after := left.entry(u.ID, s.dir.uniqueID)
	left.sameEntry(before, after)
	wantDN(s.t, after, left.dir.userDN(*u, s.dir.leavers))
	left.hasGroup(g)
	left.applied(left.f.tenant.DeleteUnit(u.Unit)) // nothing is in it any more
}

func userPurged(s *scene) {
	left := s.on("leavers-purged")
	running, stopped := left.hire("ann"), left.hire("bob")
	purged := func(u *idaastest.User) func() bool {
		return func() bool { return s.dir.find(s.t, s.dir.byID(u.ID)) == nil }
	}
	left.applied(left.f.tenant.DeleteUser(running.ID))
	wantDN(s.t, left.entry(running.ID), left.dir.userDN(*running, s.dir.leavers))
	s.p.clock.Forward(2 * time.Hour)
	s.eventually("the leaver is deleted", purged(running))
	left.applied(left.f.tenant.DeleteUser(stopped.ID))
	s.p.halt()
	s.p.clock.Forward(2 * time.Hour)
	wantDN(s.t, left.entry(stopped.ID), left.dir.userDN(*stopped, s.dir.leavers))
	s.p.start()
	s.eventually("the leaver is deleted after the restart", purged(stopped))
}

func userOutOfScope(s *scene) {
	u := s.user("svc-backup")
	s.gets(event.CodeOutOfScope, s.create(u))
	s.gone(u.ID)
	u.Username = s.name("ann")
	s.applied(s.userEvent(event.TypeUserPush, u))
	s.hasUser(u)
	u.Username = s.name("svc-backup")
	s.applied(s.userEvent(event.TypeUserPush, u))
	s.gone(u.ID)
}
