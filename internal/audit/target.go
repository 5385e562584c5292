package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// Cause is for whom, and for which events, a directory is worked on.
type Cause struct {
	Object event.Ref
	Events []Event
}

// trail is the cause of what is done with a context, and which entries were read meanwhile.
type trail struct {
	Cause
	mu   sync.Mutex
	read map[string]*plan.Entry // by the key of the DN
}

type trailKey struct{}

// Begin returns a context in which a [Target] knows what it is used for.
func Begin(ctx context.Context, cause Cause) context.Context {
	return context.WithValue(ctx, trailKey{}, &trail{Cause: cause, read: map[string]*plan.Entry{}})
}

func trailOf(ctx context.Context) *trail {
	if t, ok := ctx.Value(trailKey{}).(*trail); ok {
		return t
	}
	return &trail{read: map[string]*plan.Entry{}}
}

func (t *trail) saw(entry *plan.Entry) {
	if entry == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read[entry.DN.Key()] = entry
}

// old returns the values of an attribute as they were read last, as far as they were.
func (t *trail) old(dn plan.DN, attribute string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry := t.read[dn.Key()]; entry != nil {
		return entry.Values(attribute)
	}
	return nil
}

// Target is a directory whose writes are recorded.
type Target struct {
	processor.Target
	// Directory is its name in the log.
	Directory string
	Log       *Log
	// Values: old and new values are recorded, but for passwords.
	Values bool
	Clock  func() time.Time
}

// Find looks for an entry, and remembers what it held.
func (t Target) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	entry, err := t.Target.Find(ctx, key)
	trailOf(ctx).saw(entry)
	return entry, err //nolint:wrapcheck // The processor is to see it as it is.
}

// Read reads an entry, and remembers what it held.
func (t Target) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	entry, err := t.Target.Read(ctx, dn, attributes)
	trailOf(ctx).saw(entry)
	return entry, err //nolint:wrapcheck // As above.
}

// Apply writes, and records what came of it. Where the log cannot be written nothing is: what is in no log must not happen.
func (t Target) Apply(ctx context.Context, op plan.Operation) error {
	if err := t.Log.Ready(); err != nil {
		return &connector.OutcomeError{Kind: connector.KindRetry, Verb: op.Verb(), DN: op.Target(), Err: fmt.Errorf("%w: nothing is written to %s until it can be", err, t.Directory)}
	}
	by := trailOf(ctx)
	r := Record{Directory: t.Directory, Object: by.Object, Events: by.Events, Operation: op.Verb(), DN: op.Target().String()}
	t.describe(&r, op, by)
	err := t.Target.Apply(ctx, op)
	outcome, asked := outcomeOf(err)
	if !asked {
		return err //nolint:wrapcheck // As above.
	}
	r.At, r.Outcome = t.Clock().UTC(), outcome
	if err != nil {
		r.Reason = err.Error()
	}
	// What could not be written comes first when the next write asks whether the log is ready.
	_ = t.Log.Append(r)
	return err //nolint:wrapcheck // As above.
}

// outcomeOf says what came of a write, and whether a server was asked for it at all: one that cannot be reached, refuses the login or takes
// no writes was not, and is tried again and again.
func outcomeOf(err error) (outcome Outcome, asked bool) {
	var refused *connector.OutcomeError
	switch {
	case err == nil:
		return Done, true
	case !errors.As(err, &refused) || refused.InDoubt:
		return InDoubt, true
	case refused.Kind == connector.KindUnavailable, refused.Kind == connector.KindConfiguration, refused.Kind == connector.KindReadOnly && refused.Code == 0:
		return "", false
	case refused.Code == 0:
		return InDoubt, true // it was broken off
	}
	return Refused, true
}

// describe adds what is particular to an operation.
func (t Target) describe(r *Record, op plan.Operation, by *trail) {
	switch op := op.(type) {
	case plan.Add:
		for _, a := range op.Attributes {
			r.Changes = append(r.Changes, t.change(a.Name, plan.AddValues, nil, a.Values))
		}
	case plan.Modify:
		for _, m := range op.Modifications {
			var old []string
			if m.Type == plan.ReplaceValues { // the values of the others say all, and a group may have a hundred thousand
				old = by.old(op.DN, m.Name)
			}
			r.Changes = append(r.Changes, t.change(m.Name, m.Type, old, m.Values))
		}
	case plan.ModifyDN:
		r.NewDN = op.NewDN().String()
	case plan.Delete:
		r.Subtree = op.Subtree
	}
}

func (t Target) change(attribute string, kind plan.ModificationType, old, values []string) Change {
	c := Change{Attribute: attribute, Kind: string(kind)}
	if t.Values && !plan.IsPassword(attribute) {
		c.Old, c.New = old, values
	}
	return c
}
