package processor_test

import (
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/processor"
)

// What a guard holds says by how much it is too much, and what would be done to which entry.
func TestAHeldEventSaysWhichLimitItIsBeyond(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.memory.denied = true
		o := s.process(ann, s.say(event.TypeUserDelete, ann, nil)).Outcome
		for _, words := range []string{"guard on deletes", "lets through as many as the test says", "uid=ann," + people, "events retry"} {
			if o.State != event.Held || !strings.Contains(o.Message, words) {
				s.Errorf("%q is not in %+v", words, o)
			}
		}
	})
}

// Somebody who is disabled and leaves the scope is held by two guards in one try. Whoever approves that the login ends has not
// approved that the entry goes.
func TestTwoGuardsThatHoldOneTryAreApprovedOneByOne(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.memory.denied = true
		result := s.process(ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldUsername: "svc-ann", event.FieldStatus: event.StatusDisabled}))
		access, whole := result.Of(event.FacetAccess), result.Outcome
		if access.State != event.Held || access.Act != string(processor.ActDisable) || !strings.Contains(access.Message, "guard on disables") {
			s.Errorf("the end of the login is %+v", access)
		}
		if whole.State != event.Held || whole.Act != string(processor.ActDelete) || !strings.Contains(whole.Message, "guard on deletes") {
			s.Errorf("the end of the entry is %+v", whole)
		}
	})
}
