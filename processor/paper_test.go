package processor_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// paper is a directory on paper: entries in a map, with the refusals that matter to the processor and nothing of LDAP.
type paper struct {
	profile   *connector.Profile
	entries   map[string]*plan.Entry // by the key of the DN
	passwords map[string]string
	written   []plan.Operation
	ids       int
}

func newPaper() *paper {
	profile := connector.UsualProfile(connector.OpenLDAP)
	return &paper{profile: profile, entries: map[string]*plan.Entry{}, passwords: map[string]string{}}
}

func (p *paper) Profile(context.Context) (*connector.Profile, error) { return p.profile, nil }

func (p *paper) Find(_ context.Context, key plan.Key) (*plan.Entry, error) {
	for _, e := range p.entries {
		if e.Link == key.Link && e.DN.Within(key.Base) {
			return e.Clone(), nil
		}
	}
	for _, m := range key.Match {
		found := p.search(key.Base, m.Filter)
		switch len(found) {
		case 0:
		case 1:
			return found[0].Clone(), nil
		default:
			err := &connector.AmbiguousError{Filter: m.Filter}
			for _, e := range found {
				err.Found = append(err.Found, e.DN)
			}
			return nil, err
		}
	}
	return nil, nil
}

// search evaluates what the filters of a mapping are made of: and, not, equal and present.
func (p *paper) search(base plan.DN, filter string) []*plan.Entry {
	packet, err := ldap.CompileFilter(filter)
	if err != nil {
		panic(err)
	}
	var found []*plan.Entry
	for _, e := range p.entries {
		if e.DN.Within(base) && p.matches(e, packet) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *plan.Entry) int { return strings.Compare(a.DN.String(), b.DN.String()) })
	return found
}

func (p *paper) matches(e *plan.Entry, f *ber.Packet) bool {
	text := func(i int) string { return f.Children[i].Data.String() }
	switch f.Tag {
	case ldap.FilterAnd:
		return !slices.ContainsFunc(f.Children, func(c *ber.Packet) bool { return !p.matches(e, c) })
	case ldap.FilterNot:
		return !p.matches(e, f.Children[0])
	case ldap.FilterEqualityMatch:
		return p.has(e, text(0), text(1))
	case ldap.FilterPresent:
		return len(e.Values(f.Data.String())) > 0
	}
	panic(fmt.Sprintf("a filter of kind %d", f.Tag))
}

func (p *paper) has(e *plan.Entry, attribute, value string) bool {
	return slices.ContainsFunc(e.Values(attribute), func(v string) bool { return p.profile.Matching.Equal(attribute, v, value) })
}

func (p *paper) Read(_ context.Context, dn plan.DN, _ []string) (*plan.Entry, error) {
	if e := p.entries[dn.Key()]; e != nil {
		return e.Clone(), nil
	}
	return nil, nil
}

func (p *paper) Children(_ context.Context, dn plan.DN, limit int) ([]plan.DN, error) {
	var out []plan.DN
	for _, e := range p.search(dn, "(objectClass=*)") {
		if e.DN.Parent().Equal(dn) {
			out = append(out, e.DN)
		}
	}
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

func (p *paper) Holding(_ context.Context, dn plan.DN, attribute string, values []string) (map[string]bool, error) {
	present := map[string]bool{}
	for _, v := range values {
		e := p.entries[dn.Key()]
		present[v] = e != nil && p.has(e, attribute, v)
	}
	return present, nil
}

func (p *paper) Referring(_ context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error) {
	var out []connector.Reference
	for _, attribute := range attributes {
		for _, e := range p.search(base, "("+attribute+"="+ldap.EscapeFilter(value)+")") {
			out = append(out, connector.Reference{DN: e.DN, Attribute: attribute, Value: value})
		}
	}
	return out, nil
}

func (p *paper) ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error) {
	names := slices.Clone(remembered)
	for _, e := range p.search(at, "(objectClass=*)") {
		if e.DN.Below(at) {
			names = append(names, e.DN.Rebase(at, was))
		}
	}
	slices.SortFunc(names, func(a, b plan.DN) int { return strings.Compare(a.Key(), b.Key()) })
	var out []connector.Reference
	for _, dn := range slices.CompactFunc(names, plan.DN.Equal) {
		found, err := p.Referring(ctx, base, attributes, dn.String())
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (p *paper) Occupied(_ context.Context, base plan.DN, attribute string, values []string) (map[string]bool, error) {
	occupied := map[string]bool{}
	for _, v := range values {
		occupied[v] = len(p.search(base, "("+attribute+"="+ldap.EscapeFilter(v)+")")) > 0
	}
	return occupied, nil
}

func (p *paper) Apply(_ context.Context, op plan.Operation) error {
	if err := p.apply(op); err != nil {
		return err
	}
	p.written = append(p.written, op)
	return nil
}

func (p *paper) apply(op plan.Operation) error {
	refuse := func(kind connector.Kind, code uint16) error {
		return &connector.OutcomeError{Kind: kind, Code: code, Verb: op.Verb(), DN: op.Target(), Message: "says the paper"}
	}
	e := p.entries[op.Target().Key()]
	if _, isAdd := op.(plan.Add); e == nil && !isAdd {
		return refuse(connector.KindConflict, ldap.LDAPResultNoSuchObject)
	}
	switch op := op.(type) {
	case plan.Add:
		switch {
		case e != nil:
			return refuse(connector.KindExists, ldap.LDAPResultEntryAlreadyExists)
		case p.entries[op.DN.Parent().Key()] == nil:
			return refuse(connector.KindMissingParent, ldap.LDAPResultNoSuchObject)
		}
		p.put(op.DN, op.Attributes)
	case plan.Modify:
		changed := e.Clone()
		for _, m := range op.Modifications {
			if code := p.contradicts(changed, m); code != 0 {
				return refuse(connector.KindConflict, code)
			}
			p.modify(changed, m)
		}
		if p.has(changed, "objectClass", "groupOfNames") && len(changed.Values("member")) == 0 {
			return refuse(connector.KindRefused, ldap.LDAPResultObjectClassViolation)
		}
		p.entries[op.DN.Key()] = changed
	case plan.ModifyDN:
		to := op.NewDN()
		switch {
		case p.entries[to.Parent().Key()] == nil:
			return refuse(connector.KindMissingParent, ldap.LDAPResultNoSuchObject)
		case p.entries[to.Key()] != nil && !to.Equal(op.DN):
			return refuse(connector.KindExists, ldap.LDAPResultEntryAlreadyExists)
		}
		p.rename(op.DN, to)
	case plan.Delete:
		if children, _ := p.Children(context.Background(), op.DN, 1); len(children) > 0 && !op.Subtree {
			return refuse(connector.KindNotEmpty, ldap.LDAPResultNotAllowedOnNonLeaf)
		}
		for _, below := range p.search(op.DN, "(objectClass=*)") {
			delete(p.entries, below.DN.Key())
		}
	case plan.SetPassword:
		p.passwords[e.Link] = op.Password.Reveal()
	}
	return nil
}

func (p *paper) put(dn plan.DN, attributes []plan.Attribute) {
	p.ids++
	p.entries[dn.Key()] = (&plan.Entry{DN: dn, Link: "id " + strconv.Itoa(p.ids), Attributes: attributes}).Clone()
}

func (p *paper) modify(e *plan.Entry, m plan.Modification) {
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
		a.Values = slices.Clone(m.Values)
	case plan.DeleteValues:
		a.Values = slices.DeleteFunc(a.Values, func(v string) bool {
			return slices.ContainsFunc(m.Values, func(w string) bool { return p.profile.Matching.Equal(m.Name, v, w) })
		})
	}
}

// contradicts returns how servers refuse to add a value that is there and to delete one that is not, zero if it is neither.
func (p *paper) contradicts(e *plan.Entry, m plan.Modification) uint16 {
	for _, v := range m.Values {
		switch has := p.has(e, m.Name, v); {
		case m.Type == plan.AddValues && has:
			return ldap.LDAPResultAttributeOrValueExists
		case m.Type == plan.DeleteValues && !has:
			return ldap.LDAPResultNoSuchAttribute
		}
	}
	return 0
}

// rename moves an entry with everything below it.
func (p *paper) rename(from, to plan.DN) {
	named := p.entries[from.Key()]
	for _, e := range p.search(from, "(objectClass=*)") {
		delete(p.entries, e.DN.Key())
		e.DN = e.DN.Rebase(from, to)
		p.entries[e.DN.Key()] = e
	}
	for _, ava := range from.RDN() {
		p.modify(named, plan.Modification{Type: plan.DeleteValues, Name: ava.Type, Values: []string{ava.Value}})
	}
	for _, ava := range to.RDN() {
		if p.has(named, ava.Type, ava.Value) {
			continue
		}
		p.modify(named, plan.Modification{Type: plan.AddValues, Name: ava.Type, Values: []string{ava.Value}})
	}
}
