package connector

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// entry turns an entry of the library into ours. Servers answer with a name of their own for an attribute that was asked for by
// another name or by its object identifier; it gets the name by which it was asked for, under which it will be looked for.
func (p *Profile) entry(e *ldap.Entry, asked []string) (*plan.Entry, error) {
	dn, err := parseDN(e)
	if err != nil {
		return nil, err
	}
	link := p.Flavour.LinkAttribute()
	out := &plan.Entry{DN: dn}
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, link) && len(a.Values) > 0 {
			out.Link = linkText(link, a.Values[0])
			continue
		}
		out.Attributes = append(out.Attributes, plan.Attribute{Name: p.nameAsked(a.Name, asked), Values: a.Values})
		p.visibility.note(p.Matching.AttributeKey(a.Name), true)
	}
	return out, nil
}

func (p *Profile) nameAsked(returned string, asked []string) string {
	for _, name := range asked {
		if strings.EqualFold(name, returned) {
			return returned
		}
	}
	for _, name := range asked {
		if plan.SameDescription(p.Matching, name, returned) {
			return name
		}
	}
	return returned
}
