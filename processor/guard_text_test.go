package processor_test

import (
	"strings"
	"testing"

	"idaas-ldap/event"
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
