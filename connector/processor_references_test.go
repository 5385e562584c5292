package connector_test

import (
	"slices"
	"testing"

	"idaas-ldap/event"
)

// Three renames above each other, of which two end halfway: what refers to the user is brought along with the third as well.
func TestAReferenceIsNotLostBetweenRenamesThatEndHalfway(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))

		// The connection is lost before the group says the new name.
		s.directory.once("modify", func(func() error) error { return lost("modify") })
		s.process(ann, s.named(ann, "ann.lee", team.ID))
		// And after the group has followed the move of the unit.
		s.directory.once("modify", func(write func() error) error {
			if err := write(); err != nil {
				return err
			}
			return lost("modify")
		})
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		want := []string{"uid=ann.lee,ou=Team,ou=Laboratory," + people}
		if got := s.there("cn=Vpn," + groups).Values("member"); !slices.Equal(got, want) {
			s.Errorf("the group has %q; want %q", got, want)
		}
	})
}

// A unit comes below another one and ends halfway, as does the rename of that one which follows. What refers to who is below them is
// not lost where the lower one is tried first, and gives those below another name or leaves again itself.
func TestAUnitDoesNotSettleBeforeTheOneAbove(t *testing.T) {
	lab, team := unit("ou_lab"), unit("ou_team")
	for name, c := range map[string]struct{ parent, want string }{
		"it stays":  {lab.ID, "uid=ann.lee,ou=Team,ou=Laboratory," + people},
		"it leaves": {event.RootUnitID, "uid=ann.lee,ou=Team," + people},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(lab, s.called(lab, "Lab", event.RootUnitID))
				s.process(team, s.called(team, "Team", event.RootUnitID))
				s.process(ann, s.named(ann, "ann", team.ID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))

				s.directory.once("modify", func(write func() error) error {
					if err := write(); err != nil {
						return err
					}
					return lost("modify")
				})
				s.process(team, s.called(team, "Team", lab.ID))
				s.directory.once("modify", func(func() error) error { return lost("modify") })
				s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
				s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)

				result := s.waits(event.CodeRetry, []string{lab.String()}, []event.Ref{lab}, team, s.called(team, "Team", c.parent))
				if !slices.Contains(result.Touch, lab) {
					s.Error("the one above is not looked at")
				}
				s.waits(event.CodeRetry, []string{team.String()}, []event.Ref{team}, ann, s.named(ann, "ann.lee", team.ID))
				s.process(lab)
				s.process(team)
				s.process(ann)
				s.hasMembers(c.want)
			})
		})
	}
}

// Somebody comes below a unit, that gets another name, and then the one above it, and only the last of the three comes to its end.
// What refers to the first by the former name of the unit is brought along.
func TestAReferenceByTheFormerNameOfAUnitInBetween(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(ann, s.named(ann, "ann", lab.ID))
		s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))

		s.directory.once("modify", func(write func() error) error {
			if err := write(); err != nil {
				return err
			}
			return lost("modify")
		})
		s.process(ann, s.named(ann, "ann", team.ID))
		s.directory.once("modify", func(func() error) error { return lost("modify") })
		s.process(team, s.called(team, "Crew", lab.ID))
		s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		s.hasMembers("uid=ann,ou=Crew,ou=Laboratory," + people)
	})
}

// The entry is gone, and what refers to it is not, as the try has ended halfway: with the renames above it that follow it does
// not get a name under which nobody looks for it.
func TestAReferenceToOneWhoIsGoneDoesNotComeAlong(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))

		s.directory.once("modify", func(func() error) error { return lost("modify") })
		s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		s.directory.once("modify", func(write func() error) error {
			if err := write(); err != nil {
				return err
			}
			return lost("modify")
		})
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(lab, s.called(lab, "Laboratory", event.RootUnitID))
		s.process(team)
		s.process(ann)
		s.hasMembers("cn=nobody,dc=example,dc=org")
	})
}

// What was moved out of a unit that is going to be deleted is brought along by the next try where the first one has ended before.
func TestReferencesToWhatWasMovedOutOfAUnitFollowLater(t *testing.T) {
	onBoth(t, []string{"when_not_empty: wait", "when_not_empty: move_children"}, func(s *stage) {
		lab, team := unit("ou_lab"), unit("ou_team")
		s.process(lab, s.called(lab, "Lab", event.RootUnitID))
		s.process(team, s.called(team, "Team", lab.ID))
		s.process(ann, s.named(ann, "ann", team.ID))
		s.process(vpn, s.is(vpn, "Vpn"))
		s.process(vpn, s.joins(ann))
		s.directory.once("modify", func(func() error) error { return lost("modify") })
		if result := s.process(lab, s.say(event.TypeUnitDelete, lab, nil)); result.Gone {
			t.Errorf("it is %+v", result)
		}
		s.there("uid=ann,ou=Team," + people)
		s.hasMembers("uid=ann,ou=Team,ou=Lab," + people)
		s.process(lab)
		s.absent("ou=Lab," + people)
		s.hasMembers("uid=ann,ou=Team," + people)
	})
}
