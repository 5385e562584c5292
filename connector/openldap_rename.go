package connector

import (
	"context"
	"errors"
	"fmt"
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
	return errors.As(err, &refused) && refused.Kind == KindRetry && refused.Code == ldap.LDAPResultOther && strings.Contains(refused.Message, "DN index add failed")
}

// longName is how many octets a name has at least that is too long for slapd with mdb: it has room for 511 octets, in which
// the name stands twice, once in the form in which it is compared.
const longName = 230

// tooLong corrects the kind of an error that is due to the length of a name, for which slapd has no other code than for
// what passes.
func tooLong(err error, rdn plan.RDN) error {
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Code == ldap.LDAPResultOther && len(rdn.String()) >= longName {
		refused.Kind = KindRefused
		refused.Message = strings.TrimPrefix(fmt.Sprintf("%s: the name has %d octets, and slapd takes about 240", refused.Message, len(rdn.String())), ": ")
	}
	return err
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
