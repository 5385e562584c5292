package dit

import (
	"slices"

	"idaas-ldap/plan"
)

// index finds entries by the value of one attribute type.
type index struct {
	schema  *Schema
	entries map[string]*posting
	// below finds, for DN-valued attributes, the values that lie at or below a DN, by its key. It is nil for others.
	below map[string]map[string]struct{}
}

// posting is the entries with one value, in a slice while they are few and in a set from then on.
type posting struct {
	few  []*Entry
	many map[*Entry]int
	// above are the DNs under which the value is listed in below.
	above []string
}

const fewEntries = 8

func newIndex(s *Schema, typ *attributeType) *index {
	x := &index{schema: s, entries: map[string]*posting{}}
	if typ.syntax == syntaxDN {
		x.below = map[string]map[string]struct{}{}
	}
	return x
}

func (x *index) add(key, value string, e *Entry) {
	p := x.entries[key]
	if p == nil {
		p = &posting{}
		x.entries[key] = p
		x.listBelow(key, value, p)
	}
	if p.many == nil && len(p.few) < fewEntries {
		p.few = append(p.few, e)
		return
	}
	if p.many == nil {
		p.many = make(map[*Entry]int, 4*fewEntries)
		for _, e := range p.few {
			p.many[e]++
		}
		p.few = nil
	}
	p.many[e]++
}

func (x *index) remove(key string, e *Entry) {
	p := x.entries[key]
	if p.many == nil {
		i := slices.Index(p.few, e)
		p.few = slices.Delete(p.few, i, i+1)
	} else if p.many[e]--; p.many[e] == 0 {
		delete(p.many, e)
	}
	if len(p.few) > 0 || len(p.many) > 0 {
		return
	}
	delete(x.entries, key)
	for _, above := range p.above {
		delete(x.below[above], key)
		if len(x.below[above]) == 0 {
			delete(x.below, above)
		}
	}
}

func (x *index) listBelow(key, value string, p *posting) {
	if x.below == nil {
		return
	}
	dn, err := plan.ParseDN(value)
	if err != nil {
		return
	}
	for i := range dn {
		above := x.schema.keyOf(dn[i:])
		if x.below[above] == nil {
			x.below[above] = map[string]struct{}{}
		}
		x.below[above][key] = struct{}{}
		p.above = append(p.above, above)
	}
}

// count returns how many entries have the value, roughly: it decides which of several indexes is used.
func (x *index) count(key string) int {
	p := x.entries[key]
	if p == nil {
		return 0
	}
	return len(p.few) + len(p.many)
}

// with returns the entries that have the value, each once.
func (x *index) with(key string) []*Entry {
	p := x.entries[key]
	if p == nil {
		return nil
	}
	out := slices.Clone(p.few)
	for e := range p.many {
		out = append(out, e)
	}
	slices.SortFunc(out, byID)
	return slices.Compact(out)
}

// keysBelow returns the values that are the DN or lie below it.
func (x *index) keysBelow(dn plan.DN) []string {
	below := x.below[x.schema.keyOf(dn)]
	out := make([]string, 0, len(below))
	for key := range below {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
