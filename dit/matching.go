package dit

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// matchingRule compares values (RFC 4517 section 4.2).
type matchingRule struct {
	name string
	// syntax is that of assertions. The rule can be used with attribute types of this syntax and of those in also.
	syntax string
	also   []string
	// prepare brings a value of the syntax into the form in which it is compared.
	prepare func(string) (string, error)
	// compare orders prepared forms; nil orders them by their octets.
	compare func(a, b string) int
	// matches tells for prepared forms what an extensible filter asks for; nil: they are the same.
	matches func(value, asserted string) bool
	// partial: the rule compares fragments, so it can assert nothing in an extensible filter.
	partial bool
	// spaced: a space at the edge of a fragment stands for one inside the value (RFC 4518 section 2.6.1).
	spaced bool
}

func (r *matchingRule) order(a, b string) int {
	if r.compare != nil {
		return r.compare(a, b)
	}
	return strings.Compare(a, b)
}

// match reports whether an extensible filter with this rule is true for a prepared value.
func (r *matchingRule) match(value, asserted string) bool {
	if r.matches != nil {
		return r.matches(value, asserted)
	}
	return value == asserted
}

// usable reports whether the rule can be used with an attribute type.
func (r *matchingRule) usable(typ *attributeType) bool {
	return r.syntax == typ.syntax || r == typ.equality || slices.Contains(r.also, typ.syntax)
}

// rule returns a rule by its name or object identifier, nil for the empty name.
func (s *Schema) rule(name string) (*matchingRule, error) {
	if name == "" {
		return nil, nil
	}
	r, ok := s.rules[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("matching rule %s is not known", name)
	}
	return r, nil
}

// addRules makes the rules that slapd knows. Those for names need the schema: how a part of a name is compared is up to the
// attribute type of that part.
func (s *Schema) addRules() {
	s.rules = map[string]*matchingRule{}
	add := func(r matchingRule, names ...string) {
		for _, n := range names {
			s.rules[strings.ToLower(n)] = &r
		}
	}
	// Equality, ordering and substrings of one kind of text differ in little.
	family := func(r matchingRule, equality, ordering, substrings []string) {
		add(named(r, equality), equality...)
		if ordering != nil {
			o := named(r, ordering)
			o.matches = func(value, asserted string) bool { return o.order(value, asserted) < 0 } // RFC 4517 section 4.2.3
			add(o, ordering...)
		}
		if substrings != nil {
			p := named(r, substrings)
			p.partial = true
			add(p, substrings...)
		}
	}
	none := []string(nil)
	printable := []string{syntaxes + "11", syntaxes + "44", syntaxes + "50"}
	text := matchingRule{syntax: syntaxes + "15", also: printable, spaced: true}
	text.prepare = prepareFolded
	family(text, []string{"caseIgnoreMatch", "2.5.13.2"}, []string{"caseIgnoreOrderingMatch", "2.5.13.3"}, []string{"caseIgnoreSubstringsMatch", "2.5.13.4"})
	text.prepare = prepareExact
	family(text, []string{"caseExactMatch", "2.5.13.5"}, []string{"caseExactOrderingMatch", "2.5.13.6"}, []string{"caseExactSubstringsMatch", "2.5.13.7"})
	ascii := matchingRule{syntax: syntaxes + "26", also: []string{syntaxes + "11"}}
	ascii.prepare = prepareFoldedASCII
	family(ascii, []string{"caseIgnoreIA5Match", "1.3.6.1.4.1.1466.109.114.2"}, none, []string{"caseIgnoreIA5SubstringsMatch", "1.3.6.1.4.1.1466.109.114.3"})
	ascii.prepare = prepareASCII
	family(ascii, []string{"caseExactIA5Match", "1.3.6.1.4.1.1466.109.114.1"}, none, []string{"caseExactIA5SubstringsMatch", "1.3.6.1.4.1.4203.1.2.1"})
	family(matchingRule{syntax: syntaxes + "41", prepare: prepareList, spaced: true},
		[]string{"caseIgnoreListMatch", "2.5.13.11"}, none, []string{"caseIgnoreListSubstringsMatch", "2.5.13.12"})
	family(matchingRule{syntax: syntaxes + "36", prepare: without(" ")},
		[]string{"numericStringMatch", "2.5.13.8"}, []string{"numericStringOrderingMatch", "2.5.13.9"}, []string{"numericStringSubstringsMatch", "2.5.13.10"})
	family(matchingRule{syntax: syntaxes + "50", prepare: without(" ", "-")},
		[]string{"telephoneNumberMatch", "2.5.13.20"}, none, []string{"telephoneNumberSubstringsMatch", "2.5.13.21"})
	family(matchingRule{syntax: syntaxes + "40", prepare: asIs},
		[]string{"octetStringMatch", "2.5.13.17"}, []string{"octetStringOrderingMatch", "2.5.13.18"}, []string{"octetStringSubstringsMatch", "2.5.13.19"})
	family(matchingRule{syntax: syntaxInteger, prepare: asIs, compare: compareIntegers},
		[]string{"integerMatch", "2.5.13.14"}, []string{"integerOrderingMatch", "2.5.13.15"}, none)
	family(matchingRule{syntax: syntaxes + "24", prepare: prepareTime, compare: compareTimes},
		[]string{"generalizedTimeMatch", "2.5.13.27"}, []string{"generalizedTimeOrderingMatch", "2.5.13.28"}, none)
	family(matchingRule{syntax: "1.3.6.1.1.16.1", prepare: prepareFoldedASCII},
		[]string{"UUIDMatch", "1.3.6.1.1.16.2"}, []string{"UUIDOrderingMatch", "1.3.6.1.1.16.3"}, none)
	family(matchingRule{syntax: syntaxCSN, prepare: asIs},
		[]string{"CSNMatch", "1.3.6.1.4.1.4203.666.11.2.2"}, []string{"CSNOrderingMatch", "1.3.6.1.4.1.4203.666.11.2.3"}, none)
	s.addPlainRules(add)
}

// addPlainRules makes the rules that have no relatives.
func (s *Schema) addPlainRules(add func(matchingRule, ...string)) {
	add(matchingRule{name: "booleanmatch", syntax: syntaxes + "7", prepare: asIs}, "booleanMatch", "2.5.13.13")
	add(matchingRule{name: "bitstringmatch", syntax: syntaxes + "6", prepare: asIs}, "bitStringMatch", "2.5.13.16")
	add(matchingRule{name: "objectidentifiermatch", syntax: syntaxes + "38", prepare: asIs}, "objectIdentifierMatch", "2.5.13.0")
	// What these compare stands in the subschema entry only, which answers without them.
	add(matchingRule{name: "objectidentifierfirstcomponentmatch", syntax: syntaxes + "38", prepare: asIs}, "objectIdentifierFirstComponentMatch", "2.5.13.30")
	add(matchingRule{name: "integerfirstcomponentmatch", syntax: syntaxInteger, prepare: asIs}, "integerFirstComponentMatch", "2.5.13.29")
	// Nothing can be asserted of these: slapd has no code for the first two, and the others take a form of their own (RFC 4523).
	add(matchingRule{name: "presentationaddressmatch", prepare: asIs}, "presentationAddressMatch", "2.5.13.22")
	add(matchingRule{name: "protocolinformationmatch", prepare: asIs}, "protocolInformationMatch", "2.5.13.24")
	add(matchingRule{name: "certificateexactmatch", prepare: asIs}, "certificateExactMatch", "2.5.13.34")
	add(matchingRule{name: "certificatelistexactmatch", prepare: asIs}, "certificateListExactMatch", "2.5.13.38")

	add(matchingRule{name: "distinguishednamematch", syntax: syntaxDN, prepare: s.prepareDN}, "distinguishedNameMatch", "2.5.13.1")
	add(matchingRule{name: "uniquemembermatch", syntax: syntaxNameAndUID, prepare: s.prepareNameAndUID}, "uniqueMemberMatch", "2.5.13.23")
	tree := func(name string, matches func(value, asserted string) bool) matchingRule {
		return matchingRule{name: name, syntax: syntaxDN, prepare: s.prepareDN, matches: matches}
	}
	add(tree("dnsubtreematch", keyWithin), "dnSubtreeMatch", "1.3.6.1.4.1.4203.666.4.9")
	add(tree("dnonelevelmatch", func(v, base string) bool { return v != "" && parentKey(v) == base }), "dnOneLevelMatch", "1.3.6.1.4.1.4203.666.4.8")
	add(tree("dnsubordinatematch", func(v, base string) bool { return v != base && keyWithin(v, base) }), "dnSubordinateMatch", "1.3.6.1.4.1.4203.666.4.10")
	add(tree("dnsuperiormatch", func(v, below string) bool { return v != below && keyWithin(below, v) }), "dnSuperiorMatch", "1.3.6.1.4.1.4203.666.4.11")

	bits := func(name string, enough func(common, asked *big.Int) bool) matchingRule {
		return matchingRule{name: name, syntax: syntaxInteger, prepare: asIs, matches: func(value, asserted string) bool {
			have, asked := number(value), number(asserted)
			return enough(new(big.Int).And(have, asked), asked)
		}}
	}
	add(bits("integerbitandmatch", func(common, asked *big.Int) bool { return common.Cmp(asked) == 0 }), "integerBitAndMatch", "1.2.840.113556.1.4.803")
	add(bits("integerbitormatch", func(common, _ *big.Int) bool { return common.Sign() != 0 }), "integerBitOrMatch", "1.2.840.113556.1.4.804")
}

// classRule compares object classes. It has no name to call it by.
func (s *Schema) classRule() *matchingRule {
	return &matchingRule{
		syntax: syntaxClass,
		prepare: func(v string) (string, error) {
			if c, ok := s.classes[strings.ToLower(v)]; ok {
				return c.oid, nil
			}
			if s.sketch {
				return strings.ToLower(v), nil
			}
			return "", errNoMatch
		},
		matches: func(value, asserted string) bool {
			has, wanted := s.classes[value], s.classes[asserted]
			return value == asserted || has != nil && wanted != nil && has.within(wanted)
		},
	}
}

// anyOrder orders values of which nothing is known: numbers as such, everything else as text.
func anyOrder() *matchingRule {
	return &matchingRule{
		name: "any", syntax: syntaxes + "15", prepare: prepareFolded,
		compare: func(a, b string) int {
			if validInteger(a) && validInteger(b) {
				return compareIntegers(a, b)
			}
			return strings.Compare(a, b)
		},
	}
}

func named(r matchingRule, names []string) matchingRule {
	r.name = strings.ToLower(names[0])
	return r
}
