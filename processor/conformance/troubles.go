package conformance

import (
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// troubles are what is promised while something is wrong with a directory: it is told from what the directory says.
func troubles() []promise {
	return []promise{
		{"a directory that takes no writes is no fault of the write", takesNoWrites},
		{"a search that was cut has found nothing", cutsSearches},
		{"an entry that is hidden is not found, and keeps its name", hidesEntries},
		{"where the base is hidden nothing is known", hidesEverything},
		{"a value that is refused is named", refusesValues},
	}
}

// while does something as long as something is wrong.
func (s scene) while(t dit.Trouble, do func()) {
	s.Helper()
	s.Suffer(t)
	defer s.Suffer(dit.Trouble{})
	do()
}

func describes(dn plan.DN, value string) plan.Modify {
	return plan.Modify{DN: dn, Modifications: []plan.Modification{modification(plan.ReplaceValues, "description", value)}}
}

func takesNoWrites(s scene) {
	ann := s.addPerson(s.unit, "ann")
	s.while(dit.Trouble{ReadOnly: true}, func() {
		s.refused(describes(ann, "one"), connector.KindReadOnly)
		s.read(ann)
	})
	s.must(describes(ann, "one"))
}

func cutsSearches(s scene) {
	for _, name := range []string{"ann", "bob", "cid"} {
		s.addPerson(s.unit, name)
	}
	for _, code := range []uint16{3, 4, 11} { // the limits on time, on entries and of the administrator (RFC 4511 appendix A.2)
		s.while(dit.Trouble{Limit: 1, Cut: code}, func() {
			_, err := s.Children(s.Context(), s.unit)
			s.kind(err, connector.KindIncomplete)
			_, err = s.Referring(s.Context(), s.unit, []string{"sn"}, "Lee")
			s.kind(err, connector.KindIncomplete)
		})
	}
}

func hidesEntries(s scene) {
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	link := s.read(ann).Link
	s.while(dit.Trouble{Hidden: ann.Equal}, func() {
		if e, err := s.find(link, "(cn=ann)"); err != nil || e != nil {
			s.Errorf("found is %+v, %v", e, err)
		}
		s.absent(ann)
		s.refused(s.person(ann), connector.KindExists)
		s.read(bob)
	})
	if e, err := s.find(link); err != nil || e == nil {
		s.Errorf("shown again it is %+v, %v", e, err)
	}
}

func hidesEverything(s scene) {
	ann := s.addPerson(s.unit, "ann")
	link := s.read(ann).Link
	s.while(dit.Trouble{Hidden: s.Base[len(s.Base)-2:].Equal}, func() {
		_, err := s.find(link, "(cn=ann)")
		s.kind(err, connector.KindUnseen)
		_, err = s.Referring(s.Context(), s.Base, []string{"sn"}, "Lee")
		s.kind(err, connector.KindUnseen)
	})
}

func refusesValues(s scene) {
	ann := s.addPerson(s.unit, "ann")
	refuse := func(attribute, value string) uint16 {
		if attribute == "description" && strings.EqualFold(value, "boom") {
			return 19 // constraintViolation
		}
		return 0
	}
	s.while(dit.Trouble{Refuse: refuse}, func() {
		s.refused(describes(ann, "Boom"), connector.KindRefused)
		s.refused(s.person(below(s.unit, "cn", "bob"), "description", "boom"), connector.KindRefused)
		s.must(describes(ann, "calm"))
	})
	if got := s.read(ann, "description").Value("description"); got != "calm" {
		s.Errorf("the entry says %q", got)
	}
}
