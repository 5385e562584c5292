package acceptance_test

import (
	"strconv"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

const posixMapping = "../../configs/mappings/openldap-posix.yaml"

// posixRows are the promises about accounts and groups for logins to UNIX, by the ready mapping for them.
var posixRows = []row{
	{"user:create", "an account gets the next uidNumber and a home; numbers that others have are stepped over", posix(accountNumbered)},
	{"user:push", "an account that others have made keeps its number, home and shell", posix(accountAdopted)},
	{"user:update_info", "a renamed account keeps its number and its home", posix(accountRenamed)},
	{"user:delete", "its number is never given to another account, not even after a restart", posix(accountNumberGone)},
	{"user:update_info", "accountExpireTime: shadowExpire is its day, and goes when the account is to stay", posix(accountShadow)},
	{"user:disable, enable", "who can log in follows lifecycle.disable; shadowExpire stays as it is", posix(accountShadowStays)},
	{"group:create", "a group gets the next gidNumber, which is never given to another group", posix(groupNumbered)},
	{"group:update", "a renamed group keeps its number and its members", posix(posixGroupRenamed)},
	{"group:add_user, remove_user", "memberUid has the user names: one member is one value, and those that others have put there stay", posix(memberUIDs)},
	{"user:update_info", "a renamed user is renamed in every memberUid; a move does not write there", posix(memberUIDFollows)},
	{"user:delete", "the name goes from every memberUid, and who gets it later is no member", posix(memberUIDGone)},
}

// posix plays a row with the mapping for logins to UNIX, where there is one for the server.
func posix(play func(s *scene)) func(s *scene) {
	return func(s *scene) {
		if s.dir.posix == nil {
			s.note("not tried: not in its mapping")
			return
		}
		unix := s.on("posix")
		play(unix)
		s.cell = unix.cell
	}
}

// forUNIX returns the same directory as it is seen by the mapping for logins to UNIX.
func (d *directory) forUNIX() *directory {
	v := d.vocabulary
	// There is nothing to write by hand: every attribute of a posixGroup is mapped, or is its password.
	v.groupID, v.member, v.placeholder, v.groupSpare = "uid", "memberUid", "", ""
	v.memberIs = func(u idaastest.User, _ string) string { return u.Username }
	unix := &directory{
		vocabulary: v, can: d.can, url: d.url, ca: d.ca, bindDN: d.bindDN, password: d.password, readDN: d.readDN, readPassword: d.readPassword,
		mapping: posixMapping, base: d.base, people: d.people, groups: d.groups, leavers: d.leavers, writes: d.writes,
	}
	if !d.can.status {
		unix.edits = []edit{{"expire: auto", "expire: ignore"}}
	}
	return unix
}

// number returns a number of an account or a group.
func (s *scene) number(id, attribute string) int {
	s.t.Helper()
	n, err := strconv.Atoi(s.entry(id).GetAttributeValue(attribute))
	if err != nil {
		s.t.Fatalf("%s of %s: %v", attribute, id, err)
	}
	return n
}

// hasNumber fails unless an account or a group has a number.
func (s *scene) hasNumber(id, attribute string, want int) {
	s.t.Helper()
	if got := s.number(id, attribute); got != want {
		s.t.Fatalf("%s of %s is %d; want %d", attribute, id, got, want)
	}
}

func accountNumbered(s *scene) {
	ann := s.hire("ann")
	first := s.number(ann.ID, "uidNumber")
	stranger := "uid=" + s.name("stranger") + "," + s.dir.leavers
	s.addByHand(stranger, map[string][]string{
		"objectClass": {"account", "posixAccount"}, "cn": {"Stranger"}, "uidNumber": {strconv.Itoa(first + 1)}, "gidNumber": {"100"}, "homeDirectory": {"/"},
	})
	s.t.Cleanup(func() { s.remove(stranger) })
	bob := s.hire("bob")
	s.hasNumber(bob.ID, "uidNumber", first+2)
	e := s.hasUser(bob)
	wantValues(s.t, e, "gidNumber", "100")
	wantValues(s.t, e, "homeDirectory", "/home/"+bob.Username)
	m := s.touch(bob.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, bob))
	s.notWritten(m)
}

func accountAdopted(s *scene) {
	u := s.user("ann")
	account := s.dir.handmade(*u, "")
	account["objectClass"] = append(account["objectClass"], "posixAccount")
	account["uidNumber"], account["gidNumber"] = []string{"1234"}, []string{"4321"}
	account["homeDirectory"], account["loginShell"] = []string{"/srv/ann"}, []string{"/bin/zsh"}
	dn := s.dir.userDN(*u, s.unitDN(s.found("Elsewhere").ID))
	s.addByHand(dn, account)
	before := s.dir.find(s.t, "("+s.dir.login+"="+u.Username+")", s.dir.uniqueID)
	s.applied(s.userEvent(event.TypeUserPush, u))
	after := s.hasUser(u)
	s.sameEntry(before, after)
	for _, name := range []string{"uidNumber", "gidNumber", "homeDirectory", "loginShell"} {
		wantValues(s.t, after, name, account[name]...)
	}
}

func accountRenamed(s *scene) {
	u := s.hire("ann")
	before := s.hasUser(u)
	u.Username, u.Unit = s.name("kim"), s.found("Research").ID
	s.applied(s.update(u))
	after := s.hasUser(u)
	s.sameEntry(before, after)
	for _, name := range []string{"uidNumber", "gidNumber", "homeDirectory"} {
		wantValues(s.t, after, name, before.GetAttributeValue(name))
	}
}

func accountNumberGone(s *scene) {
	ann := s.hire("ann")
	gone := s.number(ann.ID, "uidNumber")
	s.applied(s.f.tenant.DeleteUser(ann.ID))
	bob := s.hire("bob")
	s.hasNumber(bob.ID, "uidNumber", gone+1)
	s.applied(s.f.tenant.DeleteUser(bob.ID))
	s.p.halt()
	s.p.start()
	s.hasNumber(s.hire("cid").ID, "uidNumber", gone+2)
}

// The end of an account, and its day in days since 1970.
const (
	accountEnd    = 2524662000000 // 2050-01-01 15:00 UTC
	accountEndDay = "29220"
)

func accountShadow(s *scene) {
	u := s.user("ann")
	u.AccountExpireTime = accountEnd
	s.applied(s.create(u))
	wantValues(s.t, s.entry(u.ID), "shadowExpire", accountEndDay)
	u.AccountExpireTime = -1
	s.applied(s.update(u))
	wantValues(s.t, s.entry(u.ID), "shadowExpire")
	if !s.dir.can.status {
		s.note(holds + " with lifecycle.expire: ignore")
	}
}

func accountShadowStays(s *scene) {
	u := s.user("ann")
	u.AccountExpireTime = accountEnd
	s.applied(s.createWith(u, goodPassword))
	if s.withoutStatus() {
		return
	}
	for _, step := range []struct {
		event func(u *idaastest.User) idaastest.Event
		open  bool
	}{{s.disable, false}, {s.enable, true}} {
		s.applied(step.event(u))
		s.logsIn(u, goodPassword, step.open)
		wantValues(s.t, s.entry(u.ID), "shadowExpire", accountEndDay)
	}
}

func groupNumbered(s *scene) {
	g := s.gather("admins")
	s.hasGroup(g)
	first := s.number(g.ID, "gidNumber")
	s.applied(s.f.tenant.DeleteGroup(g.ID))
	s.hasNumber(s.gather("staff").ID, "gidNumber", first+1)
}

func posixGroupRenamed(s *scene) {
	ann := s.hire("ann")
	g := s.gather("admins", ann)
	number := s.number(g.ID, "gidNumber")
	before := s.hasGroup(g, ann)
	g.Name = s.name("operators")
	s.applied(s.groupEvent(event.TypeGroupUpdate, g))
	s.sameEntry(before, s.hasGroup(g, ann))
	s.hasNumber(g.ID, "gidNumber", number)
}

func memberUIDs(s *scene) {
	ann, bob, other := s.hire("ann"), s.hire("bob"), s.name("other")
	g := s.gather("admins", ann)
	s.hasGroup(g, ann)
	s.oneMember(s.members(event.TypeGroupAddUser, g, bob))
	s.hasGroup(g, ann, bob)
	s.addValueByHand(s.entry(g.ID).DN, s.dir.member, other)
	s.oneMember(s.members(event.TypeGroupRemoveUser, g, ann))
	s.applied(s.members(event.TypeGroupRemoveUser, g, bob))
	s.hasSame(s.entry(g.ID), s.dir.member, []string{other})
	s.unchanged(s.groupEvent(event.TypeGroupPush, g))
}

func memberUIDFollows(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	admins, staff := s.gather("admins", ann, bob), s.gather("staff", ann)
	ann.Username = s.name("kim")
	s.applied(s.update(ann))
	s.hasGroup(admins, ann, bob)
	s.hasGroup(staff, ann)
	m := mark{id: admins.ID, says: s.everything(admins.ID)}
	ann.Unit = s.found("Research").ID
	s.applied(s.update(ann))
	s.hasUser(ann)
	s.notWritten(m)
}

func memberUIDGone(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	groups := []*idaastest.Group{s.gather("admins", ann, bob), s.gather("staff", ann)}
	s.applied(s.f.tenant.DeleteUser(ann.ID))
	heir := s.user("heir")
	heir.Username = ann.Username
	s.applied(s.create(heir))
	s.hasGroup(groups[0], bob)
	s.hasGroup(groups[1])
}
