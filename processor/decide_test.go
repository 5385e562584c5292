package processor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"idaas-ldap/processor"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// decided changes the mapping for OpenLDAP so that the name and a number of everybody are decided once.
var decided = []string{
	`dn: "uid={user.username},{ou.dn}"`, `dn: "uid={entry.uid},{ou.dn}"`,
	`    - { filter: "(&(uid={user.username})(!(employeeNumber=*)))", adopt: true }`, "",
	"uid: user.username", "uid: { unique: user.username }\n    departmentNumber: { allocate: { from: 100, to: 999 } }",
}

// asking counts how often the directory is asked which values are occupied.
type asking struct {
	processor.Target
	asked int
	// full: all names are.
	full bool
}

func (a *asking) Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	a.asked++
	if a.full && attribute == "uid" {
		occupied := map[string]bool{}
		for _, v := range values {
			occupied[v] = true
		}
		return occupied, nil
	}
	return a.Target.Occupied(ctx, base, attribute, values)
}

func TestTheFirstNameAndNumberThatNobodyHasAreTakenAndKept(t *testing.T) {
	onBoth(t, decided, func(s *stage) {
		counted := &asking{Target: s.directory.Target}
		s.directory.Target = counted
		as := func(name string) event.Change {
			return s.say(event.TypeUserPush, ann, event.Values{"username": name, "displayName": "Ann", "primaryOuId": event.RootUnitID})
		}
		s.make(person("uid=ann,"+groups), person("uid=Ann2,"+groups))
		const others = 170
		for i := range others {
			s.make(person(fmt.Sprintf("uid=other-%d,%s", i, groups), fmt.Sprintf("departmentNumber=%d", 100+i)))
		}
		if result := s.process(ann, as("ann")); result.Outcome.Code != event.CodeApplied {
			s.Fatalf("%+v", result.Outcome)
		}
		e := s.there("uid=ann3," + people)
		if got := e.Value("departmentNumber"); got != fmt.Sprint(100+others) {
			s.Errorf("the number is %s", got)
		}
		if counted.asked > 8 {
			s.Errorf("the directory was asked %d times", counted.asked)
		}

		// Nothing is decided anew: not with another name in IDaaS, not where the names are free again, and not against
		// what somebody has changed by hand.
		counted.asked = 0
		s.done("", ann, as("anna"))
		s.make(plan.ModifyDN{DN: e.DN, NewRDN: plan.RDN{{Type: "uid", Value: "queen"}}, DeleteOldRDN: true})
		s.done("", ann, as("annabel"))
		s.there("uid=queen," + people)
		if counted.asked > 0 {
			s.Errorf("the directory was asked %d times for an entry that has what is decided", counted.asked)
		}
	})
}

func TestANameThatSomebodyTakesMeanwhileIsPassedOver(t *testing.T) {
	onBoth(t, decided, func(s *stage) {
		s.directory.once("add", func(write func() error) error {
			s.make(person("uid=ann," + people))
			return write()
		})
		if result := s.process(ann, s.named(ann, "ann", event.RootUnitID)); result.Outcome.Code != event.CodeApplied {
			s.Fatalf("%+v", result.Outcome)
		}
		s.there("uid=ann2," + people)
	})
}

func TestAnEntryFromBeforeTheRuleGetsANumber(t *testing.T) {
	onBoth(t, decided, func(s *stage) {
		s.make(person("uid=ann,"+people, "employeeNumber=user_ann"))
		s.done(`
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: departmentNumber
departmentNumber: 100
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

func TestATemporaryNameIsNotKept(t *testing.T) {
	onBoth(t, decided, func(s *stage) {
		s.make(person("uid="+processor.TemporaryName(ann)+","+people, "employeeNumber=user_ann"))
		if result := s.process(ann, s.named(ann, "ann", event.RootUnitID)); result.Outcome.Code != event.CodeApplied {
			s.Fatalf("%+v", result.Outcome)
		}
		s.there("uid=ann," + people)
	})
}

func TestWithoutAFreeNameTheEventFails(t *testing.T) {
	onBoth(t, decided, func(s *stage) {
		counted := &asking{Target: s.directory.Target, full: true}
		s.directory.Target = counted
		result := s.process(ann, s.named(ann, "ann", event.RootUnitID))
		if o := result.Outcome; o.State != event.Failed || o.Code != event.CodeMapping || !strings.Contains(o.Message, "ann and all values after it are taken") {
			s.Errorf("%+v", o)
		}
		s.wrote("")
	})
}
