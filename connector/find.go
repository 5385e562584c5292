package connector

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// pageSize is how many entries are asked for at a time.
const pageSize = 500

// Find returns the entry that a key means: by its link, then by the first match rule that finds one. It returns nil where
// there is none, and an [*AmbiguousError] where a rule finds several.
func (d *Directory) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	link := profile.Flavour.LinkAttribute()
	matches := key.Match
	if key.Link != "" && link != "" {
		matches = append([]plan.Match{{Filter: linkFilter(link, key.Link)}}, matches...)
	}
	for _, m := range matches {
		entries, err := d.search(ctx, key.Base, ldap.ScopeWholeSubtree, m.Filter, withLink(key.Attributes, link), 2)
		if err != nil {
			return nil, err
		}
		switch len(entries) {
		case 0:
		case 1:
			return profile.entry(entries[0], key.Attributes)
		default:
			ambiguous := &AmbiguousError{Filter: m.Filter}
			for _, e := range entries {
				dn, err := plan.ParseDN(e.DN)
				if err != nil {
					return nil, fmt.Errorf("read an entry: %w", err)
				}
				ambiguous.Found = append(ambiguous.Found, dn)
			}
			return nil, ambiguous
		}
	}
	return nil, nil
}

// Read returns one entry, nil if there is none.
func (d *Directory) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	link := profile.Flavour.LinkAttribute()
	if len(attributes) == 0 {
		attributes = []string{"1.1"}
	}
	entries, err := d.search(ctx, dn, ldap.ScopeBaseObject, "(objectClass=*)", withLink(attributes, link), 0)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return profile.entry(entries[0], attributes)
}

// Children returns the DNs of the entries right below one, at most limit; zero for all.
func (d *Directory) Children(ctx context.Context, dn plan.DN, limit int) ([]plan.DN, error) {
	entries, err := d.search(ctx, dn, ldap.ScopeSingleLevel, "(objectClass=*)", []string{"1.1"}, limit)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		entries = entries[:min(limit, len(entries))] // not every server keeps to it
	}
	dns := make([]plan.DN, len(entries))
	for i, e := range entries {
		if dns[i], err = plan.ParseDN(e.DN); err != nil {
			return nil, fmt.Errorf("read an entry: %w", err)
		}
	}
	return dns, nil
}

// holdingOneByOne is up to how many values are asked about one by one; beyond, all values of the attribute are read.
const holdingOneByOne = 200

// Holding tells which of some values an attribute of an entry has. A few values are asked about one by one, so that the
// size of a group does not matter.
func (d *Directory) Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	present := map[string]bool{}
	if len(values) > holdingOneByOne {
		return present, d.holdingMany(ctx, dn, attribute, values, present)
	}
	for _, v := range values {
		filter := fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(v))
		entries, err := d.search(ctx, dn, ldap.ScopeBaseObject, filter, []string{"1.1"}, 0)
		if err != nil {
			return nil, err
		}
		present[v] = len(entries) > 0
	}
	return present, nil
}

func (d *Directory) holdingMany(ctx context.Context, dn plan.DN, attribute string, values []string, present map[string]bool) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	wanted := make(map[string][]string, len(values))
	for _, v := range values {
		key := profile.Matching.Key(attribute, v)
		wanted[key] = append(wanted[key], v)
	}
	return d.eachValue(ctx, dn, attribute, func(has string) {
		for _, v := range wanted[profile.Matching.Key(attribute, has)] {
			present[v] = true
		}
	})
}

// eachValue calls f for every value of an attribute, in ranges where the server hands long attributes out like that.
func (d *Directory) eachValue(ctx context.Context, dn plan.DN, attribute string, f func(string)) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	ask := attribute
	if n := profile.Flavour.ValuesAtOnce(); n > 0 {
		ask = valueRange(attribute, 0, n)
	}
	for {
		entries, err := d.search(ctx, dn, ldap.ScopeBaseObject, "(objectClass=*)", []string{ask}, 0)
		if err != nil || len(entries) == 0 {
			return err
		}
		next := ""
		for _, a := range entries[0].Attributes {
			name, option, _ := strings.Cut(a.Name, ";")
			if !plan.SameDescription(profile.Matching, name, attribute) {
				continue
			}
			for _, v := range a.Values {
				f(v)
			}
			if _, last, ok := strings.Cut(strings.TrimPrefix(strings.ToLower(option), "range="), "-"); ok && last != "*" {
				end, err := strconv.Atoi(last)
				if err != nil {
					return fmt.Errorf("read %s of %s: the server answers with a range that is none: %q", attribute, dn, a.Name)
				}
				next = valueRange(attribute, end+1, profile.Flavour.ValuesAtOnce())
			}
		}
		if next == "" {
			return nil
		}
		ask = next
	}
}

// valueRange asks for some of the values of an attribute, all the rest where n is zero.
func valueRange(attribute string, from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%s;range=%d-*", attribute, from)
	}
	return fmt.Sprintf("%s;range=%d-%d", attribute, from, from+n-1)
}

// Reference is a value of another entry that names one.
type Reference struct {
	DN        plan.DN
	Attribute string
	Value     string
}

// Referring returns where below base a value stands in one of the attributes.
func (d *Directory) Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]Reference, error) {
	var out []Reference
	for _, attribute := range attributes {
		filter := fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(value))
		entries, err := d.search(ctx, base, ldap.ScopeWholeSubtree, filter, []string{"1.1"}, 0)
		var refused *OutcomeError
		if errors.As(err, &refused) && refused.Kind == KindRefused {
			// A server that does not know the attribute has no references in it.
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			dn, err := plan.ParseDN(e.DN)
			if err != nil {
				return nil, fmt.Errorf("read an entry: %w", err)
			}
			out = append(out, Reference{DN: dn, Attribute: attribute, Value: value})
		}
	}
	return out, nil
}

// Occupied returns which of some values entries below base have in an attribute.
func (d *Directory) Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	var filter strings.Builder
	for _, v := range values {
		fmt.Fprintf(&filter, "(%s=%s)", attribute, ldap.EscapeFilter(v))
	}
	text := filter.String()
	if len(values) > 1 {
		text = "(|" + text + ")"
	}
	entries, err := d.search(ctx, base, ldap.ScopeWholeSubtree, text, []string{attribute}, 0)
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Kind == KindRefused {
		// A server that does not know the attribute has no values of it.
		return map[string]bool{}, nil
	}
	if err != nil {
		return nil, err
	}
	occupied := map[string]bool{}
	for _, e := range entries {
		for _, v := range values {
			occupied[v] = occupied[v] || slices.ContainsFunc(e.Attributes, func(a *ldap.EntryAttribute) bool {
				return plan.SameDescription(profile.Matching, a.Name, attribute) && slices.ContainsFunc(a.Values, func(has string) bool { return profile.Matching.Equal(attribute, has, v) })
			})
		}
	}
	return occupied, nil
}

// referringAtOnce is how many values are looked for in one search.
const referringAtOnce = 50

// ReferringBelow returns where below base one of the attributes names an entry as it was called while what is below at was
// below was, or by one of the names that are remembered. Where nothing refers to any of them, as on servers that follow renames themselves, it takes one search for
// many entries.
func (d *Directory) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]Reference, error) {
	if len(attributes) == 0 {
		return nil, nil
	}
	entries, err := d.search(ctx, at, ldap.ScopeWholeSubtree, "(objectClass=*)", []string{"1.1"}, 0)
	if err != nil {
		return nil, err
	}
	profile, err := d.Profile(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	seen := map[string]bool{}
	add := func(dn plan.DN) {
		if key := plan.DNKey(profile.Matching, dn); !seen[key] {
			seen[key] = true
			names = append(names, dn.String())
		}
	}
	for _, dn := range remembered {
		add(dn)
	}
	for _, e := range entries {
		dn, err := plan.ParseDN(e.DN)
		if err != nil {
			return nil, fmt.Errorf("read an entry: %w", err)
		}
		if plan.Below(profile.Matching, dn, at) {
			add(plan.Rebase(profile.Matching, dn, at, was))
		}
	}
	var out []Reference
	for _, attribute := range attributes {
		for some := range slices.Chunk(names, referringAtOnce) {
			found, err := d.refersToAny(ctx, base, attribute, some)
			if err != nil {
				return nil, err
			}
			if !found {
				continue
			}
			for _, name := range some {
				found, err := d.Referring(ctx, base, []string{attribute}, name)
				if err != nil {
					return nil, err
				}
				out = append(out, found...)
			}
		}
	}
	return out, nil
}

// refersToAny reports whether an attribute of any entry below base holds one of the values.
func (d *Directory) refersToAny(ctx context.Context, base plan.DN, attribute string, values []string) (bool, error) {
	var filter strings.Builder
	filter.WriteString("(|")
	for _, v := range values {
		fmt.Fprintf(&filter, "(%s=%s)", attribute, ldap.EscapeFilter(v))
	}
	filter.WriteString(")")
	entries, err := d.search(ctx, base, ldap.ScopeWholeSubtree, filter.String(), []string{"1.1"}, 1)
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Kind == KindRefused {
		return false, nil // see Referring
	}
	return len(entries) > 0, err
}

// search returns the entries that a filter finds; none where the base does not exist. A limit is kept by asking for no
// more; without one the entries are read in pages.
func (d *Directory) search(ctx context.Context, base plan.DN, scope int, filter string, attributes []string, limit int) ([]*ldap.Entry, error) {
	request := ldap.NewSearchRequest(base.String(), scope, ldap.NeverDerefAliases, limit, 0, false, filter, attributes, nil)
	var result *ldap.SearchResult
	err := d.do(ctx, verbRead, base, secret.Text{}, func(conn *pooled) error {
		var err error
		if limit == 0 && scope != ldap.ScopeBaseObject {
			result, err = conn.SearchWithPaging(request, pageSize)
		} else {
			result, err = conn.Search(request)
		}
		return err
	})
	var refused *OutcomeError
	if errors.As(err, &refused) {
		switch refused.Code {
		case ldap.LDAPResultNoSuchObject:
			return nil, nil
		case ldap.LDAPResultSizeLimitExceeded:
			if limit > 0 && result != nil {
				return result.Entries, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}

func withLink(attributes []string, link string) []string {
	if link == "" {
		return attributes
	}
	out := make([]string, 0, len(attributes)+1)
	for _, a := range attributes {
		if a != "1.1" {
			out = append(out, a)
		}
	}
	return append(out, link)
}

// objectGUID is Active Directory's stable id, 16 octets of which the first three fields are little endian.
const objectGUID = "objectGUID"

// linkText returns a stable id as text.
func linkText(attribute, value string) string {
	if attribute != objectGUID || len(value) != 16 {
		return value
	}
	b := []byte(value)
	return fmt.Sprintf("%x-%x-%x-%x-%x", reversed(b[0:4]), reversed(b[4:6]), reversed(b[6:8]), b[8:10], b[10:16])
}

// linkFilter returns the filter that finds an entry by its stable id.
func linkFilter(attribute, text string) string {
	if attribute != objectGUID {
		return fmt.Sprintf("(%s=%s)", attribute, ldap.EscapeFilter(text))
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		return "(!(objectClass=*))"
	}
	octets := append(append(append(reversed(b[0:4]), reversed(b[4:6])...), reversed(b[6:8])...), b[8:]...)
	var filter strings.Builder
	for _, o := range octets {
		fmt.Fprintf(&filter, `\%02x`, o)
	}
	return "(objectGUID=" + filter.String() + ")"
}

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[len(b)-1-i] = b[i]
	}
	return out
}
