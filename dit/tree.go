package dit

import (
	"cmp"
	"slices"

	"idaas-ldap/plan"
)

// Entry is one entry of the tree. Its DN is the way to the root, so a move of a subtree is a change in one place.
type Entry struct {
	// id rises with every entry, and gives search results their order.
	id  uint64
	rdn plan.RDN
	// suffix is the whole DN of an entry with nothing above it: the topmost one. It is nil in all others.
	suffix plan.DN
	key    string
	// aside: the entry is in no tree; see [Directory.Aside].
	aside bool
	// implied: nobody has told of the entry, but of one below it; see [Config].
	implied    bool
	parent     *Entry
	children   map[string]*Entry
	attributes []*attribute
}

// attribute is one attribute description with its values.
type attribute struct {
	desc   description
	values []string
	// keys are the values as the equality rule compares them.
	keys []string
	// position finds keys once there are many, so that a member more costs the same in a group of any size.
	position map[string]int
}

// manyValues is the number of values from which on an attribute keeps an index of its own.
const manyValues = 16

func (a *attribute) find(key string) int {
	if a.position != nil {
		if i, ok := a.position[key]; ok {
			return i
		}
		return -1
	}
	return slices.Index(a.keys, key)
}

func (a *attribute) insert(value, key string) {
	a.values = append(a.values, value)
	a.keys = append(a.keys, key)
	switch {
	case a.position != nil:
		a.position[key] = len(a.keys) - 1
	case len(a.keys) > manyValues:
		a.position = make(map[string]int, 2*len(a.keys))
		for i, k := range a.keys {
			a.position[k] = i
		}
	}
}

// removeAt takes a value out. Where there are many the last one takes its place: the values of an attribute have no order.
func (a *attribute) removeAt(i int) {
	if a.position == nil {
		a.values = slices.Delete(a.values, i, i+1)
		a.keys = slices.Delete(a.keys, i, i+1)
		return
	}
	last := len(a.values) - 1
	delete(a.position, a.keys[i])
	if i != last {
		a.values[i], a.keys[i] = a.values[last], a.keys[last]
		a.position[a.keys[i]] = i
	}
	a.values, a.keys = a.values[:last], a.keys[:last]
}

// DN returns the entry's distinguished name. The topmost entry bears the whole suffix.
func (e *Entry) DN() plan.DN {
	var dn plan.DN
	for ; e.parent != nil; e = e.parent {
		dn = append(dn, e.rdn)
	}
	return append(dn, e.suffix...)
}

// Name returns the entry's distinguished name as text.
func (e *Entry) Name() string { return Text(e.DN()) }

// within reports whether e is other or lies below it.
func (e *Entry) within(other *Entry) bool {
	for ; e != nil; e = e.parent {
		if e == other {
			return true
		}
	}
	return false
}

func (e *Entry) attribute(desc description) *attribute {
	for _, a := range e.attributes {
		if a.desc == desc {
			return a
		}
	}
	return nil
}

// each calls do for the attribute and its subtypes, until it returns false.
func (e *Entry) each(desc description, do func(*attribute) bool) {
	for _, a := range e.attributes {
		if a.desc.within(desc) && !do(a) {
			return
		}
	}
}

// sortedChildren returns the entries right below in the order in which they came.
func (e *Entry) sortedChildren() []*Entry {
	out := make([]*Entry, 0, len(e.children))
	for _, c := range e.children {
		out = append(out, c)
	}
	slices.SortFunc(out, byID)
	return out
}

// ID rises with every entry that is made.
func (e *Entry) ID() uint64 { return e.id }

func byID(a, b *Entry) int { return cmp.Compare(a.id, b.id) }
