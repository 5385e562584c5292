package dit

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

// Add makes an entry (RFC 4511 section 4.7).
func (d *Directory) Add(dn plan.DN, attributes []plan.Attribute, terms Terms) error {
	if dn.Empty() || d.schema.isSubschema(dn) {
		return Refuse(ldap.LDAPResultEntryAlreadyExists, "the root DSE and the subschema exist already")
	}
	drafts, err := d.draftEntry(attributes)
	if err != nil {
		return err
	}
	if err := d.mustBeInside(dn, terms); err != nil {
		return err
	}
	if err := mayChange(drafts); err != nil {
		return err
	}
	seen := map[description]bool{}
	for _, a := range drafts {
		if seen[a.desc] {
			return Refuse(ldap.LDAPResultAttributeOrValueExists, "attribute '%s' provided more than once", a.desc)
		}
		seen[a.desc] = true
	}
	if err := d.passwordsOf(drafts); err != nil {
		return err
	}
	return d.atomically(func() error {
		e, err := d.insert(dn, drafts, terms)
		if err != nil {
			return err
		}
		d.groupAdded(d.schema.spell(dn), d.groupMembers(e))
		return nil
	})
}

// mayChange refuses attributes that only the directory writes.
func mayChange(drafts []draft) error {
	for _, a := range drafts {
		if a.desc.typ.readOnly {
			return Refuse(ldap.LDAPResultConstraintViolation, "%s: no user modification allowed", a.desc)
		}
	}
	return nil
}

// draftEntry checks the attributes of a new entry one by one.
func (d *Directory) draftEntry(attributes []plan.Attribute) ([]draft, error) {
	drafts := make([]draft, 0, len(attributes))
	for _, a := range attributes {
		desc, err := d.schema.describeWritten(a.Name)
		if err != nil {
			return nil, err
		}
		values, keys, err := d.schema.checkValues(desc, a.Values)
		if err != nil {
			return nil, err
		}
		if desc.typ.single && len(values) > 1 && !d.schema.sketch {
			return nil, Refuse(ldap.LDAPResultConstraintViolation, "%s: multiple values provided", desc)
		}
		if err := checkDistinct(desc, keys); err != nil {
			return nil, err
		}
		if err := d.trouble.takes(desc, values); err != nil {
			return nil, err
		}
		drafts = append(drafts, draft{desc, values, keys})
	}
	return drafts, nil
}

// insert hangs a checked entry into the tree.
func (d *Directory) insert(dn plan.DN, drafts []draft, terms Terms) (*Entry, error) {
	dn = d.schema.spell(dn)
	d.lastID++
	e := &Entry{id: d.lastID, rdn: dn.RDN(), key: d.schema.rdnKey(dn.RDN()), suffix: dn}
	for _, a := range drafts {
		for i := range a.values {
			d.put(e, a.desc, a.values[i], a.keys[i])
		}
	}
	if err := d.checkEntry(e, e.rdn, d.nameFromDN); err != nil {
		return nil, err
	}
	d.modified(e, terms.Who)
	if err := d.created(e, terms.Who); err != nil {
		return nil, err
	}
	if err := terms.Condition.check(e); err != nil {
		return nil, err
	}
	parent, err := d.placeFor(dn)
	if err != nil {
		return nil, err
	}
	if err := terms.mayWrite(); err != nil {
		return nil, err
	}
	d.succeed(e, dn)
	if parent != nil {
		e.suffix = nil // its name is its place from here on
	}
	d.link(e, parent)
	d.size++
	d.undo = append(d.undo, func() { d.size-- })
	return e, nil
}

// placeFor returns the entry above a new DN, nil for the suffix.
func (d *Directory) placeFor(dn plan.DN) (*Entry, error) {
	if e, exists := d.find(dn); exists && !e.implied {
		return nil, Refuse(ldap.LDAPResultEntryAlreadyExists, "")
	}
	if d.schema.same(dn, d.suffix) {
		return nil, nil
	}
	d.imply(dn.Parent())
	parent, err := d.lookup(dn.Parent())
	if err == nil && d.trouble.hides(parent) {
		return nil, Refuse(ldap.LDAPResultNoSuchObject, "")
	}
	return parent, err
}

// nameFromDN gives a new entry a value of its name that it does not bring along, as slapd does.
func (d *Directory) nameFromDN(e *Entry, desc description, value, key string) error {
	if desc.typ.single && e.attribute(desc) != nil && !d.schema.sketch {
		return Refuse(ldap.LDAPResultNamingViolation, "value of single-valued naming attribute '%s' conflicts with value present in entry", desc)
	}
	d.put(e, desc, value, key)
	return nil
}
