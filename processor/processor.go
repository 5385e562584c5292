package processor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// Target is what the processor needs of a directory. *connector.Directory is one, and *memdir.Directory another.
type Target interface {
	Profile(ctx context.Context) (*connector.Profile, error)
	Find(ctx context.Context, key plan.Key) (*plan.Entry, error)
	Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error)
	Children(ctx context.Context, dn plan.DN, limit int) ([]plan.DN, error)
	Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (present map[string]bool, err error)
	Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error)
	ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error)
	Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (occupied map[string]bool, err error)
	Apply(ctx context.Context, op plan.Operation) error
}

// Memory is what the processor needs to know that the directory cannot tell.
type Memory interface {
	// Lookup returns what is known of another object and where its entry is; found is false where nothing is known.
	Lookup(ctx context.Context, ref event.Ref) (object event.Object, dn plan.DN, found bool, err error)
	// Link returns the stable id of the entry of another object, empty if none is known.
	Link(ctx context.Context, ref event.Ref) (string, error)
	// Linked returns the object whose entry has a stable id, and where that is remembered to be; the zero reference if none is
	// known to.
	Linked(ctx context.Context, link string) (event.Ref, plan.DN, error)
	// Left reports whether the entry of another object is kept although the object is gone or outside the scope: disabled, or
	// among the leavers.
	Left(ctx context.Context, ref event.Ref) (bool, error)
	// Holder returns the object whose entry has this DN, the zero reference if none is known to.
	Holder(ctx context.Context, dn plan.DN) (event.Ref, error)
	// Below returns where the entries of objects below a DN are remembered to be.
	Below(ctx context.Context, dn plan.DN) ([]plan.DN, error)
	// WaitsFor returns the objects that an object waits for.
	WaitsFor(ctx context.Context, ref event.Ref) ([]event.Ref, error)
	// Allocate gives the object of the task a number that is not among those that are taken by entries which are not
	// ours. The object gets the same one again where nothing is said of it.
	Allocate(ctx context.Context, n mapping.Number, taken ...int64) (int64, error)
	// Claim gives the object of the task the first of the names that no other object has claimed, the same one again where
	// it is among them; the empty text where all are claimed.
	Claim(ctx context.Context, pool string, names []string) (string, error)
	// Members returns every known word about the members of the group of the task.
	Members(ctx context.Context) (map[string]event.Membership, error)
	// Hold keeps other objects from being worked on until the task ends, so that their entries stay where Lookup says that
	// they are. Busy are those that are being worked on already: where their entries are is about to change, perhaps.
	Hold(refs []event.Ref) (busy map[event.Ref]bool)
	// Moved remembers where the entry of the object of the task is, and its stable id, before the task ends.
	Moved(ctx context.Context, link string, dn plan.DN) error
	// BeforePassword records that the password is about to be written.
	BeforePassword(ctx context.Context) error
	// Permit asks whether objects may be deleted or disabled, all of them together, within a limit of the mapping.
	Permit(ctx context.Context, act Act, objects []event.Ref, limit mapping.Limit) (bool, error)
}

// Task is one object to be brought to what is known of it.
type Task struct {
	// Known is what was known before the changes at hand, Merged what is known with them.
	Known  event.Object
	Merged event.Merged
	// Link, DN and Owned are what was remembered at the last write.
	Link  string
	DN    plan.DN
	Owned map[string][]string
	// RemovedAt is since when the entry of an object that is gone is kept, disabled or among the leavers; zero if it is not.
	RemovedAt event.Millis
	// Unlock: an unlock was asked for just now.
	Unlock bool
	// PasswordTried: the password at hand may have been written before.
	PasswordTried bool
	// Alone: no other object of the directory is worked on meanwhile; see Result.NeedsAlone.
	Alone bool
	// Now decides whether a lock or an account has ended.
	Now    event.Millis
	Memory Memory
}

// Result is what became of a task.
type Result struct {
	// Outcome is that of the object as a whole.
	Outcome event.Outcome
	// PasswordOutcome is that of the password where it differs.
	PasswordOutcome *event.Outcome
	// MemberOutcomes are those of single memberships where they differ, by user id.
	MemberOutcomes map[string]event.Outcome
	// Operations are those that were made, or that would be made, in their order.
	Operations []plan.Operation
	// Entry tells where the entry is now. Gone: there is none any more.
	Link  string
	DN    plan.DN
	Gone  bool
	Owned map[string][]string
	// ChildrenAt is below which entry those are now that were below one that is gone; empty where there is nothing to say.
	ChildrenAt plan.DN
	// RemovedAt is that of the task as it is now. PurgeAt is when the entry is to be looked at again because it has been
	// kept for long enough then; zero for never.
	RemovedAt, PurgeAt event.Millis
	// Takes is what the operations take away that a guard counts, and Held what one counts that holds the task; empty for
	// nothing.
	Takes, Held Act
	// WaitsFor are objects whose next change makes another try worthwhile; Touch are objects that should be looked at
	// because their entries are not where they were.
	WaitsFor []event.Ref
	Touch    []event.Ref
	// Freed: a DN that others may wait for is free, although the task is not done.
	Freed bool
	// NeedsAlone: nothing was written, as it would move entries of other objects, and those must not be worked on
	// meanwhile. The same task is to be tried again alone.
	NeedsAlone bool
}

// Processor brings single objects of one directory to what is known of them.
type Processor struct {
	target Target
	set    func() *mapping.Set
}

// New returns a processor. The mapping is asked for once per task, so that a task is never mapped half by one
// and half by another.
func New(target Target, set func() *mapping.Set) *Processor {
	return &Processor{target: target, set: set}
}

// replans bounds how often a task is planned anew because the directory changed under it.
const replans = 4

// Process plans and writes until the directory says what is known of the object, or until it is clear why it cannot.
// It always returns a result; an error of the directory is part of it.
func (p *Processor) Process(ctx context.Context, task Task) Result {
	r := p.begin(task)
	for range replans {
		again := r.round(ctx)
		if !again {
			return r.result
		}
	}
	r.wait(event.CodeRetry, "the entry keeps changing while it is written; another try follows")
	return r.result
}

// run is the work on one task.
type run struct {
	*Processor
	set    *mapping.Set
	task   Task
	result Result
	// noPassword: the password is dealt with, whatever came of it; passwordSet: the directory has taken it.
	noPassword, passwordSet bool
	// looking: this is the second look after a password was set. What it brings is no new decision, so no guard is asked.
	looking bool
	// note tells people what the written status leaves open.
	note string
	// lastMember: the server has refused to take the last member from the group.
	lastMember bool
	// refusedOnce: the server has refused a value that it wants once, and nobody was found who has it.
	refusedOnce bool
	// sawLeave: an entry that was in the way of this one was gone when it was looked for.
	sawLeave bool
	// placeMade: a missing place of the mapping was made, which is done once only.
	placeMade bool
	// found is the entry of the object in this round, once it was looked for.
	found  *plan.Entry
	looked bool
	// chose: a name was chosen for a new entry, which somebody else may get first.
	chose bool
	// left: the object is gone, so no other entry is to speak of its entry any more, even where that is kept.
	left bool
	// formerly are the DNs that references to the entry still may hold: where it was at the last settled write, and where it
	// was found.
	formerly []plan.DN
	followed []followed
	// named are the objects whose DNs went into what is written, with these DNs.
	named map[event.Ref]plan.DN
	// joins are the values of members that were not in the group before this task.
	joins map[string]bool
}

func (p *Processor) begin(task Task) *run {
	return &run{
		Processor: p,
		set:       p.set(),
		task:      task,
		formerly:  []plan.DN{task.DN},
		named:     map[event.Ref]plan.DN{},
		joins:     map[string]bool{},
		result: Result{
			Link: task.Link, DN: task.DN, Owned: task.Owned, RemovedAt: task.RemovedAt,
			MemberOutcomes: map[string]event.Outcome{},
		},
	}
}

// round plans once and writes once. It reports whether the entry has to be looked at again.
func (r *run) round(ctx context.Context) (again bool) {
	draft, ok := r.draft(ctx)
	if !ok {
		r.makeRoom(ctx)
		r.settleStopped(ctx)
		return false
	}
	if draft.current != nil && !r.settleFound(ctx, draft.current) {
		return false
	}
	if draft.belowItself {
		return r.waitForPlace(ctx, draft)
	}
	if draft.current != nil {
		if !r.looking && !r.permitted(ctx, draft) {
			return false
		}
		r.formerly = append(r.formerly, draft.current.DN)
	}
	if r.movesOthers(draft) && !r.task.Alone {
		r.result.NeedsAlone = true
		return false
	}
	if draft.current != nil && draft.leavesPlace() {
		if settled := r.settlePlace(ctx, draft.current.Link, draft.current.DN); !settled {
			return false
		}
	}
	if free, again := r.placeIsFree(ctx, draft); !free {
		return again
	}
	for _, op := range draft.plan.Operations {
		if !draft.renames(op) {
			if err := r.arrive(ctx, draft); err != nil {
				return r.failed(err)
			}
		}
		if set, isPassword := op.(plan.SetPassword); isPassword {
			if done := r.setPassword(ctx, set); !done {
				return false
			}
			continue
		}
		if again, err := r.apply(ctx, draft, op); err != nil {
			return again
		}
	}
	if draft.secondLook {
		r.noPassword, r.looking = true, true
		return true
	}
	return r.finish(ctx, draft)
}

// apply makes one operation, and what has to go with it at once. With an error it has decided about the task, and again is
// what round reports.
func (r *run) apply(ctx context.Context, draft draft, op plan.Operation) (again bool, err error) {
	if remove, ok := op.(plan.Delete); ok && remove.Subtree {
		// When they are gone nobody can tell any more which entries there were.
		if err := r.dropBelow(ctx, remove.DN); err != nil {
			return r.failed(err), err
		}
	}
	if remove, ok := op.(plan.Delete); ok && draft.movesChildren() {
		// When the unit is gone nobody is remembered to have been below it.
		if err := r.followChildren(ctx, remove.DN); err != nil {
			return r.failed(err), err
		}
	}
	if err := r.target.Apply(ctx, op); err != nil {
		return r.applyFailed(ctx, draft, err), err
	}
	if move, ok := op.(plan.ModifyDN); ok && draft.current != nil && !move.DN.Equal(draft.current.DN) {
		r.result.Operations = append(r.result.Operations, op)
		if err := r.followChild(ctx, move); err != nil {
			return r.failed(err), err
		}
		return false, nil
	}
	r.wrote(op)
	return false, nil
}

// arrive brings references along once the entry is where it belongs. That is done before anything else is written to it:
// what is refused or lost later must not leave them behind.
func (r *run) arrive(ctx context.Context, draft draft) error {
	if draft.current == nil || draft.desired.Removal != nil {
		return nil
	}
	r.result.DN = draft.plan.DN
	return r.follow(ctx)
}

// wrote notes an operation that the directory has confirmed.
func (r *run) wrote(op plan.Operation) {
	r.result.Operations = append(r.result.Operations, op)
	switch op := op.(type) {
	case plan.Add:
		r.result.DN = op.DN
	case plan.ModifyDN:
		r.result.DN = op.NewDN()
	}
}

// finish does what follows a written entry: its link is read, and references that the server did not follow itself are.
func (r *run) finish(ctx context.Context, draft draft) (again bool) {
	r.result.DN = draft.plan.DN
	r.result.Gone = draft.plan.DN.Empty()
	r.left = r.result.Gone || draft.desired.Removal != nil && draft.desired.Removal.Action != plan.RemoveKeep
	r.keep(draft)
	if r.result.Gone {
		if draft.movesChildren() {
			r.result.ChildrenAt = draft.current.DN.Parent()
		}
	} else {
		r.result.Owned = ownedAfter(draft.desired)
		switch {
		case draft.current != nil:
			r.result.Link = draft.current.Link
		default:
			entry, err := r.target.Read(ctx, draft.plan.DN, nil)
			if err != nil {
				return r.failed(err)
			}
			if entry == nil {
				return true
			}
			r.result.Link = entry.Link
		}
	}
	if err := r.follow(ctx); err != nil {
		return r.failed(err)
	}
	if r.result.Gone {
		r.result.Link, r.result.Owned = "", nil
	}
	r.settleWritten()
	if err := r.dropPlaceholder(ctx, draft); err != nil {
		return r.failed(err)
	}
	if err := r.verify(ctx, draft); err != nil {
		return r.failed(err)
	}
	return false
}

func (r *run) settleWritten() {
	code, message := event.CodeApplied, plan.Plan{Operations: r.result.Operations}.Summary()
	switch {
	case len(r.result.Operations) == 0 && r.task.Merged.Object.Deleted():
		code, message = event.CodeUnchanged, "the entry is gone already"
	case len(r.result.Operations) == 0:
		code, message = event.CodeUnchanged, "the directory says so already"
	}
	if r.note != "" {
		message += "; " + r.note
	}
	r.end(event.Done, code, message)
}

func (r *run) end(state event.State, code event.Code, message string) {
	r.result.Outcome = event.Outcome{State: state, Code: code, Message: message}
}

func (r *run) wait(code event.Code, message string, refs ...event.Ref) {
	r.end(event.Waiting, code, message)
	r.result.WaitsFor = append(r.result.WaitsFor, refs...)
}

// failed turns an error into the outcome of the task. It always returns false: there is no use in another round.
func (r *run) failed(err error) (again bool) {
	r.result.Outcome = outcomeOf(err)
	return false
}

// outcomeOf says what an error means for an event.
func outcomeOf(err error) event.Outcome {
	var refused *connector.OutcomeError
	var ambiguous *connector.AmbiguousError
	var evaluation *mapping.EvaluationError
	var planning *plan.OutsideBase
	var values *plan.SingleValued
	switch {
	case errors.As(err, &ambiguous):
		names := make([]string, len(ambiguous.Found))
		for i, dn := range ambiguous.Found {
			names[i] = dn.String()
		}
		return event.Outcome{State: event.Held, Code: event.CodeAmbiguous, Message: fmt.Sprintf(
			"%d entries match: %s. Make the match rules of the mapping, or the entries, unambiguous and retry", len(names), strings.Join(names, " and "))}
	case errors.As(err, &evaluation), errors.As(err, &planning), errors.As(err, &values):
		return event.Outcome{State: event.Failed, Code: event.CodeMapping, Message: err.Error()}
	case errors.As(err, &refused):
		switch refused.Kind {
		case connector.KindUnavailable:
			return event.Outcome{State: event.Waiting, Code: event.CodeUnavailable, Message: err.Error()}
		case connector.KindConfiguration:
			// Who cannot even bind finds everything closed. A single operation that is refused so is this object's trouble
			// alone, and over when the settings are mended.
			code := event.CodeRetry
			if refused.Verb == connector.VerbBind {
				code = event.CodeUnavailable
			}
			return event.Outcome{State: event.Waiting, Code: code, Message: refused.Explain()}
		case connector.KindRefused, connector.KindNotUnique, connector.KindPasswordRefused:
			return event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: refused.Explain()}
		}
	}
	return event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: err.Error()}
}

// ownedAfter returns the values that are ours after a write, for attributes that we share with others.
func ownedAfter(desired plan.Desired) map[string][]string {
	var owned map[string][]string
	for _, rule := range desired.Rules {
		if rule.Authority == plan.Merge && len(rule.Values) > 0 {
			if owned == nil {
				owned = map[string][]string{}
			}
			owned[strings.ToLower(rule.Attribute)] = rule.Values
		}
	}
	return owned
}
