package ldaptest

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// rename changes the name of an entry, its place, or both (RFC 4511 section 4.9); what lies below comes along.
func (d *directory) rename(m plan.ModifyDN, who plan.DN) error {
	if err := d.mustBeInside(m.DN); err != nil {
		return err
	}
	if !m.NewSuperior.Empty() && !m.NewSuperior.Within(d.suffix) {
		return refuse(ldap.LDAPResultAffectsMultipleDSAs, "cannot rename between DSAs")
	}
	added, removed, err := d.namingChanges(m)
	if err != nil {
		return err
	}
	e, err := d.lookup(m.DN)
	if err != nil {
		return err
	}
	superior, err := d.newSuperior(e, m)
	if err != nil {
		return err
	}
	rdn := d.schema.spell(plan.DN{m.NewRDN})[0]
	if superior != nil {
		if there := superior.children[rdn.Key()]; there != nil && there != e {
			return refuse(ldap.LDAPResultEntryAlreadyExists, "")
		}
	}
	return d.atomically(func() error {
		from, members, groups := e.dn(), d.groupMembers(e), d.memberships(e)
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
		if err := d.checkEntry(e, rdn); err != nil {
			return err
		}
		d.place(e, superior, rdn)
		d.modified(e, who)
		to := e.dn()
		d.leaveGroup(from, members)
		d.joinGroup(to, members)
		d.renameMember(from, to, groups)
		d.followReferences(from, to)
		return nil
	})
}

// namingChanges returns the values that the new name adds to the entry and those that go with the old one.
func (d *directory) namingChanges(m plan.ModifyDN) (added, removed []draft, err error) {
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
	if added, err = naming(m.NewRDN); err != nil || !m.DeleteOldRDN {
		return added, nil, err
	}
	removed, err = naming(m.DN.RDN())
	return added, removed, err
}

// newSuperior returns the entry that will be above, nil for the suffix.
func (d *directory) newSuperior(e *entry, m plan.ModifyDN) (*entry, error) {
	if m.NewSuperior.Empty() {
		return e.parent, nil
	}
	superior, found := d.find(m.NewSuperior)
	if !found {
		r := refuse(ldap.LDAPResultNoSuchObject, "new superior not found")
		return nil, r
	}
	if superior.within(e) {
		return nil, refuse(ldap.LDAPResultUnwillingToPerform, "an entry cannot be moved below itself")
	}
	return superior, nil
}

func (d *directory) place(e, superior *entry, rdn plan.RDN) {
	oldRDN, oldKey := e.rdn, e.key
	d.unlink(e)
	e.rdn, e.key = rdn, rdn.Key()
	d.undo = append(d.undo, func() { e.rdn, e.key = oldRDN, oldKey })
	d.link(e, superior)
}
