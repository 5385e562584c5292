package connector

import (
	"context"

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
	if ok {
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
