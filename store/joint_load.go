package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"idaas-ldap/event"
)

// loads are the jobs that are waited for. Those that wait at the same moment are read by the same statements.
type loads struct {
	from int           // how many there have to be at least
	turn chan struct{} // whoever has a place in it reads, for all who wait

	mu      sync.Mutex
	waiting []*waitingLoad
}

type waitingLoad struct {
	*loading
	done chan error
}

// loadsAtOnce is how many read at a time.
const loadsAtOnce = 2

func newLoads() *loads { return &loads{from: jointFrom, turn: make(chan struct{}, loadsAtOnce)} }

// do has one object read, together with those that others wait for. Read is called by one of those who wait. An error of it is about all.
func (w *loads) do(ctx context.Context, l *loading, read func([]*loading) error) error {
	mine := &waitingLoad{l, make(chan error, 1)}
	w.mu.Lock()
	w.waiting = append(w.waiting, mine)
	w.mu.Unlock()
	for {
		select {
		case err := <-mine.done:
			return err
		case w.turn <- struct{}{}:
			w.serve(read)
			<-w.turn
		case <-ctx.Done():
			return fmt.Errorf("wait to read from the store: %w", ctx.Err()) // who reads next reads it for nobody
		}
	}
}

// serve reads what is waited for, as far as one turn goes.
func (w *loads) serve(read func([]*loading) error) {
	w.mu.Lock()
	n := min(len(w.waiting), jointSizes[0])
	served := w.waiting[:n:n]
	w.waiting = slices.Clone(w.waiting[n:])
	w.mu.Unlock()
	if n == 0 {
		return
	}
	all := make([]*loading, n)
	for i, l := range served {
		all[i] = l.loading
	}
	err := read(all)
	for _, l := range served {
		l.done <- errors.Join(err, l.failed)
	}
}

// loadAll reads users of one directory together, and everything else by itself. What cannot be read of one concerns nobody else.
func (r *session) loadAll(all []*loading, from int) error {
	together := map[string][]*loading{}
	for _, l := range all {
		d := l.key.Directory
		if l.key.Object.Kind == event.KindUser && !slices.ContainsFunc(together[d], func(other *loading) bool { return other.key == l.key || other.limit != l.limit }) {
			together[d] = append(together[d], l)
			continue
		}
		l.failed = r.load(l)
	}
	for directory, some := range together {
		whole := false
		if len(some) >= from {
			var err error
			if whole, err = r.loadUsers(directory, some); errors.Is(err, ErrUnavailable) {
				return err
			}
		}
		for _, l := range some {
			if !whole {
				l.failed = r.load(l)
			}
		}
	}
	return nil
}

// loadUsers reads different users of one directory. It reports whether that is all: where somebody has very many events, it is not.
func (r *session) loadUsers(directory string, all []*loading) (whole bool, err error) {
	of := make(map[string]*loading, len(all))
	ids := make([]string, len(all))
	version := int64(0)
	if _, err := r.row("SELECT value FROM version", nil, &version); err != nil {
		return false, err
	}
	for i, l := range all {
		ids[i] = l.key.Object.ID
		of[ids[i]] = l
		l.job = Job{Key: l.key, Known: event.Object{Ref: l.key.Object}, Version: version}
		l.known, l.pending = nil, nil
	}
	list, args := inList(ids)
	args = append([]any{directory, string(event.KindUser)}, args...)
	if err := r.rows("SELECT object, attempts, asked > 0 FROM work WHERE directory = ? AND kind = ? AND object IN "+list, args, func(row scanner) error {
		var id string
		var attempts int
		var asked bool
		if err := row.Scan(&id, &attempts, &asked); err != nil {
			return failure(err)
		}
		of[id].job.Attempts, of[id].job.Asked = attempts, asked
		return nil
	}); err != nil {
		return false, err
	}
	if err := r.rows("SELECT "+objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id IN "+list, args, func(row scanner) error {
		o := &sealedObject{}
		if err := o.scan(row); err != nil {
			return err
		}
		of[o.Ref.ID].known = o
		return nil
	}); err != nil {
		return false, err
	}
	most, n := max(all[0].limit+1, len(all)), 0
	err = r.rows("SELECT "+pendingColumns+` FROM delivery d JOIN event e ON e.id = d.event
		WHERE d.directory = ? AND d.kind = ? AND d.state IN ('pending', 'waiting') AND d.object IN `+list+" ORDER BY d.object, d.seq LIMIT ?",
		append(args, most), func(row scanner) error {
			n++
			var p sealedPending
			if err := row.Scan(p.columns()...); err != nil {
				return failure(err)
			}
			l := of[p.Change.Object.ID]
			l.pending = append(l.pending, p)
			return nil
		})
	return err == nil && n < most, err
}
