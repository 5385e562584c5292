package processor_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/memdir"
)

// Somebody's access is owed an end while the directory cannot be asked, whether they are disabled or gone; not where the login is barred
// and only the record waits, nor where they may log in.
func TestAccessIsOwedAnEndUntilItIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		say    func(s *stage) event.Change
		silent bool // the directory
		owed   bool
	}{
		"disabled": {func(s *stage) event.Change {
			return s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled})
		}, true, true},
		"gone": {func(s *stage) event.Change { return s.say(event.TypeUserDelete, ann, nil) }, true, true},
		"disabled and in a unit that is not there": {func(s *stage) event.Change {
			return s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldStatus: event.StatusDisabled, event.FieldPrimaryUnit: "ou_never"})
		}, false, false},
		"renamed": {func(s *stage) event.Change { return s.named(ann, "anna", event.RootUnitID) }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := inMemory(t, false)
			s := newStage(t, d, mappingOf(t, "openldap.yaml", nil))
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			d.Fault(func(op memdir.Operation) memdir.Fault {
				if c.silent && op.Verb == "search" {
					return memdir.Fault{Code: ldap.LDAPResultAdminLimitExceeded}
				}
				return memdir.Fault{}
			})
			result := s.process(ann, c.say(s))
			if result.Outcome.State != event.Waiting || result.AccessOwed != c.owed {
				t.Errorf("owed: %v; want %v: %+v", result.AccessOwed, c.owed, result.Outcome)
			}
		})
	}
}
