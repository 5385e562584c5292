package dit

import (
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Delete removes a leaf (RFC 4511 section 4.8).
func (d *Directory) Delete(dn plan.DN, terms Terms) error {
	if err := d.mayWriteAt(dn, terms); err != nil {
		return err
	}
	e, err := d.told(dn)
	if err != nil {
		return err
	}
	if err := terms.Condition.check(e); err != nil {
		return err
	}
	if err := terms.mayWrite(); err != nil {
		return err
	}
	if d.trouble.NoDelete {
		return Refuse(ldap.LDAPResultInsufficientAccessRights, "no write access to entry")
	}
	if len(e.children) > 0 {
		return Refuse(ldap.LDAPResultNotAllowedOnNonLeaf, "subordinate objects must be deleted first")
	}
	return d.atomically(func() error {
		members, groups := d.groupMembers(e), d.memberships(e)
		d.unlink(e)
		for len(e.attributes) > 0 {
			d.takeAll(e, e.attributes[len(e.attributes)-1])
		}
		d.size--
		d.undo = append(d.undo, func() { d.size++ })
		d.memberRemoved(dn, members, groups)
		d.dropReferences(dn)
		return nil
	})
}
