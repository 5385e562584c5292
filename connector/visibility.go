package connector

import (
	"sync"

	"idaas-ldap/plan"
)

// visibility is which attributes the server has shown to the bind account, and which it takes from it and does not show. It is
// found out as values are read and written, and forgotten with the profile, as rights change.
type visibility struct {
	mu            sync.Mutex
	shown, hidden map[string]bool
}

// note remembers that the server shows an attribute, or does not although it has a value.
func (v *visibility) note(key string, shown bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shown == nil {
		v.shown, v.hidden = map[string]bool{}, map[string]bool{}
	}
	if shown {
		v.shown[key] = true
		delete(v.hidden, key)
		return
	}
	if !v.shown[key] {
		v.hidden[key] = true
	}
}

// Hidden reports whether an attribute is known to have values that the bind account may write and not read.
func (p *Profile) Hidden(attribute string) bool {
	p.visibility.mu.Lock()
	defer p.visibility.mu.Unlock()
	return p.visibility.hidden[p.Matching.AttributeKey(attribute)]
}

// Doubtful returns those of some attributes of which nobody knows yet whether the bind account may read them.
func (p *Profile) Doubtful(attributes []string) []string {
	p.visibility.mu.Lock()
	defer p.visibility.mu.Unlock()
	var out []string
	for _, name := range attributes {
		if key := p.Matching.AttributeKey(name); !p.visibility.shown[key] && !p.visibility.hidden[key] {
			out = append(out, name)
		}
	}
	return out
}

// Written tells what an entry showed of attributes that have a value: what is not among it cannot be read.
func (p *Profile) Written(entry *plan.Entry, attributes []string) {
	for _, name := range attributes {
		p.visibility.note(p.Matching.AttributeKey(name), len(entry.ValuesOf(p.Matching, name)) > 0)
	}
}
