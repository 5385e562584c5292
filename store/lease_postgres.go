package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How leases are kept, where the configuration does not say.
const (
	leaseUsual = 12 * time.Second
	leaseParts = 6 // a lease is renewed so many times within its length
)

// The statements of leases go by the clock of the database: those of several machines differ. What is reserved as a whole has the empty
// name.
const (
	databaseNow = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
	takeLease   = "INSERT INTO lease (directory, owner, epoch, until) VALUES (?, ?, 1, " + databaseNow + " + ?) " +
		"ON CONFLICT (directory) DO UPDATE SET owner = excluded.owner, epoch = lease.epoch + 1, until = excluded.until RETURNING epoch"
	renewLease   = "UPDATE lease SET until = " + databaseNow + " + ? WHERE directory = ? AND epoch = ? AND "
	releaseLease = "UPDATE lease SET until = 0 WHERE directory = ? AND epoch = ?"
	// Who works on a directory keeps others from that, and from all; who has reserved all keeps others from any.
	whoElse = "SELECT owner FROM lease WHERE until >= " + databaseNow + " AND (directory = ? OR directory = '' OR ? = '') AND (owner <> ? OR directory = ?) ORDER BY directory LIMIT 1"
)

// leased is a lease on a PostgreSQL server.
type leased struct {
	of    *Postgres
	fence fence
	stop  chan struct{}
	once  sync.Once
	done  sync.WaitGroup

	mu   sync.Mutex
	ends time.Time
}

// Lease makes this process the one who works on what is due in a directory, until it is released or the database has not been reached
// for the length of a lease. It is ErrReserved where somebody else is that.
func (s *Postgres) Lease(ctx context.Context, directory string) (Lease, error) {
	l, err := s.lease(ctx, directory)
	if err != nil {
		return nil, fmt.Errorf("take the lease of %s: %w", directory, err)
	}
	return l, nil
}

// Reserve makes this process the one who works on what is due in all directories.
func (s *Postgres) Reserve(ctx context.Context) (func() error, error) {
	l, err := s.lease(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("reserve the work: %w", err)
	}
	return func() error { return l.Release(context.WithoutCancel(ctx)) }, nil
}

func (s *Postgres) lease(ctx context.Context, directory string) (*leased, error) {
	l := &leased{of: s, fence: fence{directory: directory}, stop: make(chan struct{}), ends: s.clock().Add(s.leaseFor)}
	err := s.writer.do(ctx, func(t *tx) error {
		var other string
		found, err := t.row(whoElse, []any{directory, directory, s.owner, directory}, &other)
		if err != nil {
			return err
		}
		if found {
			return reserved{other}
		}
		_, err = t.row(takeLease, []any{directory, s.owner, s.leaseFor.Milliseconds()}, &l.fence.epoch)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.done.Go(l.keep)
	return l, nil
}

// Store returns the store behind the fence of the lease.
func (l *leased) Store() Store {
	behind := &fenced{Postgres: l.of, database: l.of.database}
	behind.database.fence = &l.fence
	return behind
}

// fenced is the store of whoever has a lease.
type fenced struct {
	*Postgres
	database
}

// Close does nothing: whoever has opened the store closes it.
func (f *fenced) Close() error { return nil }

// Ends returns when somebody else may have the lease.
func (l *leased) Ends() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends
}

// keep renews the lease until it is released, somebody else has it, or a newer version of the program is at work. Where the database does not answer in time it ends by itself.
func (l *leased) keep() {
	ticker := time.NewTicker(l.of.leaseFor / leaseParts)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		}
		ends := l.of.clock().Add(l.of.leaseFor) // before the database is asked, whose count begins later
		n, err := l.set(context.Background(), renewLease+ofKnownVersion(l.of.known), l.of.leaseFor.Milliseconds(), l.fence.directory, l.fence.epoch)
		switch {
		case err != nil: // tried again, for as long as the lease lasts
		case n == 0:
			l.move(time.Unix(0, 0))
			return
		default:
			l.move(ends)
		}
	}
}

func (l *leased) move(ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = ends
}

// set changes the lease by itself, so that nobody waits for those who write.
func (l *leased) set(ctx context.Context, statement string, args ...any) (n int64, err error) {
	err = l.of.within(ctx, func(session *session) error {
		n, err = session.exec(statement, args...)
		return err
	})
	return n, err
}

// Release gives the lease up, so that the next one need not wait.
func (l *leased) Release(ctx context.Context) error {
	var err error
	l.once.Do(func() {
		close(l.stop)
		l.done.Wait()
		if _, err = l.set(ctx, releaseLease, l.fence.directory, l.fence.epoch); err == nil && l.of.dialect.announce != nil {
			err = l.of.within(ctx, func(session *session) error {
				return session.script(ctx, l.of.dialect.announce([]Notice{{What: NoticeFree, Directory: l.fence.directory}}))
			})
		}
	})
	return err
}
