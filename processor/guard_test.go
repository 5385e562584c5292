package processor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/processor"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

const (
	removalEdit = "delete: delete                     #"
	leavers     = "ou=leavers," + suffix
	toLeavers   = `delete: { move: "` + leavers + `", purge_after: 48h } #`
)

// after returns a moment some time after the scene began.
func (s *stage) after(d time.Duration) int64 { return s.at + d.Milliseconds() }

// leaverUnit makes the place for leavers.
func leaverUnit() plan.Add {
	return plan.Add{DN: plan.MustParseDN(leavers), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"leavers"}}}}
}

// Everything that keeps somebody out counts as disabling, by whatever name.
func TestWhatCountsAsDisabling(t *testing.T) {
	ends := func(s *stage, d time.Duration) event.Change {
		return s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldUsername: "ann", event.FieldAccountExpireTime: s.after(d)})
	}
	for _, c := range []struct {
		name  string
		edits []string
		say   func(s *stage) event.Change
		want  bool
	}{
		{"disabled", nil, func(s *stage) event.Change {
			return s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled})
		}, true},
		{"enabled", nil, func(s *stage) event.Change {
			return s.say(event.TypeUserEnable, ann, event.Values{event.FieldStatus: event.StatusEnabled})
		}, false},
		{"locked for a minute", nil, func(s *stage) event.Change {
			return s.say(event.TypeUserLock, ann, event.Values{event.FieldLockExpireTime: s.after(time.Minute)})
		}, true},
		{"a lock that is over", nil, func(s *stage) event.Change {
			return s.say(event.TypeUserLock, ann, event.Values{event.FieldLockExpireTime: s.after(-time.Minute)})
		}, false},
		{"an account that has ended", nil, func(s *stage) event.Change { return ends(s, -time.Minute) }, true},
		{"an account that ends within the window", nil, func(s *stage) event.Change { return ends(s, 59*time.Minute) }, true},
		{"an account that ends after it", nil, func(s *stage) event.Change { return ends(s, 61*time.Minute) }, false},
		{"an account that ends within the window, where nothing is written before it does", []string{"expire: auto", "expire: { on: { title: ended } }"}, func(s *stage) event.Change {
			return ends(s, 59*time.Minute)
		}, false},
		{"an account that has ended, said by a title", []string{"expire: auto", "expire: { on: { title: ended } }"}, func(s *stage) event.Change { return ends(s, -time.Minute) }, true},
		{"disabled by being kept elsewhere", []string{"disable: auto", `disable: { move: "` + groups + `" }`}, func(s *stage) event.Change {
			return s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled})
		}, true},
		{"the server's own attribute, written by a rule about something else", []string{"mail: lower(user.email)", "pwdEndTime: user.email"}, func(s *stage) event.Change {
			return s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldUsername: "ann", "email": "20200101000000Z"})
		}, true},
		{"another attribute", nil, func(s *stage) event.Change {
			return s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldUsername: "ann", "email": "ann@example.org"})
		}, false},
		{"kept disabled when deleted", []string{removalEdit, "delete: disable #"}, func(s *stage) event.Change { return s.say(event.TypeUserDelete, ann, nil) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, c.edits, func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				result := s.process(ann, c.say(s))
				if result.Outcome.State != event.Done {
					s.Fatalf("it ends with %+v", result.Outcome)
				}
				var want []processor.Act
				if c.want {
					want = []processor.Act{processor.ActDisable}
				}
				if !slices.Equal(s.memory.asked, want) {
					s.Errorf("the guards were asked %v, want %v", s.memory.asked, want)
				}
			})
		})
	}
}

func TestWhatCountsAsDeleting(t *testing.T) {
	t.Run("leaving the scope", func(t *testing.T) {
		onBoth(t, nil, func(s *stage) {
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			s.process(ann, s.named(ann, "svc-ann", event.RootUnitID))
			s.asked(processor.ActDelete, ann)
		})
	})
	t.Run("going to the leavers, and no correction of an entry that is there", func(t *testing.T) {
		onBoth(t, []string{removalEdit, toLeavers}, func(s *stage) {
			s.make(leaverUnit())
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			s.process(ann, s.say(event.TypeUserDelete, ann, nil))
			s.asked(processor.ActDelete, ann)
			s.make(plan.Modify{DN: plan.MustParseDN("uid=ann," + leavers), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "pwdAccountLockedTime"}}})
			s.process(ann)
			s.asked(processor.ActDisable, ann)
		})
	})
	t.Run("a unit with everything below it", func(t *testing.T) {
		onBoth(t, []string{"when_not_empty: wait", "when_not_empty: subtree"}, func(s *stage) {
			lab := unit("ou_lab")
			s.process(lab, s.called(lab, "Lab", event.RootUnitID))
			s.process(ann, s.named(ann, "ann", "ou_lab"))
			s.process(bob, s.named(bob, "bob", "ou_lab"))
			s.make(person("uid=printer,ou=Lab," + people))
			s.memory.denied = true
			result := s.process(lab, s.say(event.TypeUnitDelete, lab, nil))
			if o := result.Outcome; o.State != event.Held || o.Act != string(processor.ActDelete) || !strings.Contains(o.Message, "3 entries below") {
				s.Errorf("it is %+v", o)
			}
			s.asked(processor.ActDelete, lab, ann, bob, event.Ref{Kind: "entry", ID: plan.MustParseDN("uid=printer,ou=Lab," + people).Key()})
		})
	})
	t.Run("a unit with more below it than the guard counts", func(t *testing.T) {
		onBoth(t, []string{"when_not_empty: wait", "when_not_empty: subtree", "deletes: { max: 20", "deletes: { max: 3"}, func(s *stage) {
			lab := unit("ou_lab")
			s.process(lab, s.called(lab, "Lab", event.RootUnitID))
			for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
				s.make(person("uid=" + name + ",ou=Lab," + people))
			}
			s.memory.denied = true
			if o := s.process(lab, s.say(event.TypeUnitDelete, lab, nil)).Outcome; !strings.Contains(o.Message, "more than 3 entries below") {
				s.Errorf("it is %+v", o)
			}
			if n := len(s.memory.counted); n != 5 {
				s.Errorf("%d objects were counted, where it is enough to know that there are more than 3 below", n)
			}
		})
	})
}

// asked checks what the guards were asked last.
func (s *stage) asked(act processor.Act, objects ...event.Ref) {
	s.Helper()
	last := s.memory.asked[len(s.memory.asked)-1]
	byID := func(a, b event.Ref) int { return strings.Compare(a.String(), b.String()) }
	got := slices.SortedFunc(slices.Values(s.memory.counted), byID)
	if want := slices.SortedFunc(slices.Values(objects), byID); last != act || !slices.Equal(got, want) {
		s.Errorf("the guards were asked for %s of %v, want %s of %v", last, got, act, want)
	}
}

// A leaver's entry is deleted when it was kept for as long as the mapping says, and not before.
func TestLeaversAreDeletedWhenTheirTimeIsOver(t *testing.T) {
	onBoth(t, []string{removalEdit, toLeavers}, func(s *stage) {
		s.make(leaverUnit())
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		left := s.say(event.TypeUserDelete, ann, nil)
		result := s.process(ann, left)
		end := event.Millis(s.after(48 * time.Hour))
		if result.RemovedAt != event.Millis(s.at) || result.PurgeAt != end {
			s.Fatalf("it is kept since %s until %s", result.RemovedAt, result.PurgeAt)
		}
		s.at = int64(end) - 1
		if result = s.done("", ann); result.PurgeAt != end {
			s.Errorf("just before the end it is kept until %s", result.PurgeAt)
		}
		s.at++
		s.memory.denied = true
		if o := s.process(ann).Outcome; o.State != event.Held {
			s.Errorf("the guards do not hold: %+v", o)
		}
		s.asked(processor.ActDelete, ann)
		s.memory.denied = false
		result = s.done("dn: uid=ann,ou=leavers,dc=example,dc=org\nchangetype: delete", ann)
		if !result.Gone || result.RemovedAt != 0 || result.PurgeAt != 0 {
			s.Errorf("afterwards it is %+v", result)
		}
	})
}

// An entry that somebody took out of there is not deleted: it goes back, and its time begins anew.
func TestALeaverWhoWasTakenOutByHandIsNotDeleted(t *testing.T) {
	onBoth(t, []string{removalEdit, toLeavers}, func(s *stage) {
		s.make(leaverUnit())
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		s.make(plan.ModifyDN{DN: plan.MustParseDN("uid=ann," + leavers), NewRDN: plan.MustParseDN("uid=ann").RDN(), NewSuperior: plan.MustParseDN(people), DeleteOldRDN: true})
		s.at = s.after(50 * time.Hour)
		result := s.process(ann)
		s.there("uid=ann," + leavers)
		if result.RemovedAt != event.Millis(s.at) || result.PurgeAt != event.Millis(s.after(48*time.Hour)) {
			s.Errorf("it is kept since %s until %s", result.RemovedAt, result.PurgeAt)
		}
		// Who comes back is kept no more.
		if result = s.process(ann, s.named(ann, "ann", event.RootUnitID)); result.RemovedAt != 0 || result.PurgeAt != 0 {
			s.Errorf("back again, it is kept since %s until %s", result.RemovedAt, result.PurgeAt)
		}
		s.there("uid=ann," + people)
	})
}
