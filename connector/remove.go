package connector

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

func (d *Directory) delete(ctx context.Context, op plan.Delete) error {
	if op.Subtree {
		return d.deleteSubtree(ctx, op)
	}
	return d.explainNotEmpty(ctx, op.DN, d.deleteOne(ctx, op.DN))
}

func (d *Directory) deleteOne(ctx context.Context, dn plan.DN, controls ...ldap.Control) error {
	request := ldap.NewDelRequest(dn.String(), controls)
	return d.do(ctx, plan.Delete{}.Verb(), dn, secret.Text{}, func(conn *pooled) error { return conn.Del(request) })
}

// explainNotEmpty looks what is below an entry that cannot be deleted for that. Where nothing is to be seen there is something all
// the same, unless it has gone at this moment, which one more try tells.
func (d *Directory) explainNotEmpty(ctx context.Context, dn plan.DN, err error) error {
	if !isKind(err, KindNotEmpty) {
		return err
	}
	children, more, lookErr := d.FirstChildren(ctx, dn, 1)
	if lookErr != nil || len(children) > 0 || more {
		return err
	}
	err = d.deleteOne(ctx, dn)
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Kind == KindNotEmpty {
		refused.Kind = KindHiddenBelow
		refused.Advice = "there are entries below it that the bind account may not see; give it the right to read them, or delete them"
	}
	return err
}

func isKind(err error, kind Kind) bool {
	var refused *OutcomeError
	return errors.As(err, &refused) && refused.Kind == kind
}

// controlTreeDelete is Microsoft's tree delete control.
const controlTreeDelete = "1.2.840.113556.1.4.805"

func (d *Directory) deleteSubtree(ctx context.Context, op plan.Delete) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	if profile.Controls[controlTreeDelete] {
		return d.deleteOne(ctx, op.DN, ldap.NewControlString(controlTreeDelete, true, ""))
	}
	return d.deleteUpwards(ctx, profile.Matching, op.DN, 0)
}

// deepest is how many levels of entries a subtree has at most that is deleted one by one.
const deepest = 100

// deleteUpwards deletes an entry after everything below it, of which every level is read whole before anything of it is deleted.
func (d *Directory) deleteUpwards(ctx context.Context, matching plan.Matching, dn plan.DN, depth int) error {
	children, err := d.Children(ctx, dn)
	if err != nil {
		return err
	}
	for _, child := range children {
		if depth == deepest || plan.DNKey(matching, child.Parent()) != plan.DNKey(matching, dn) {
			return &OutcomeError{
				Kind: KindRetry, Verb: plan.Delete{}.Verb(), DN: dn,
				Err: fmt.Errorf("the server says that %s is right below, at level %d of what is to be deleted", child, depth+1),
			}
		}
		if err := d.deleteUpwards(ctx, matching, child, depth+1); err != nil {
			return err
		}
	}
	return d.delete(ctx, plan.Delete{DN: dn})
}
