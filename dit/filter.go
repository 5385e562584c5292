package dit

import (
	"slices"
	"strings"

	"idaas-ldap/plan"
)

// truth is the outcome of a filter: false, undefined or true (RFC 4511 section 4.5.1.7). The order lets "and" be the smaller
// and "or" the greater of two.
type truth int8

const (
	isFalse truth = iota - 1
	isUndefined
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// Filter is a search filter with its assertions prepared.
type Filter interface {
	match(d *Directory, e *Entry) truth
	// candidates returns entries among which are all that match, and how many; false where it takes a look at every entry.
	candidates(d *Directory) (count int, list func() []*Entry, ok bool)
}

// Matches reports whether a filter is true for an entry.
func (d *Directory) Matches(e *Entry, f Filter) bool { return f.match(d, e) == isTrue }

type (
	andFilter       []Filter
	orFilter        []Filter
	notFilter       struct{ of Filter }
	presentFilter   struct{ desc description }
	undefinedFilter struct{}
	equalityFilter  struct {
		desc description
		key  string
	}
	orderFilter struct {
		desc    description
		key     string
		greater bool
	}
	substringFilter struct {
		desc           description
		initial, final string
		middle         []string
	}
	extensibleFilter struct {
		rule    *matchingRule
		desc    *description
		key     string
		inNames bool
	}
)

func (f andFilter) match(d *Directory, e *Entry) truth {
	out := isTrue
	for _, part := range f {
		if out = min(out, part.match(d, e)); out == isFalse {
			break
		}
	}
	return out
}

func (f orFilter) match(d *Directory, e *Entry) truth {
	out := isFalse
	for _, part := range f {
		if out = max(out, part.match(d, e)); out == isTrue {
			break
		}
	}
	return out
}

func (f notFilter) match(d *Directory, e *Entry) truth { return -f.of.match(d, e) }

func (undefinedFilter) match(*Directory, *Entry) truth { return isUndefined }

func (f presentFilter) match(d *Directory, e *Entry) truth {
	return truthOf(d.anyValue(e, f.desc, func(*attribute) bool { return true }))
}

func (f equalityFilter) match(d *Directory, e *Entry) truth {
	rule := f.desc.typ.equality
	return truthOf(d.anyValue(e, f.desc, func(a *attribute) bool {
		if rule.matches == nil {
			return a.find(f.key) >= 0
		}
		return slices.ContainsFunc(a.keys, func(key string) bool { return rule.matches(key, f.key) })
	}))
}

func (f orderFilter) match(d *Directory, e *Entry) truth {
	return truthOf(d.anyValue(e, f.desc, func(a *attribute) bool {
		return slices.ContainsFunc(a.values, func(v string) bool {
			key, err := f.desc.typ.ordering.prepare(v)
			if err != nil {
				return false
			}
			order := f.desc.typ.ordering.order(key, f.key)
			return order == 0 || order > 0 == f.greater
		})
	}))
}

func (f substringFilter) match(d *Directory, e *Entry) truth {
	return truthOf(d.anyValue(e, f.desc, func(a *attribute) bool {
		return slices.ContainsFunc(a.values, f.matchValue)
	}))
}

func (f substringFilter) matchValue(value string) bool {
	rest, err := f.desc.typ.equality.prepare(value)
	if err != nil || !strings.HasPrefix(rest, f.initial) {
		return false
	}
	rest = rest[len(f.initial):]
	if !strings.HasSuffix(rest, f.final) {
		return false
	}
	rest = rest[:len(rest)-len(f.final)]
	for _, m := range f.middle {
		i := strings.Index(rest, m)
		if i < 0 {
			return false
		}
		rest = rest[i+len(m):]
	}
	return true
}

func (f extensibleFilter) match(d *Directory, e *Entry) truth {
	fits := func(a *attribute) bool {
		return f.rule.usable(a.desc.typ) && slices.ContainsFunc(a.values, f.matchValue)
	}
	if f.desc != nil {
		if f.desc.typ.name() == "hasSubordinates" {
			return isFalse // slapd looks at what is stored, and that is not
		}
		if d.anyValue(e, *f.desc, fits) {
			return isTrue
		}
	} else if slices.ContainsFunc(e.attributes, fits) {
		return isTrue
	}
	return truthOf(f.inNames && f.matchDN(d, e.DN()))
}

func (f extensibleFilter) matchValue(value string) bool {
	have, err := f.rule.prepare(value)
	return err == nil && f.rule.match(have, f.key)
}

func (f extensibleFilter) matchDN(d *Directory, dn plan.DN) bool {
	for _, rdn := range dn {
		for _, ava := range rdn {
			desc, err := d.schema.describe(ava.Type)
			if err != nil {
				continue
			}
			about := f.desc == nil && f.rule.usable(desc.typ) || f.desc != nil && desc.within(*f.desc)
			if about && f.matchValue(ava.Value) {
				return true
			}
		}
	}
	return false
}

// anyValue calls test for the attributes that a description names, also for those that are made when they are asked for.
func (d *Directory) anyValue(e *Entry, desc description, test func(*attribute) bool) bool {
	found := false
	e.each(desc, func(a *attribute) bool {
		found = !d.trouble.hidesAttribute(a.desc.typ) && test(a)
		return !found
	})
	if !found && desc.typ.operational {
		if a := d.computed(e, desc); a != nil {
			return test(a)
		}
	}
	return found
}

// computed returns an operational attribute that is not stored, nil if it is none of those.
func (d *Directory) computed(e *Entry, desc description) *attribute {
	if e.aside {
		return nil
	}
	var value string
	switch desc.typ.name() {
	case "entryDN":
		value = e.Name()
	case "subschemaSubentry":
		value = SubschemaDN
	case "hasSubordinates":
		value = "FALSE"
		if len(e.children) > 0 {
			value = "TRUE"
		}
	case "structuralObjectClass":
		c, err := structural(d.classesOf(e))
		if err != nil {
			return nil
		}
		value = c.name()
	default:
		return nil
	}
	key, err := d.schema.normalise(desc.typ, value)
	if err != nil {
		return nil
	}
	return &attribute{desc: desc, values: []string{value}, keys: []string{key}}
}

func (f equalityFilter) candidates(d *Directory) (int, func() []*Entry, bool) {
	x := d.indexes[f.desc.typ]
	if x == nil || f.desc.typ.subtyped || f.desc.typ.equality.matches != nil {
		return 0, nil, false
	}
	return x.count(f.key), func() []*Entry { return x.with(f.key) }, true
}

// candidates of "and" are those of the part with the fewest.
func (f andFilter) candidates(d *Directory) (count int, list func() []*Entry, ok bool) {
	for _, part := range f {
		if n, l, indexed := part.candidates(d); indexed && (!ok || n < count) {
			count, list, ok = n, l, true
		}
	}
	return count, list, ok
}

// candidates of "or" are those of all parts together.
func (f orFilter) candidates(d *Directory) (int, func() []*Entry, bool) {
	count, lists := 0, make([]func() []*Entry, 0, len(f))
	for _, part := range f {
		n, l, ok := part.candidates(d)
		if !ok {
			return 0, nil, false
		}
		count, lists = count+n, append(lists, l)
	}
	return count, func() []*Entry {
		var out []*Entry
		for _, l := range lists {
			out = append(out, l()...)
		}
		slices.SortFunc(out, byID)
		return slices.Compact(out)
	}, true
}

func (notFilter) candidates(*Directory) (int, func() []*Entry, bool)        { return 0, nil, false }
func (presentFilter) candidates(*Directory) (int, func() []*Entry, bool)    { return 0, nil, false }
func (orderFilter) candidates(*Directory) (int, func() []*Entry, bool)      { return 0, nil, false }
func (substringFilter) candidates(*Directory) (int, func() []*Entry, bool)  { return 0, nil, false }
func (extensibleFilter) candidates(*Directory) (int, func() []*Entry, bool) { return 0, nil, false }

// candidates of what is never true are none.
func (undefinedFilter) candidates(*Directory) (int, func() []*Entry, bool) {
	return 0, func() []*Entry { return nil }, true
}
