package connector

import (
	"context"
	"errors"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// TakesWrites reports why a server takes no writes at all, nil where it does. It asks for an entry to be deleted that is not
// there: a server that is read-only, or a copy of another one, says so before it looks for it. Whether the bind account may write is
// another matter.
func (d *Directory) TakesWrites(ctx context.Context, absent plan.DN) error {
	err := d.Apply(ctx, plan.Delete{DN: absent})
	var refused *OutcomeError
	if errors.As(err, &refused) {
		switch refused.Code {
		case ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights:
			return nil
		}
	}
	return err
}
