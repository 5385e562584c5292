package processor_test

import (
	"strings"
	"testing"

	"idaas-ldap/processor"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

var ann, bob = user("user_ann"), user("user_bob")

func TestAUserIsAddedOnceAndWhatIsEqualIsNotWritten(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		result := s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
employeeNumber: user_ann
cn: ann
sn: ann
`, ann, s.named(ann, "ann", event.RootUnitID))
		if result.Link == "" || result.Link != s.there("uid=ann,"+people).Link {
			s.Errorf("the link is %q", result.Link)
		}
		s.done("", ann, s.named(ann, "ann", event.RootUnitID))
		s.done("", ann)
	})
}

func TestOnlyWhatDiffersIsModified(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.say(event.TypeUserPush, ann, event.Values{event.FieldUsername: "ann", event.FieldPrimaryUnit: event.RootUnitID, "email": "A@Example.org", "description": "first"}))
		s.make(plan.Modify{DN: plan.MustParseDN("uid=ann," + people), Modifications: []plan.Modification{
			{Type: plan.AddValues, Name: "roomNumber", Values: []string{"42"}},
		}})
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: mail
mail: b@example.org
-
replace: description
-
`, ann, s.say(event.TypeUserUpdateInfo, ann, event.Values{"email": "b@example.org", "description": ""}))
		if got := s.there("uid=ann," + people).Value("roomNumber"); got != "42" {
			s.Errorf("an attribute that no rule names is %q", got)
		}
	})
}

// Renamed by hand, the entry is found by its link and brought back; without the link, by the match rules.
func TestAnEntryIsFoundByItsLinkAndThenByMatch(t *testing.T) {
	back := `
dn: uid=hand,ou=groups,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=people,dc=example,dc=org
`
	byHand := plan.ModifyDN{DN: plan.MustParseDN("uid=ann," + people), NewRDN: plan.RDN{{Type: "uid", Value: "hand"}}, NewSuperior: plan.MustParseDN(groups), DeleteOldRDN: true}
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		link := s.there("uid=ann," + people).Link
		// Found by the link although no rule matches any more.
		s.make(byHand, plan.Modify{DN: byHand.NewDN(), Modifications: []plan.Modification{{Type: plan.DeleteValues, Name: "employeeNumber", Values: []string{ann.ID}}}})
		s.done(back+`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: employeeNumber
employeeNumber: user_ann
-
`, ann)
		// Found by match where the link leads nowhere: the entry was restored and has a new id.
		s.make(byHand)
		k := s.memory.objects[ann]
		k.Link = "00000000-0000-0000-0000-000000000000"
		s.memory.objects[ann] = k
		s.done(back, ann)
		if got := s.memory.objects[ann].Link; got != link {
			s.Errorf("the link is %q; the entry has %q", got, link)
		}
	})
}

func TestAnAccountThatNobodyHasClaimedIsAdopted(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.make(person("uid=ann,"+people, "roomNumber=42"))
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: employeeNumber
employeeNumber: user_ann
-
replace: cn
cn: ann
-
replace: sn
sn: ann
-
`, ann, s.named(ann, "ann", event.RootUnitID))
	})
}

func TestAnAccountOfSomebodyElseIsNotAdopted(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.make(person("uid=ann,"+people, "employeeNumber=4711"))
		s.waits(event.CodeDNTaken, []string{"uid=ann," + people, "user user_ann", "not ours"}, nil, ann, s.named(ann, "ann", event.RootUnitID))
		if got := s.there("uid=ann," + people).Value("employeeNumber"); got != "4711" {
			s.Errorf("the other one's number is %q", got)
		}
	})
}

func TestSeveralEntriesThatMatchAreHeldWithTheirNames(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.make(person("uid=a,"+people, "employeeNumber=user_ann"), person("uid=b,"+people, "employeeNumber=user_ann"))
		result := s.process(ann, s.named(ann, "ann", event.RootUnitID))
		if o := result.Outcome; o.State != event.Held || o.Code != event.CodeAmbiguous || !strings.Contains(o.Message, "uid=a,"+people) || !strings.Contains(o.Message, "uid=b,"+people) {
			s.Errorf("it is %+v", o)
		}
		s.wrote("")
	})
}

// The entry that a rule finds is not taken over where it is known to belong to another object.
func TestAnEntryOfAnotherObjectIsNotTakenOver(t *testing.T) {
	onBoth(t, []string{"{ attribute: employeeNumber, value: user.id }", "{ attribute: mail, value: user.email }"}, func(s *stage) {
		with := func(ref event.Ref, name string) event.Change {
			return s.say(event.TypeUserPush, ref, event.Values{event.FieldUsername: name, event.FieldPrimaryUnit: event.RootUnitID, "email": "shared@example.org"})
		}
		s.process(ann, with(ann, "ann"))
		s.waits(event.CodeWaitsForDN, []string{"uid=ann," + people, "user user_ann", "user user_bob"}, []event.Ref{ann}, bob, with(bob, "bob"))
	})
}

func TestARenameAndAMoveAreOneOperation(t *testing.T) {
	sales, lab := unit("ou_sales"), unit("ou_lab")
	onBoth(t, nil, func(s *stage) {
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(lab, s.called(lab, "R&D, Hangzhou", event.RootUnitID))
		s.process(ann, s.named(ann, "ann.lee", sales.ID))
		link := s.there("uid=ann.lee,ou=Sales," + people).Link
		s.done(`
dn: uid=ann.lee,ou=Sales,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann.kim
deleteoldrdn: 1
newsuperior: ou=R&D\, Hangzhou,ou=people,dc=example,dc=org

dn: uid=ann.kim,ou=R&D\, Hangzhou,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: ann.kim
-
replace: sn
sn: ann.kim
-
`, ann, s.named(ann, "ann.kim", lab.ID))
		if got := s.there(`uid=ann.kim,ou=R&D\, Hangzhou,` + people).Link; got != link {
			s.Errorf("it is another entry: %s, was %s", got, link)
		}
		// A unit takes along what is below it.
		s.done(`
dn: ou=R&D\, Hangzhou,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: ou=Lab
deleteoldrdn: 1
newsuperior: ou=Sales,ou=people,dc=example,dc=org
`, lab, s.called(lab, "Lab", sales.ID))
		s.there("uid=ann.kim,ou=Lab,ou=Sales," + people)
		s.done("", ann)
	})
}

func TestADeletionNeedsTheIdAloneAndIsDoneOnce(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		gone := `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: delete
`
		result := s.done(gone, ann, s.say(event.TypeUserDelete, ann, nil))
		if !result.Gone || result.Link != "" || !result.DN.Empty() {
			s.Errorf("afterwards the entry is %+v", result)
		}
		s.done("", ann, s.say(event.TypeUserDelete, ann, nil))
		s.done("", bob, s.say(event.TypeUserDelete, bob, nil))
		// One that was never heard of is found by its id.
		s.make(person("uid=bob,"+people, "employeeNumber="+bob.ID))
		s.done("dn: uid=bob,ou=people,dc=example,dc=org\nchangetype: delete", bob, s.say(event.TypeUserDelete, bob, nil))
	})
}

func TestAMissingUnitIsWaitedFor(t *testing.T) {
	sales := unit("ou_sales")
	onBoth(t, nil, func(s *stage) {
		s.waits(event.CodeWaitsForObject, []string{"unit ou_sales"}, []event.Ref{sales}, ann, s.named(ann, "ann", sales.ID))
		s.process(sales, s.called(sales, "Sales", event.RootUnitID))
		s.process(ann)
		s.there("uid=ann,ou=Sales," + people)
		// Known, but somebody has removed its entry: it is put back first.
		s.make(plan.Delete{DN: plan.MustParseDN("uid=ann,ou=Sales," + people)}, plan.Delete{DN: plan.MustParseDN("ou=Sales," + people)})
		result := s.waits(event.CodeWaitsForObject, []string{"unit ou_sales", "put back"}, []event.Ref{sales}, ann)
		if len(result.Touch) != 1 || result.Touch[0] != sales {
			s.Errorf("to be looked at again are %v", result.Touch)
		}
		s.process(sales)
		s.process(ann)
		s.there("uid=ann,ou=Sales," + people)
	})
}

func TestAMissingRootIsMade(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.make(plan.Delete{DN: plan.MustParseDN(people)})
		s.done(`
dn: ou=people,dc=example,dc=org
changetype: add
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
employeeNumber: user_ann
cn: ann
sn: ann
`, ann, s.named(ann, "ann", event.RootUnitID))
	})
}

func TestAMissingPlaceThatNoUnitStandsForIsExplained(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.make(plan.Delete{DN: plan.MustParseDN(groups)})
		vpn := group("group_vpn")
		s.waits(event.CodeWaitsForObject, []string{"create " + groups}, nil, vpn, s.say(event.TypeGroupPush, vpn, event.Values{event.FieldName: "Vpn"}))
	})
}

func TestTooLittleToMakeAnEntry(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.waits(event.CodeWaitsForRecord, []string{"user.username"}, nil, ann, s.say(event.TypeUserPush, ann, event.Values{"email": "a@example.org"}))
		s.waits(event.CodeWaitsForRecord, []string{"not known yet"}, nil, bob, s.say(event.TypeUserDisable, bob, event.Values{event.FieldStatus: event.StatusDisabled}))
		s.wrote("")
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		if got := s.there("uid=ann," + people).Value("mail"); got != "a@example.org" {
			s.Errorf("what came first is lost: the mail address is %q", got)
		}
	})
}

func TestWhatTheMappingLeavesOut(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		for _, c := range []struct {
			ref    event.Ref
			change event.Change
			code   event.Code
		}{
			{ann, s.named(ann, "svc-ann", event.RootUnitID), event.CodeOutOfScope},
			{unit(event.RootUnitID), s.called(unit(event.RootUnitID), "Example", ""), event.CodeSwitchedOff},
		} {
			if o := s.process(c.ref, c.change).Outcome; o.State != event.Skipped || o.Code != c.code {
				s.Errorf("%s is %+v; want %s", c.ref, o, c.code)
			}
		}
		// Who leaves the scope leaves the directory.
		s.process(bob, s.named(bob, "bob", event.RootUnitID))
		s.directory.written = nil
		s.done("dn: uid=bob,ou=people,dc=example,dc=org\nchangetype: delete", bob, s.named(bob, "svc-bob", event.RootUnitID))
		if o := s.process(bob, s.named(bob, "svc-bob", event.RootUnitID)).Outcome; o.Code != event.CodeOutOfScope {
			s.Errorf("afterwards it is %+v", o)
		}
		// So does who was made right before a crash, of whom nothing is remembered.
		carol := user("user_carol")
		s.process(carol, s.named(carol, "carol", event.RootUnitID))
		delete(s.memory.objects, carol)
		s.directory.written = nil
		s.done("dn: uid=carol,ou=people,dc=example,dc=org\nchangetype: delete", carol, s.named(carol, "svc-carol", event.RootUnitID))
		s.done(`
dn: uid=bob,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: bob
employeeNumber: user_bob
cn: bob
sn: bob
`, bob, s.named(bob, "bob", event.RootUnitID))
	})
	usersOnly, err := mapping.Compile("users.yaml", []byte("version: 1\nbase: dc=example,dc=org\nuser: { dn: \"uid={user.username},{base}\", match: [ { attribute: uid, value: user.username } ], object_classes: [account], attributes: { uid: user.username } }"))
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, inMemory(t, false), usersOnly)
	if o := s.process(group("group_vpn"), s.say(event.TypeGroupPush, group("group_vpn"), nil)).Outcome; o.State != event.Skipped || o.Code != event.CodeSwitchedOff {
		t.Errorf("a group without a section for it is %+v", o)
	}
}

func TestTheGuardsAreAskedBeforeAnybodyIsRemovedOrDisabled(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.directory.written, s.memory.denied = nil, true
		for _, c := range []struct {
			change event.Change
			act    processor.Act
		}{
			{s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled}), processor.ActDisable},
			{s.say(event.TypeUserDelete, ann, nil), processor.ActDelete},
		} {
			s.memory.asked = nil
			o := s.process(ann, c.change).Outcome
			if o.State != event.Held || o.Code != event.CodeGuarded || !strings.Contains(o.Message, "uid=ann,"+people) {
				s.Errorf("%s is %+v", c.change.Type, o)
			}
			if len(s.memory.asked) != 1 || s.memory.asked[0] != c.act {
				s.Errorf("the guards were asked %v", s.memory.asked)
			}
			s.wrote("")
		}
		s.memory.asked, s.memory.denied = nil, false
		s.done("dn: uid=ann,ou=people,dc=example,dc=org\nchangetype: delete", ann)
		// Nothing is asked where nothing is written.
		s.memory.asked = nil
		s.done("", ann, s.say(event.TypeUserDelete, ann, nil))
		if len(s.memory.asked) != 0 {
			s.Errorf("for nothing the guards were asked %v", s.memory.asked)
		}
	})
}

func TestAPreviewWritesNothing(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		merged := event.Merge(event.Object{Ref: ann}, []event.Change{s.named(ann, "ann", event.RootUnitID)})
		result := s.processor.Preview(s.Context(), processor.Task{Merged: merged, Memory: &memoryOf{memory: s.memory, self: ann}})
		if result.Outcome.Code != event.CodeApplied || len(result.Operations) != 1 || result.DN.String() != "uid=ann,"+people {
			s.Errorf("the preview is %+v", result)
		}
		s.wrote("")
		s.absent("uid=ann," + people)
	})
}

func TestAPreviewSaysWhatAGuardWouldHold(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		s.memory.denied = true
		for _, c := range []event.Change{
			s.say(event.TypeUserDelete, ann, nil),
			s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled}),
		} {
			k := s.memory.objects[ann]
			result := s.processor.Preview(s.Context(), processor.Task{
				Record: k.Record, Known: k.object, Merged: event.Merge(k.object, []event.Change{c}), Now: event.Millis(s.at), Memory: &memoryOf{memory: s.memory, self: ann},
			})
			if result.Outcome.State != event.Held || !strings.Contains(result.Outcome.Message, "as many as the test says") || len(result.Operations) == 0 {
				s.Errorf("%s is previewed as %+v with %d operations", c.Type, result.Outcome, len(result.Operations))
			}
		}
	})
}

// Where the record of a user is held up, a preview shows that the login is ended all the same.
func TestAPreviewShowsThatAccessIsEnded(t *testing.T) {
	onBoth(t, nil, func(s *stage) {
		s.process(ann, s.named(ann, "ann", event.RootUnitID))
		k := s.memory.objects[ann]
		preview := func() processor.Result {
			changes := []event.Change{
				s.named(ann, "ann", "ou_never"), s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled}),
			}
			return s.processor.Preview(s.Context(), processor.Task{
				Record: k.Record, Known: k.object, Merged: event.Merge(k.object, changes), Now: event.Millis(s.at), Memory: &memoryOf{memory: s.memory, self: ann},
			})
		}
		r := preview()
		if r.Outcome.Code != event.CodeWaitsForObject || !strings.Contains(r.Outcome.Message, "the login is ended meanwhile") || len(r.Operations) != 1 || r.Takes != processor.ActDisable {
			s.Errorf("it is %+v with %d operations", r.Outcome, len(r.Operations))
		}
		s.memory.denied = true
		if r := preview(); !strings.Contains(r.Outcome.Message, "the login is not ended: held by the guard") || len(r.Operations) != 0 {
			s.Errorf("with a guard it is %+v with %d operations", r.Outcome, len(r.Operations))
		}
		s.memory.denied = false
		s.process(ann, s.say(event.TypeUserDisable, ann, event.Values{event.FieldStatus: event.StatusDisabled}))
		k = s.memory.objects[ann]
		if r := preview(); !strings.Contains(r.Outcome.Message, "the login is ended already") || len(r.Operations) != 0 {
			s.Errorf("afterwards it is %+v with %d operations", r.Outcome, len(r.Operations))
		}
	})
}
