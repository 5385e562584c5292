package conformance

import (
	"errors"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// writes are what is promised of operations.
func writes() []promise {
	return []promise{
		{"an entry is made with what was said", adds},
		{"an entry is made once, and where there is one above", addsOnce},
		{"what the schema does not allow is refused", addsWhatTheSchemaAllows},
		{"values are added, deleted and replaced", modifies},
		{"what contradicts the entry as it is, is a conflict, and nothing of it is done", modifiesAllOrNothing},
		{"the last member of a group", takesTheLastMember},
		{"an entry gets another name and keeps the rest", renames},
		{"a unit moves with all that is below it", movesUnits},
		{"a name that somebody has is not given again, and nobody moves below nothing", renamesOnce},
		{"an entry with others below it is not deleted", deletesLeaves},
		{"a subtree is deleted whole", deletesSubtrees},
		{"a password is set", setsPasswords},
	}
}

func adds(s scene) {
	name := `Lee, "Ann" #1; <x> \ + y=z`
	ann := s.addPerson(s.unit, name, "mail", "ann@example.org", "description", "Zwölf Boxkämpfer 跳")
	e := s.read(ann, "cn", "mail", "description")
	if e.Value("cn") != name || e.Value("mail") != "ann@example.org" || e.Value("description") != "Zwölf Boxkämpfer 跳" {
		s.Errorf("made is %+v", e)
	}
}

func addsOnce(s scene) {
	ann := s.addPerson(s.unit, "ann")
	s.refused(s.person(ann), connector.KindExists)
	s.refused(s.person(below(s.unit, "cn", "ANN"), "description", "again"), connector.KindExists)
	s.refused(s.person(below(below(s.unit, "ou", "Nowhere"), "cn", "bob")), connector.KindMissingParent)
	if got := s.read(ann, "description").Values("description"); got != nil {
		s.Errorf("the entry has got %q", got)
	}
}

func addsWhatTheSchemaAllows(s scene) {
	s.refused(s.person(below(s.unit, "cn", "ann"), "noSuchAttribute", "x"), connector.KindRefused)
	s.refused(plan.Add{DN: below(s.unit, "cn", "bob"), Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"noSuchClass"}}, {Name: "cn", Values: []string{"bob"}},
	}}, connector.KindRefused)
	s.absent(below(s.unit, "cn", "ann"))
	cid := s.addPerson(s.unit, "cid")
	s.refused(plan.Modify{DN: cid, Modifications: []plan.Modification{modification(plan.ReplaceValues, "noSuchAttribute", "x")}}, connector.KindRefused)
}

func modification(kind plan.ModificationType, name string, values ...string) plan.Modification {
	return plan.Modification{Type: kind, Name: name, Values: values}
}

func modifies(s scene) {
	ann := s.addPerson(s.unit, "ann", "description", "one", "title", "Engineer")
	change := func(modifications ...plan.Modification) {
		s.Helper()
		s.must(plan.Modify{DN: ann, Modifications: modifications})
	}
	change(modification(plan.ReplaceValues, "description", "two"), modification(plan.DeleteValues, "title", "ENGINEER"))
	change(modification(plan.AddValues, "telephoneNumber", "+49 1"), modification(plan.ReplaceValues, "title"))
	e := s.read(ann, "description", "title", "telephoneNumber", "cn")
	if e.Value("description") != "two" || e.Values("title") != nil || e.Value("telephoneNumber") != "+49 1" || e.Value("cn") != "ann" {
		s.Errorf("the entry is %+v", e)
	}
}

func modifiesAllOrNothing(s scene) {
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	vpn := s.addGroup(ann)
	describe := modification(plan.ReplaceValues, "description", "changed")
	conflict := func(dn plan.DN, m plan.Modification) {
		s.Helper()
		err := s.Apply(s.Context(), plan.Modify{DN: dn, Modifications: []plan.Modification{describe, m}})
		var outcome *connector.OutcomeError
		if !errors.As(err, &outcome) || outcome.Kind != connector.KindConflict && outcome.Kind != connector.KindAlreadySo {
			s.Errorf("%+v of %s: %v; want a conflict", m, dn, err)
		}
	}
	conflict(vpn, modification(plan.AddValues, "member", strings.ToUpper(ann.String())))
	conflict(vpn, modification(plan.DeleteValues, "member", bob.String()))
	conflict(below(s.unit, "cn", "nobody"), describe)
	if got := s.read(vpn, "description").Values("description"); got != nil {
		s.Errorf("half of it was done: the description is %q", got)
	}
}

func takesTheLastMember(s scene) {
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	vpn := s.addGroup(ann, bob)
	take := func(dn plan.DN) error {
		return s.Apply(s.Context(), plan.Modify{DN: vpn, Modifications: []plan.Modification{modification(plan.DeleteValues, "member", dn.String())}})
	}
	if err := take(ann); err != nil {
		s.Errorf("one of two members: %v", err)
	}
	err := take(bob)
	var outcome *connector.OutcomeError
	if refused := errors.As(err, &outcome) && outcome.EmptiesGroup(); refused == s.EmptyGroups || err != nil && !refused {
		s.Errorf("the last member: %v", err)
	}
}

func renames(s scene) {
	lab := s.addUnit(s.unit, "Lab")
	ann := s.addPerson(s.unit, "ann", "description", "kept")
	link := s.read(ann).Link
	s.must(plan.ModifyDN{DN: ann, NewRDN: plan.RDN{{Type: "cn", Value: "Ann"}}, DeleteOldRDN: true})
	s.must(plan.ModifyDN{DN: ann, NewRDN: plan.RDN{{Type: "cn", Value: "Lee, Ann"}}, NewSuperior: lab, DeleteOldRDN: true})
	e := s.read(below(lab, "cn", "Lee, Ann"), "cn", "description")
	if e.Link != link || e.Value("description") != "kept" || !slices.Equal(e.Values("cn"), []string{"Lee, Ann"}) {
		s.Errorf("the entry is %+v", e)
	}
	s.absent(ann)
}

func movesUnits(s scene) {
	lab, away := s.addUnit(s.unit, "Lab"), s.addUnit(s.unit, "Away")
	room := s.addUnit(lab, "Room")
	ann := s.addPerson(room, "ann")
	link := s.read(ann).Link
	s.must(plan.ModifyDN{DN: lab, NewRDN: plan.RDN{{Type: "ou", Value: "Labs"}}, NewSuperior: away, DeleteOldRDN: true})
	now := ann.Rebase(lab, below(away, "ou", "Labs"))
	if e := s.read(now); e.Link != link || !e.DN.Equal(now) {
		s.Errorf("below the unit there is %+v", e)
	}
	s.absent(ann)
	s.absent(room)
	if found, err := s.find(link); err != nil || found == nil || !found.DN.Equal(now) {
		s.Errorf("by its id there is %+v, %v", found, err)
	}
}

func renamesOnce(s scene) {
	ann := s.addPerson(s.unit, "ann")
	s.addPerson(s.unit, "bob")
	to := func(name string, superior plan.DN) plan.ModifyDN {
		return plan.ModifyDN{DN: ann, NewRDN: plan.RDN{{Type: "cn", Value: name}}, NewSuperior: superior, DeleteOldRDN: true}
	}
	s.refused(to("Bob", nil), connector.KindExists)
	s.refused(to("ann", below(s.unit, "ou", "Nowhere")), connector.KindMissingParent)
	gone := to("eve", nil)
	gone.DN = below(s.unit, "cn", "nobody")
	s.refused(gone, connector.KindConflict)
	s.read(ann)
}

func deletesLeaves(s scene) {
	lab := s.addUnit(s.unit, "Lab")
	ann := s.addPerson(lab, "ann")
	s.refused(plan.Delete{DN: lab}, connector.KindNotEmpty)
	s.must(plan.Delete{DN: ann})
	s.must(plan.Delete{DN: lab})
	s.refused(plan.Delete{DN: lab}, connector.KindConflict)
	s.absent(lab)
}

func deletesSubtrees(s scene) {
	lab := s.addUnit(s.unit, "Lab")
	room := s.addUnit(lab, "Room")
	s.addPerson(room, "ann")
	s.addPerson(lab, "bob")
	s.must(plan.Delete{DN: lab, Subtree: true})
	s.absent(room)
	s.absent(lab)
	s.read(s.unit)
}

func setsPasswords(s scene) {
	ann := s.addPerson(s.unit, "ann")
	s.must(s.password(ann, "Correct-Horse-1"))
	if s.isAD() {
		s.must(plan.Modify{DN: ann, Modifications: []plan.Modification{modification(plan.ReplaceValues, "userAccountControl", "512")}})
	}
	s.must(s.password(ann, "Battery-Staple-2"))
	if s.Login(s.T, ann, "Correct-Horse-1") || !s.Login(s.T, ann, "Battery-Staple-2") {
		s.Error("the password is not the new one")
	}
	s.refused(s.password(below(s.unit, "cn", "nobody"), "Correct-Horse-1"), connector.KindConflict)
}
