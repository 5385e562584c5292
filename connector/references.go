package connector

import (
	"context"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Reference is a value of another entry that names one.
type Reference struct {
	DN        plan.DN
	Attribute string
	Value     string
}

// Referring returns all places below base where a value stands in one of the attributes.
func (d *Directory) Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]Reference, error) {
	var out []Reference
	err := d.ask(ctx, base, func(a asking) error {
		out = nil
		for _, attribute := range attributes {
			found, err := a.referring(base, attribute, value)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		if len(out) == 0 {
			return a.prove(base)
		}
		return nil
	})
	return out, err
}

func (a asking) referring(base plan.DN, attribute, value string) ([]Reference, error) {
	found, err := a.all(query{base: base, scope: ldap.ScopeWholeSubtree, filter: equals(attribute, value), attributes: nothing})
	if isUnknownAttribute(err) {
		return nil, nil // what no entry can have refers to nothing
	}
	if err != nil {
		return nil, err
	}
	dns, err := namesOf(found)
	if err != nil {
		return nil, err
	}
	out := make([]Reference, len(dns))
	for i, dn := range dns {
		out[i] = Reference{DN: dn, Attribute: attribute, Value: value}
	}
	return out, nil
}

// isUnknownAttribute recognises a server that does not know an attribute of a filter. Most find nothing instead.
func isUnknownAttribute(err error) bool {
	return isCode(err, ldap.LDAPResultUndefinedAttributeType) || isCode(err, ldap.LDAPResultNoSuchAttribute)
}

// referringAtOnce is how many values are looked for in one search.
const referringAtOnce = 50

// ReferringBelow returns all places below base where one of the attributes names an entry as it was called while what is below
// at was below was, or by one of the names that are remembered. Where nothing refers to any of them, as on servers that follow
// renames themselves, it takes one search for many entries.
func (d *Directory) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]Reference, error) {
	if len(attributes) == 0 {
		return nil, nil
	}
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	var out []Reference
	err = d.ask(ctx, base, func(a asking) error {
		names, err := a.formerNames(profile.Matching, at, was, remembered)
		if err != nil {
			return err
		}
		out, err = a.referringToAny(base, attributes, names)
		if err == nil && len(out) == 0 {
			return a.prove(base)
		}
		return err
	})
	return out, err
}

// formerNames returns what the entries below at were called while they were below was, with the names that are remembered.
func (a asking) formerNames(matching plan.Matching, at, was plan.DN, remembered []plan.DN) ([]string, error) {
	found, err := a.all(query{base: at, scope: ldap.ScopeWholeSubtree, filter: everything, attributes: nothing})
	if err != nil {
		return nil, err
	}
	below, err := namesOf(found)
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{}
	add := func(dn plan.DN) {
		if key := plan.DNKey(matching, dn); !seen[key] {
			seen[key] = true
			names = append(names, dn.String())
		}
	}
	for _, dn := range remembered {
		add(dn)
	}
	for _, dn := range below {
		if plan.Below(matching, dn, at) {
			add(plan.Rebase(matching, dn, at, was))
		}
	}
	return names, nil
}

// LeftBehind returns which of some entries that are remembered below was are still found there, although what was called so is
// at now. Only a server that may leave entries behind is asked: what is below at in one search, and who is missing there one by one.
func (d *Directory) LeftBehind(ctx context.Context, at, was plan.DN, remembered []plan.DN) ([]plan.DN, error) {
	profile, err := d.Profile(ctx)
	if err != nil || !profile.Flavour.LeavesBehind() || len(remembered) == 0 {
		return nil, err
	}
	var left []plan.DN
	err = d.ask(ctx, at, func(a asking) error {
		left = nil
		found, err := a.all(query{base: at, scope: ldap.ScopeWholeSubtree, filter: everything, attributes: nothing})
		if err != nil {
			return err
		}
		came, err := namesOf(found)
		if err != nil {
			return err
		}
		for _, dn := range Missing(profile.Matching, came, at, was, remembered) {
			there, err := a.all(entryAt(dn, nothing))
			if err != nil {
				return err
			}
			if len(there) > 0 {
				left = append(left, dn)
			}
		}
		return nil
	})
	return left, err
}

// Missing returns which of some DNs below was have no counterpart below at among those that have come there.
func Missing(m plan.Matching, came []plan.DN, at, was plan.DN, remembered []plan.DN) []plan.DN {
	seen := make(map[string]bool, len(came))
	for _, dn := range came {
		seen[plan.DNKey(m, dn)] = true
	}
	var missing []plan.DN
	for _, dn := range remembered {
		if !seen[plan.DNKey(m, plan.Rebase(m, dn, was, at))] {
			missing = append(missing, dn)
		}
	}
	return missing
}

func (a asking) referringToAny(base plan.DN, attributes, names []string) ([]Reference, error) {
	var out []Reference
	for _, attribute := range attributes {
		for some := range slices.Chunk(names, referringAtOnce) {
			q := query{base: base, scope: ldap.ScopeWholeSubtree, filter: anyOf(attribute, some), attributes: nothing}
			first, more, err := a.some(q, 1)
			if err != nil && !isUnknownAttribute(err) {
				return nil, err
			}
			if len(first) == 0 && !more {
				continue
			}
			for _, name := range some {
				found, err := a.referring(base, attribute, name)
				if err != nil {
					return nil, err
				}
				out = append(out, found...)
			}
		}
	}
	return out, nil
}

// Occupied returns which of some values entries below base have in an attribute.
func (d *Directory) Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	var occupied map[string]bool
	err := d.ask(ctx, base, func(a asking) error {
		var err error
		occupied, err = a.occupied(base, attribute, values)
		if err == nil && len(occupied) == 0 {
			return a.prove(base)
		}
		return err
	})
	return occupied, err
}

// occupied looks whether any entry has one of the values, which is nearly always none, and then for each value. How many
// entries have it does not matter.
func (a asking) occupied(base plan.DN, attribute string, values []string) (map[string]bool, error) {
	has := func(some []string) (bool, error) {
		q := query{base: base, scope: ldap.ScopeWholeSubtree, filter: anyOf(attribute, some), attributes: nothing}
		found, more, err := a.some(q, 1)
		if isUnknownAttribute(err) {
			return false, nil
		}
		return len(found) > 0 || more, err
	}
	occupied := map[string]bool{}
	one, err := has(values)
	if err != nil || !one {
		return occupied, err
	}
	if len(values) == 1 {
		return map[string]bool{values[0]: true}, nil
	}
	for _, v := range values {
		if occupied[v], err = has([]string{v}); err != nil {
			return nil, err
		}
	}
	return occupied, nil
}
