package conformance

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// searches are what is promised of what is read.
func searches() []promise {
	return []promise{
		{"an entry is found by its stable id before anything else, and wherever it is", findsByLink},
		{"an entry is found by the first rule that finds one", findsByRule},
		{"what is found is compared as the server compares", findsAsTheServerCompares},
		{"nothing is found outside the base, and that is no error", findsNothingElsewhere},
		{"two entries by one rule are ambiguous", findsTwo},
		{"many who are looked for at the same time get what each would get alone", findsManyAtOnce},
		{"an entry that is not there is no error", readsNothing},
		{"an entry is read by its DN in any spelling, with what was asked for", readsInAnySpelling},
		{"children are what is right below", seesChildren},
		{"which values an attribute holds, few and many", tellsWhatIsHeld},
		{"which values are occupied", tellsWhatIsOccupied},
		{"where an entry is referred to", seesReferences},
		{"where entries are referred to by the names that they had", seesFormerReferences},
		{"who came along with a renamed unit, or is gone, was not left behind", leavesNobodyBehind},
	}
}

func findsByLink(s scene) {
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	link := s.read(ann).Link
	if link == "" || link == s.read(bob).Link {
		s.Fatalf("the stable id is %q", link)
	}
	away := s.addUnit(s.unit, "Away")
	s.must(plan.ModifyDN{DN: ann, NewRDN: plan.RDN{{Type: "cn", Value: "anna"}}, NewSuperior: away, DeleteOldRDN: true})
	e, err := s.find(link, "(cn=bob)")
	if err != nil || e == nil || !e.DN.Equal(below(away, "cn", "anna")) || e.Link != link {
		s.Errorf("found is %+v, %v", e, err)
	}
	e, err = s.find("00000000-0000-4000-8000-000000000000", "(cn=bob)")
	if err != nil || e == nil || !e.DN.Equal(bob) {
		s.Errorf("by an id that nobody has, and a rule, found is %+v, %v", e, err)
	}
}

func findsByRule(s scene) {
	ann := s.addPerson(s.unit, "ann", "description", "the first")
	s.addPerson(s.unit, "bob")
	for _, filters := range [][]string{
		{"(cn=ann)", "(cn=bob)"},
		{"(cn=nobody)", "(cn=ann)"},
		{"(&(cn=ann)(objectClass=person))", "(cn=bob)"},
		{"(&(description=the first)(!(cn=bob)))"},
		{"(description=the*)"},
		{"(|(cn=nobody)(cn=ann))"},
	} {
		e, err := s.find("", filters...)
		if err != nil || e == nil || !e.DN.Equal(ann) || e.Value("description") != "the first" || e.Value("cn") != "ann" {
			s.Errorf("by %v found is %+v, %v", filters, e, err)
		}
	}
}

func findsAsTheServerCompares(s scene) {
	name := `Lee, "Ann" (R+D)*`
	ann := s.addPerson(s.unit, name, "description", "Über")
	for _, filter := range []string{`(cn=LEE, "ANN" \28R+D\29\2a)`, "(description=über)", "(description=ÜBER)", "(description= Über )"} {
		if strings.HasPrefix(filter, "(description= ") && s.isAD() {
			continue // Active Directory counts spaces at the edges
		}
		e, err := s.find("", filter)
		if err != nil || e == nil || !e.DN.Equal(ann) {
			s.Errorf("by %s found is %+v, %v", filter, e, err)
		}
	}
}

func findsNothingElsewhere(s scene) {
	other := s.addUnit(s.unit, "Other")
	s.addPerson(s.unit, "ann")
	key := plan.Key{Base: other, Match: []plan.Match{{Filter: "(cn=ann)"}}}
	if e, err := s.Find(s.Context(), key); e != nil || err != nil {
		s.Errorf("found is %+v, %v", e, err)
	}
}

func findsTwo(s scene) {
	first, second := s.addPerson(s.unit, "ann", "description", "one of two"), s.addPerson(s.unit, "bob", "description", "one of two")
	_, err := s.find("", "(description=one of two)")
	var ambiguous *connector.AmbiguousError
	if !errors.As(err, &ambiguous) || len(ambiguous.Found) != 2 || !slices.ContainsFunc(ambiguous.Found, first.Equal) || !slices.ContainsFunc(ambiguous.Found, second.Equal) {
		s.Errorf("the error is %v", err)
	}
}

func findsManyAtOnce(s scene) {
	const people = 40
	var links []string
	for i := range people {
		links = append(links, s.read(s.addPerson(s.unit, fmt.Sprint("ann", i), "description", fmt.Sprint("no ", i))).Link)
	}
	twins := s.addPerson(s.unit, "twin", "description", "two")
	s.addPerson(s.unit, "other twin", "description", "two")
	check := func(i int, what string, e *plan.Entry, err error, want plan.DN) {
		if err != nil || (e == nil) != (want == nil) || e != nil && !e.DN.Equal(want) {
			s.Errorf("%d %s: found is %+v, %v", i, what, e, err)
		}
	}
	var all sync.WaitGroup
	for i := range people {
		ann := below(s.unit, "cn", fmt.Sprint("ann", i))
		for _, look := range []func(){
			func() {
				e, err := s.find(links[i])
				check(i, "by its id", e, err, ann)
			},
			func() {
				e, err := s.find("", "(cn=nobody)", fmt.Sprintf("(description=no %d)", i))
				if check(i, "by a rule", e, err, ann); e != nil && e.Rule != 1 {
					s.Errorf("%d: found by rule %d", i, e.Rule)
				}
			},
			func() {
				e, err := s.find("", fmt.Sprintf("(cn=nobody%d)", i), fmt.Sprintf("(description=none of %d)", i))
				check(i, "who is not there", e, err, nil)
			},
			func() {
				key := plan.Key{Base: s.unit, Match: []plan.Match{{Filter: fmt.Sprintf("(description=no %d)", i), ByID: true}}}
				e, err := s.ReadNew(s.Context(), ann, key)
				if check(i, "as a new one", e, err, ann); e != nil && e.Link != links[i] {
					s.Errorf("%d: the id of the new one is %q, want %q", i, e.Link, links[i])
				}
			},
			func() {
				_, err := s.find("", "(description=two)")
				var ambiguous *connector.AmbiguousError
				if !errors.As(err, &ambiguous) {
					s.Errorf("of %s and its twin, found is %v", twins, err)
				}
			},
		} {
			all.Go(look)
		}
	}
	all.Wait()
}

func readsNothing(s scene) {
	s.absent(below(s.unit, "cn", "nobody"))
	s.absent(below(below(s.unit, "ou", "Nowhere"), "cn", "nobody"))
}

func readsInAnySpelling(s scene) {
	ann := s.addPerson(s.unit, "Ann Lee", "description", "a", "mail", "ann@example.org")
	other := slices.Clone(ann)
	other[0] = plan.RDN{{Type: "CN", Value: "ann  LEE"}}
	if s.isAD() {
		other[0] = plan.RDN{{Type: "CN", Value: "ann LEE"}}
	}
	e := s.read(other, "MAIL")
	if !e.DN.Equal(ann) || e.Value("mail") != "ann@example.org" || e.Values("description") != nil || e.Link == "" {
		s.Errorf("read is %+v", e)
	}
}

func seesChildren(s scene) {
	lab := s.addUnit(s.unit, "Lab")
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	s.addPerson(lab, "cid")
	got := s.children(s.unit)
	if len(got) != 3 || !slices.ContainsFunc(got, lab.Equal) || !slices.ContainsFunc(got, ann.Equal) || !slices.ContainsFunc(got, bob.Equal) {
		s.Errorf("the children are %v", got)
	}
	for most, more := range map[int]bool{2: true, 3: false} {
		first, told, err := s.FirstChildren(s.Context(), s.unit, most)
		if err != nil || len(first) != most || told != more {
			s.Errorf("the first %d children are %v, more %t, %v", most, first, told, err)
		}
	}
	if got := s.children(ann); len(got) != 0 {
		s.Errorf("below a person there are %v", got)
	}
	if got := s.children(below(s.unit, "ou", "Nowhere")); len(got) != 0 {
		s.Errorf("below nothing there are %v", got)
	}
}

func (s scene) children(dn plan.DN) []plan.DN {
	s.Helper()
	out, err := s.Children(s.Context(), dn)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func tellsWhatIsHeld(s scene) {
	ann, bob := s.addPerson(s.unit, "ann"), s.addPerson(s.unit, "bob")
	vpn := s.addGroup(ann)
	upper := strings.ToUpper(ann.String())
	asked := []string{upper, bob.String()}
	for n, values := range map[string][]string{"few": asked, "many": append(slices.Clone(asked), nobodies(s.unit)...)} {
		held, err := s.Holding(s.Context(), vpn, "member", values)
		if err != nil || !held[upper] {
			s.Errorf("of %s it holds %v, %v", n, held, err)
		}
		maps.DeleteFunc(held, func(_ string, has bool) bool { return !has })
		if len(held) != 1 {
			s.Errorf("of %s it holds %v", n, held)
		}
	}
	if held, err := s.Holding(s.Context(), below(s.unit, "cn", "nothing"), "member", asked); err != nil || held[upper] {
		s.Errorf("what is not there holds %v, %v", held, err)
	}
}

// nobodies are more names than can be asked about one by one.
func nobodies(unit plan.DN) []string {
	out := make([]string, 250)
	for i := range out {
		out[i] = below(unit, "cn", fmt.Sprint("nobody ", i)).String()
	}
	return out
}

func tellsWhatIsOccupied(s scene) {
	s.addPerson(s.unit, "ann", "employeeNumber", "N-7")
	occupied, err := s.Occupied(s.Context(), s.unit, "employeeNumber", []string{"n-7", "N-8", "N-9"})
	if err != nil || !occupied["n-7"] || occupied["N-8"] || occupied["N-9"] {
		s.Errorf("occupied are %v, %v", occupied, err)
	}
	one, err := s.Occupied(s.Context(), s.unit, "employeeNumber", []string{"N-8"})
	if err != nil || one["N-8"] {
		s.Errorf("occupied are %v, %v", one, err)
	}
	none, err := s.Occupied(s.Context(), s.unit, "noSuchAttribute", []string{"1"})
	if err != nil || none["1"] {
		s.Errorf("of an attribute that is not defined occupied are %v, %v", none, err)
	}
}

func seesReferences(s scene) {
	ann := s.addPerson(s.unit, "Lee, Ann")
	bob := s.addPerson(s.unit, "bob", "manager", ann.String())
	vpn := s.addGroup(ann, bob)
	found, err := s.Referring(s.Context(), s.unit, []string{"member", "manager", "noSuchAttribute"}, ann.String())
	if err != nil || len(found) != 2 {
		s.Fatalf("the references are %v, %v", found, err)
	}
	for _, want := range []connector.Reference{{DN: vpn, Attribute: "member"}, {DN: bob, Attribute: "manager"}} {
		if !slices.ContainsFunc(found, func(r connector.Reference) bool { return r.DN.Equal(want.DN) && r.Attribute == want.Attribute }) {
			s.Errorf("the references are %v, and not %s of %s", found, want.Attribute, want.DN)
		}
	}
	if found, err := s.Referring(s.Context(), s.unit, []string{"member", "manager"}, vpn.String()); err != nil || len(found) != 0 {
		s.Errorf("the references to the group are %v, %v", found, err)
	}
}

func seesFormerReferences(s scene) {
	if s.Follows {
		return // nothing refers to a name that an entry had
	}
	lab := s.addUnit(s.unit, "Lab")
	ann, bob := s.addPerson(lab, "ann"), s.addPerson(lab, "bob")
	vpn := s.addGroup(ann, bob)
	s.must(plan.ModifyDN{DN: lab, NewRDN: plan.RDN{{Type: "ou", Value: "Labs"}}, DeleteOldRDN: true})
	now := below(s.unit, "ou", "Labs")
	s.must(plan.Delete{DN: below(now, "cn", "bob")})
	found, err := s.ReferringBelow(s.Context(), s.unit, []string{"member"}, now, lab, []plan.DN{bob})
	if err != nil || len(found) != 2 || !found[0].DN.Equal(vpn) || !found[1].DN.Equal(vpn) {
		s.Errorf("the references are %v, %v", found, err)
	}
	if found, err := s.ReferringBelow(s.Context(), s.unit, nil, now, lab, []plan.DN{bob}); err != nil || len(found) != 0 {
		s.Errorf("in no attribute the references are %v, %v", found, err)
	}
}

func leavesNobodyBehind(s scene) {
	lab := s.addUnit(s.unit, "Lab")
	ann, bob := s.addPerson(lab, "ann"), s.addPerson(lab, "bob")
	s.must(plan.Delete{DN: bob})
	s.must(plan.ModifyDN{DN: lab, NewRDN: plan.RDN{{Type: "ou", Value: "Labs"}}, DeleteOldRDN: true})
	left, err := s.LeftBehind(s.Context(), below(s.unit, "ou", "Labs"), lab, []plan.DN{ann, bob})
	if err != nil || len(left) != 0 {
		s.Errorf("left behind are %v, %v", left, err)
	}
}
