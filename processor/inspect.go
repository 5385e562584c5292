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

// Preview plans without writing: Operations are what Process would do first.
func (p *Processor) Preview(ctx context.Context, task Task) Result {
	return p.Inspect(ctx, task).Result
}

// Inspect plans without writing, as Preview does, and tells what the plan is made of.
func (p *Processor) Inspect(ctx context.Context, task Task) Inspection {
	r := p.begin(task)
	draft, ok := r.draft(ctx)
	switch {
	case ok && draft.belowItself:
		r.seeBelowItself(ctx, draft)
	case ok:
		r.result.Operations = draft.plan.Operations
		r.result.DN = draft.plan.DN
		r.result.Takes = draft.takes()
		r.settleWritten()
	}
	out := Inspection{Current: draft.current}
	if !draft.desired.Object.Zero() {
		out.Desired = &draft.desired
	} else {
		out.Current = r.remembered(ctx)
	}
	out.Result = r.result
	return out
}

// seeBelowItself says what an object waits for that belongs below where it is now. Process would step aside where that one waits
// as well.
func (r *run) seeBelowItself(ctx context.Context, d draft) {
	message := fmt.Sprintf("%s belongs at %s, below where it is now: what is between has to move away first", d.desired.Object, d.desired.DN)
	holder, err := r.placeHolder(ctx, d.desired.DN)
	switch {
	case err != nil:
		r.failed(err)
	case holder.Zero():
		r.wait(event.CodeDNTaken, message)
	default:
		r.wait(event.CodeWaitsForDN, message+", which is "+holder.String(), holder)
	}
}

// remembered returns the entry that was written before, for an object of which the mapping cannot tell what it should be.
// The task has its outcome already, so an error here adds nothing to it.
func (r *run) remembered(ctx context.Context) *plan.Entry {
	if r.task.Link == "" || !r.set.Handles(r.task.Merged.Object.Ref.Kind) {
		return nil
	}
	entry, err := r.find(ctx, nil)
	if err != nil {
		return nil
	}
	return entry
}
