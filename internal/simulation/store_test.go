package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// storeOf is the store as one instance sees it: every write, and each read with which work begins, is let through when it is its turn.
type storeOf struct {
	store.Store

	by    *instance
	lease *lease // nil where nothing is fenced
}

// errFull is what the disk says.
var errFull = fmt.Errorf("%w: the disk is full", store.ErrUnavailable)

// written makes a write when it is its turn: not on a full disk, and not behind a fence that has fallen.
func written[T any](s *storeOf, what string, write func() (T, error)) (answer T, err error) {
	failed := s.by.through(what, true, func() error {
		switch {
		case s.by.w.full.Load():
			err = errFull
		case s.lease == nil:
			answer, err = write()
		case !s.lease.during(func() { answer, err = write() }):
			err = store.ErrFenced
		}
		return nil
	})
	return answer, errors.Join(failed, err)
}

func (s *storeOf) Accept(ctx context.Context, now event.Millis, events []store.NewEvent) ([]store.Accepted, error) {
	accepted, err := written(s, "accept "+events[0].Change.ID, func() ([]store.Accepted, error) { return s.Store.Accept(ctx, now, events) })
	if err == nil {
		s.by.w.tell(s.by, store.NoticeWork)
	}
	return accepted, err
}

func (s *storeOf) Settle(ctx context.Context, now event.Millis, settlement store.Settlement) ([]store.Key, error) {
	s.by.w.notes("%s settles %s: %v", s.by.name, settlement.Key.Object, settlement.Outcomes)
	return written(s, "settle "+settlement.Key.Object.ID, func() ([]store.Key, error) { return s.Store.Settle(ctx, now, settlement) })
}

func (s *storeOf) MarkPasswordTried(ctx context.Context, seq int64) error {
	_, err := written(s, fmt.Sprint("mark ", seq), func() (struct{}, error) { return struct{}{}, s.Store.MarkPasswordTried(ctx, seq) })
	return err
}

func (s *storeOf) Spend(ctx context.Context, spending store.Spending) (bool, error) {
	return written(s, "spend "+spending.Act, func() (bool, error) { return s.Store.Spend(ctx, spending) })
}

// SetNote makes a note for other instances.
func (s *storeOf) SetNote(ctx context.Context, name string, note []byte, application string, marks []store.Mark) error {
	_, err := written(s, "note "+name, func() (struct{}, error) {
		err := s.Store.SetNote(ctx, name, note, application, marks)
		if err == nil {
			s.by.w.noted.Store(name, slices.Clone(note))
		}
		return struct{}{}, err
	})
	return err
}

// Note returns one. Whoever waits for the lease asks twice a second, mostly in vain, so the store is not asked.
func (s *storeOf) Note(_ context.Context, name string) ([]byte, error) {
	note, _ := s.by.w.noted.Load(name)
	said, _ := note.([]byte)
	return said, nil
}

func (s *storeOf) KeepFormerNames(ctx context.Context, group store.Key, names []plan.FormerName) error {
	_, err := written(s, "keep "+group.Object.ID, func() (struct{}, error) { return struct{}{}, s.Store.KeepFormerNames(ctx, group, names) })
	return err
}

func (s *storeOf) DropFormerNames(ctx context.Context, group store.Key, names []plan.FormerName) error {
	_, err := written(s, "drop "+group.Object.ID, func() (struct{}, error) { return struct{}{}, s.Store.DropFormerNames(ctx, group, names) })
	return err
}

func (s *storeOf) Load(ctx context.Context, key store.Key, limit int) (job store.Job, err error) {
	failed := s.by.through("load "+key.Object.ID, false, func() error {
		job, err = s.Store.Load(ctx, key, limit)
		return nil
	})
	return job, errors.Join(failed, err)
}

func (s *storeOf) Due(ctx context.Context, directory string, now event.Millis, limit int) (due []store.Due, next event.Millis, err error) {
	failed := s.by.through("due", false, func() error {
		due, next, err = s.Store.Due(ctx, directory, now, limit)
		return nil
	})
	return due, next, errors.Join(failed, err)
}

// Listen tells of what other instances do, as far as that is heard.
func (s *storeOf) Listen(ctx context.Context, told func(store.Notice)) {
	for {
		select {
		case n := <-s.by.notices:
			told(n)
		case <-ctx.Done():
			return
		}
	}
}

// The lengths of leases.
const (
	leaseLength  = 12 * time.Second
	leaseRenewed = 2 * time.Second
)

// lease is the right of an instance to work on the directory, as PostgreSQL keeps it.
type lease struct {
	of   *storeOf
	over chan struct{}
	once sync.Once

	mu   sync.Mutex // guards ends
	ends time.Time
}

// leases is where they are kept.
type leases struct {
	mu    sync.RWMutex // guards what follows; who writes behind a fence keeps whoever takes over waiting
	held  *lease
	until time.Time
}

// taken reports whether nobody may have the lease now, which takes nobody's turn.
func (l *leases) taken() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.held != nil && time.Now().Before(l.until)
}

// Lease takes the lease where several instances work on one store. Where there is one, it has the store alone.
func (s *storeOf) Lease(ctx context.Context, directory string) (store.Lease, error) {
	if s.by.w.script.instances == 1 {
		return s.Store.Lease(ctx, directory)
	}
	if s.by.w.leases.taken() {
		return nil, fmt.Errorf("%w: another instance", store.ErrReserved)
	}
	l := &lease{of: &storeOf{Store: s.Store, by: s.by}, over: make(chan struct{})}
	l.of.lease = l
	err := s.by.through("lease", false, func() error {
		all := &s.by.w.leases
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.held != nil && time.Now().Before(all.until) {
			return fmt.Errorf("%w: another instance", store.ErrReserved)
		}
		all.held, all.until = l, time.Now().Add(leaseLength)
		l.ends = all.until
		return nil
	})
	if err != nil {
		return nil, err
	}
	go l.keep()
	return l, nil
}

// keep renews the lease for as long as it is held.
func (l *lease) keep() {
	again := time.NewTicker(leaseRenewed)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-l.over:
			return
		}
		ends := time.Now().Add(leaseLength) // before the database is asked
		if l.of.by.isStopped() {
			l.of.by.w.turnstile.wait(l.of.by, "renew")
		}
		if l.of.by.hasCrashed() || !l.renew() {
			return
		}
		l.mu.Lock()
		l.ends = ends
		l.mu.Unlock()
	}
}

func (l *lease) renew() bool {
	all := &l.of.by.w.leases
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.held == l {
		all.until = time.Now().Add(leaseLength)
	}
	return all.held == l
}

// during does something while the lease is held, and reports whether it is.
func (l *lease) during(do func()) bool {
	all := &l.of.by.w.leases
	all.mu.RLock()
	defer all.mu.RUnlock()
	if all.held != l {
		l.of.by.w.storm.counts(fenced)
		return false
	}
	do()
	return true
}

// Store returns the store behind the fence.
func (l *lease) Store() store.Store { return l.of }

// Ends returns when others may have the lease, by the clock of the instance, however that is set meanwhile.
func (l *lease) Ends() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of.by.clock.Now().Add(time.Until(l.ends))
}

// Release gives the lease up.
func (l *lease) Release(context.Context) error {
	l.once.Do(func() { close(l.over) })
	return l.of.by.through("release", true, func() error {
		all := &l.of.by.w.leases
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.held == l {
			all.held = nil
		}
		l.of.by.w.tell(l.of.by, store.NoticeFree)
		return nil
	})
}
