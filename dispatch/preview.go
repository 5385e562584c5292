package dispatch

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Planner shows what a processor would write. *processor.Processor is one.
type Planner interface {
	Preview(ctx context.Context, task processor.Task) processor.Result
}

// Preview shows what events would change in one directory, without writing anything there or in the store. Events that
// are shown later see what earlier ones would have done, so a unit and a user in it can be planned together.
type Preview struct {
	store     store.Store
	directory string
	planner   Planner
	planned   map[event.Ref]plannedObject
	spent     spent
}

// spent is what was planned so far that guards count.
type spent map[processor.Act][]event.Ref

type plannedObject struct {
	object event.Object
	record store.Record
}

// NewPreview returns a preview for a directory on top of what the store knows of it.
func NewPreview(s store.Store, directory string, planner Planner) *Preview {
	return &Preview{store: s, directory: directory, planner: planner, planned: map[event.Ref]plannedObject{}, spent: spent{}}
}

// Plan returns what one more event of an object would lead to at a moment.
func (p *Preview) Plan(ctx context.Context, change event.Change, now event.Millis) (processor.Result, error) {
	change.Stamp, _ = change.Stamp.Received(now)
	key := store.Key{Directory: p.directory, Object: change.Object}
	job, err := p.store.Load(ctx, key, pendingLimit)
	if err != nil {
		return processor.Result{}, fmt.Errorf("load %s: %w", change.Object, err)
	}
	changes := append(changesOf(job), change)
	if before, ok := p.planned[change.Object]; ok {
		job.Known, job.Record, changes = before.object, before.record, []event.Change{change}
	}
	merged := event.Merge(job.Known, changes)
	if role := merged.Roles[len(changes)-1]; role == event.Stale || role == event.Superseded || role == event.Moot {
		return processor.Result{Outcome: event.Outcome{
			State: event.Skipped, Code: event.CodeStale, Message: "something newer is known of " + change.Object.String(),
		}}, nil
	}
	result := p.planner.Preview(ctx, processor.Task{
		Record: job.Record, Known: job.Known, Merged: merged, TryRefused: true,
		Now: now, Memory: newPreviewMemory(p.store, job, now, p.planned, p.spent),
	})
	if result.Outcome.State == event.Done {
		p.planned[change.Object] = plannedObject{object: merged.Object, record: result.Record}
	}
	return result, nil
}

// previewMemory answers from what was planned before and from the store, and writes nothing.
type previewMemory struct {
	memory
	planned map[event.Ref]plannedObject
	spent   spent
	taken   map[mapping.Number]map[int64]bool
	// grants: everything passes the guards, as who compares everybody says at the end how many they let through.
	grants bool
}

func newPreviewMemory(s store.Store, job store.Job, now event.Millis, planned map[event.Ref]plannedObject, spent spent) *previewMemory {
	return &previewMemory{
		memory:  memory{store: s, job: job, now: func() event.Millis { return now }},
		planned: planned, spent: spent, taken: map[mapping.Number]map[int64]bool{},
	}
}

func (m *previewMemory) Lookup(ctx context.Context, ref event.Ref) (event.Object, plan.Record, bool, error) {
	if p, ok := m.planned[ref]; ok {
		return p.object, p.record, true, nil
	}
	return m.memory.Lookup(ctx, ref)
}

// Allocate shows the first number of the pool that is not taken: which one it will be is decided when it is given out.
func (m *previewMemory) Allocate(_ context.Context, n mapping.Number, taken ...int64) (int64, error) {
	known := m.taken[n]
	if known == nil {
		known = map[int64]bool{}
		m.taken[n] = known
	}
	for _, number := range taken {
		known[number] = true
	}
	for number := n.From; number <= n.To; number++ {
		if !known[number] {
			return number, nil
		}
	}
	return 0, fmt.Errorf("allocate a %s: every number from %d to %d is taken", n.Pool, n.From, n.To)
}

// Claim shows the first name: which one it will be is decided when the entry is made.
func (m *previewMemory) Claim(_ context.Context, _ string, names []string) (string, error) {
	return names[0], nil
}

// Moved has nothing to remember.
func (m *previewMemory) Moved(context.Context, string, plan.DN, plan.Matching) error { return nil }

// Hold holds nobody, as nothing is written.
func (m *previewMemory) Hold([]event.Ref) map[event.Ref]bool { return nil }

func (m *previewMemory) BeforePassword(context.Context) error { return nil }

// Permit asks the guards whether they would let pass what is planned, together with what was planned before.
func (m *previewMemory) Permit(ctx context.Context, act processor.Act, objects []event.Ref, limit mapping.Limit) (processor.Permission, error) {
	if m.grants {
		return processor.Permission{Granted: true}, nil
	}
	together := objects
	if limit.Max > 0 {
		together = append(slices.Clone(m.spent[act]), objects...)
	}
	permission, err := m.permit(ctx, act, together, limit, m.now(), m.store.Allows)
	if permission.Granted && m.spent != nil {
		m.spent[act] = together
	}
	return permission, err
}
