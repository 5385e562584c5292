package acceptance_test

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// membershipRows are the promises about members who have no entry for a while.
var membershipRows = []row{
	{"user:push", "a user whose entry was deleted by hand is back in its groups, and no other member is touched", memberMadeAnew},
	{"group:add_user", "a member outside the scope is not waited for, and joins on coming into it", memberOutOfScope},
	{"user:push", "a user who left the scope and comes back is back in its groups", memberBackInScope},
	{"user:create", "a user who was deleted and comes back under the same id is in those groups only that are said anew", memberDeletedAndBack},
	{"user:delete", "overtaken by the return of the user: the entry and the password stay, the memberships from before do not", memberDeletionOvertaken},
}

func memberMadeAnew(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g, former := s.gather("Vpn", ann, bob), s.gather("Lab", ann, bob)
	s.applied(s.members(event.TypeGroupRemoveUser, former, ann))
	s.remove(s.userDN(ann))
	s.takeOut(g, ann)
	s.applied(s.userEvent(event.TypeUserPush, ann))
	s.hasUser(ann)
	s.comesTo(g, ann, bob)
	s.hasGroup(former, bob)
}

// takeOut takes a member out of a group by hand, where the server has not done so itself.
func (s *scene) takeOut(g *idaastest.Group, u *idaastest.User) {
	e := s.entry(g.ID, s.dir.member)
	for _, has := range e.GetEqualFoldAttributeValues(s.dir.member) {
		if is := s.dir.memberIs(*u, s.userDN(u)); has == is || sameDN(has, is) {
			s.modify(e.DN, func(r *ldap.ModifyRequest) { r.Delete(s.dir.member, []string{has}) })
		}
	}
}

// comesTo waits until a group has as many members: no event tells when somebody is back in it.
func (s *scene) comesTo(g *idaastest.Group, members ...*idaastest.User) {
	s.t.Helper()
	s.eventually("everybody is in the group", func() bool {
		return len(s.entry(g.ID, s.dir.member).GetEqualFoldAttributeValues(s.dir.member)) == len(members)
	})
	s.hasGroup(g, members...)
}

func memberOutOfScope(s *scene) {
	ann, out := s.hire("ann"), s.user("svc-backup")
	g := s.gather("Vpn")
	s.gets(event.CodeOutOfScope, s.create(out))
	both, one := s.members(event.TypeGroupAddUser, g, ann, out), s.members(event.TypeGroupAddUser, g, out)
	s.applied(both)
	s.is(both, event.Done, event.CodeApplied, "1 of 2 members")
	s.gets(event.CodeOutOfScope, one)
	s.hasGroup(g, ann)
	out.Username = s.name("bob")
	s.applied(s.userEvent(event.TypeUserPush, out))
	s.comesTo(g, ann, out)
}

func memberBackInScope(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann, bob)
	name := ann.Username
	ann.Username = s.name("svc-ann")
	s.applied(s.userEvent(event.TypeUserPush, ann))
	s.hasGroup(g, bob)
	ann.Username = name
	s.applied(s.userEvent(event.TypeUserPush, ann))
	s.comesTo(g, ann, bob)
}

func memberDeletedAndBack(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	before, anew := s.gather("Vpn", ann, bob), s.gather("Lab", ann, bob)
	s.applied(s.userEvent(event.TypeUserDelete, ann))
	s.applied(s.userEvent(event.TypeUserPush, ann))
	s.applied(s.members(event.TypeGroupAddUser, anew, ann))
	s.hasGroup(anew, ann, bob)
	s.hasGroup(before, bob)
}

func memberDeletionOvertaken(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	vpn := s.gather("Vpn", ann, bob)
	s.applied(s.f.tenant.UpdatePassword(*ann, goodPassword))
	before := s.hasUser(ann)
	gone := s.f.tenant.DeleteUser(ann.ID)
	s.send(gone, s.userEvent(event.TypeUserPush, ann))
	s.is(gone, event.Skipped, event.CodeSuperseded)
	s.comesTo(vpn, bob)
	// And where the deletion arrives last.
	s.applied(s.members(event.TypeGroupAddUser, vpn, ann))
	gone = s.f.tenant.DeleteUser(ann.ID)
	s.unchanged(s.userEvent(event.TypeUserPush, ann))
	s.hasGroup(vpn, ann, bob)
	s.gets(event.CodeStale, gone)
	s.comesTo(vpn, bob)
	s.sameEntry(before, s.hasUser(ann))
	s.logsIn(ann, goodPassword, true)
}
