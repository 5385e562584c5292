package acceptance_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// The size of a group does not matter: one member more or less is one value, and takes as little memory in a group of a
// hundred thousand as in one of a hundred.
func TestEmbeddedGroupOfAHundredThousand(t *testing.T) {
	groupsAtSize(t, embeddedDirectory(startEmbedded(t)))
}

// The server follows no references here: slapd compares each of its members with each when it does.
func TestOpenLDAPGroupOfAHundredThousand(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessLog: true, Bare: true})
	dir := slapdDirectory(server)
	dir.writes = server.Writes
	groupsAtSize(t, dir)
}

// rounds is how often memory is measured. The least counts: what runs beside the product may add to it, and takes nothing away.
const rounds = 5

func groupsAtSize(t *testing.T, dir *directory) {
	t.Helper()
	t.Cleanup(dir.close)
	p := startProduct(t, dir, true)
	seen := 0
	s := newScene(t, p.feed, &seen)
	small, large := s.largeGroup(100), s.largeGroup(100_000)
	var users []*idaastest.User
	for range rounds {
		users = append(users, s.hire("ann"))
	}
	takes := map[*idaastest.Group]uint64{}
	for _, g := range []*idaastest.Group{small, large} {
		for _, u := range users {
			dn := s.userDN(u)
			bytes := s.oneValue(g, "+", dn, s.members(event.TypeGroupAddUser, g, u))
			if takes[g] == 0 || bytes < takes[g] {
				takes[g] = bytes
			}
			s.hasMember(g, dn, true)
		}
		if writes := s.writesDuring(func() { s.unchanged(s.members(event.TypeGroupAddUser, g, users...)) }); len(writes) > 0 {
			t.Fatalf("members who are there already led to %+v", writes)
		}
		for _, u := range users {
			s.oneValue(g, "-", s.userDN(u), s.members(event.TypeGroupRemoveUser, g, u))
			s.hasMember(g, s.userDN(u), false)
		}
		if writes := s.writesDuring(func() { s.unchanged(s.groupEvent(event.TypeGroupPush, g)) }); len(writes) > 0 {
			t.Fatalf("a push of the group led to %+v", writes)
		}
		s.lateMember(g, users[0])
	}
	t.Logf("one member more takes %d bytes in a group of 100, %d in one of 100,000", takes[small], takes[large])
	if takes[large] > 2*takes[small] {
		t.Errorf("one member more takes %d bytes in a group of 100 and %d in one of 100,000", takes[small], takes[large])
	}
}

// largeGroup makes a group with many members, none of whom the product knows, and lets the product find it.
func (s *scene) largeGroup(members int) *idaastest.Group {
	s.t.Helper()
	g := s.group("everybody")
	add := ldap.NewAddRequest(s.dir.groupDN(g.Name), nil)
	add.Attribute("objectClass", []string{"groupOfNames"})
	add.Attribute("cn", []string{g.Name})
	add.Attribute(s.dir.groupID, []string{g.ID})
	names := make([]string, members)
	for i := range names {
		names[i] = fmt.Sprintf("uid=%d,o=elsewhere", i)
	}
	add.Attribute(s.dir.member, names)
	if err := s.dir.reader(s.t).Add(add); err != nil {
		s.t.Fatal(err)
	}
	s.applied(s.groupEvent(event.TypeGroupPush, g))
	return g
}

// oneValue sends an event that adds (+) or removes (-) one member, and fails unless it leads to one write of one value. It
// returns how many bytes were allocated meanwhile.
func (s *scene) oneValue(g *idaastest.Group, sign, member string, e idaastest.Event) uint64 {
	s.t.Helper()
	var before, after runtime.MemStats
	writes := s.writesDuring(func() {
		runtime.ReadMemStats(&before)
		s.applied(e)
		runtime.ReadMemStats(&after)
	})
	if len(writes) != 1 || writes[0].Type != "modify" || !sameDN(writes[0].DN, s.dir.groupDN(g.Name)) || !onlyTouches(writes[0], s.dir.member) {
		s.t.Fatalf("one member led to %+v", writes)
	}
	values := 0
	for _, mod := range writes[0].Mods {
		name, value, _ := strings.Cut(mod, ":")
		if !strings.EqualFold(name, s.dir.member) {
			continue
		}
		values++
		if value != "" && (value[:1] != sign || !sameDN(strings.TrimSpace(value[1:]), member)) {
			s.t.Fatalf("written is %s; want %s %s", mod, sign, member)
		}
	}
	if values != 1 {
		s.t.Fatalf("one member led to %d values: %+v", values, writes)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// hasMember asks the server whether a group has a member.
func (s *scene) hasMember(g *idaastest.Group, dn string, want bool) {
	s.t.Helper()
	filter := fmt.Sprintf("(&%s(%s=%s))", s.dir.byID(g.ID), s.dir.member, ldap.EscapeFilter(dn))
	request := ldap.NewSearchRequest(s.dir.groups, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"1.1"}, nil)
	result, err := s.dir.reader(s.t).Search(request)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := len(result.Entries) == 1; got != want {
		s.t.Fatalf("%s is a member of %s: %v; want %v", dn, g.Name, got, want)
	}
}

// lateMember adds somebody who is not there yet together with somebody who is.
func (s *scene) lateMember(g *idaastest.Group, there *idaastest.User) {
	s.t.Helper()
	late := s.user("late")
	both := s.members(event.TypeGroupAddUser, g, late, there)
	s.waits(event.CodeWaitsForObject, both, late.ID)
	s.hasMember(g, s.userDN(there), true)
	s.applied(s.create(late))
	s.settle()
	s.is(both, event.Done, event.CodeApplied)
	s.hasMember(g, s.userDN(late), true)
}
