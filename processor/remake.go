package processor

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// remake makes the entry at first where the one of before is remembered, where that is not to be seen and the new one would get another
// name. A server that hides the one of before says then that it is there, and it is not made twice; otherwise the new one gets its name
// in the next round.
func (w *work) remake(ctx context.Context) bool {
	d := &w.draft
	at := w.task.DN
	if at.Empty() || w.provenGone || d.desired.DN.Empty() || plan.SameDN(w.comparison(), at, d.desired.DN) || !plan.Below(w.comparison(), at, w.set.Base()) {
		return true
	}
	there, err := w.target.Read(ctx, at, nil)
	if err != nil {
		return w.failed(err)
	}
	if there != nil {
		return true // somebody else's, so ours is not there
	}
	w.remakes = true
	d.desired.DN = at
	d.desired.Rules = slices.Clone(d.desired.Rules)
	for i, rule := range d.desired.Rules {
		for _, ava := range at.RDN() {
			if plan.SameDescription(w.comparison(), ava.Type, rule.Attribute) {
				d.desired.Rules[i].Values = []string{ava.Value}
			}
		}
	}
	return true
}

// remakeFailed decides what it means that the entry cannot be made where that of before is remembered.
func (w *work) remakeFailed(isThere bool) verdict {
	if isThere {
		w.wait(event.CodeRetry, fmt.Sprintf("the entry of %s at %s is there, and is not to be seen: the server may hide it from the bind account, which has to see what it writes", w.ref(), w.task.DN))
		return w.block()
	}
	w.provenGone = true
	return lookAgain
}
