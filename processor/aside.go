package processor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// makeRoom steps aside where the task waits for an object that has no entry, as that one waits for the place of this: a unit that
// is to go below the new one that gets its name.
func (w *work) makeRoom(ctx context.Context) {
	if w.result.Outcome.Code != event.CodeWaitsForObject || !w.ours(w.found) {
		return
	}
	for _, ref := range w.result.WaitsFor {
		_, record, _, err := w.task.Memory.Lookup(ctx, ref)
		if err != nil {
			w.failed(err)
			return
		}
		if !record.DN.Empty() {
			continue // It has a place of its own, and waits for something else than this one's.
		}
		circular, err := w.waitsForSelf(ctx, ref)
		if err != nil {
			w.failed(err)
			return
		}
		if !circular {
			continue
		}
		w.stepAside(ctx, draft{current: w.found}, ref)
		return
	}
}

// stepAside gives the entry a temporary name and frees the values that no other entry may have, so that an object that
// waits for them can move on. What is below a unit comes along, so that is done alone.
func (w *work) stepAside(ctx context.Context, d draft, holder event.Ref) (again bool) {
	self := w.task.Merged.Object.Ref
	if self.Kind == event.KindUnit && !w.task.Alone {
		w.result.NeedsAlone = true
		return false
	}
	if d.current != nil {
		at := w.result.DN
		if len(w.result.Operations) == 0 {
			at = d.current.DN
		}
		if !w.confirmPlace(ctx, d.current.Link, at) {
			return false
		}
	}
	ops, err := w.aside(ctx, d)
	if err != nil {
		return w.failed(err)
	}
	for _, op := range ops {
		if err := w.target.Apply(ctx, op); err != nil {
			w.result.DN = w.task.DN // What refers to it has not followed.
			return w.failed(err)
		}
		w.wrote(op)
		w.result.Freed = true
	}
	if w.result.Freed {
		if err := w.follow(ctx); err != nil {
			return w.failed(err)
		}
	}
	message := fmt.Sprintf("%s changes places with %s and stands under a temporary name until ", self, holder)
	if d.desired.DN.Empty() {
		message += "that is in the directory"
	} else {
		message += d.desired.DN.String() + " is free"
	}
	w.wait(event.CodeWaitsForDN, message, holder)
	return false
}

// aside returns what it takes to step aside, nothing where that is done.
func (w *work) aside(ctx context.Context, d draft) ([]plan.Operation, error) {
	name := temporaryName(w.task.Merged.Object.Ref)
	names := make([]string, len(d.unique))
	for i, unique := range d.unique {
		names[i] = unique.Name
	}
	current, err := w.target.Read(ctx, w.result.DN, names)
	if err != nil || current == nil {
		return nil, err //nolint:wrapcheck // It names the entry.
	}
	var ops []plan.Operation
	dn, rdn := current.DN, plan.RDN{{Type: current.DN.RDN()[0].Type, Value: name}}
	// Who is to get the place of one above, which is to be deleted, has to leave that first.
	m := w.comparison()
	below := !d.desired.DN.Empty() && plan.Below(m, dn, d.desired.DN)
	if below || m.RDNKey(dn.RDN()) != m.RDNKey(rdn) {
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
		has := current.ValuesOf(m, unique.Name)
		if plan.SameDescription(m, unique.Name, rdn[0].Type) || len(has) == 0 || slices.Equal(has, change.Values) || !d.givesUp(m, unique.Name, has) {
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
func (d draft) givesUp(m plan.Matching, attribute string, has []string) bool {
	i := slices.IndexFunc(d.desired.Rules, func(rule plan.Rule) bool { return plan.SameDescription(m, rule.Attribute, attribute) })
	return i >= 0 && !slices.Equal(d.desired.Rules[i].Values, has)
}
