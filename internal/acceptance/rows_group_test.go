package acceptance_test

import (
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// groupRows are the promises about groups and their members.
var groupRows = []row{
	{"group:create", "a group is added, with a placeholder where a group must not be empty", groupAdded},
	{"group:push", "equal: nothing is written, and no member is touched", groupEqual},
	{"group:update", "a renamed group keeps its unique id and its members", groupRenamed},
	{"group:update", "upper and lower case of a name are corrected", groupCase},
	{"group:add_user", "one member more is one value more", memberAdded},
	{"group:add_user", "a member who is there already is no write", memberThere},
	{"group:add_user", "of several members only those who are not there yet are waited for", memberWaitsAlone},
	{"group:add_user", "members of a group that is not there yet wait for it", memberBeforeGroup},
	{"group:remove_user", "one member less is one value less; the last one leaves an empty group", memberRemoved},
	{"group:remove_user", "somebody who is no member is no failure", memberNotThere},
	{"group:add_user, remove_user", "for each member the newest word counts, in whatever order they come", memberOrder},
	{"group:add_user, remove_user", "members that others have put there stay", memberOfOthers},
	{"group:push", "an entry that was renamed by hand is found by its link and put back", groupByHand},
	{"group:push", "a group that was deleted by hand comes back with its members", groupDeletedByHand},
	{"group:delete", "the id alone is enough; a group that comes back starts empty", groupDeleted},
	{"group:delete", "a group that is gone already, or was never known, is no failure", groupGoneAlready},
}

func groupAdded(s *scene) {
	s.hasGroup(s.gather("Vpn"))
}

func groupEqual(s *scene) {
	g := s.gather("Vpn", s.hire("ann"), s.hire("bob"))
	m := s.touch(g.ID)
	s.unchanged(s.groupEvent(event.TypeGroupPush, g))
	s.unchanged(s.groupEvent(event.TypeGroupCreate, g))
	s.notWritten(m)
}

func groupRenamed(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	before := s.hasGroup(g, ann)
	s.touch(g.ID)
	spare := s.entry(g.ID).GetAttributeValue(s.dir.groupSpare)
	g.Name, g.Description = s.name("Remote access"), "renamed"
	s.applied(s.groupEvent(event.TypeGroupUpdate, g))
	after := s.hasGroup(g, ann)
	s.sameEntry(before, after)
	wantValues(s.t, after, s.dir.groupSpare, spare)
	wantValues(s.t, after, "description", "renamed")
}

func groupCase(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	g.Name = strings.ToUpper(g.Name)
	s.applied(s.groupEvent(event.TypeGroupUpdate, g))
	wantValues(s.t, s.hasGroup(g, ann), "cn", g.Name)
}

func memberAdded(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann)
	s.oneMember(s.members(event.TypeGroupAddUser, g, bob))
	s.hasGroup(g, ann, bob)
}

// oneMember sends an event about one member, and fails unless it leads to one write of the members and of nothing else.
func (s *scene) oneMember(e idaastest.Event) {
	s.t.Helper()
	writes := s.writesDuring(func() { s.applied(e) })
	if s.dir.writes != nil && (len(writes) != 1 || writes[0].Type != "modify" || !onlyTouches(writes[0], s.dir.member)) {
		s.t.Fatalf("one member led to %+v", writes)
	}
}

func memberThere(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	m := s.touch(g.ID)
	s.unchanged(s.members(event.TypeGroupAddUser, g, ann))
	s.notWritten(m)
}

func memberWaitsAlone(s *scene) {
	ann, bob, late := s.hire("ann"), s.hire("bob"), s.user("late")
	g := s.gather("Vpn")
	e := s.members(event.TypeGroupAddUser, g, ann, late, bob)
	s.waits(event.CodeWaitsForObject, e, late.ID)
	s.hasGroup(g, ann, bob)
	s.applied(s.create(late))
	s.settle()
	s.is(e, event.Done, event.CodeApplied)
	s.hasGroup(g, ann, bob, late)
}

func memberBeforeGroup(s *scene) {
	ann := s.hire("ann")
	g := s.group("Vpn")
	add := s.members(event.TypeGroupAddUser, g, ann)
	s.waits(event.CodeWaitsForRecord, add, g.ID)
	s.send(older(s.groupEvent(event.TypeGroupCreate, g), time.Second))
	s.settle()
	s.is(add, event.Done, event.CodeApplied)
	s.hasGroup(g, ann)
}

func memberRemoved(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann, bob)
	s.applied(s.members(event.TypeGroupRemoveUser, g, ann))
	s.hasGroup(g, bob)
	s.applied(s.members(event.TypeGroupRemoveUser, g, bob))
	s.hasGroup(g)
	s.applied(s.members(event.TypeGroupAddUser, g, ann, bob))
	s.hasGroup(g, ann, bob)
	s.applied(s.members(event.TypeGroupRemoveUser, g, ann, bob))
	s.hasGroup(g)
}

func memberNotThere(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann)
	s.unchanged(s.members(event.TypeGroupRemoveUser, g, bob))
	s.hasGroup(g, ann)
	stranger := s.user("stranger")
	s.send(s.members(event.TypeGroupRemoveUser, g, stranger))
	s.settle()
	s.hasGroup(g, ann)
}

func memberOrder(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn")
	add, remove := s.members(event.TypeGroupAddUser, g, ann), s.members(event.TypeGroupRemoveUser, g, ann)
	s.unchanged(remove)
	s.gets(event.CodeStale, add)
	s.hasGroup(g)
	// A word about the one says nothing about the other.
	both := s.members(event.TypeGroupAddUser, g, ann, bob)
	without := s.members(event.TypeGroupRemoveUser, g, ann)
	s.unchanged(without)
	s.applied(both)
	s.hasGroup(g, bob)
}

func memberOfOthers(s *scene) {
	ann, bob := s.hire("ann"), s.hire("bob")
	g := s.gather("Vpn", ann)
	s.addValueByHand(s.entry(g.ID).DN, s.dir.member, s.dir.memberIs(*bob, s.userDN(bob)))
	s.applied(s.members(event.TypeGroupRemoveUser, g, ann))
	s.hasGroup(g, bob)
	s.unchanged(s.groupEvent(event.TypeGroupPush, g))
	s.hasGroup(g, bob)
}

func groupByHand(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	before := s.hasGroup(g, ann)
	s.rename(before.DN, "cn="+s.name("by hand"), "")
	s.applied(s.groupEvent(event.TypeGroupPush, g))
	s.sameEntry(before, s.hasGroup(g, ann))
}

func groupDeletedByHand(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	s.remove(s.entry(g.ID).DN)
	s.applied(s.groupEvent(event.TypeGroupPush, g))
	s.hasGroup(g, ann)
}

func groupDeleted(s *scene) {
	ann := s.hire("ann")
	g := s.gather("Vpn", ann)
	late := s.members(event.TypeGroupAddUser, g, ann)
	s.applied(s.f.tenant.DeleteGroup(g.ID))
	s.gone(g.ID)
	s.gets(event.CodeStale, late)
	s.applied(s.groupEvent(event.TypeGroupCreate, g))
	s.hasGroup(g)
}

func groupGoneAlready(s *scene) {
	g := s.gather("Vpn")
	s.remove(s.entry(g.ID).DN)
	s.unchanged(s.f.tenant.DeleteGroup(g.ID))
	s.unchanged(s.f.tenant.DeleteGroup(g.ID))
	s.unchanged(s.f.tenant.DeleteGroup(s.group("never").ID))
}
