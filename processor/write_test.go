package processor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/processor"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// lost is how a write ends whose answer never came.
func lost(verb string) error {
	return &connector.OutcomeError{Kind: connector.KindRetry, Verb: verb, InDoubt: true, Err: errors.New("EOF")}
}

// After a lost connection nobody knows whether the write happened. Either way the entry is read again, what is left is
// planned anew, and nothing is done twice.
func TestAWriteInDoubtIsLookedAtAgain(t *testing.T) {
	sales := unit("ou_sales")
	for _, c := range []struct {
		verb  string
		ready func(s *stage) event.Change
		ldif  string
	}{
		{"add", func(s *stage) event.Change { return s.named(ann, "ann", event.RootUnitID) }, `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
employeeNumber: user_ann
cn: ann
sn: ann
`},
		{"modify", func(s *stage) event.Change {
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			return s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "a@example.org"})
		}, `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: mail
mail: a@example.org
-
`},
		{"modrdn", func(s *stage) event.Change {
			s.process(sales, s.called(sales, "Sales", event.RootUnitID))
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			return s.named(ann, "ann", sales.ID)
		}, `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=Sales,ou=people,dc=example,dc=org
`},
		{"delete", func(s *stage) event.Change {
			s.process(ann, s.named(ann, "ann", event.RootUnitID))
			return s.say(event.TypeUserDelete, ann, nil)
		}, "dn: uid=ann,ou=people,dc=example,dc=org\nchangetype: delete\n"},
	} {
		for happened, name := range map[bool]string{true: " that has happened", false: " that has not happened"} {
			t.Run(c.verb+name, func(t *testing.T) {
				onBoth(t, nil, func(s *stage) {
					change := c.ready(s)
					s.directory.written = nil
					s.directory.once(c.verb, func(write func() error) error {
						if happened {
							if err := write(); err != nil {
								s.Error(err)
							}
						}
						return lost(c.verb)
					})
					result := s.process(ann, change)
					if result.Outcome.State != event.Done {
						s.Fatalf("it is %+v", result.Outcome)
					}
					s.wrote(c.ldif)
					s.done("", ann)
				})
			})
		}
	}
}

func TestARefusalIsSaidInTheServersWords(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		for _, c := range []struct {
			kind  connector.Kind
			code  uint16
			state event.State
			want  event.Code
			words string
		}{
			{connector.KindRefused, ldap.LDAPResultObjectClassViolation, event.Failed, event.CodeRefused, "attribute 'x' not allowed — the object classes"},
			{connector.KindNotUnique, ldap.LDAPResultConstraintViolation, event.Failed, event.CodeRefused, "not allowed"},
			{connector.KindRetry, ldap.LDAPResultBusy, event.Waiting, event.CodeRetry, "Busy (51)"},
			{connector.KindConfiguration, ldap.LDAPResultStrongAuthRequired, event.Waiting, event.CodeRetry, "(8)"},
			{connector.KindUnavailable, 0, event.Waiting, event.CodeUnavailable, "refused the connection"},
		} {
			s.directory.meddle = func(plan.Operation, func() error) error {
				out := &connector.OutcomeError{Kind: c.kind, Code: c.code, Verb: "add", Message: "attribute 'x' not allowed"}
				if c.code == 0 {
					out.Err = errors.New("somebody refused the connection")
				}
				return out
			}
			if o := s.process(ann, s.named(ann, "ann", event.RootUnitID)).Outcome; o.State != c.state || o.Code != c.want || !strings.Contains(o.Message, c.words) {
				s.Errorf("code %d becomes %+v", c.code, o)
			}
			s.wrote("")
		}
	})
}

// Somebody else writes the same entry at the same time.
func TestAnEntryThatIsNotAsItWasReadIsPlannedAnew(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.written = nil
		s.directory.once("modify", func(write func() error) error {
			s.make(plan.Modify{DN: plan.MustParseDN("uid=ann," + people), Modifications: []plan.Modification{{Type: plan.AddValues, Name: "mail", Values: []string{"other@example.org"}}}})
			return &connector.OutcomeError{Kind: connector.KindConflict, Code: ldap.LDAPResultAttributeOrValueExists, Verb: "modify"}
		})
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: mail
mail: a@example.org
-
`, ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "a@example.org"}))
		s.directory.meddle = func(plan.Operation, func() error) error {
			return &connector.OutcomeError{Kind: connector.KindConflict, Code: ldap.LDAPResultNoSuchAttribute, Verb: "modify"}
		}
		if o := s.process(ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "b@example.org"})).Outcome; o.State != event.Waiting || o.Code != event.CodeRetry || !strings.Contains(o.Message, "keeps changing") {
			s.Errorf("an entry that never rests is %+v", o)
		}
	})
}

func TestAPlaceThatIsTakenIsWaitedFor(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		taken := s.waits(event.CodeWaitsForDN, []string{"user user_bob", "uid=ann," + people, "user user_ann"}, []event.Ref{ann}, bob, s.named(bob, "ann", event.RootUnitID))
		if !slices.Contains(taken.Touch, ann) {
			s.Error("the one that is in the way is not looked at")
		}
		// The name is free when the other one has another.
		s.process(ann, s.named(ann, "ann.kim", event.RootUnitID))
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
employeeNumber: user_bob
cn: ann
sn: ann
`, bob)
	})
}

// A name that the directory wants only once is waited for, whether one of ours has it or a stranger.
func TestAValueThatMustBeUnique(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		taken := func(func() error) error {
			return &connector.OutcomeError{Kind: connector.KindNotUnique, Code: ldap.LDAPResultConstraintViolation, Verb: "add", Message: "some attributes not unique"}
		}
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.once("add", taken)
		s.waits(event.CodeWaitsForDN, []string{"user user_bob", "uid=ann", "user user_ann"}, []event.Ref{ann}, bob, s.named(bob, "ann", sales.ID))
		s.make(person("uid=eve," + groups))
		s.directory.once("add", taken)
		eve := user("user_eve")
		s.make(plan.Modify{DN: plan.MustParseDN("uid=eve," + groups), Modifications: []plan.Modification{{Type: plan.AddValues, Name: "employeeNumber", Values: []string{"1"}}}})
		if o := s.process(eve, s.named(eve, "eve", sales.ID)).Outcome; o.State != event.Waiting || o.Code != event.CodeDNTaken || !strings.Contains(o.Message, "uid=eve,"+groups) || !strings.Contains(o.Message, "not unique") {
			s.Errorf("a stranger's name is %+v", o)
		}
	})
}

// Who has just left a place still corrects what refers to it by that name. Nobody else gets the name before that is settled:
// the references to the new one would go too.
func TestAPlaceIsFreeWhenItsLeavingIsSettled(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.renames("uid=ann,"+people, "uid=kim") // by the worker who has not come to the references yet
		s.waits(event.CodeWaitsForDN, []string{"user user_bob", "uid=ann," + people, "user user_ann"}, []event.Ref{ann}, bob, s.named(bob, "ann", event.RootUnitID))
		s.process(ann, s.named(ann, "kim", event.RootUnitID))
		s.process(bob)
		s.there("uid=ann," + people)
	})
}

// The entry comes along with its unit between the look at where it is and the write, so the server takes it for another one.
func TestAValueThatNobodyElseHasIsNoConflict(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.directory.once("modrdn", func(func() error) error {
			s.make(plan.ModifyDN{DN: plan.MustParseDN("ou=Sales," + people), NewRDN: plan.MustParseDN("ou=Trade").RDN(), DeleteOldRDN: true})
			return &connector.OutcomeError{Kind: connector.KindNotUnique, Code: ldap.LDAPResultConstraintViolation, Verb: "modrdn", Message: "non-unique attributes found with (|(uid=ann))"}
		})
		// What refers to those who came along is the unit's to correct, so that comes first.
		waitsFor(s, s.process(ann, s.named(ann, "ann", event.RootUnitID)), sales)
		s.process(sales)
		if o := s.process(ann).Outcome; o.Code != event.CodeApplied {
			s.Errorf("it is %+v", o)
		}
	})
}

// Who had the name has given it up between the refusal and the look for who has it.
func TestAValueThatIsUniqueAgainIsTriedOnceMore(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.directory.once("add", func(func() error) error {
			return &connector.OutcomeError{Kind: connector.KindNotUnique, Code: ldap.LDAPResultConstraintViolation, Verb: "add", Message: "some attributes not unique"}
		})
		if o := s.process(ann, s.named(ann, "ann", event.RootUnitID)).Outcome; o.Code != event.CodeApplied {
			s.Errorf("it is %+v", o)
		}
	})
}

// Whoever has the name may be in a place that is not to be seen; then the refusal is not the last word.
func TestAValueThatSomebodyUnseenMayHaveIsWaitedFor(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		seeing := s.directory.Target
		s.directory.Target = blind{seeing, []plan.DN{plan.MustParseDN(people)}}
		s.directory.once("add", func(func() error) error {
			return &connector.OutcomeError{Kind: connector.KindNotUnique, Code: ldap.LDAPResultConstraintViolation, Verb: "add", Message: "some attributes not unique"}
		})
		s.waits(event.CodeRetry, []string{"not unique", people + ", a place of the mapping, is not to be seen"}, nil, ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.Target = seeing
		s.process(ann)
		s.there("uid=ann," + people)
	})
}

func TestAUnitIsDeletedWhenItIsEmpty(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.make(person("uid=stranger,ou=Sales," + people))
		result := s.process(sales, s.say(event.TypeUnitDelete, sales, nil))
		if o := result.Outcome; o.State != event.Waiting || o.Code != event.CodeWaitsForEmpty || !strings.Contains(o.Message, "uid=ann") || !strings.Contains(o.Message, "uid=stranger") {
			s.Fatalf("it is %+v", o)
		}
		if !slices.Equal(result.WaitsFor, []event.Ref{ann}) {
			s.Errorf("it waits for %v", result.WaitsFor)
		}
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.make(plan.Delete{DN: plan.MustParseDN("uid=stranger,ou=Sales," + people)})
		s.done("dn: ou=Sales,ou=people,dc=example,dc=org\nchangetype: delete", sales)
	})
}

// The last one leaves after the unit was seen not to be empty: nobody comes after that to wake the deletion.
func TestAUnitIsDeletedWhenItGetsEmptyUnderTheLook(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		deletion := s.say(event.TypeUnitDelete, sales, nil)
		s.memory.meanwhile = func() { s.process(ann, s.say(event.TypeUserDelete, ann, nil)) }
		result := s.process(sales, deletion)
		if o := result.Outcome; o.Code != event.CodeApplied || len(result.WaitsFor) != 0 {
			s.Errorf("it is %+v and waits for %v", o, result.WaitsFor)
		}
		s.absent("ou=Sales," + people)
	})
}

// The one who has the place leaves after it was refused and before it is asked who that is.
func TestAPlaceThatBecomesFreeAtThisMomentIsTaken(t *testing.T) {
	eve := user("user_eve")
	onBoth(t, nil, func(s *stage) {
		s.directory.once("add", func(write func() error) error {
			s.make(person("uid=eve," + people))
			err := write()
			s.make(plan.Delete{DN: plan.MustParseDN("uid=eve," + people)})
			return err
		})
		if o := s.process(eve, s.named(eve, "eve", event.RootUnitID)).Outcome; o.Code != event.CodeApplied {
			s.Errorf("it is %+v", o)
		}
		s.there("uid=eve," + people)
	})
}

func TestAUnitThatDoesNotGetEmptyFailsAfterADay(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann, s.named(ann, "ann", sales.ID))
		s.waits(event.CodeWaitsForEmpty, nil, []event.Ref{ann}, sales, s.say(event.TypeUnitDelete, sales, nil))
		s.at += (25 * time.Hour).Milliseconds()
		result := s.process(sales)
		if o := result.Outcome; o.State != event.Failed || o.Code != event.CodeNotEmpty || !strings.Contains(o.Message, "uid=ann") || len(result.WaitsFor) != 0 {
			s.Errorf("it is %+v and waits for %v", o, result.WaitsFor)
		}
	})
}

func TestWhatElseMayBecomeOfAUnitThatIsNotEmpty(t *testing.T) {
	sales, lab := unit("ou_sales"), unit("ou_lab")
	for _, c := range []struct {
		word string
		then func(s *stage, result processor.Result)
	}{
		{"fail", func(s *stage, result processor.Result) {
			if o := result.Outcome; o.State != event.Failed || o.Code != event.CodeNotEmpty {
				s.Errorf("it is %+v", o)
			}
			s.there("uid=ann,ou=Sales," + people)
		}},
		{"move_children", func(s *stage, _ processor.Result) {
			s.there("uid=ann," + people)
			s.there("ou=Lab," + people)
			s.absent("ou=Sales," + people)
		}},
		{"subtree", func(s *stage, _ processor.Result) { s.absent("ou=Sales," + people) }},
	} {
		t.Run(c.word, func(t *testing.T) {
			onBoth(t, []string{"when_not_empty: wait", "when_not_empty: " + c.word}, func(s *stage) {
				s.process(sales, s.called(sales, "Sales", event.RootUnitID))
				s.process(lab, s.called(lab, "Lab", sales.ID))
				s.process(ann, s.named(ann, "ann", sales.ID))
				c.then(s, s.process(sales, s.say(event.TypeUnitDelete, sales, nil)))
			})
		})
	}
}
