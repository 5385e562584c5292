package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Policy is what Build has to know besides the entry and the wish.
type Policy struct {
	// Matching compares values as the server does.
	Matching Matching
}

// OutsideBase refuses a write outside the subtree that the mapping allows.
type OutsideBase struct {
	DN, Base DN
}

// Error names both DNs.
func (e *OutsideBase) Error() string {
	return fmt.Sprintf("%s is not below %s, and nothing outside the mapping's base is ever written", e.DN, e.Base)
}

// BelowItself refuses to move an entry below itself.
type BelowItself struct {
	From, To DN
}

// Error names both DNs.
func (e *BelowItself) Error() string {
	return fmt.Sprintf("%s cannot move to %s, which is below it", e.From, e.To)
}

// SingleValued refuses several values for an attribute that holds one.
type SingleValued struct {
	Attribute string
	Count     int
}

// Error names the attribute.
func (e *SingleValued) Error() string {
	return fmt.Sprintf("the mapping gives %d values for %s, which holds only one in this directory", e.Count, e.Attribute)
}

// NotEnough says that an entry is missing and cannot be made because its DN is not known.
type NotEnough struct{}

// Error says so.
func (e *NotEnough) Error() string {
	return "the entry does not exist and too little is known to make it"
}

// Build returns the smallest change that leads from an entry, nil if there is none, to what is wanted.
//
// The order is: rename or move, then one modify, then the password. Attributes that no rule names are not touched. Values
// that the server takes for equal are not written, except that a changed spelling of a value of our own is: people who
// correct the case of a name expect to see it.
//
// want.Account is not looked at: the caller has turned it into rules. The errors are [*OutsideBase], [*BelowItself],
// [*SingleValued] and [*NotEnough].
func Build(current *Entry, want Desired, p Policy) (Plan, error) {
	if p.Matching == nil {
		p.Matching = DefaultMatching()
	}
	b := builder{want: want, matching: p.Matching}
	switch {
	case want.Removal != nil && current == nil:
		return Plan{}, nil
	case want.Removal != nil:
		return b.remove(current)
	case current == nil:
		return b.add()
	default:
		return b.change(current)
	}
}

type builder struct {
	want     Desired
	matching Matching
	ops      []Operation
	// becomes: the entry gets an object class, so it is made what it was not, and lacks what that class may demand.
	becomes bool
}

// inside refuses DNs that may not be written; the base itself may be modified but neither moved nor removed.
func (b *builder) inside(dn DN) error {
	if !dn.Below(b.want.Base) {
		return &OutsideBase{DN: dn, Base: b.want.Base}
	}
	return nil
}

func (b *builder) add() (Plan, error) {
	if b.want.DN.Empty() {
		return Plan{}, &NotEnough{}
	}
	if err := b.inside(b.want.DN); err != nil {
		return Plan{}, err
	}
	var attributes []Attribute
	put := func(name string, values ...string) {
		i := slices.IndexFunc(attributes, func(a Attribute) bool { return SameAttribute(a.Name, name) })
		if i < 0 {
			attributes = append(attributes, Attribute{Name: name})
			i = len(attributes) - 1
		}
		for _, v := range values {
			if !contains(b.matching, name, attributes[i].Values, v) {
				attributes[i].Values = append(attributes[i].Values, v)
			}
		}
	}
	put("objectClass", b.want.ObjectClasses...)
	for _, ava := range b.want.DN.RDN() {
		put(ava.Type, ava.Value)
	}
	for _, rule := range b.want.Rules {
		if err := b.single(rule); err != nil {
			return Plan{}, err
		}
		if len(rule.Values) > 0 {
			put(rule.Attribute, rule.Values...)
		}
	}
	if m := b.want.Members; m != nil {
		var values []string
		for _, v := range m.Values {
			if v.Present {
				values = append(values, v.Value)
			}
		}
		if len(values) == 0 && m.Placeholder != "" {
			values = []string{m.Placeholder}
		}
		if len(values) > 0 {
			put(m.Attribute, values...)
		}
	}
	b.ops = append(b.ops, Add{DN: b.want.DN, Attributes: attributes})
	b.password(b.want.DN)
	return Plan{Operations: b.ops, DN: b.want.DN}, nil
}

func (b *builder) change(current *Entry) (Plan, error) {
	dn := current.DN
	entry := current
	if !b.want.DN.Empty() && needsRename(dn, b.want.DN) {
		var err error
		if entry, err = b.rename(current, b.want.DN); err != nil {
			return Plan{}, err
		}
		dn = entry.DN
	}
	if err := b.modify(entry); err != nil {
		return Plan{}, err
	}
	b.password(dn)
	return Plan{Operations: b.ops, DN: dn}, nil
}

func (b *builder) remove(current *Entry) (Plan, error) {
	if err := b.inside(current.DN); err != nil {
		return Plan{}, err
	}
	removal := b.want.Removal
	switch removal.Action {
	case RemoveKeep:
		return Plan{DN: current.DN}, nil
	case RemoveDisable:
		err := b.modify(current)
		return Plan{Operations: b.ops, DN: current.DN}, err
	case RemoveMove:
		return b.bury(current, removal.MoveTo)
	case RemoveSubtree:
		return Plan{Operations: []Operation{Delete{DN: current.DN, Subtree: true}}}, nil
	default:
		return Plan{Operations: []Operation{Delete{DN: current.DN}}}, nil
	}
}

// bury writes the closing rules and moves the entry to where leavers are kept.
func (b *builder) bury(current *Entry, to DN) (Plan, error) {
	if err := b.modify(current); err != nil {
		return Plan{}, err
	}
	dn := to.Child(current.DN.RDN())
	if dn.Equal(current.DN) {
		return Plan{Operations: b.ops, DN: current.DN}, nil
	}
	_, err := b.rename(current, dn)
	return Plan{Operations: b.ops, DN: dn}, err
}

// needsRename reports whether an entry has to be renamed or moved: a parent that is only spelled differently is the same
// place, a name of its own that is spelled differently is not the same name.
func needsRename(from, to DN) bool {
	return !from.Parent().Equal(to.Parent()) || !sameName(from.RDN(), to.RDN())
}

// sameName compares names as a person reads them: composition and insignificant spaces do not count, case does.
func sameName(a, b RDN) bool {
	return a.Key() == b.Key() && slices.EqualFunc(a, b, func(x, y AVA) bool { return squeeze(x.Value) == squeeze(y.Value) })
}

// rename adds a ModifyDN and returns the entry as it will be after it.
func (b *builder) rename(current *Entry, to DN) (*Entry, error) {
	for _, dn := range []DN{current.DN, to} {
		if err := b.inside(dn); err != nil {
			return nil, err
		}
	}
	if to.Parent().Within(current.DN) {
		return nil, &BelowItself{From: current.DN, To: to}
	}
	op := ModifyDN{DN: current.DN, NewRDN: to.RDN(), DeleteOldRDN: sameTypes(current.DN.RDN(), to.RDN())}
	if !current.DN.Parent().Equal(to.Parent()) {
		op.NewSuperior = to.Parent()
	}
	b.ops = append(b.ops, op)

	after := current.Clone()
	after.DN = op.NewDN()
	if op.DeleteOldRDN {
		for _, ava := range current.DN.RDN() {
			after.remove(b.matching, ava.Type, ava.Value)
		}
	}
	for _, ava := range to.RDN() {
		after.remove(b.matching, ava.Type, ava.Value)
		after.put(ava.Type, ava.Value)
	}
	return after, nil
}

// sameTypes reports whether every attribute of an old name stands in the new one as well. Where one does not, its value
// stays with a rename: the entry may need it, or nobody wants it to go. If a rule speaks about it, that decides.
func sameTypes(old, renamed RDN) bool {
	return !slices.ContainsFunc(old, func(o AVA) bool {
		return !slices.ContainsFunc(renamed, func(n AVA) bool { return SameAttribute(o.Type, n.Type) })
	})
}

// modify adds at most one Modify.
func (b *builder) modify(entry *Entry) error {
	var changes []Modification
	if missing := b.missing("objectClass", b.want.ObjectClasses, entry.Values("objectClass")); len(missing) > 0 && b.want.Removal == nil {
		changes = append(changes, Modification{Type: AddValues, Name: "objectClass", Values: missing})
		b.becomes = true
	}
	for _, rule := range b.want.Rules {
		if err := b.single(rule); err != nil {
			return err
		}
		changes = append(changes, b.apply(rule, entry)...)
	}
	changes = append(changes, b.members(entry)...)
	if len(changes) > 0 {
		if !entry.DN.Within(b.want.Base) {
			return &OutsideBase{DN: entry.DN, Base: b.want.Base}
		}
		b.ops = append(b.ops, Modify{DN: entry.DN, Modifications: changes})
	}
	return nil
}

func (b *builder) apply(rule Rule, entry *Entry) []Modification {
	has := entry.Values(rule.Attribute)
	switch rule.Authority {
	case Initial:
		if b.becomes && len(has) == 0 && len(rule.Values) > 0 {
			return []Modification{{Type: AddValues, Name: rule.Attribute, Values: rule.Values}}
		}
		return nil
	case Merge:
		return b.merge(rule, has)
	default:
		return b.manage(rule, has, naming(entry.DN, rule.Attribute))
	}
}

// merge adds what is wanted and takes away what was ours and is wanted no more.
func (b *builder) merge(rule Rule, has []string) []Modification {
	var surplus []string
	for _, v := range rule.Owned {
		if contains(b.matching, rule.Attribute, has, v) && !contains(b.matching, rule.Attribute, rule.Values, v) {
			surplus = append(surplus, v)
		}
	}
	return difference(rule.Attribute, b.missing(rule.Attribute, rule.Values, has), surplus)
}

// manage makes an attribute hold exactly the wanted values. Values that name the entry stay whatever the rule says: the
// server would refuse their removal.
func (b *builder) manage(rule Rule, has, naming []string) []Modification {
	want := slices.Clone(rule.Values)
	for _, v := range naming {
		if !contains(b.matching, rule.Attribute, want, v) {
			want = append(want, v)
		}
	}
	missing := b.missing(rule.Attribute, want, has)
	var surplus []string
	respelled := false
	for _, v := range has {
		i := slices.IndexFunc(want, func(w string) bool { return b.matching.Equal(rule.Attribute, w, v) })
		switch {
		case i < 0:
			surplus = append(surplus, v)
		case caseDiffers(want[i], v) && !isDN(v) && !contains(b.matching, rule.Attribute, naming, v):
			respelled = true
		}
	}
	switch {
	case len(missing) == 0 && len(surplus) == 0 && !respelled:
		return nil
	case len(want) == 0 && rule.ByDeletion:
		return []Modification{{Type: DeleteValues, Name: rule.Attribute, Values: surplus}}
	case len(want) == 0:
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute}}
	case len(surplus) == 0 && !respelled:
		return []Modification{{Type: AddValues, Name: rule.Attribute, Values: missing}}
	case respelled, len(surplus) == len(has), b.matching.SingleValued(rule.Attribute), len(missing)+len(surplus) >= len(want):
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute, Values: want}}
	default:
		return difference(rule.Attribute, missing, surplus)
	}
}

func difference(name string, missing, surplus []string) []Modification {
	var out []Modification
	if len(missing) > 0 {
		out = append(out, Modification{Type: AddValues, Name: name, Values: missing})
	}
	if len(surplus) > 0 {
		out = append(out, Modification{Type: DeleteValues, Name: name, Values: surplus})
	}
	return out
}

// members changes the memberships that are spoken about, and keeps the placeholder where the group would be empty.
func (b *builder) members(entry *Entry) []Modification {
	m := b.want.Members
	if m == nil {
		return nil
	}
	has := entry.Values(m.Attribute)
	var add, remove []string
	stays := m.Others
	for _, v := range m.Values {
		present := contains(b.matching, m.Attribute, has, v.Value)
		switch {
		case v.Present && !present:
			add = append(add, v.Value)
		case !v.Present && present:
			remove = append(remove, v.Value)
		}
		stays = stays || v.Present
	}
	if m.Placeholder != "" {
		placed := contains(b.matching, m.Attribute, has, m.Placeholder)
		switch {
		case stays && placed:
			remove = append(remove, m.Placeholder)
		case !stays && !placed:
			add = append(add, m.Placeholder)
		}
	}
	return difference(m.Attribute, add, remove)
}

func (b *builder) missing(attribute string, want, has []string) []string {
	var out []string
	for _, v := range want {
		if !contains(b.matching, attribute, has, v) && !contains(b.matching, attribute, out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (b *builder) single(rule Rule) error {
	if len(rule.Values) > 1 && b.matching.SingleValued(rule.Attribute) {
		return &SingleValued{Attribute: rule.Attribute, Count: len(rule.Values)}
	}
	return nil
}

func (b *builder) password(dn DN) {
	if p := b.want.Password; p != nil {
		b.ops = append(b.ops, SetPassword{DN: dn, Password: p.Text, Hash: p.Hash, MustChange: p.MustChange})
	}
}

// MoveChildren returns the operations that move entries below another one, each with everything below it.
func MoveChildren(children []DN, to DN) []Operation {
	ops := make([]Operation, len(children))
	for i, child := range children {
		ops[i] = ModifyDN{DN: child, NewRDN: child.RDN(), NewSuperior: to, DeleteOldRDN: true}
	}
	return ops
}

// naming returns the values of an attribute that are part of an entry's own name.
func naming(dn DN, attribute string) []string {
	var out []string
	for _, ava := range dn.RDN() {
		if SameAttribute(ava.Type, attribute) {
			out = append(out, ava.Value)
		}
	}
	return out
}

// SameAttribute reports whether two names are of the same attribute: in whatever case, and also the long names and object
// identifiers of the types that stand in DNs.
func SameAttribute(a, b string) bool { return attributeKey(a) == attributeKey(b) }

func contains(m Matching, attribute string, values []string, v string) bool {
	return slices.ContainsFunc(values, func(x string) bool { return m.Equal(attribute, x, v) })
}

// caseDiffers reports whether two values that the server takes for equal differ in what a person would correct: upper and
// lower case, and not in spaces, hyphens or the composition of characters.
func caseDiffers(a, b string) bool {
	a, b = squeeze(a), squeeze(b)
	return a != b && strings.EqualFold(a, b)
}

// isDN reports whether a value reads as a DN. Spelling never counts between those.
func isDN(v string) bool {
	if !strings.Contains(v, "=") {
		return false
	}
	dn, err := ParseDN(v)
	return err == nil && len(dn) > 1
}

func (e *Entry) remove(m Matching, name, value string) {
	for i, a := range e.Attributes {
		if SameAttribute(a.Name, name) {
			e.Attributes[i].Values = slices.DeleteFunc(a.Values, func(v string) bool { return m.Equal(name, v, value) })
		}
	}
}

func (e *Entry) put(name, value string) {
	for i, a := range e.Attributes {
		if SameAttribute(a.Name, name) {
			e.Attributes[i].Values = append(a.Values, value)
			return
		}
	}
	e.Attributes = append(e.Attributes, Attribute{Name: name, Values: []string{value}})
}
