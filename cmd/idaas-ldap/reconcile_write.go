package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

// writing waits for what was asked for.
type writing struct {
	cfg   *config.Config
	store store.Store
	// asked are those of whom to wait.
	asked map[store.Key]bool
}

// lookEvery is the pause between two looks at how far the writing has come.
const lookEvery = 200 * time.Millisecond

// run waits until what was asked for is written or known to be parked: by the running service, or, where none runs, by
// this command, which is the service until then. It reports whether nothing was held, failed or is waiting.
func (w writing) run(ctx context.Context, t terminal) (bool, error) {
	total, err := w.open(ctx)
	if err != nil {
		return false, err
	}
	progress := t.progress("objects are written", total)
	defer progress.end()
	for pending := total; pending > 0; {
		release, err := w.store.Reserve(ctx)
		switch {
		case err == nil:
			err = errors.Join(w.work(ctx, t, func(left int) { progress.at(total - left) }), release())
			if err != nil {
				return false, err
			}
		case !errors.Is(err, store.ErrReserved):
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("the running service goes on without this command: %w", ctx.Err())
		case <-time.After(lookEvery):
		}
		if pending, err = w.open(ctx); err != nil {
			return false, err
		}
		progress.at(total - pending)
	}
	progress.end()
	return w.outcomes(ctx, t)
}

// work runs the lanes of the directories until nothing that was asked for is left to be tried.
func (w writing) work(ctx context.Context, t terminal, left func(int)) error {
	worker, err := app.OpenWorker(ctx, w.cfg, w.store, quietLog(t.Err))
	if err != nil {
		return err
	}
	defer worker.Close()
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Dispatcher.Run(ctx)
	}()
	defer func() {
		stop()
		<-done
	}()
	for {
		pending, err := w.open(ctx)
		if err != nil || pending == 0 {
			return err
		}
		left(pending)
		for name, reason := range worker.Dispatcher.Availability() {
			if reason != "" && w.asks(name) {
				return fmt.Errorf("%s: %s; what is left is done when the service runs", name, reason)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("what is left is done when the service runs: %w", ctx.Err())
		case <-time.After(lookEvery):
		}
	}
}

// asks reports whether anything of a directory was asked for.
func (w writing) asks(directory string) bool {
	for key := range w.asked {
		if key.Directory == directory {
			return true
		}
	}
	return false
}

// soon is the longest pause for which the command waits: an object that waits for another one, or for a passing fault, is tried again
// in a moment, and only then parked for longer.
const soon = 5 * time.Second

// open counts the events of our own that were not tried yet, or are about to be tried again.
func (w writing) open(ctx context.Context) (int, error) {
	due, err := w.dueSoon(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	err = eachEvent(ctx, w.store, store.Filter{Type: event.TypeReconcile, States: []event.State{event.Pending, event.Waiting}}, func(e store.EventRecord) error {
		key := store.Key{Directory: e.Directory, Object: e.Object}
		if w.asked[key] && (e.Outcome.State == event.Pending || due[key]) {
			n++
		}
		return nil
	})
	return n, err
}

// dueSoon returns objects that are due in a moment, of the directories of which anything was asked for.
func (w writing) dueSoon(ctx context.Context) (map[store.Key]bool, error) {
	until := event.Millis(time.Now().Add(soon).UnixMilli())
	due, looked := map[store.Key]bool{}, map[string]bool{}
	for key := range w.asked {
		if looked[key.Directory] {
			continue
		}
		looked[key.Directory] = true
		found, _, err := w.store.Due(ctx, key.Directory, until, maxListed)
		if err != nil {
			return nil, fmt.Errorf("look what is due in %s: %w", key.Directory, err)
		}
		for _, d := range found {
			due[d.Key] = true
		}
	}
	return due, nil
}

func (w writing) count(ctx context.Context, states ...event.State) (map[event.State]int, error) {
	counts := map[event.State]int{}
	err := eachEvent(ctx, w.store, store.Filter{Type: event.TypeReconcile, States: states}, func(e store.EventRecord) error {
		if w.asked[store.Key{Directory: e.Directory, Object: e.Object}] {
			counts[e.Outcome.State]++
		}
		return nil
	})
	return counts, err
}

// outcomes says what of that which was asked for needs a person.
func (w writing) outcomes(ctx context.Context, t terminal) (bool, error) {
	counts, err := w.count(ctx, event.Waiting, event.Held, event.Failed)
	if err != nil {
		return false, err
	}
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(t.Err, "%d objects are %s: 'idaas-ldap events list --%s' shows which, and why\n", counts[state], state, state)
	}
	return len(counts) == 0, nil
}
