package processor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// refuses makes the directory refuse every write of an attribute.
func (s *stage) refuses(attribute string) {
	writes := func(op plan.Operation) bool {
		switch op := op.(type) {
		case plan.Modify:
			return slices.ContainsFunc(op.Modifications, func(m plan.Modification) bool { return m.Name == attribute })
		case plan.Add:
			return slices.ContainsFunc(op.Attributes, func(a plan.Attribute) bool { return a.Name == attribute })
		}
		return false
	}
	s.directory.meddle = func(op plan.Operation, write func() error) error {
		if writes(op) {
			return &connector.OutcomeError{Kind: connector.KindRefused, Code: ldap.LDAPResultConstraintViolation, Verb: op.Verb(), DN: op.Target(), Message: "a value is not wanted"}
		}
		return write()
	}
}

func fullRecord(s *stage, title string) event.Change {
	return s.say(event.TypeUserPush, ann, event.Values{
		event.FieldUsername: "ann", event.FieldPrimaryUnit: event.RootUnitID, "displayName": "Ann Lee", "email": "ann@example.org", "description": title,
	})
}

// Of a record that the server refuses in part everything else is written, of a new entry and of a change, whether the server names the
// attribute or not. What was refused is not tried again until it is another value, or a person asks for it.
func TestOfARefusedRecordTheRestIsWritten(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.refuses("mail")
		result := s.process(ann, fullRecord(s, "one"))
		refused := result.Of(event.FacetRecord)
		if refused.Code != event.CodeRefused || !strings.Contains(refused.Message, "mail: ") || result.Of(event.FacetExistence).State != event.Done {
			s.Fatalf("it is %+v", result)
		}
		entry := s.there("uid=ann," + people)
		if entry.Value("displayName") != "Ann Lee" || entry.Value("description") != "one" || entry.Value("mail") != "" {
			s.Errorf("the entry is %+v", entry)
		}
		s.directory.written = nil
		again := s.process(ann, fullRecord(s, "two"))
		if again.Of(event.FacetRecord).Code != event.CodeRefused {
			s.Errorf("said again it is %+v", again.Of(event.FacetRecord))
		}
		s.wrote(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: description
description: two
-
`)
		s.directory.meddle = nil
		if again.Concerns(s.say(event.TypeUserUpdateInfo, ann, event.Values{"description": "x"})) || !again.Concerns(fullRecord(s, "x")) {
			s.Error("an event that says nothing of the refused attribute fails with it")
		}
		other := s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "lee@example.org"})
		if result := s.process(ann, other); result.Of(event.FacetRecord).Code != event.CodeApplied || len(result.Refused) > 0 {
			s.Errorf("with another value it is %+v", result)
		}
	})
}

// Where the server is busy when what it takes of a new entry is written, that is no word about the entry: another try makes it.
func TestABusyServerIsNoRefusalOfANewEntry(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.refuses("mail")
		refuses, busy := s.directory.meddle, true
		s.directory.meddle = func(op plan.Operation, write func() error) error {
			return refuses(op, func() error {
				if busy && op.Verb() == "add" {
					busy = false
					return &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultBusy, Verb: op.Verb(), DN: op.Target()}
				}
				return write()
			})
		}
		if o := s.process(ann, fullRecord(s, "one")).Outcome; o.State != event.Waiting {
			s.Fatalf("while the server is busy it is %+v", o)
		}
		s.process(ann)
		if entry := s.there("uid=ann," + people); entry.Value("description") != "one" {
			s.Errorf("the entry is %+v", entry)
		}
	})
}

// An entry of which a part is refused is ours from its first write, whatever comes between that and the rest: it is not taken over as
// somebody else's, who would keep the password.
func TestAnEntryMadeInPartsIsOursAtOnce(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.refuses("mail")
		refuses, lost := s.directory.meddle, false
		s.directory.meddle = func(op plan.Operation, write func() error) error {
			return refuses(op, func() error {
				if !lost && op.Verb() == "modify" {
					lost = true
					return connectionLost(write)
				}
				return write()
			})
		}
		record := fullRecord(s, "one")
		record.Password = secretText("Correct-Horse-1")
		s.process(ann, record)
		if result := s.process(ann); result.Of(event.FacetSecret).State != event.Done {
			s.Errorf("the password is %+v", result.Of(event.FacetSecret))
		}
		if slices.Contains(s.memory.asked, processor.ActAdopt) {
			s.Error("the guard on adoptions was asked")
		}
	})
}

// What lets a user in is tried again, whatever was said before: it was refused for another reason than its value.
func TestALoginThatWasRefusedIsTriedAgain(t *testing.T) {
	status := func(s *stage, status string) event.Change {
		return s.say(event.TypeUserUpdateInfo, ann, event.Values{event.FieldStatus: status})
	}
	onBoth(t, nil, func(s *stage) {
		s.process(ann, fullRecord(s, "one"))
		s.process(ann, status(s, event.StatusDisabled))
		s.refuses("pwdAccountLockedTime")
		if o := s.process(ann, status(s, event.StatusEnabled)).Of(event.FacetAccess); o.State != event.Failed {
			s.Errorf("the refused login is %+v", o)
		}
		s.directory.meddle = nil
		if o := s.process(ann, status(s, event.StatusEnabled)).Of(event.FacetAccess); o.Code != event.CodeApplied {
			s.Errorf("tried again the login is %+v", o)
		}
	})
}
