package dit

import (
	"strings"

	"idaas-ldap/plan"
)

// SubschemaDN is the name of the subschema entry, the one that OpenLDAP gives it.
const SubschemaDN = "cn=Subschema"

func (s *Schema) isSubschema(dn plan.DN) bool { return s.keyOf(dn) == strings.ToLower(SubschemaDN) }

// Aside makes an entry that is in no tree: what a server says about itself (RFC 4512 section 5.1), and the schema (section 4.2).
// It has all its attributes: none is computed.
func (d *Directory) Aside(dn plan.DN, attributes ...plan.Attribute) (*Entry, error) {
	e := &Entry{suffix: dn, aside: true}
	for _, a := range attributes {
		desc, err := d.schema.describe(a.Name)
		if err != nil {
			return nil, err
		}
		made := &attribute{desc: desc}
		for _, v := range a.Values {
			key, err := d.schema.normalise(desc.typ, v)
			if err != nil {
				return nil, err
			}
			made.insert(v, key)
		}
		e.attributes = append(e.attributes, made)
	}
	return e, nil
}
