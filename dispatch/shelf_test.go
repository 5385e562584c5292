package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// shelf is a directory in memory without LDAP: entries in a map, with the refusals that matter for where entries are. It
// tells somebody of every operation before it is done. What it does not say itself is said by an empty directory: there are
// no references.
type shelf struct {
	processor.Target
	told func(s *shelf, op plan.Operation)

	mu      sync.Mutex
	entries map[string]*plan.Entry // by the key of the DN
	made    int
}

func newShelf(kind string, told func(*shelf, plan.Operation)) *shelf {
	s := &shelf{Target: processor.Offline(kind), told: told, entries: map[string]*plan.Entry{}}
	for _, dn := range []string{"ou=people,dc=example,dc=org", "ou=groups,dc=example,dc=org", "ou=leavers,dc=example,dc=org"} {
		s.put(plan.MustParseDN(dn), nil)
	}
	return s
}

func (s *shelf) put(dn plan.DN, attributes []plan.Attribute) {
	s.made++
	e := &plan.Entry{DN: dn, Link: fmt.Sprintf("link-%d", s.made), Attributes: attributes}
	s.entries[dn.Key()] = e.Clone()
}

// Find knows filters of the form (attribute=value).
func (s *shelf) Find(_ context.Context, key plan.Key) (*plan.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if key.Link != "" && e.Link == key.Link {
			return e.Clone(), nil
		}
	}
	for _, m := range key.Match {
		attribute, value, _ := strings.Cut(strings.Trim(m.Filter, "()"), "=")
		for _, e := range s.entries {
			if slices.Contains(e.Values(attribute), value) {
				return e.Clone(), nil
			}
		}
	}
	return nil, nil
}

func (s *shelf) Read(_ context.Context, dn plan.DN, _ []string) (*plan.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[dn.Key()]; e != nil {
		return e.Clone(), nil
	}
	return nil, nil
}

func (s *shelf) Children(_ context.Context, dn plan.DN, limit int) ([]plan.DN, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.below(dn, func(child plan.DN) bool { return child.Parent().Equal(dn) })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

// below returns the DNs below one that are wanted, in a fixed order.
func (s *shelf) below(dn plan.DN, wanted func(plan.DN) bool) []plan.DN {
	var out []plan.DN
	for _, e := range s.entries {
		if e.DN.Below(dn) && wanted(e.DN) {
			out = append(out, e.DN)
		}
	}
	slices.SortFunc(out, func(a, b plan.DN) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

func (s *shelf) Apply(_ context.Context, op plan.Operation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(kind connector.Kind, code uint16) error {
		return &connector.OutcomeError{Kind: kind, Code: code, Verb: op.Verb(), DN: op.Target(), Message: "says the shelf"}
	}
	e := s.entries[op.Target().Key()]
	if _, isAdd := op.(plan.Add); !isAdd && e == nil {
		return refuse(connector.KindConflict, ldap.LDAPResultNoSuchObject)
	}
	switch op := op.(type) {
	case plan.Add:
		switch {
		case e != nil:
			return refuse(connector.KindExists, ldap.LDAPResultEntryAlreadyExists)
		case s.entries[op.DN.Parent().Key()] == nil:
			return refuse(connector.KindMissingParent, ldap.LDAPResultNoSuchObject)
		}
		s.told(s, op)
		s.put(op.DN, op.Attributes)
	case plan.ModifyDN:
		switch {
		case s.entries[op.NewDN().Key()] != nil && !op.NewDN().Equal(op.DN):
			return refuse(connector.KindExists, ldap.LDAPResultEntryAlreadyExists)
		case s.entries[op.NewDN().Parent().Key()] == nil:
			return refuse(connector.KindMissingParent, ldap.LDAPResultNoSuchObject)
		}
		s.told(s, op)
		s.move(op.DN, op.NewDN())
	case plan.Delete:
		below := s.below(op.DN, func(plan.DN) bool { return true })
		if len(below) > 0 && !op.Subtree {
			return refuse(connector.KindNotEmpty, ldap.LDAPResultNotAllowedOnNonLeaf)
		}
		s.told(s, op)
		for _, dn := range append(below, op.DN) {
			delete(s.entries, dn.Key())
		}
	case plan.Modify:
		s.told(s, op)
		for _, m := range op.Modifications {
			modify(e, m)
		}
	default:
		s.told(s, op)
	}
	return nil
}

func (s *shelf) move(from, to plan.DN) {
	for _, dn := range append(s.below(from, func(plan.DN) bool { return true }), from) {
		e := s.entries[dn.Key()]
		delete(s.entries, dn.Key())
		e.DN = e.DN.Rebase(from, to)
		s.entries[e.DN.Key()] = e
	}
}

func modify(e *plan.Entry, m plan.Modification) {
	i := slices.IndexFunc(e.Attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, m.Name) })
	if i < 0 {
		e.Attributes = append(e.Attributes, plan.Attribute{Name: m.Name})
		i = len(e.Attributes) - 1
	}
	a := &e.Attributes[i]
	switch m.Type {
	case plan.AddValues:
		a.Values = append(a.Values, m.Values...)
	case plan.ReplaceValues:
		a.Values = m.Values
	case plan.DeleteValues:
		a.Values = slices.DeleteFunc(a.Values, func(v string) bool { return slices.Contains(m.Values, v) })
	}
}
