package processor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

func (s *stage) withPassword(c event.Change, text string) event.Change {
	c.Password = secret.New(text)
	return c
}

func (s *stage) newPassword(ref event.Ref, text string) event.Change {
	return s.withPassword(s.say(event.TypeUserUpdatePassword, ref, nil), text)
}

func TestAPasswordIsWrittenOncePerEvent(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
employeeNumber: user_ann
cn: ann
sn: ann

dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
# the password is set; it is never shown
`, ann, s.withPassword(s.named(ann, "ann", event.RootUnitID), "correct horse"))
		s.done("", ann)
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
# the password is set; it is never shown
`, ann, s.newPassword(ann, "battery staple"))
	})
}

// A password that the directory does not take is the password's failure, and not that of the account.
func TestARefusedPasswordSpoilsNothingElse(t *testing.T) {
	for _, c := range []struct {
		name    string
		refusal connector.OutcomeError
		words   string
	}{
		{"policy", connector.OutcomeError{Kind: connector.KindPasswordRefused, Code: ldap.LDAPResultConstraintViolation, Message: "Password fails quality checking policy"}, "does not meet the directory's password policy"},
		{"history, of a password that was never tried", connector.OutcomeError{Kind: connector.KindPasswordRefused, Code: ldap.LDAPResultConstraintViolation, Message: "Password is in history of old passwords", History: true}, "was used before"},
		{"no right", connector.OutcomeError{Kind: connector.KindRefused, Code: ldap.LDAPResultInsufficientAccessRights}, "give it the right"},
		{"a connection that is not made for it", connector.OutcomeError{Kind: connector.KindConfiguration, Err: errors.New("name a hash under user.password in the mapping")}, "name a hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.directory.once("password", func(func() error) error {
					refusal := c.refusal
					refusal.Verb = "password"
					return &refusal
				})
				result := s.process(ann, s.withPassword(s.named(ann, "ann", event.RootUnitID), "x"))
				if result.Outcome.State != event.Done || result.Outcome.Code != event.CodeApplied {
					s.Errorf("the account is %+v", result.Outcome)
				}
				if o := secretOf(result); o == nil || o.State != event.Failed || o.Code != event.CodePasswordRefused || !strings.Contains(o.Message, c.words) {
					s.Errorf("the password is %+v", o)
				}
				s.there("uid=ann," + people)
			})
		})
	}
}

// Nobody knows whether a password was written whose answer never came, or before a crash. The next try is refused by the
// password history where it was: that counts as done.
func TestARefusalByTheHistoryOnARepeatCountsAsDone(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.once("password", func(write func() error) error {
			if err := write(); err != nil {
				s.Error(err)
			}
			return lost("password")
		})
		s.waits(event.CodeRetry, nil, nil, ann, s.newPassword(ann, "correct horse"))
		s.directory.once("password", func(func() error) error {
			return &connector.OutcomeError{Kind: connector.KindPasswordRefused, Code: ldap.LDAPResultConstraintViolation, Verb: "password", History: true}
		})
		result := s.process(ann)
		if result.Outcome.State != event.Done || secretOf(result) != nil {
			s.Errorf("the repeat is %+v, %+v", result.Outcome, secretOf(result))
		}
	})
}

func TestAPasswordThatTheMappingDoesNotWant(t *testing.T) {
	onBoth(t, []string{"{ write: auto, hash: none }", "{ write: never }"}, func(s *stage) {
		result := s.process(ann, s.withPassword(s.named(ann, "ann", event.RootUnitID), "correct horse"))
		if o := secretOf(result); o == nil || o.State != event.Skipped || o.Code != event.CodeSwitchedOff {
			s.Errorf("the password is %+v", o)
		}
		if len(result.Operations) != 1 || s.memory.noted != 0 {
			s.Errorf("written is %v", result.Operations)
		}
	})
}

func TestAStatusIsWrittenByTheServersMeans(t *testing.T) {
	change := func(s *stage, kind event.Type, name string, value any) event.Change {
		return s.say(kind, ann, event.Values{name: value})
	}
	locked := `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: pwdAccountLockedTime
pwdAccountLockedTime: 000001010000Z
-
`
	unlocked := func(value string) string {
		return `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
delete: pwdAccountLockedTime
pwdAccountLockedTime: ` + value + `
-
`
	}
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.done(locked, ann, change(s, event.TypeUserDisable, event.FieldStatus, event.StatusDisabled))
		s.done("", ann, change(s, event.TypeUserDisable, event.FieldStatus, event.StatusDisabled))
		s.done(unlocked("000001010000Z"), ann, change(s, event.TypeUserEnable, event.FieldStatus, event.StatusEnabled))
		s.done(locked, ann, change(s, event.TypeUserLock, event.FieldLockExpireTime, s.at+60_000))
		// The lock ends without an event.
		s.at += 61_000
		s.done(unlocked("000001010000Z"), ann)
		// A lock that the server has set itself after wrong passwords stays until an unlock is asked for.
		s.make(plan.Modify{DN: plan.MustParseDN("uid=ann," + people), Modifications: []plan.Modification{{Type: plan.AddValues, Name: "pwdAccountLockedTime", Values: []string{"20260101000000Z"}}}})
		s.done("", ann)
		s.done(unlocked("20260101000000Z"), ann, change(s, event.TypeUserUnlock, event.FieldLockExpireTime, int64(event.Never)))
	})
}
