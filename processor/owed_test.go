package processor_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
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

// A right that is missing fails a record until a person asks again; what ends somebody's access is tried again by itself.
func TestAMissingRightFailsTheRecordAndNotTheEndOfAccess(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.meddle = func(op plan.Operation, _ func() error) error {
			return &connector.OutcomeError{Kind: connector.KindRefused, Code: ldap.LDAPResultInsufficientAccessRights, Verb: op.Verb(), DN: op.Target()}
		}
		if r := s.process(ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "ann@example.org"})); r.Of(event.FacetRecord).Code != event.CodeRefused {
			s.Errorf("the record is %+v", r.Of(event.FacetRecord))
		}
		disabled := s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled})
		if r := s.process(ann, disabled); r.Of(event.FacetAccess).State != event.Waiting || !r.AccessOwed {
			s.Errorf("the access is %+v, owed %v", r.Of(event.FacetAccess), r.AccessOwed)
		}
		s.directory.meddle = nil
		if r := s.process(ann, disabled); r.Of(event.FacetAccess).State != event.Done || r.AccessOwed {
			s.Errorf("with the right the access is %+v, owed %v", r.Of(event.FacetAccess), r.AccessOwed)
		}
	})
}

// It is owed as well where the entry is not to be seen and the guard holds what is said of it.
func TestAccessIsOwedAnEndWhereTheEntryIsNotSeen(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.Target = blind{s.directory.Target, []plan.DN{plan.MustParseDN("uid=ann," + people)}}
		s.memory.denied = true
		for _, c := range []struct {
			says event.Change
			owed bool
		}{
			{s.named(ann, "anna", event.RootUnitID), false},
			{s.named(ann, "svc-ann", event.RootUnitID), true}, // out of scope
			{s.named(ann, "annabel", event.RootUnitID), false},
			{s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled}), true},
			{s.say(event.TypeUserDelete, ann, nil), true},
		} {
			if r := s.process(ann, c.says); r.Outcome.Act != string(processor.ActVanish) || r.AccessOwed != c.owed {
				s.Errorf("%s is %+v, owed %v", c.says.Type, r.Outcome, r.AccessOwed)
			}
		}
	})
}
