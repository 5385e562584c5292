package processor_test

import (
	"slices"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// unseen hides the group while something happens, and has it looked at when it is to be seen again.
func (s *stage) unseen(happens func()) {
	s.Helper()
	seeing := s.directory.Target
	s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN("cn=Vpn," + groups)}}
	happens()
	s.waits(event.CodeRetry, nil, nil, vpn)
	s.directory.Target = seeing
	s.process(vpn)
	if left := s.memory.former[vpn]; len(left) > 0 {
		s.Errorf("still remembered is %v", left)
	}
}

// A group that is not to be seen while a member gets another name, or goes, names everybody as they are called when it is seen again. Whoever
// has the former name of a member by then is in it where a word says so.
func TestAGroupThatWasNotSeenNamesNobodyByAFormerName(t *testing.T) {
	lab := unit("ou_lab")
	for name, c := range map[string]struct {
		happens func(s *stage)
		want    []string
	}{
		"another name":             {func(s *stage) { s.process(ann, s.named(ann, "anna", lab.ID)) }, []string{"uid=anna,ou=Lab,", "uid=bob,ou=Lab,"}},
		"another unit":             {func(s *stage) { s.process(ann, s.named(ann, "ann", event.RootUnitID)) }, []string{"uid=ann,", "uid=bob,ou=Lab,"}},
		"another name of the unit": {func(s *stage) { s.process(lab, s.called(lab, "Labs", event.RootUnitID)) }, []string{"uid=ann,ou=Labs,", "uid=bob,ou=Labs,"}},
		"there and back": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", lab.ID))
			s.process(ann, s.named(ann, "ann", lab.ID))
		}, []string{"uid=ann,ou=Lab,", "uid=bob,ou=Lab,"}},
		"gone": {func(s *stage) { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) }, []string{"uid=bob,ou=Lab,"}},
		"gone, and another one has the name": {func(s *stage) {
			s.process(ann, s.say(event.TypeUserDelete, ann, nil))
			s.process(user("user_3"), s.named(user("user_3"), "ann", lab.ID))
		}, []string{"uid=bob,ou=Lab,"}},
		"another name, and another member has the former one": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", lab.ID))
			s.process(bob, s.named(bob, "ann", lab.ID))
		}, []string{"uid=ann,ou=Lab,", "uid=anna,ou=Lab,"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", lab.ID))
				s.process(bob, s.named(bob, "bob", lab.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				s.unseen(func() { c.happens(s) })
				var want []string
				for _, dn := range c.want {
					want = append(want, dn+people)
				}
				s.hasMembers(want...)
			})
		})
	}
}

// It is the same where groups name their members by something else than the DN.
func TestAGroupThatWasNotSeenNamesNobodyByAFormerUserName(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(s *stage)
		want    []string
	}{
		"another name": {func(s *stage) { s.process(ann, s.named(ann, "anna", event.RootUnitID)) }, []string{"anna", "bob"}},
		"gone":         {func(s *stage) { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) }, []string{"bob"}},
		"another name, and another member has the former one": {func(s *stage) {
			s.process(ann, s.named(ann, "anna", event.RootUnitID))
			s.process(bob, s.named(bob, "ann", event.RootUnitID))
		}, []string{"ann", "anna"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, membersByName(), func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(bob, s.named(bob, "bob", event.RootUnitID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann, bob))
				s.unseen(func() { c.happens(s) })
				got := slices.Sorted(slices.Values(s.there("cn=Vpn," + groups).Values("memberUid")))
				if !slices.Equal(got, c.want) {
					s.Errorf("the members are %q", got)
				}
			})
		})
	}
}
