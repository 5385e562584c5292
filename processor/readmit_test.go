package processor_test

import (
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
)

const lockedForGood = "000001010000Z" // as slapd's password policy has it

// unsaid is a record that says nothing of the status, as IDaaS need not.
func unsaid(s *stage, ref event.Ref) event.Change {
	fields := record("ann", nil)
	delete(fields, event.FieldStatus)
	return s.say(event.TypeUserPush, ref, fields)
}

// Whatever has ended the access of somebody who was gone is taken back with the return, also where nothing is said of the status.
func TestWhoReturnsCanLogIn(t *testing.T) {
	ann := user("u1")
	for _, removal := range []string{"disable", "delete", `{ move: "ou=leavers,{base}" }`} {
		for _, disable := range []string{"auto", "ignore", `{ move: "ou=off,{base}" }`, "{ on: { employeeType: off } }"} {
			t.Run(removal+"/"+disable, func(t *testing.T) {
				onBoth(t, []string{"delete: delete ", "delete: " + removal + " ", "disable: auto ", "disable: " + disable + " "}, func(s *stage) {
					s.process(ann, unsaid(s, ann))
					s.make(person("uid=phone,uid=ann," + people)) // keeps the entry from being deleted
					r := s.process(ann, s.say(event.TypeUserDelete, ann, nil))
					gone, err := s.directory.Find(s.Context(), plan.Key{Link: r.Link, Base: plan.MustParseDN(suffix), Attributes: []string{"pwdAccountLockedTime", "employeeType"}})
					if err != nil || gone == nil {
						s.Fatalf("the entry of who is gone: %v, %v", gone, err)
					}
					if gone.Value("pwdAccountLockedTime") != lockedForGood && gone.Value("employeeType") != "off" {
						s.Errorf("who is gone can log in: %v; %+v", gone, r.Outcome)
					}
					r = s.process(ann, unsaid(s, ann))
					back, err := s.directory.Find(s.Context(), plan.Key{Link: r.Link, Base: plan.MustParseDN(suffix), Attributes: []string{"pwdAccountLockedTime", "employeeType"}})
					if err != nil || back == nil || r.Outcome.Code != event.CodeApplied {
						s.Fatalf("the return is %+v, %v", r.Outcome, err)
					}
					if back.Value("pwdAccountLockedTime") != "" || back.Value("employeeType") != "" {
						s.Errorf("who is back cannot log in: %v", back)
					}
				})
			})
		}
	}
}

// Whoever is kept at a place of its own can still log in there, unless the server keeps the user out as well. Where the server has
// no means, the place is all there is, and nothing says that the access has ended before the entry is there.
func TestAPlaceForWhoIsDisabled(t *testing.T) {
	ann := user("u1")
	edits := []string{"disable: auto ", `disable: { move: "ou=off,{base}" } `, `scope: 'not (user.username startsWith "svc-")'`, `scope: 'user.description == "boom" ? fail("a rule that fails") : true'`}
	disable := func(s *stage) event.Change {
		return s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled})
	}
	t.Run("with the server's means", func(t *testing.T) {
		onBoth(t, edits, func(s *stage) {
			s.process(ann, unsaid(s, ann))
			s.make(plan.Add{DN: plan.MustParseDN("ou=off," + suffix), Attributes: []plan.Attribute{{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"off"}}}},
				person("uid=ann,ou=off,"+suffix, "employeeNumber=other"))
			r := s.process(ann, disable(s))
			if r.Of(event.FacetAccess).Code != event.CodeApplied || r.Outcome.Code != event.CodeDNTaken {
				t.Errorf("the disabling is %+v, the rest %+v", r.Of(event.FacetAccess), r.Outcome)
			}
			if s.locked("uid=ann,"+people) != lockedForGood {
				t.Error("the user can log in while the place is taken")
			}
			s.make(plan.Delete{DN: plan.MustParseDN("uid=ann,ou=off," + suffix)})
			s.process(ann)
			if s.locked("uid=ann,ou=off,"+suffix) != lockedForGood {
				t.Error("the user can log in at the place for who is disabled")
			}
			s.process(ann, s.say(event.TypeUserEnable, ann, event.Values{event.FieldStatus: event.StatusEnabled}))
			if s.locked("uid=ann,"+people) != "" {
				t.Error("the user cannot log in after being enabled")
			}
		})
	})
	t.Run("without", func(t *testing.T) {
		s := newStage(t, withoutMeans(t), mappingOf(t, "openldap.yaml", edits))
		s.process(ann, unsaid(s, ann))
		s.process(ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{"description": "boom"}))
		s.make(person("uid=ann,"+groups, "employeeNumber=other"))
		r := s.process(ann, disable(s))
		if o := r.Of(event.FacetAccess); o.Code != event.CodeApplied || r.Outcome.Code != event.CodeMapping {
			t.Errorf("beside a rule that fails the disabling is %+v, the rest %+v", o, r.Outcome)
		}
		s.there("uid=ann,ou=off," + suffix)
	})
	t.Run("without, and the place is taken", func(t *testing.T) {
		s := newStage(t, withoutMeans(t), mappingOf(t, "openldap.yaml", []string{"disable: auto ", `disable: { move: "` + groups + `" } `}))
		s.process(ann, unsaid(s, ann))
		s.make(person("uid=ann,"+groups, "employeeNumber=other"))
		r := s.process(ann, disable(s))
		if o := r.Of(event.FacetAccess); o.State == event.Done {
			t.Errorf("the user can log in, and the disabling is %+v", o)
		}
	})
}

// The mapping may not be able to say what the entry of somebody should be who may not log in, and nothing may be linked, as the store
// is new. The entry bears the id, so the access is ended all the same.
func TestWhoIsNotLinkedCannotLogInEither(t *testing.T) {
	ann := user("u1")
	onBoth(t, nil, func(s *stage) {
		s.make(person("uid=ann,"+people, "employeeNumber=u1"))
		fields := record("ann", event.Values{event.FieldPrimaryUnit: "never", event.FieldStatus: event.StatusDisabled})
		r := s.process(ann, s.say(event.TypeUserPush, ann, fields))
		if r.Of(event.FacetAccess).Code != event.CodeApplied || s.locked("uid=ann,"+people) != lockedForGood {
			t.Errorf("access is %+v", r.Of(event.FacetAccess))
		}
		if r.Outcome.Code != event.CodeWaitsForObject {
			t.Errorf("the rest is %+v", r.Outcome)
		}
	})
}

// An entry that is linked to somebody else stays as it is, whatever id somebody has written into it.
func TestTheEntryOfSomebodyElseIsNotTakenForThatOfWhoIsNotLinked(t *testing.T) {
	ann, bob := user("u1"), user("u2")
	onBoth(t, nil, func(s *stage) {
		fields := record("bob", nil)
		s.process(bob, s.say(event.TypeUserPush, bob, fields))
		s.make(plan.Modify{DN: plan.MustParseDN("uid=bob," + people), Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "employeeNumber", Values: []string{"u1"}}}})
		s.process(ann, s.say(event.TypeUserPush, ann, record("ann", event.Values{event.FieldPrimaryUnit: "never", event.FieldStatus: event.StatusDisabled})))
		if s.locked("uid=bob,"+people) != "" {
			s.Error("somebody else cannot log in any more")
		}
	})
}

// An entry that is kept is not said to be gone.
func TestAnEntryThatIsKeptIsNotSaidToBeGone(t *testing.T) {
	ann := user("u1")
	onBoth(t, []string{"delete: delete ", "delete: keep "}, func(s *stage) {
		s.process(ann, unsaid(s, ann))
		r := s.process(ann, s.say(event.TypeUserDelete, ann, nil))
		if want := "the entry is kept as it is, by lifecycle.delete of the mapping"; r.Outcome.Code != event.CodeUnchanged || r.Outcome.Message != want {
			t.Errorf("the deletion is %+v; want %q", r.Outcome, want)
		}
	})
}

// locked returns since when an entry is locked, empty for not at all.
func (s *stage) locked(dn string) string {
	s.Helper()
	e, err := s.directory.Target.Read(s.Context(), plan.MustParseDN(dn), []string{"pwdAccountLockedTime"})
	if err != nil || e == nil {
		s.Fatalf("%s is not there: %v", dn, err)
	}
	return e.Value("pwdAccountLockedTime")
}

// withoutMeans returns a directory in memory that has no means of its own to keep users out.
func withoutMeans(t *testing.T) *memdir.Directory {
	t.Helper()
	schema, err := dit.ReadSchema()
	if err != nil {
		t.Fatal(err)
	}
	d, err := memdir.New(memdir.Config{Kind: connector.Generic, Schema: schema, Suffix: suffix, Clock: time.Now, Rand: randomness(1)})
	if err == nil {
		err = d.LoadLDIF(start)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}
