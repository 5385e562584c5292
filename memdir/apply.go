package memdir

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Apply makes one operation. The error is a [*connector.OutcomeError].
func (d *Directory) Apply(_ context.Context, op plan.Operation) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	verb, dn := op.Verb(), op.Target()
	fault := d.faultFor(Operation{Verb: verb, DN: dn})
	if err := fault.before(d, verb, dn); err != nil {
		return err
	}
	if err := d.apply(op); err != nil {
		return d.answered(verb, dn, err)
	}
	d.written = append(d.written, op)
	return fault.after(verb, dn)
}

func (d *Directory) apply(op plan.Operation) error {
	terms := dit.Terms{Who: owner, Writer: true}
	switch op := op.(type) {
	case plan.Add:
		return d.tree.Add(op.DN, op.Attributes, terms)
	case plan.Modify:
		return d.tree.Modify(op.DN, op.Modifications, terms)
	case plan.ModifyDN:
		return d.rename(op, terms)
	case plan.Delete:
		return d.delete(op, terms)
	case plan.SetPassword:
		return d.setPassword(op, terms)
	default:
		return fmt.Errorf("apply: there is no operation %T", op)
	}
}

// rename says of a missing entry above that it is that one, which no result code tells.
func (d *Directory) rename(op plan.ModifyDN, terms dit.Terms) error {
	err := d.tree.Rename(op, terms)
	if err == nil || op.NewSuperior.Empty() {
		return err
	}
	if refused := dit.AsRefusal(err); refused.Code == ldap.LDAPResultNoSuchObject && !d.tree.Holds(op.NewSuperior) {
		return &connector.OutcomeError{Kind: connector.KindMissingParent, Code: refused.Code, Verb: op.Verb(), DN: op.DN, Message: refused.Message}
	}
	return err
}

// delete removes an entry, with a subtree from the leaves up.
func (d *Directory) delete(op plan.Delete, terms dit.Terms) error {
	if !op.Subtree {
		return d.tree.Delete(op.DN, terms)
	}
	f, err := d.tree.ParseFilter(everything)
	if err != nil {
		return err
	}
	found, err := d.tree.Search(dit.Search{Base: op.DN, Scope: ldap.ScopeWholeSubtree, Filter: f})
	if err != nil {
		return err
	}
	names := make([]plan.DN, len(found))
	for i, e := range found {
		names[i] = e.DN()
	}
	slices.SortStableFunc(names, func(a, b plan.DN) int { return len(b) - len(a) })
	for _, dn := range names {
		if err := d.tree.Delete(dn, terms); err != nil {
			return err
		}
	}
	return nil
}

// setPassword sets a password, and what the server has to hold beside one.
func (d *Directory) setPassword(op plan.SetPassword, terms dit.Terms) error {
	if err := d.tree.SetPassword(op.DN, secret.Text{}, op.Password, terms); err != nil {
		return err
	}
	if after := d.profile.Flavour.Password(op).After; len(after) > 0 {
		return d.tree.Modify(op.DN, after, terms)
	}
	return nil
}
