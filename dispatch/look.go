package dispatch

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Inspector shows what a processor would write, and why. *processor.Processor is one.
type Inspector interface {
	Inspect(ctx context.Context, task processor.Task) processor.Inspection
}

// Look is one object as it is known, with the events that are still to be applied, and what its next try would come to.
type Look struct {
	Object event.Object
	Record store.Record
	processor.Inspection
}

// Known returns what is known of an object together with what its pending events say.
func Known(ctx context.Context, s store.Store, key store.Key) (event.Object, store.Record, error) {
	job, merged, err := loadMerged(ctx, s, key)
	return merged.Object, job.Record, err
}

// LookAt looks at one object in one directory, and writes nothing there or in the store.
func LookAt(ctx context.Context, s store.Store, key store.Key, inspector Inspector, now event.Millis) (Look, error) {
	job, merged, err := loadMerged(ctx, s, key)
	if err != nil {
		return Look{}, err
	}
	look := Look{Object: merged.Object, Record: job.Record}
	look.Inspection = inspector.Inspect(ctx, processor.Task{
		Record: job.Record, Known: job.Known, Merged: merged, TryRefused: true,
		Unlock: unlocks(job, merged), Now: now,
		Memory: newPreviewMemory(s, job, now, nil, nil),
	})
	return look, nil
}

// loadMerged loads an object with everything that is known of its members: whoever looks at a group wants to see all of
// them compared, not only those that events speak about.
func loadMerged(ctx context.Context, s store.Store, key store.Key) (store.Job, event.Merged, error) {
	job, err := s.Load(ctx, key, pendingLimit)
	if err != nil {
		return job, event.Merged{}, fmt.Errorf("load %s: %w", key.Object, err)
	}
	if key.Object.Kind == event.KindGroup {
		if job.Known.Members, err = s.Memberships(ctx, key, nil); err != nil {
			return job, event.Merged{}, fmt.Errorf("load the members of %s: %w", key.Object, err)
		}
	}
	return job, event.Merge(job.Known, changesOf(job)), nil
}
