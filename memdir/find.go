package memdir

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

const everything = "(objectClass=*)"

// Find returns the entry that a key means: by its link, then by the first match rule that finds one. It returns nil where
// there is none, and a [*connector.AmbiguousError] where a rule finds several.
func (d *Directory) Find(_ context.Context, key plan.Key) (*plan.Entry, error) {
	matches, before := key.Match, 0
	if key.Link != "" && d.profile.Flavour.LinkAttribute() != "" {
		matches = append([]plan.Match{{Filter: equals("entryUUID", key.Link)}}, matches...)
		before = 1
	}
	var scope int64 = ldap.ScopeWholeSubtree
	if key.Only {
		scope = ldap.ScopeBaseObject
	}
	for i, m := range matches {
		found, err := d.read(key.Base, scope, m.Filter, key.Attributes)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 1:
			found[0].Rule = max(0, i-before)
			return found[0], nil
		case len(found) > 1:
			ambiguous := &connector.AmbiguousError{Filter: m.Filter}
			for _, e := range found {
				ambiguous.Found = append(ambiguous.Found, e.DN)
			}
			return nil, ambiguous
		}
	}
	return nil, d.prove()
}

// prove makes sure that what was not found is not there: the topmost entry is to be seen.
func (d *Directory) prove() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	top := d.tree.Suffix()
	if _, made := d.tree.Find(top); made && !d.tree.Holds(top) {
		return connector.Unseen(top)
	}
	return nil
}

// Read returns one entry, nil if there is none.
func (d *Directory) Read(_ context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	found, err := d.read(dn, ldap.ScopeBaseObject, everything, attributes)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, d.prove()
	}
	return found[0], nil
}

// ReadNew returns an entry that was just added, with its stable id.
func (d *Directory) ReadNew(ctx context.Context, dn plan.DN, _ plan.Key) (*plan.Entry, error) {
	return d.Read(ctx, dn, nil)
}

func (d *Directory) read(base plan.DN, scope int64, filter string, attributes []string) ([]*plan.Entry, error) {
	found, err := d.search(base, scope, filter)
	if err != nil {
		return nil, err
	}
	if len(attributes) == 0 {
		attributes = []string{"1.1"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies(found, attributes...), nil
}

// Children returns the DNs of the entries right below one.
func (d *Directory) Children(_ context.Context, dn plan.DN) ([]plan.DN, error) {
	found, err := d.search(dn, ldap.ScopeSingleLevel, everything)
	if err != nil {
		return nil, err
	}
	var out []plan.DN
	for _, e := range found {
		out = append(out, e.DN())
	}
	return out, nil
}

// FirstChildren returns the DNs of at most so many entries right below one, and whether there are more.
func (d *Directory) FirstChildren(ctx context.Context, dn plan.DN, most int) (found []plan.DN, more bool, err error) {
	all, err := d.Children(ctx, dn)
	return all[:min(most, len(all))], len(all) > most, err
}

// Holding tells which of some values an attribute of an entry has.
func (d *Directory) Holding(_ context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	present := map[string]bool{}
	for _, v := range values {
		found, err := d.search(dn, ldap.ScopeBaseObject, equals(attribute, v))
		if err != nil {
			return nil, err
		}
		present[v] = len(found) > 0
	}
	return present, nil
}

// Referring returns where below base a value stands in one of the attributes.
func (d *Directory) Referring(_ context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error) {
	var out []connector.Reference
	for _, attribute := range attributes {
		found, err := d.search(base, ldap.ScopeWholeSubtree, equals(attribute, value))
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			out = append(out, connector.Reference{DN: e.DN(), Attribute: attribute, Value: value})
		}
	}
	if len(out) == 0 {
		return nil, d.prove()
	}
	return out, nil
}

// ReferringBelow returns where below base one of the attributes names an entry as it was called while what is below at was
// below was, or by one of the names that are remembered.
func (d *Directory) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error) {
	below, err := d.search(at, ldap.ScopeWholeSubtree, everything)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(remembered)
	for _, e := range below {
		if dn := e.DN(); plan.Below(d.profile.Matching, dn, at) {
			names = append(names, plan.Rebase(d.profile.Matching, dn, at, was))
		}
	}
	slices.SortFunc(names, func(a, b plan.DN) int { return strings.Compare(a.Key(), b.Key()) })
	var out []connector.Reference
	for _, dn := range slices.CompactFunc(names, plan.DN.Equal) {
		found, err := d.Referring(ctx, base, attributes, dn.String())
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// LeftBehind returns which of some entries that are remembered below was are still found there, although what was called so is
// at now.
func (d *Directory) LeftBehind(_ context.Context, at, was plan.DN, remembered []plan.DN) ([]plan.DN, error) {
	if !d.profile.Flavour.LeavesBehind() || len(remembered) == 0 {
		return nil, nil
	}
	below, err := d.search(at, ldap.ScopeWholeSubtree, everything)
	if err != nil {
		return nil, err
	}
	came := make([]plan.DN, len(below))
	for i, e := range below {
		came[i] = e.DN()
	}
	var left []plan.DN
	for _, dn := range connector.Missing(d.profile.Matching, came, at, was, remembered) {
		there, err := d.search(dn, ldap.ScopeBaseObject, everything)
		if err != nil {
			return nil, err
		}
		if len(there) > 0 {
			left = append(left, dn)
		}
	}
	return left, nil
}

// Occupied returns which of some values entries below base have in an attribute.
func (d *Directory) Occupied(_ context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	occupied := map[string]bool{}
	for _, v := range values {
		found, err := d.search(base, ldap.ScopeWholeSubtree, equals(attribute, v))
		if err != nil {
			return nil, err
		}
		occupied[v] = len(found) > 0
	}
	return occupied, nil
}

func equals(attribute, value string) string {
	return fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(value))
}

// ReadOnly returns nil: who finds out that writes are refused is told by each of them.
func (d *Directory) ReadOnly() error { return nil }
