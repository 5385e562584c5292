package plan

import (
	"fmt"
	"slices"
)

// Policy is what Build has to know besides the entry and the wish.
type Policy struct {
	// Matching compares values as the server does.
	Matching Matching
	// Hidden reports whether an attribute may be written and not read; nil where all may be read. It is replaced as a whole, as
	// nobody can see what would have to go.
	Hidden func(attribute string) bool
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
	b := builder{want: want, matching: p.Matching, hidden: p.Hidden}
	if b.hidden == nil {
		b.hidden = func(string) bool { return false }
	}
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
	hidden   func(attribute string) bool
	ops      []Operation
	// becomes: the entry gets an object class, so it is made what it was not, and lacks what that class may demand.
	becomes bool
}

// inside refuses DNs that may not be written; the base itself may be modified but neither moved nor removed.
func (b *builder) inside(dn DN) error {
	if !Below(b.matching, dn, b.want.Base) {
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
		i := slices.IndexFunc(attributes, func(a Attribute) bool { return SameDescription(b.matching, a.Name, name) })
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
	if !b.want.DN.Empty() && needsRename(b.matching, dn, b.want.DN) {
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
		return b.bury(current, *removal)
	case RemoveSubtree:
		return Plan{Operations: []Operation{Delete{DN: current.DN, Subtree: true}}}, nil
	default:
		return Plan{Operations: []Operation{Delete{DN: current.DN}}}, nil
	}
}

// bury writes the closing rules and moves the entry to where leavers are kept.
func (b *builder) bury(current *Entry, removal Removal) (Plan, error) {
	if err := b.modify(current); err != nil {
		return Plan{}, err
	}
	name := removal.Rename
	if len(name) == 0 {
		name = current.DN.RDN()
	}
	dn := removal.MoveTo.Child(name)
	if SameDN(b.matching, current.DN.Parent(), removal.MoveTo) { // whatever it is called there
		return Plan{Operations: b.ops, DN: current.DN}, nil
	}
	_, err := b.rename(current, dn)
	return Plan{Operations: b.ops, DN: dn}, err
}

func (b *builder) password(dn DN) {
	if p := b.want.Password; p != nil {
		b.ops = append(b.ops, SetPassword{DN: dn, Password: p.Text, Hash: p.Hash, MustChange: p.MustChange})
	}
}
