package connector

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Find returns the entry that a key means: by its link, then by the first match rule that finds one. It returns nil where
// it is proven that there is none, and an [*AmbiguousError] where a rule finds several.
func (d *Directory) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	if l := profile.lookupOf(key); l != nil {
		if d.together.ask(ctx, l, d.lookUp); l.answered {
			return l.found, nil
		}
	}
	return d.findAlone(ctx, profile, key)
}

// findAlone is Find with searches of its own.
func (d *Directory) findAlone(ctx context.Context, profile *Profile, key plan.Key) (*plan.Entry, error) {
	link := profile.Flavour.LinkAttribute()
	before := 0
	if key.Link != "" && link != "" {
		key.Match = append([]plan.Match{{Filter: linkFilter(link, key.Link)}}, key.Match...)
		before = 1
	}
	var found *plan.Entry
	err := d.ask(ctx, key.Base, func(a asking) error {
		var err error
		found, err = a.surely(key.Base, key.Link != "", func() (*plan.Entry, error) { return a.find(profile, key) })
		return err
	})
	if found != nil {
		found.Rule = max(0, found.Rule-before)
	}
	return found, err
}

// surely looks for an entry, and where there is none for the base of the mapping. Where an entry was known it looks again after
// that: a right that comes back between the two looks would make it seem gone.
func (a asking) surely(base plan.DN, known bool, look func() (*plan.Entry, error)) (*plan.Entry, error) {
	found, err := look()
	if found != nil || err != nil {
		return found, err
	}
	if err := a.prove(base); err != nil || !known {
		return nil, err
	}
	return look()
}

func (a asking) find(profile *Profile, key plan.Key) (*plan.Entry, error) {
	for i, m := range key.Match {
		q := query{base: key.Base, scope: ldap.ScopeWholeSubtree, filter: m.Filter, attributes: withLink(key.Attributes, profile.Flavour.LinkAttribute())}
		if key.Only {
			q.scope = ldap.ScopeBaseObject
		}
		found, more, err := a.some(q, 2)
		switch {
		case err != nil:
			return nil, err
		case len(found) > 1:
			return nil, ambiguous(m, found)
		case more:
			return nil, cutShort(q)
		case len(found) == 1:
			entry, err := profile.entry(found[0], key.Attributes)
			if entry != nil {
				entry.Rule = i
			}
			return entry, err
		}
	}
	return nil, nil
}

func ambiguous(m plan.Match, found []*ldap.Entry) error {
	out := &AmbiguousError{Filter: m.Filter}
	for _, e := range found {
		dn, err := parseDN(e)
		if err != nil {
			return err
		}
		out.Found = append(out.Found, dn)
	}
	return ours{out}
}

// Read returns one entry, nil where it is proven that there is none.
func (d *Directory) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	link := profile.Flavour.LinkAttribute()
	if len(attributes) == 0 {
		attributes = nothing
	}
	var found *plan.Entry
	err = d.ask(ctx, dn, func(a asking) error {
		var err error
		found, err = a.surely(nil, true, func() (*plan.Entry, error) {
			entries, err := a.all(entryAt(dn, withLink(attributes, link)))
			if err != nil || len(entries) == 0 {
				return nil, err
			}
			return profile.entry(entries[0], attributes)
		})
		return err
	})
	return found, err
}

// Children returns the DNs of all entries right below one.
func (d *Directory) Children(ctx context.Context, dn plan.DN) ([]plan.DN, error) {
	var dns []plan.DN
	err := d.ask(ctx, dn, func(a asking) error {
		found, err := a.all(query{base: dn, scope: ldap.ScopeSingleLevel, filter: everything, attributes: nothing})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			dns = nil
			return a.prove(nil)
		}
		dns, err = namesOf(found)
		return err
	})
	return dns, err
}

// FirstChildren returns the DNs of at most so many entries right below one, and whether there are more.
func (d *Directory) FirstChildren(ctx context.Context, dn plan.DN, most int) (dns []plan.DN, more bool, err error) {
	err = d.ask(ctx, dn, func(a asking) error {
		var found []*ldap.Entry
		var err error
		q := query{base: dn, scope: ldap.ScopeSingleLevel, filter: everything, attributes: nothing}
		found, more, err = a.some(q, most)
		if err != nil {
			return err
		}
		switch {
		case more && len(found) < most:
			return cutShort(q)
		case len(found) == 0:
			dns = nil
			return a.prove(nil)
		}
		dns, err = namesOf(found)
		return err
	})
	return dns, more, err
}

// holdingOneByOne is up to how many values are asked about one by one; beyond, all values of the attribute are read.
const holdingOneByOne = 200

// Holding tells which of some values an attribute of an entry has. A few values are asked about one by one, so that the
// size of a group does not matter.
func (d *Directory) Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	var present map[string]bool
	err = d.ask(ctx, dn, func(a asking) error {
		var err error
		if len(values) > holdingOneByOne {
			present, err = a.holdingMany(profile, dn, attribute, values)
		} else {
			present, err = a.holdingFew(dn, attribute, values)
		}
		if err != nil || len(present) == len(values) {
			return err
		}
		return a.proveEntry(dn)
	})
	return present, err
}

func (a asking) holdingFew(dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	present := map[string]bool{}
	for _, v := range values {
		q := entryAt(dn, nothing)
		q.filter = equals(attribute, v)
		found, err := a.all(q)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			present[v] = true
		}
	}
	return present, nil
}

func (a asking) holdingMany(profile *Profile, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	wanted := make(map[string][]string, len(values))
	for _, v := range values {
		key := profile.Matching.Key(attribute, v)
		wanted[key] = append(wanted[key], v)
	}
	present := map[string]bool{}
	err := a.eachValue(profile, dn, attribute, func(has string) {
		for _, v := range wanted[profile.Matching.Key(attribute, has)] {
			present[v] = true
		}
	})
	return present, err
}

// eachValue calls f for every value of an attribute, in ranges where the server hands long attributes out like that.
func (a asking) eachValue(profile *Profile, dn plan.DN, attribute string, f func(string)) error {
	ask, atOnce := attribute, profile.Flavour.ValuesAtOnce()
	if atOnce > 0 {
		ask = valueRange(attribute, 0, atOnce)
	}
	for from := 0; ; {
		entries, err := a.all(entryAt(dn, []string{ask}))
		if err != nil || len(entries) == 0 {
			return err
		}
		next := 0
		for _, found := range entries[0].Attributes {
			name, option, _ := strings.Cut(found.Name, ";")
			if !plan.SameDescription(profile.Matching, name, attribute) {
				continue
			}
			for _, v := range found.Values {
				f(v)
			}
			if _, last, ok := strings.Cut(strings.TrimPrefix(strings.ToLower(option), "range="), "-"); ok && last != "*" {
				end, err := strconv.Atoi(last)
				if err != nil || end < from || end-from >= mostEntries {
					return fmt.Errorf("read %s of %s: the server answers with a range that is none: %q", attribute, dn, found.Name)
				}
				next = end + 1
			}
		}
		if next == 0 {
			return nil
		}
		from, ask = next, valueRange(attribute, next, atOnce)
	}
}

// valueRange asks for some of the values of an attribute, all the rest where n is zero.
func valueRange(attribute string, from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%s;range=%d-*", attribute, from)
	}
	return fmt.Sprintf("%s;range=%d-%d", attribute, from, from+n-1)
}

func equals(attribute, value string) string {
	return fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(value))
}

// anyOf returns the filter for entries that have one of some values.
func anyOf(attribute string, values []string) string {
	var filter strings.Builder
	filter.WriteString("(|")
	for _, v := range values {
		filter.WriteString(equals(attribute, v))
	}
	filter.WriteString(")")
	return filter.String()
}
