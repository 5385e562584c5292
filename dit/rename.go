package dit

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Rename changes the name of an entry, its place, or both (RFC 4511 section 4.9); what lies below comes along.
func (d *Directory) Rename(m plan.ModifyDN, terms Terms) error {
	added, removed, err := d.namingChanges(m)
	if err != nil {
		return err
	}
	if err := d.mayMove(m, terms); err != nil {
		return err
	}
	e, err := d.told(m.DN)
	if err != nil {
		return d.withoutParent(err, m.DN)
	}
	if err := terms.Condition.check(e); err != nil {
		return err
	}
	if err := terms.mayWrite(); err != nil {
		return err
	}
	superior, err := d.newSuperior(e, m)
	if err != nil {
		return err
	}
	rdn := d.schema.spell(plan.DN{m.NewRDN})[0]
	if superior != nil {
		if there := superior.children[d.schema.rdnKey(rdn)]; there != nil && there != e && !there.implied {
			return Refuse(ldap.LDAPResultEntryAlreadyExists, "")
		}
	}
	return d.atomically(func() error {
		for _, c := range removed {
			if a := e.attribute(c.desc); a != nil && a.find(c.keys[0]) >= 0 {
				d.take(e, a, c.keys[0])
			}
		}
		for _, c := range added {
			if a := e.attribute(c.desc); a == nil || a.find(c.keys[0]) < 0 {
				d.put(e, c.desc, c.values[0], c.keys[0])
			}
		}
		if err := d.checkEntry(e, rdn, refuseLackingName); err != nil {
			return err
		}
		d.place(e, superior, rdn)
		d.leaveBehind(e, e.DN(), m.DN)
		d.modified(e, terms.Who)
		to := d.schema.spell(m.NewDN())
		d.memberRenamed(e, m.DN, to)
		d.followReferences(m.DN, to)
		return nil
	})
}

// mayMove refuses names that an entry cannot get, whether it exists or not.
func (d *Directory) mayMove(m plan.ModifyDN, terms Terms) error {
	to := m.NewDN()
	switch {
	case m.DN.Empty() || d.schema.isSubschema(m.DN):
		return Refuse(ldap.LDAPResultUnwillingToPerform, "cannot rename the root DSE or the subschema")
	case len(to) > len(m.DN) && d.schema.within(to, m.DN):
		return Refuse(ldap.LDAPResultUnwillingToPerform, "cannot place an entry below itself")
	case len(to) < len(m.DN) && d.schema.within(m.DN, to):
		return Refuse(ldap.LDAPResultUnwillingToPerform, "cannot place an entry above itself")
	}
	if err := d.mustBeInside(m.DN, terms); err != nil {
		return err
	}
	if !d.inside(to) {
		return Refuse(ldap.LDAPResultAffectsMultipleDSAs, "cannot rename between DSAs")
	}
	if d.schema.same(m.DN, d.suffix) {
		return Refuse(ldap.LDAPResultNamingViolation, "cannot rename suffix entry")
	}
	return nil
}

// namingChanges returns the values that the new name adds to the entry and those that go with the old one.
func (d *Directory) namingChanges(m plan.ModifyDN) (added, removed []draft, err error) {
	naming := func(rdn plan.RDN) ([]draft, error) {
		var out []draft
		for _, ava := range rdn {
			desc, err := d.schema.describe(ava.Type)
			if err != nil {
				return nil, err
			}
			values, keys, err := d.schema.checkValues(desc, []string{ava.Value})
			if err != nil {
				return nil, err
			}
			out = append(out, draft{desc, values, keys})
		}
		return out, nil
	}
	if added, err = naming(m.NewRDN); err != nil {
		return nil, nil, err
	}
	for _, a := range added {
		if err := d.trouble.takes(a.desc, a.values); err != nil {
			return nil, nil, err
		}
		if a.desc.typ.equality == nil && !d.schema.sketch {
			return nil, nil, Refuse(ldap.LDAPResultNamingViolation, "naming attribute '%s' has no equality matching rule", a.desc)
		}
	}
	if !m.DeleteOldRDN {
		return added, nil, nil
	}
	removed, err = naming(m.DN.RDN())
	return added, removed, err
}

// newSuperior returns the entry that will be above, nil for the suffix.
func (d *Directory) newSuperior(e *Entry, m plan.ModifyDN) (*Entry, error) {
	if m.NewSuperior.Empty() {
		return e.parent, nil
	}
	d.imply(m.NewSuperior)
	superior, found := d.find(m.NewSuperior)
	if !found || d.trouble.hides(superior) {
		return nil, Refuse(ldap.LDAPResultNoSuchObject, "new superior not found")
	}
	return superior, nil
}

// withoutParent drops the matched DN unless it is the parent's: slapd looks for the parent first, and then only knows that
// it is missing.
func (d *Directory) withoutParent(err error, dn plan.DN) error {
	if r := AsRefusal(err); !d.schema.same(r.Matched, dn.Parent()) {
		r.Matched = nil
	}
	return err
}

func (d *Directory) place(e, superior *Entry, rdn plan.RDN) {
	oldRDN, oldKey := e.rdn, e.key
	d.unlink(e)
	d.succeed(e, append(plan.DN{rdn}, superior.DN()...))
	e.rdn, e.key = rdn, d.schema.rdnKey(rdn)
	d.undo = append(d.undo, func() { e.rdn, e.key = oldRDN, oldKey })
	d.link(e, superior)
}
