package processor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
)

// leaving is a scene in a directory that leaves ann behind when the unit above hers is renamed: bob comes along. The group has both.
func leaving(t *testing.T) *stage {
	t.Helper()
	schema, err := memdir.Schema(connector.DS389)
	if err != nil {
		t.Fatal(err)
	}
	d, err := memdir.New(memdir.Config{Kind: connector.DS389, Schema: schema, Suffix: suffix, Clock: time.Now, Rand: randomness(1)})
	if err == nil {
		err = d.LoadLDIF(start)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, d, mappingOf(t, "389ds.yaml", nil))
	sales, lab := unit("ou_sales"), unit("ou_lab")
	s.process(sales, s.called(sales, "Sales", event.RootUnitID))
	s.process(lab, s.called(lab, "Lab", sales.ID))
	s.process(ann, s.named(ann, "ann", lab.ID))
	s.process(bob, s.named(bob, "bob", lab.ID))
	s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann), s.joins(bob))
	d.Suffer(dit.Trouble{LeftBehind: func(dn plan.DN) bool { return dn.RDN().String() == "uid=ann" }})
	return s
}

const (
	annLeft = "uid=ann,ou=Lab,ou=Sales," + people
	annCame = "uid=ann,ou=Lab,ou=Service," + people
)

func (s *stage) membersAre(want ...string) {
	s.Helper()
	if got := slices.Sorted(slices.Values(s.there("cn=Vpn," + groups).Values("member"))); !slices.Equal(got, want) {
		s.Errorf("the members are %q; want %q", got, want)
	}
}

// Who was left at the former place of a unit is moved after it, also where the answer to the rename was lost.
func TestWhoWasLeftBehindIsFetched(t *testing.T) {
	for name, meddle := range map[string]func(func() error) error{
		"answered": func(write func() error) error { return write() },
		"cut":      answerLost,
	} {
		t.Run(name, func(t *testing.T) {
			s := leaving(t)
			s.directory.once("modrdn", meddle)
			sales := unit("ou_sales")
			result := s.process(sales, s.called(sales, "Service", event.RootUnitID))
			if result.Outcome.State != event.Done || strings.Contains(result.Outcome.Message, "left") {
				t.Errorf("it is %+v", result.Outcome)
			}
			s.there(annCame)
			s.absent(annLeft)
			s.membersAre(annCame, "uid=bob,ou=Lab,ou=Service,"+people)
			if at := s.memory.objects[ann].DN.String(); at != annCame {
				t.Errorf("she is remembered at %s", at)
			}
		})
	}
}

// Where the server refuses that, the event of the unit says who is where and what to do; members name the entry where it is.
func TestWhoStaysLeftBehindIsTold(t *testing.T) {
	s := leaving(t)
	s.directory.meddle = func(op plan.Operation, write func() error) error {
		if op.Verb() == "modrdn" && op.Target().RDN()[0].Type == "uid" {
			return &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultOperationsError, Verb: "modrdn", DN: op.Target()}
		}
		return write()
	}
	sales := unit("ou_sales")
	result := s.process(sales, s.called(sales, "Service", event.RootUnitID))
	for _, words := range []string{"has left " + annLeft, "to " + annCame, "Rename the unit", "import"} {
		if result.Outcome.State != event.Done || !strings.Contains(result.Outcome.Message, words) {
			t.Errorf("it is %+v, and does not say %q", result.Outcome, words)
		}
	}
	s.there(annLeft)
	s.membersAre(annLeft, "uid=bob,ou=Lab,ou=Service,"+people)
}

// So does every event of the one who was left there, whatever the server says.
func TestWhoStaysLeftBehindIsToldByItsOwnEvents(t *testing.T) {
	for kind, code := range map[connector.Kind]uint16{connector.KindExists: ldap.LDAPResultEntryAlreadyExists, connector.KindRetry: ldap.LDAPResultOperationsError} {
		s := leaving(t)
		s.directory.meddle = func(op plan.Operation, write func() error) error {
			if op.Verb() == "modrdn" && op.Target().RDN()[0].Type == "uid" {
				return &connector.OutcomeError{Kind: kind, Code: code, Verb: "modrdn", DN: op.Target()}
			}
			return write()
		}
		sales := unit("ou_sales")
		s.process(sales, s.called(sales, "Service", event.RootUnitID))
		s.waits(event.CodeRetry, []string{"has left " + annLeft, "to " + annCame, "Rename the unit"}, nil, ann, s.named(ann, "ann", "ou_lab"))
	}
}

// A server that is busy is asked again, by another try of the unit.
func TestWhoWasLeftBehindIsFetchedLater(t *testing.T) {
	s := leaving(t)
	busy := true
	s.directory.meddle = func(op plan.Operation, write func() error) error {
		if busy && op.Verb() == "modrdn" && op.Target().RDN()[0].Type == "uid" {
			busy = false
			return &connector.OutcomeError{Kind: connector.KindRetry, Code: ldap.LDAPResultBusy, Verb: "modrdn"}
		}
		return write()
	}
	sales := unit("ou_sales")
	s.waits(event.CodeRetry, nil, nil, sales, s.called(sales, "Service", event.RootUnitID))
	s.process(sales)
	s.there(annCame)
	s.absent(annLeft)
}

// What another unit has at the former place, or somebody else, is not touched.
func TestOnlyWhoIsOursIsFetched(t *testing.T) {
	for name, meddle := range map[string]func(s *stage){
		"another unit": func(s *stage) {
			s.make(plan.Add{DN: plan.MustParseDN("ou=Sales," + people), Attributes: []plan.Attribute{
				{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{"Sales"}},
			}})
		},
		"another entry": func(s *stage) {
			known := s.memory.objects[ann]
			known.Link = "another"
			s.memory.objects[ann] = known
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := leaving(t)
			s.directory.once("modrdn", func(write func() error) error {
				err := write()
				meddle(s)
				return err
			})
			sales := unit("ou_sales")
			s.process(sales, s.called(sales, "Service", event.RootUnitID))
			s.there(annLeft)
			s.absent(annCame)
		})
	}
}
