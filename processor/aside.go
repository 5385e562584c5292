package processor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// makeRoom steps aside where the task waits for an object that has no entry, as that one waits for the place of this: a unit that
// is to go below the new one that gets its name.
func (r *run) makeRoom(ctx context.Context) {
	if r.result.Outcome.Code != event.CodeWaitsForObject || r.task.Link == "" {
		return
	}
	for _, ref := range r.result.WaitsFor {
		_, at, _, err := r.task.Memory.Lookup(ctx, ref)
		if err != nil {
			r.failed(err)
			return
		}
		if !at.Empty() {
			continue // It has a place of its own, and waits for something else than this one's.
		}
		circular, err := r.waitsForSelf(ctx, ref)
		if err != nil {
			r.failed(err)
			return
		}
		if !circular {
			continue
		}
		current, err := r.find(ctx, nil)
		if err != nil {
			r.failed(err)
			return
		}
		if current == nil || current.Link != r.task.Link {
			return
		}
		r.stepAside(ctx, draft{current: current}, ref)
		return
	}
}

// stepAside gives the entry a temporary name and frees the values that no other entry may have, so that an object that
// waits for them can move on. What is below a unit comes along, so that is done alone.
func (r *run) stepAside(ctx context.Context, d draft, holder event.Ref) (again bool) {
	self := r.task.Merged.Object.Ref
	if self.Kind == event.KindUnit && !r.task.Alone {
		r.result.NeedsAlone = true
		return false
	}
	if d.current != nil {
		at := r.result.DN
		if len(r.result.Operations) == 0 {
			at = d.current.DN
		}
		if settled := r.settlePlace(ctx, d.current.Link, at); !settled {
			return false
		}
	}
	ops, err := r.aside(ctx, d)
	if err != nil {
		return r.failed(err)
	}
	for _, op := range ops {
		if err := r.target.Apply(ctx, op); err != nil {
			r.result.DN = r.task.DN // What refers to it has not followed.
			return r.failed(err)
		}
		r.wrote(op)
		r.result.Freed = true
	}
	if r.result.Freed {
		if err := r.follow(ctx); err != nil {
			return r.failed(err)
		}
	}
	message := fmt.Sprintf("%s changes places with %s and stands under a temporary name until ", self, holder)
	if d.desired.DN.Empty() {
		message += "that is in the directory"
	} else {
		message += d.desired.DN.String() + " is free"
	}
	r.wait(event.CodeWaitsForDN, message, holder)
	return false
}

// aside returns what it takes to step aside, nothing where that is done.
func (r *run) aside(ctx context.Context, d draft) ([]plan.Operation, error) {
	name := temporaryName(r.task.Merged.Object.Ref)
	names := make([]string, len(d.unique))
	for i, unique := range d.unique {
		names[i] = unique.Name
	}
	current, err := r.target.Read(ctx, r.result.DN, names)
	if err != nil || current == nil {
		return nil, err //nolint:wrapcheck // It names the entry.
	}
	var ops []plan.Operation
	dn, rdn := current.DN, plan.RDN{{Type: current.DN.RDN()[0].Type, Value: name}}
	// Who is to get the place of one above, which is to be deleted, has to leave that first.
	below := !d.desired.DN.Empty() && dn.Below(d.desired.DN)
	if below || dn.RDN().Key() != rdn.Key() {
		op := plan.ModifyDN{DN: dn, NewRDN: rdn, DeleteOldRDN: true}
		if below {
			op.NewSuperior = d.desired.DN.Parent()
		}
		ops, dn = append(ops, op), op.NewDN()
	}
	var changes []plan.Modification
	for _, unique := range d.unique {
		change := plan.Modification{Type: plan.ReplaceValues, Name: unique.Name}
		if unique.AnyText {
			change.Values = []string{name}
		}
		has := current.Values(unique.Name)
		if strings.EqualFold(unique.Name, rdn[0].Type) || len(has) == 0 || slices.Equal(has, change.Values) || !d.givesUp(unique.Name, has) {
			continue
		}
		changes = append(changes, change)
	}
	if len(changes) > 0 {
		ops = append(ops, plan.Modify{DN: dn, Modifications: changes})
	}
	return ops, nil
}

// temporaryName derives a name from the id, so that a repeat after a crash gives the same one. It has no more than the 20
// characters that Active Directory allows.
func temporaryName(ref event.Ref) string {
	sum := sha256.Sum256([]byte(ref.String()))
	return "idaas-ldap-" + hex.EncodeToString(sum[:])[:9]
}

// givesUp reports whether an attribute is wanted to have other values than it has.
func (d draft) givesUp(attribute string, has []string) bool {
	i := slices.IndexFunc(d.desired.Rules, func(rule plan.Rule) bool { return strings.EqualFold(rule.Attribute, attribute) })
	return i >= 0 && !slices.Equal(d.desired.Rules[i].Values, has)
}
