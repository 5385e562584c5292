package mapping

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/plan"
)

// Some values are decided once, when an entry is made, and stay: numbers that are given out, and names of which the first
// free one is taken. Rules and the DN read them as entry.uid.

// Number asks for a number that is given out once.
type Number struct {
	// Pool is the attribute in lower case.
	Pool     string
	From, To int64
}

// Name asks for a value of an attribute that no other entry has.
type Name struct {
	// Pool is the attribute in lower case.
	Pool string
	// given are the values that the mapping names, the preferred one first.
	given []string
	// longest is how many characters a value may have, zero for any number.
	longest int
}

// maxCandidates is how many values are tried before an object counts as one that cannot be named.
const maxCandidates = 1000

// Candidates returns up to count values in their order of preference, beginning with the one of an index; none where
// there are no more. Behind the values that the mapping names come the last of them with 2, 3 and so on.
func (n Name) Candidates(from, count int) []string {
	var out []string
	for i := from; i < min(from+count, maxCandidates); i++ {
		if i < len(n.given) {
			out = append(out, numbered(n.given[i], "", n.longest))
			continue
		}
		number := strconv.Itoa(i - len(n.given) + 2)
		out = append(out, numbered(n.given[len(n.given)-1], number, n.longest))
	}
	return out
}

// numbered puts a number behind a name, in an address before its @, and cuts the name where it would get too long.
func numbered(name, number string, longest int) string {
	local, domain := name, ""
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		local, domain = name[:at], name[at:]
	}
	if longest > 0 {
		letters := []rune(local)
		room := max(1, longest-len(number)-utf8.RuneCountInString(domain))
		local = string(letters[:min(room, len(letters))])
	}
	return local + number + domain
}

// Kept returns the value that an entry has already, empty if it has none.
func (n Name) Kept(m plan.Matching, entry *plan.Entry) string {
	values := entry.ValuesOf(m, n.Pool)
	for _, ava := range entry.DN.RDN() {
		if plan.SameDescription(m, ava.Type, n.Pool) {
			return ava.Value
		}
	}
	for _, candidate := range n.Candidates(0, len(n.given)) {
		if slices.ContainsFunc(values, func(v string) bool { return m.Equal(n.Pool, v, candidate) }) {
			return candidate
		}
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Kept returns the number that an entry has already.
func (n Number) Kept(m plan.Matching, entry *plan.Entry) (int64, bool) {
	values := entry.ValuesOf(m, n.Pool)
	if len(values) == 0 {
		return 0, false
	}
	number, err := strconv.ParseInt(values[0], 10, 64)
	return number, err == nil
}

// decides reports whether the value of an attribute is decided once.
func (a attributeRule) decides() bool { return a.allocate != nil || a.unique != nil }

// uniqueRule says between which values the choice is.
type uniqueRule struct {
	candidates *expression
	longest    int
}

// decidedNames returns the attributes of a section whose values are decided once. They are known before expressions are
// read, so that those can name them.
func decidedNames(section *ast.MappingNode) []string {
	var names []string
	for _, entry := range section.Values {
		attributes, ok := entry.Value.(*ast.MappingNode)
		if keyName(entry) != "attributes" {
			continue
		}
		if single, isSingle := entry.Value.(*ast.MappingValueNode); isSingle {
			attributes, ok = &ast.MappingNode{Values: []*ast.MappingValueNode{single}}, true
		}
		if !ok {
			continue
		}
		for _, attribute := range attributes.Values {
			if ruleHas(attribute.Value, "unique") || ruleHas(attribute.Value, "allocate") {
				names = append(names, keyName(attribute))
			}
		}
	}
	return names
}

func ruleHas(n ast.Node, key string) bool {
	switch n := n.(type) {
	case *ast.MappingNode:
		return hasKey(n, key)
	case *ast.MappingValueNode:
		return keyName(n) == key
	}
	return false
}

func (r *reader) allocate(name string, n ast.Node) *Number {
	number := &Number{Pool: strings.ToLower(name)}
	keys := r.keys(n, "allocate")
	if keys == nil {
		return number
	}
	before := len(r.errors.List)
	r.each(keys, map[string]func(ast.Node){
		"from": func(n ast.Node) { number.From, _ = r.number(n, "from", 0) },
		"to":   func(n ast.Node) { number.To, _ = r.number(n, "to", 0) },
	})
	if len(r.errors.List) == before && (!hasKey(keys, "from") || !hasKey(keys, "to") || number.To < number.From) {
		r.problem(r.at(n), "allocate has a range, as in { from: 20000, to: 60000 }")
	} else if isUnixNumber(name) && (number.From < 1 || number.To > largestUnixNumber) {
		r.problem(r.at(n), "a number of UNIX is at least 1, as 0 is the superuser, and at most %d", largestUnixNumber)
	}
	return number
}

// decide finds out what is decided once, and asks for what is not yet. match finds the entry that may have it already.
func (e *evaluation) decide(match []plan.Match) error {
	if len(e.section.in.decided) == 0 {
		return nil
	}
	decided := map[string]any{}
	e.env[nameEntry] = decided
	for i := range e.section.attributes {
		rule := &e.section.attributes[i]
		if !rule.decides() || e.unitOpen && readAbove(rule.expressions()) {
			continue
		}
		value, err := e.decided(rule)
		switch {
		case err != nil && !e.noted(err, rule.name):
			return err
		case value != "":
			decided[rule.name] = value
		}
	}
	if len(e.asked.Numbers)+len(e.asked.Names) == 0 {
		return nil
	}
	e.asked.Match = match
	return &e.asked
}

// decided returns the decided value of an attribute, or asks for it.
func (e *evaluation) decided(rule *attributeRule) (string, error) {
	if applies, err := e.condition(rule.when, rule.path+".when"); err != nil || !applies {
		return "", err
	}
	pool := strings.ToLower(rule.name)
	if rule.allocate != nil {
		if number, ok := e.in.Numbers[pool]; ok {
			return valueText(number), nil
		}
		e.asked.Numbers = append(e.asked.Numbers, *rule.allocate)
		return "", nil
	}
	if name, ok := e.in.Names[pool]; ok {
		return name, nil
	}
	candidates, err := e.values(rule.unique.candidates, rule.path)
	if err != nil || len(candidates) == 0 {
		return "", err
	}
	e.asked.Names = append(e.asked.Names, Name{Pool: pool, given: candidates, longest: rule.unique.longest})
	return "", nil
}

// decidedValue returns what was decided for an attribute.
func (e *evaluation) decidedValue(attribute string) (string, bool) {
	decided, _ := e.env[nameEntry].(map[string]any)
	value, ok := decided[attribute].(string)
	return value, ok
}

// undecided returns the fields without which the value of an attribute cannot be decided.
func (e *evaluation) undecided(attribute string) []string {
	for i := range e.section.attributes {
		rule := &e.section.attributes[i]
		if rule.name == attribute && rule.unique != nil {
			if missing := e.unseen(rule.unique.candidates); len(missing) > 0 {
				return missing
			}
		}
	}
	return []string{nameEntry + "." + attribute}
}
