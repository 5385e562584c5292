package processor

import (
	"context"
	"slices"

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
	// ReadNew is Read, without attributes, of an entry that was just added and that the key finds as well.
	ReadNew(ctx context.Context, dn plan.DN, key plan.Key) (*plan.Entry, error)
	Children(ctx context.Context, dn plan.DN) ([]plan.DN, error)
	FirstChildren(ctx context.Context, dn plan.DN, most int) (children []plan.DN, more bool, err error)
	Holding(ctx context.Context, dn plan.DN, attribute string, values []string) (present map[string]bool, err error)
	Referring(ctx context.Context, base plan.DN, attributes []string, value string) ([]connector.Reference, error)
	ReferringBelow(ctx context.Context, base plan.DN, attributes []string, at, was plan.DN, remembered []plan.DN) ([]connector.Reference, error)
	// LeftBehind returns which of some entries that are remembered below was are still found there, although what was called so
	// is at now, by a fault of the server.
	LeftBehind(ctx context.Context, at, was plan.DN, remembered []plan.DN) ([]plan.DN, error)
	Occupied(ctx context.Context, base plan.DN, attribute string, values []string) (occupied map[string]bool, err error)
	Apply(ctx context.Context, op plan.Operation) error
	// ReadOnly returns why no server takes writes, nil where one does.
	ReadOnly() error
}

// Memory is what the processor needs to know that the directory cannot tell.
type Memory interface {
	FormerNames

	// Lookup returns what is known of another object and what is remembered of its entry; found is false where nothing is.
	Lookup(ctx context.Context, ref event.Ref) (object event.Object, record plan.Record, found bool, err error)
	// Linked returns the object whose entry has a stable id, and where that is remembered to be; the zero reference if none is
	// known to, and for the empty id.
	Linked(ctx context.Context, link string) (event.Ref, plan.DN, error)
	// Holder returns the object whose entry has this DN, as the directory compares DNs; the zero reference if none is known to.
	Holder(ctx context.Context, dn plan.DN, m plan.Matching) (event.Ref, error)
	// Below returns where the entries of objects below a DN are remembered to be, as the directory compares DNs.
	Below(ctx context.Context, dn plan.DN, m plan.Matching) ([]plan.DN, error)
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
	// Moved remembers where the entry of the object of the task is, and its stable id, before the task ends. Entries that were
	// below it, as the directory compares DNs, have come along.
	Moved(ctx context.Context, link string, dn plan.DN, m plan.Matching) error
	// BeforePassword records that the password is about to be written.
	BeforePassword(ctx context.Context) error
	// Permit asks whether an act may be done to objects, all of them together, within a limit of the mapping.
	Permit(ctx context.Context, act Act, objects []event.Ref, limit mapping.Limit) (Permission, error)
}

// Task is one object to be brought to what is known of it.
type Task struct {
	// Record is what was remembered of the entry at the last write.
	plan.Record

	// Known is what was known before the changes at hand, Merged what is known with them.
	Known  event.Object
	Merged event.Merged
	// Unlock: an unlock was asked for just now.
	Unlock bool
	// PasswordTried: the password at hand may have been written before.
	PasswordTried bool
	// TryRefused: a person asks for another try, also of what the server has refused before.
	TryRefused bool
	// Doubted is where an entry may have been made, without anybody knowing: by an operation that was not answered. Empty for nowhere.
	Doubted plan.DN
	// Tried is the object as it was before it was deleted, where an entry may have been made for that by somebody who was ended in the
	// middle. The zero Object for none.
	Tried event.Object
	// MayName is by what earlier tries may have named members of a group, of which the store knows nothing.
	MayName []plan.FormerName
	// Remained: the entry was still there, with entries below it, when the last try to delete it ended, or was held as not seen since.
	Remained bool
	// Alone: no other object of the directory is worked on meanwhile; see Result.NeedsAlone.
	Alone bool
	// Now decides whether a lock or an account has ended.
	Now    event.Millis
	Memory Memory
}

// Result is what became of a task.
type Result struct {
	// Record is what is to be remembered of the entry now.
	plan.Record

	// Outcome is that of the object as a whole: of its record, and of whatever has no outcome of its own.
	Outcome event.Outcome
	// Facets are the outcomes of single facets where they differ.
	Facets map[event.Facet]event.Outcome
	// RefusedFields are the fields on which the attributes depend that the server has refused, and that the outcome of the
	// record is about.
	RefusedFields []string
	// MemberOutcomes are those of single memberships where they differ, by user id.
	MemberOutcomes map[string]event.Outcome
	// Operations are those that were made, or that would be made, in their order.
	Operations []plan.Operation
	// Gone: there is no entry any more. Left: there is one still, which nobody can use any more and nothing refers to, of an
	// object that is gone.
	Gone, Left bool
	// Matching is how the directory compares DNs; nil where it was not asked.
	Matching plan.Matching
	// ChildrenAt is below which entry those are now that were below one that is gone; empty where there is nothing to say.
	ChildrenAt plan.DN
	// PurgeAt is when the entry is to be looked at again because it has been kept for long enough then; zero for never.
	PurgeAt event.Millis
	// Takes is what the operations take away that a guard counts; empty for nothing.
	Takes Act
	// WaitsFor are objects whose next change makes another try worthwhile; Touch are objects that should be looked at
	// because their entries are not where they were.
	WaitsFor []event.Ref
	Touch    []event.Ref
	// Freed: a DN that others may wait for is free, although the task is not done.
	Freed bool
	// AccessOwed: a user who may not log in can still do so, as far as is known, because the directory could not be written or asked.
	// Another try is urgent, and costs less than the access.
	AccessOwed bool
	// Doubted is where an entry may have been made of which nothing is remembered; see [Task]. Empty for nowhere.
	Doubted plan.DN
	// MayName is by what a group may name members without the store being told. Once it has taken the result, it need not be: it knows the words
	// about them, unless the outcome is none yet and it could not be told before.
	MayName []plan.FormerName
	// NeedsAlone: nothing was written, as it would move entries of other objects, and those must not be worked on
	// meanwhile. The same task is to be tried again alone.
	NeedsAlone bool
}

// Concerns reports whether an event says something of what was refused of the record.
func (r Result) Concerns(c event.Change) bool {
	return c.Type == event.TypeReconcile || len(r.RefusedFields) == 0 || slices.ContainsFunc(r.RefusedFields, func(name string) bool {
		_, says := c.Fields[name]
		return says
	})
}

// Of returns the outcome of a facet.
func (r Result) Of(facet event.Facet) event.Outcome {
	if own, differs := r.Facets[facet]; differs {
		return own
	}
	return r.Outcome
}

// Processor brings single objects of one directory to what is known of them.
type Processor struct {
	target Target
	set    func() *mapping.Set
}

// New returns a processor. The mapping is asked for once per task, so that a task is never mapped half by one and half by
// another.
func New(target Target, set func() *mapping.Set) *Processor {
	return &Processor{target: target, set: set}
}

// verdict says how the work goes on after a step.
type verdict int

const (
	// proceed: with the next step. What the step could not do has its outcome, and holds up only what needs it.
	proceed verdict = iota
	// lookAgain: the directory was not as it was read, so all begins anew.
	lookAgain
	// ended: nothing more can be done now.
	ended
)

// step is one part of the work on an object.
type step func(ctx context.Context, w *work) verdict

// steps are the parts of the work in their order. What ends somebody's access comes before all that may fail, and what
// grants it after all that it needs.
func steps() []step {
	return []step{
		identify,      // the entry that is linked to the object
		endAccess,     // a user who may not log in cannot, whatever becomes of the rest
		want,          // what the mapping wants the entry to be
		recognise,     // the entry by the match rules, where none is linked
		draftPlan,     // the smallest change
		takePlace,     // guards, and the place that the entry is to have
		write,         // the entry itself: add, or rename and modify
		bringAlong,    // the link, and what refers to the entry
		shutOut,       // a user who is gone, where the entry could not be removed
		setPassword,   // the password
		grantAccess,   // the login, where the record could not bring it
		verifyMembers, // what was written names the right entries
	}
}

// replans bounds how often a task is planned anew because the directory changed under it.
const replans = 4

// Process plans and writes until the directory says what is known of the object, or until it is clear why it cannot.
// It always returns a result; an error of the directory is part of it.
func (p *Processor) Process(ctx context.Context, task Task) Result {
	w := p.begin(task)
	for range replans {
		if w.round(ctx) != lookAgain {
			return w.ownUp(ctx, w.trusted(w.conclude()))
		}
	}
	w.wait(event.CodeRetry, "the entry keeps changing while it is written; another try follows")
	return w.ownUp(ctx, w.conclude())
}

// round goes through the steps once.
func (w *work) round(ctx context.Context) verdict {
	w.lookAfresh()
	for _, step := range steps() {
		if v := step(ctx, w); v != proceed {
			return v
		}
	}
	return ended
}
