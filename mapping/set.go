package mapping

import (
	"errors"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Set is a compiled mapping file. It never changes, so it may be used by many goroutines at once.
type Set struct {
	file     string
	base     plan.DN
	baseText string
	sections map[event.Kind]*section
	guards   Guards
	// protection names what is never taken over.
	protection Protection
	protects   []protectRule
	tests      []Test
	// lines is the text of the file, for the excerpts of problems that show later.
	lines []string
	// kept are where the sections keep entries that are not at their usual place.
	kept []Place
}

// Base returns the DN outside of which nothing is ever written.
func (s *Set) Base() plan.DN { return s.base }

// Root returns the DN that stands for the unit above all others.
func (s *Set) Root() plan.DN {
	if unit := s.sections[event.KindUnit]; unit != nil {
		return unit.root
	}
	return s.base
}

// RootAbove returns the root unit for use as Input.Above.
func (s *Set) RootAbove() *Above {
	ref := event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}
	return &Above{Object: event.Object{Ref: ref, Existence: event.Existence{Present: true}, Facts: map[string]event.Fact{event.FieldID: {Value: ref.ID}}}, DN: s.Root()}
}

// PlaceEntry returns what an entry should be where it is missing, for the places that the mapping fixes for others to be
// below: the root unit, and where disabled users and leavers are kept. It returns false for any other.
func (s *Set) PlaceEntry(dn plan.DN) (plan.Desired, bool) {
	place := plan.Desired{DN: dn, Base: s.base, ObjectClasses: []string{defaultClasses[event.KindUnit]}}
	if dn.Equal(s.Root()) {
		if unit := s.sections[event.KindUnit]; unit != nil {
			place.ObjectClasses = unit.objectClasses
		}
		place.Object = event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}
		return place, true
	}
	isPlace := slices.ContainsFunc(s.kept, func(p Place) bool { return p.DN.Equal(dn) })
	return place, isPlace && strings.EqualFold(dn.RDN()[0].Type, "ou")
}

// Handles reports whether the mapping has a section for a kind of object.
func (s *Set) Handles(kind event.Kind) bool { return s.sections[kind] != nil }

// ReadsAbove reports whether the section for a kind needs to know the unit above.
func (s *Set) ReadsAbove(kind event.Kind) bool {
	c := s.sections[kind]
	if c == nil {
		return false
	}
	return c.readsAbove()
}

// Attributes returns the attributes to read of an entry of a kind: all that rules speak about. The members of a group are
// not among them, as there may be very many.
func (s *Set) Attributes(kind event.Kind) []string {
	c := s.sections[kind]
	if c == nil {
		return nil
	}
	names := []string{"objectClass"}
	add := func(name string) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	for _, name := range c.dn.names() {
		add(name)
	}
	for _, rule := range c.attributes {
		add(rule.name)
	}
	for _, m := range c.match {
		for _, name := range m.attributes {
			add(name)
		}
	}
	for _, m := range []plan.Means{c.lifecycle.disable, c.lifecycle.lock, c.lifecycle.expire} {
		for _, rule := range append(slices.Clone(m.On), m.Off...) {
			add(rule.Attribute)
		}
	}
	return names
}

// Account says whether a user may log in, and how that is to be expressed; false for what is no user, and where the mapping does not
// speak of users. It needs neither the unit of the user nor anything else to be looked up, and no rule that fails keeps it from
// being told, so access can be ended by it whatever else is in the way.
func (s *Set) Account(in Input) (plan.Account, bool) {
	user := s.sections[event.KindUser]
	if user == nil || in.Object.Ref.Kind != event.KindUser {
		return plan.Account{}, false
	}
	l := user.lifecycle
	return plan.Account{Disable: l.disable, Lock: l.lock, Expire: l.expire, State: in.Object.Account()}, true
}

// Marks returns the attributes by which the match rules for a kind know an entry of ours: one that has such an attribute was
// written, or taken over, for an object. Only rules that ask for the IDaaS id count.
func (s *Set) Marks(kind event.Kind) []string {
	var names []string
	c := s.sections[kind]
	if c == nil {
		return nil
	}
	for _, rule := range c.match {
		if rule.byID && len(rule.attributes) == 1 && !slices.Contains(names, rule.attributes[0]) {
			names = append(names, rule.attributes[0])
		}
	}
	return names
}

// Members returns how the members of a group are written; false where the mapping does not speak of members.
func (s *Set) Members() (MemberRule, bool) {
	if group := s.sections[event.KindGroup]; group != nil && group.members != nil {
		return *group.members, true
	}
	return MemberRule{}, false
}

// MembersByDN reports whether groups name their members by DN.
func (s *Set) MembersByDN() bool {
	rule, ok := s.Members()
	return ok && rule.value == nil
}

// MemberRule returns the text of the rule by which groups name their members; empty where they do by DN.
func (s *Set) MemberRule() string {
	rule, ok := s.Members()
	if !ok || rule.value == nil {
		return ""
	}
	return rule.value.canonical
}

// OutOfScope reports whether it is certain that the scope of the mapping leaves an object out, or that there is no section
// for its kind; above is the unit that it belongs to, nil where that is not known.
func (s *Set) OutOfScope(object event.Object, above *Above) bool {
	c := s.sections[object.Ref.Kind]
	if c == nil {
		return true
	}
	_, err := s.evaluation(c, Input{Object: object, Above: above}).inScope()
	return errors.Is(err, ErrOutOfScope)
}

// MemberValue returns the value that stands for a user in a group; empty where what is known of the user gives none. The
// error is an [*EvaluationError] or [*Skipped].
func (s *Set) MemberValue(user event.Object, dn plan.DN) (string, error) {
	rule, _ := s.Members()
	if rule.value == nil {
		return dn.String(), nil
	}
	e := s.evaluation(&section{kind: event.KindGroup, in: scope{kind: event.KindUser}}, Input{Object: user, DN: dn})
	name := map[string]any{}
	for _, ava := range dn.RDN() {
		for _, attribute := range s.userNames() {
			if strings.EqualFold(attribute, ava.Type) {
				name[attribute] = ava.Value
			}
		}
	}
	e.env[nameEntry] = name
	values, err := e.values(rule.value, "members.value")
	if err != nil || len(values) == 0 {
		return "", err
	}
	return values[0], nil
}

// userNames returns the attributes that name the entry of a user.
func (s *Set) userNames() []string {
	user := s.sections[event.KindUser]
	if user == nil || user.dn == nil {
		return nil
	}
	return user.dn.names()
}

// References returns the attributes whose values are the DNs of other entries.
func (s *Set) References() []string {
	var names []string
	for _, c := range s.sections {
		for _, rule := range c.attributes {
			if rule.reference != "" && !slices.Contains(names, rule.name) {
				names = append(names, rule.name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Named returns the objects that the entry of an object is to name by their DNs, by attribute, as far as that follows from what is known
// of the object and of the unit above it.
func (s *Set) Named(in Input) map[string][]event.Ref {
	c := s.sections[in.Object.Ref.Kind]
	if c == nil {
		return nil
	}
	e, named := s.evaluation(c, in), map[string][]event.Ref{}
	for _, rule := range c.attributes {
		if rule.reference == "" {
			continue
		}
		if applies, err := e.condition(rule.when, rule.path+".when"); err != nil || !applies {
			continue
		}
		ids, _ := e.values(rule.value, rule.path) // A rule that fails names nobody.
		for _, id := range ids {
			named[rule.name] = append(named[rule.name], event.Ref{Kind: rule.reference, ID: id})
		}
	}
	return named
}

// Tests returns the tests of the file.
func (s *Set) Tests() []Test { return s.tests }

// Matches returns the filters by which the entry of an object is looked for, as far as they follow from what is known of it.
func (s *Set) Matches(object event.Object) ([]plan.Match, error) {
	c := s.sections[object.Ref.Kind]
	if c == nil {
		return nil, nil
	}
	return s.evaluation(c, Input{Object: object}).matches()
}

// Guards returns the limits on what happens without a person's approval.
func (s *Set) Guards() Guards { return s.guards }

// PasswordRule returns whether and how passwords are written.
func (s *Set) PasswordRule() PasswordRule {
	if user := s.sections[event.KindUser]; user != nil {
		return user.password
	}
	return PasswordRule{}
}

// expressions returns all expressions of a section but those of members.
func (c *section) expressions() []*expression {
	out := c.dn.expressions()
	for _, m := range c.match {
		out = append(out, expressionsOf(m.pieces)...)
	}
	for _, rule := range c.attributes {
		out = append(out, rule.expressions()...)
	}
	if c.scope != nil {
		out = append(out, c.scope)
	}
	return out
}

func (a attributeRule) expressions() []*expression {
	var out []*expression
	for _, e := range []*expression{a.value, a.when} {
		if e != nil {
			out = append(out, e)
		}
	}
	if a.unique != nil {
		out = append(out, a.unique.candidates)
	}
	return out
}

// readsAbove reports whether anything in a section depends on the unit above.
func (c *section) readsAbove() bool { return c.dn.tail == tailAbove || readAbove(c.expressions()) }

// readAbove reports whether one of some expressions reads the unit above.
func readAbove(all []*expression) bool {
	return slices.ContainsFunc(all, func(e *expression) bool { return e.readsAbove })
}
