package processor

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Inspection is what one look at an object found out, as far as it came.
type Inspection struct {
	Result
	// Desired is what the mapping wants, nil where it cannot tell yet.
	Desired *plan.Desired
	// Current is the entry of the object with the attributes that the mapping speaks about, nil where there is none.
	Current *plan.Entry
}

// Preview plans without writing: Operations are what Process would do first, or, where a guard holds it, what it would do once that
// is approved.
func (p *Processor) Preview(ctx context.Context, task Task) Result {
	return p.Inspect(ctx, task).Result
}

// Inspect plans without writing, as Preview does, and tells what the plan is made of.
func (p *Processor) Inspect(ctx context.Context, task Task) Inspection {
	w := p.begin(task)
	w.lookAfresh()
	w.inspect(ctx)
	out := Inspection{Current: w.found}
	if !w.draft.desired.Object.Zero() {
		out.Desired = &w.draft.desired
	}
	out.Result = w.result
	return out
}

// inspect goes through the steps that write nothing. Where the record is held up, what ends the access of the user all the same is what
// would be written.
func (w *work) inspect(ctx context.Context) {
	if identify(ctx, w) != proceed {
		return
	}
	if w.inspectRecord(ctx) || !w.endsAccess() {
		return
	}
	why := w.result.Outcome
	operations, ok := w.planAccess(ctx)
	switch held := w.result.Facets[event.FacetAccess]; {
	case !ok && held.Message != "":
		w.result.Outcome.Message = why.Message + "; the login is not ended: " + held.Message
	case ok && len(operations) > 0:
		w.result.Operations, w.result.DN, w.result.Takes = operations, w.found.DN, ActDisable
		w.result.Outcome.Message = why.Message + "; the login is ended meanwhile"
	case ok:
		w.result.Outcome.Message = why.Message + "; the login is ended already"
	}
}

// inspectRecord plans the record of the object, and reports whether nothing holds it up.
func (w *work) inspectRecord(ctx context.Context) bool {
	wanted, ok := w.desire(ctx)
	if !ok {
		return false
	}
	w.draft.desired, w.draft.missing, w.failures = wanted.Desired, wanted.Missing, wanted.Failed
	if len(w.required) > 0 {
		w.wait(event.CodeWaitsForObject, "waits for "+naming(w.required)+", which is not in the directory yet", w.required...)
		return false
	}
	for _, step := range []step{recognise, draftPlan} {
		if step(ctx, w) != proceed || w.blocked {
			return false
		}
	}
	if w.draft.belowItself {
		w.seeBelowItself(ctx, w.draft)
		return false
	}
	w.result.Operations, w.result.DN, w.result.Takes = w.draft.plan.Operations, w.draft.plan.DN, w.takes(w.draft)
	w.concludeRecord()
	if w.draft.current == nil {
		return true
	}
	if held := w.heldBack(ctx, w.draft); held != nil {
		w.result.Outcome = *held
	}
	return true
}

// seeBelowItself says what an object waits for that belongs below where it is now. Process would step aside where that one waits
// as well.
func (w *work) seeBelowItself(ctx context.Context, d draft) {
	message := fmt.Sprintf("%s belongs at %s, below where it is now: what is between has to move away first", d.desired.Object, d.desired.DN)
	holder, err := w.placeHolder(ctx, d.desired.DN)
	switch {
	case err != nil:
		w.failed(err)
	case holder.Zero():
		w.wait(event.CodeDNTaken, message)
	default:
		w.wait(event.CodeWaitsForDN, message+", which is "+holder.String(), holder)
	}
}
