package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Lease is the right to work on what is due in one directory. Nobody else has it until it ends.
type Lease interface {
	// Store is the store for the one who has the lease: what writes through it changes nothing once somebody else has it
	// ([ErrFenced]). It is nil where nobody else can.
	Store() Store
	// Ends is the moment at which somebody else may have the lease, by the clock of this process. It moves on for as long as the
	// database answers. It is zero where nobody else can.
	Ends() time.Time
	// Release gives the lease up.
	Release(ctx context.Context) error
}

// reserved is [ErrReserved] with who has it.
type reserved struct{ owner string }

func (r reserved) Error() string { return ErrReserved.Error() + ": " + r.owner }

// Is reports whether it is meant by [ErrReserved].
func (r reserved) Is(target error) bool { return target == ErrReserved }

// OwnerIn returns who has what is reserved, empty where an error does not say.
func OwnerIn(err error) string {
	var by reserved
	if errors.As(err, &by) {
		return by.owner
	}
	return ""
}

// ErrFenced says that somebody else works on what is due in the directory. Nothing was written.
var ErrFenced = errors.New("somebody else works on this directory by now")

// standing is the lease of whoever has a store alone.
type standing struct{}

// Store returns none, as no other would do.
func (standing) Store() Store { return nil }

// Ends returns that it never does.
func (standing) Ends() time.Time { return time.Time{} }

// Release has nothing to give up.
func (standing) Release(context.Context) error { return nil }

// Lease returns one that stands for as long as the store is open: the work is reserved, or nobody else is there.
func (s *SQLite) Lease(context.Context, string) (Lease, error) { return standing{}, nil }

// fence is the epoch of a lease. Whoever has another one is not its owner.
type fence struct {
	directory string
	epoch     int64
}

// lookAtLease keeps whoever takes over waiting until the transaction has ended.
const lookAtLease = "SELECT epoch FROM lease WHERE directory = ? FOR SHARE"

// write runs work in a transaction, as the writer does it; behind a fence only if that stands.
func (s *database) write(ctx context.Context, work func(*tx) error) error {
	return s.writer.do(ctx, func(t *tx) error {
		if err := s.guard(t); err != nil {
			return err
		}
		return work(t)
	})
}

// guard makes sure that the fence stands, where there is one.
func (s *database) guard(t *tx) error {
	if t.fenced = s.fence != nil; !t.fenced {
		return nil
	}
	return t.behind(*s.fence)
}

// behind makes sure that a fence stands until the end of the transaction.
func (t *tx) behind(f fence) error {
	epoch, looked := t.epochs[f.directory]
	if !looked {
		if _, err := t.row(lookAtLease, []any{f.directory}, &epoch); err != nil {
			return err
		}
		if t.epochs != nil {
			t.epochs[f.directory] = epoch
		}
	}
	if epoch != f.epoch {
		return fmt.Errorf("write about %s: %w", f.directory, ErrFenced)
	}
	return nil
}
