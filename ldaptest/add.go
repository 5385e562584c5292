package ldaptest

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// draft is an attribute of a request after its check.
type draft struct {
	desc   description
	values []string
	keys   []string
}

// add makes an entry (RFC 4511 section 4.7).
func (d *directory) add(dn plan.DN, attributes []plan.Attribute, who plan.DN) error {
	drafts, err := d.draftEntry(attributes, false)
	if err != nil {
		return err
	}
	if err := d.mustBeInside(dn); err != nil {
		return err
	}
	if err := d.passwordsOf(drafts); err != nil {
		return err
	}
	return d.atomically(func() error {
		e, err := d.insert(dn, drafts, who)
		if err != nil {
			return err
		}
		d.joinGroup(e.dn(), d.groupMembers(e))
		return nil
	})
}

// draftEntry checks the attributes of a new entry one by one. An entry that is loaded may bring operational attributes.
func (d *directory) draftEntry(attributes []plan.Attribute, loaded bool) ([]draft, error) {
	drafts := make([]draft, 0, len(attributes))
	seen := map[description]bool{}
	for _, a := range attributes {
		desc, err := d.schema.describe(a.Name)
		switch {
		case err != nil:
			return nil, err
		case desc.typ.readOnly && !loaded:
			return nil, refuse(ldap.LDAPResultConstraintViolation, "%s: no user modification allowed", desc)
		case len(a.Values) == 0:
			return nil, refuse(ldap.LDAPResultProtocolError, "no values for attribute type")
		case seen[desc]:
			return nil, refuse(ldap.LDAPResultAttributeOrValueExists, "attribute '%s' provided more than once", desc)
		}
		seen[desc] = true
		values, keys, err := d.schema.checkValues(desc, a.Values)
		if err != nil {
			return nil, err
		}
		if desc.typ.single && len(values) > 1 {
			return nil, refuse(ldap.LDAPResultConstraintViolation, "%s: multiple values provided", desc)
		}
		if err := checkDistinct(desc, keys); err != nil {
			return nil, err
		}
		drafts = append(drafts, draft{desc, values, keys})
	}
	return drafts, nil
}

// insert hangs a checked entry into the tree.
func (d *directory) insert(dn plan.DN, drafts []draft, who plan.DN) (*entry, error) {
	dn = d.schema.spell(dn)
	d.lastID++
	e := &entry{id: d.lastID, rdn: dn.RDN(), key: dn.RDN().Key()}
	for _, a := range drafts {
		for i := range a.values {
			d.put(e, a.desc, a.values[i], a.keys[i])
		}
	}
	if err := d.nameFromDN(e); err != nil {
		return nil, err
	}
	if err := d.checkEntry(e, e.rdn); err != nil {
		return nil, err
	}
	parent, err := d.placeFor(dn)
	if err != nil {
		return nil, err
	}
	if parent == nil {
		e.suffix = dn
	}
	d.link(e, parent)
	d.size++
	d.undo = append(d.undo, func() { d.size-- })
	d.modified(e, who)
	return e, d.created(e, who)
}

// placeFor returns the entry above a new DN, nil for the suffix.
func (d *directory) placeFor(dn plan.DN) (*entry, error) {
	if _, exists := d.find(dn); exists {
		return nil, refuse(ldap.LDAPResultEntryAlreadyExists, "")
	}
	if dn.Equal(d.suffix) {
		return nil, nil
	}
	return d.lookup(dn.Parent())
}

// nameFromDN gives an entry the values of its name that it does not bring along, as slapd does.
func (d *directory) nameFromDN(e *entry) error {
	for _, ava := range e.rdn {
		desc, err := d.schema.describe(ava.Type)
		if err != nil {
			return err
		}
		if e.attribute(desc) != nil || desc.typ.readOnly {
			continue
		}
		values, keys, err := d.schema.checkValues(desc, []string{ava.Value})
		if err != nil {
			return err
		}
		d.put(e, desc, values[0], keys[0])
	}
	return nil
}
