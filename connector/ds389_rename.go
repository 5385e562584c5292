package connector

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// The plug-in "attribute uniqueness" of 389 Directory Server (2.3.1 at least) cannot rename an entry and drop the old name
// where that has a character that is escaped in DNs: Lee\, Ann. It can where the old name stays, so that is dropped later.

// cannotDropOldName recognises that 389 cannot rename an entry for this reason.
func cannotDropOldName(err error) bool {
	var refused *OutcomeError
	return errors.As(err, &refused) && refused.Code == ldap.LDAPResultOperationsError && strings.Contains(refused.Message, "attribute uniqueness")
}

// renameInSteps renames an entry and then removes what is left of the old name. What a crash in between leaves behind is a
// value that the mapping does not want, and goes when the entry is looked at again.
func (d *Directory) renameInSteps(ctx context.Context, op plan.ModifyDN) error {
	op.DeleteOldRDN = false
	if err := d.modifyDN(ctx, op); err != nil {
		return err
	}
	var left []plan.Modification
	for _, old := range op.DN.RDN() {
		if !slices.ContainsFunc(op.NewRDN, func(ava plan.AVA) bool { return (plan.RDN{ava}).Key() == (plan.RDN{old}).Key() }) {
			left = append(left, plan.Modification{Type: plan.DeleteValues, Name: old.Type, Values: []string{old.Value}})
		}
	}
	if len(left) == 0 {
		return nil
	}
	err := d.modify(ctx, plan.Modify{DN: op.NewDN(), Modifications: left})
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Kind == KindConflict {
		return nil // it did not stay
	}
	return err
}
