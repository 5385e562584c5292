package connector

import (
	"context"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// slapd with the backend mdb (2.5.13 at least) cannot rename an entry below which there are only entries that were made
// before it and moved there: a new unit that is filled with those who were there already. It says 80 however often one
// tries. Once an entry was made below it and removed again it can.

// lostItsPlace recognises that slapd cannot rename an entry for this reason.
func lostItsPlace(err error) bool {
	var refused *OutcomeError
	return errors.As(err, &refused) && refused.Code == ldap.LDAPResultOther && strings.Contains(refused.Message, "DN index add failed")
}

// childName is what the entry is called that is made to be removed again.
const childName = "idaas-ldap-makes-room"

// plantChild makes an entry below one and removes it again. What a crash in between leaves behind goes with the next try.
func (d *Directory) plantChild(ctx context.Context, dn plan.DN) error {
	child := dn.Child(plan.RDN{{Type: "ou", Value: childName}})
	err := d.add(ctx, plan.Add{DN: child, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"organizationalUnit"}}, {Name: "ou", Values: []string{childName}},
	}})
	var refused *OutcomeError
	if err != nil && (!errors.As(err, &refused) || refused.Kind != KindExists) {
		return err
	}
	return d.delete(ctx, plan.Delete{DN: child})
}
