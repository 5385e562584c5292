package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Apply makes one operation. The error is an [*OutcomeError]. Referrals are never followed: another server would get our
// credentials.
func (d *Directory) Apply(ctx context.Context, op plan.Operation) error {
	switch op := op.(type) {
	case plan.Add:
		return d.add(ctx, op)
	case plan.Modify:
		return d.modify(ctx, op)
	case plan.ModifyDN:
		return d.modifyDN(ctx, op)
	case plan.Delete:
		return d.delete(ctx, op)
	case plan.SetPassword:
		return d.setPassword(ctx, op)
	default:
		return fmt.Errorf("apply: there is no operation %T", op)
	}
}

func (d *Directory) add(ctx context.Context, op plan.Add) error {
	request := ldap.NewAddRequest(op.DN.String(), nil)
	for _, a := range op.Attributes {
		request.Attribute(a.Name, a.Values)
	}
	err := d.do(ctx, op.Verb(), op.DN, secret.Text{}, func(conn *pooled) error { return conn.Add(request) })
	return tooLong(err, op.DN.RDN())
}

func (d *Directory) modify(ctx context.Context, op plan.Modify) error {
	request := ldap.NewModifyRequest(op.DN.String(), nil)
	for _, m := range op.Modifications {
		switch m.Type {
		case plan.AddValues:
			request.Add(m.Name, m.Values)
		case plan.DeleteValues:
			request.Delete(m.Name, m.Values)
		case plan.ReplaceValues:
			request.Replace(m.Name, m.Values)
		}
	}
	return d.do(ctx, op.Verb(), op.DN, secret.Text{}, func(conn *pooled) error {
		_, err := conn.ModifyWithResult(request) // the other call loses where a referral points
		return err
	})
}

// modifyDN renames or moves an entry in as many steps as the server needs. What a crash between two of them leaves behind is
// a name that is not the wanted one yet, or a value that the mapping does not want: both are mended when the entry is looked
// at again.
func (d *Directory) modifyDN(ctx context.Context, op plan.ModifyDN) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	for _, step := range profile.Flavour.Renames(op) {
		if err := d.rename(ctx, step); err != nil {
			return err
		}
		if op.DeleteOldRDN && !step.DeleteOldRDN {
			if err := d.dropOldName(ctx, step); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Directory) rename(ctx context.Context, op plan.ModifyDN) error {
	request := ldap.NewModifyDNRequest(op.DN.String(), op.NewRDN.String(), op.DeleteOldRDN, op.NewSuperior.String())
	send := func() error {
		return d.do(ctx, op.Verb(), op.DN, secret.Text{}, func(conn *pooled) error { return conn.ModifyDN(request) })
	}
	err := tooLong(send(), op.NewRDN)
	if lostItsPlace(err) {
		if err := d.plantChild(ctx, op.DN); err != nil {
			return err
		}
		err = send()
	}
	if op.NewSuperior.Empty() {
		return err
	}
	return d.aboutSuperior(ctx, op, err)
}

// dropOldName removes the values of a name that an entry had before it was renamed and has kept.
func (d *Directory) dropOldName(ctx context.Context, op plan.ModifyDN) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	var left []plan.Modification
	for _, old := range op.DN.RDN() {
		if !slices.ContainsFunc(op.NewRDN, func(ava plan.AVA) bool {
			return profile.Matching.RDNKey(plan.RDN{ava}) == profile.Matching.RDNKey(plan.RDN{old})
		}) {
			left = append(left, plan.Modification{Type: plan.DeleteValues, Name: old.Type, Values: []string{old.Value}})
		}
	}
	if len(left) == 0 {
		return nil
	}
	err = d.modify(ctx, plan.Modify{DN: op.NewDN(), Modifications: left})
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Kind == KindConflict {
		return nil // it did not stay
	}
	return err
}

// aboutSuperior corrects the kind of an error of a move that is due to the entry above: the code does not tell which of the
// two entries is missing, Samba says 80 for the upper one, and one that has come to lie below the moved entry meanwhile is
// refused with 53.
func (d *Directory) aboutSuperior(ctx context.Context, op plan.ModifyDN, err error) error {
	var refused *OutcomeError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Code {
	case ldap.LDAPResultNoSuchObject, ldap.LDAPResultOther:
		superior, readErr := d.Read(ctx, op.NewSuperior, nil)
		if readErr == nil && superior == nil {
			refused.Kind = KindMissingParent
		}
	case ldap.LDAPResultUnwillingToPerform:
		if strings.Contains(refused.Message, "descendent") || strings.Contains(refused.Message, "below itself") {
			refused.Kind = KindMissingParent
		}
	}
	return err
}
