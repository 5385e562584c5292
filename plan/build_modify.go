package plan

import (
	"slices"
	"strings"
)

// modify adds at most one Modify.
func (b *builder) modify(entry *Entry) error {
	var changes []Modification
	if missing := b.missing("objectClass", b.want.ObjectClasses, entry.ValuesOf(b.matching, "objectClass")); len(missing) > 0 && b.want.Removal == nil {
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
		if !Within(b.matching, entry.DN, b.want.Base) {
			return &OutsideBase{DN: entry.DN, Base: b.want.Base}
		}
		b.ops = append(b.ops, Modify{DN: entry.DN, Modifications: changes})
	}
	return nil
}

func (b *builder) apply(rule Rule, entry *Entry) []Modification {
	has := entry.ValuesOf(b.matching, rule.Attribute)
	switch rule.Authority {
	case Initial:
		if b.becomes && len(has) == 0 && len(rule.Values) > 0 {
			return []Modification{{Type: AddValues, Name: rule.Attribute, Values: rule.Values}}
		}
		return nil
	case Merge:
		return b.merge(rule, has)
	default:
		return b.manage(rule, has, b.naming(entry.DN, rule.Attribute))
	}
}

// merge adds what is wanted and takes away what was ours and is wanted no more.
func (b *builder) merge(rule Rule, has []string) []Modification {
	if len(has) == 0 && b.hidden(rule.Attribute) {
		has = rule.Owned // Of what cannot be seen at least that is there, unless somebody has removed it.
	}
	var surplus []string
	for _, v := range rule.Owned {
		if contains(b.matching, rule.Attribute, has, v) && !contains(b.matching, rule.Attribute, rule.Values, v) {
			surplus = append(surplus, v)
		}
	}
	missing := b.missing(rule.Attribute, rule.Values, has)
	if !b.matching.Comparable(rule.Attribute) && len(missing)+len(surplus) > 0 {
		stay := slices.DeleteFunc(slices.Clone(has), func(v string) bool { return contains(b.matching, rule.Attribute, surplus, v) })
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute, Values: append(stay, missing...)}}
	}
	return difference(rule.Attribute, missing, surplus)
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
	if len(has) == 0 && b.hidden(rule.Attribute) {
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute, Values: want}}
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
	case len(want) == 0 && rule.ByDeletion && b.matching.Comparable(rule.Attribute):
		return []Modification{{Type: DeleteValues, Name: rule.Attribute, Values: surplus}}
	case len(want) == 0:
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute}}
	case len(surplus) == 0 && !respelled && b.addable(rule.Attribute, has):
		return []Modification{{Type: AddValues, Name: rule.Attribute, Values: missing}}
	case respelled, len(surplus) == len(has), b.matching.SingleValued(rule.Attribute), !b.matching.Comparable(rule.Attribute),
		len(missing)+len(surplus) >= len(want):
		return []Modification{{Type: ReplaceValues, Name: rule.Attribute, Values: want}}
	default:
		return difference(rule.Attribute, missing, surplus)
	}
}

// addable reports whether values can be added beside those that an attribute has.
func (b *builder) addable(attribute string, has []string) bool {
	return len(has) == 0 || b.matching.Comparable(attribute)
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
	has := entry.ValuesOf(b.matching, m.Attribute)
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

// naming returns the values of an attribute that are part of an entry's own name.
func (b *builder) naming(dn DN, attribute string) []string {
	var out []string
	for _, ava := range dn.RDN() {
		if SameDescription(b.matching, ava.Type, attribute) {
			out = append(out, ava.Value)
		}
	}
	return out
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
