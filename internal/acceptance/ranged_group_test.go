package acceptance_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// Active Directory hands out 1,500 members at once. Those beyond are known all the same.
func TestSambaGroupBeyondARange(t *testing.T) {
	t.Parallel()
	allAreMembers(t, sambaDirectory(ldaptest.StartSamba(t)), 1400, "contact", func(tb testing.TB, d *directory) int {
		tb.Helper()
		result, err := d.reader(tb).Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"highestCommittedUSN"}, nil))
		if err != nil {
			tb.Fatal(err)
		}
		usn, err := strconv.Atoi(result.Entries[0].GetAttributeValue("highestCommittedUSN"))
		if err != nil {
			tb.Fatal(err)
		}
		return usn
	})
}

// 389 DS hands out all members at once. There are more than are asked about one by one.
func Test389DSGroupOfMany(t *testing.T) {
	t.Parallel()
	allAreMembers(t, ds389Directory(ldaptest.StartDS389(t, ldaptest.DS389Config{})), 0, "device", nil)
}

// allAreMembers puts 210 people of the product into a group, which are more than are asked about one by one, among others of
// whom the product knows nothing. A count of the writes of everybody, where the server has one, tells how many a step took.
func allAreMembers(t *testing.T, dir *directory, others int, stranger string, count func(testing.TB, *directory) int) {
	t.Helper()
	t.Cleanup(dir.close)
	p := startProduct(t, dir, true)
	seen := 0
	s := &scene{t: t, p: p, f: p.feed, dir: dir, seen: &seen, units: map[string]idaastest.Unit{}} // the server goes with all that is in it
	writes := func(want int, do func()) {
		t.Helper()
		if count == nil {
			do()
			return
		}
		before := count(t, dir)
		do()
		if got := count(t, dir) - before; got != want {
			t.Errorf("it took %d writes; want %d", got, want)
		}
	}
	const members = 210
	var users []*idaastest.User
	var create []idaastest.Event
	for range members {
		u := s.user("one")
		users, create = append(users, u), append(create, s.create(u))
	}
	for some := range slices.Chunk(create, 100) {
		s.send(some...)
	}
	s.settle()
	g := s.gather("everybody")
	strangers := make([]string, others)
	for i := range strangers {
		strangers[i] = "cn=other " + strconv.Itoa(i) + "," + dir.leavers
		s.addByHand(strangers[i], map[string][]string{"objectClass": {stranger}, "cn": {"other " + strconv.Itoa(i)}})
	}
	// They are there before the product has heard of it.
	s.modify(dir.groupDN(g.Name), func(m *ldap.ModifyRequest) {
		var dns []string
		for _, u := range users {
			dns = append(dns, s.userDN(u))
		}
		m.Add(dir.member, slices.Concat(dns, strangers))
	})
	all := s.members(event.TypeGroupAddUser, g, users...)
	writes(0, func() { s.endsAs(event.CodeUnchanged, s.groupEvent(event.TypeGroupPush, g), all) })

	late := s.hire("late")
	writes(1, func() { s.applied(s.members(event.TypeGroupAddUser, g, late)) })
	s.hasMember(g, s.userDN(late), true)
	writes(1, func() { s.applied(s.members(event.TypeGroupRemoveUser, g, late)) })
	s.hasMember(g, s.userDN(late), false)

	// Who stands last and who stands first is called something else, and is a member still.
	for _, u := range []*idaastest.User{users[0], users[members-1]} {
		was := s.userDN(u)
		u.Username = s.name("renamed")
		s.applied(s.update(u))
		s.settle()
		s.hasMember(g, s.userDN(u), true)
		s.hasMember(g, was, false)
	}
	// One who was taken away by hand is the only one to be put back, with all others in the same event.
	s.modify(dir.groupDN(g.Name), func(m *ldap.ModifyRequest) { m.Delete(dir.member, []string{s.userDN(users[members-1])}) })
	writes(1, func() { s.endsAs(event.CodeApplied, s.members(event.TypeGroupAddUser, g, users...)) })
	s.hasMember(g, s.userDN(users[members-1]), true)
	writes(0, func() { s.endsAs(event.CodeUnchanged, s.members(event.TypeGroupAddUser, g, users...)) })
	if got := s.countMembers(g); got != members+others {
		t.Errorf("there are %d members; want %d", got, members+others)
	}
}

// endsAs sends events and fails unless each ends with the code. All members are looked at one after the other, which on a busy
// machine takes longer than an answer waits: then it is only that the event is accepted.
func (s *scene) endsAs(code event.Code, events ...idaastest.Event) {
	s.t.Helper()
	answer := s.send(events...)
	s.settle()
	for _, e := range events {
		if list, result := answer.Of(e.ID); result.EventCode != string(code) && result.EventCode != string(event.CodeAccepted) {
			s.t.Fatalf("%s: %s %s: %s; want %s", e.Type.Short(), list, result.EventCode, result.EventMessage, code)
		}
		s.is(e, event.Done, code)
	}
}

// countMembers counts the members by the ranges in which a server hands them out.
func (s *scene) countMembers(g *idaastest.Group) int {
	s.t.Helper()
	for n := 0; ; {
		request := ldap.NewSearchRequest(s.dir.groupDN(g.Name), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{s.dir.member}, nil)
		if n > 0 {
			request.Attributes = []string{s.dir.member + ";range=" + strconv.Itoa(n) + "-*"}
		}
		result, err := s.dir.reader(s.t).Search(request)
		if err != nil {
			s.t.Fatal(err)
		}
		more := false
		for _, a := range result.Entries[0].Attributes {
			n += len(a.Values)
			more = more || strings.Contains(a.Name, ";range=") && !strings.HasSuffix(a.Name, "-*")
		}
		if !more {
			return n
		}
	}
}
