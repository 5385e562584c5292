package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"idaas-ldap/event"
)

// loads are the jobs that are waited for. Those that wait at the same moment are read by the same statements, by one of those who wait.
type loads struct {
	from int // how many there have to be at least
	most int // how many are read together at most

	mu      sync.Mutex
	reading int // how many read for others
	waiting []*waitingLoad
}

type waitingLoad struct {
	*loading
	turn chan bool // true where it is read, false where it is its turn to read
	err  error
}

// loadsAtOnce is how many read at a time.
const loadsAtOnce = 2

func newLoads(together int) *loads {
	return &loads{from: jointFrom(together), most: jointSizes(together)[0]}
}

// do has one object read, together with those that others wait for. An error of read is about all that it was called with.
func (w *loads) do(ctx context.Context, l *loading, read func([]*loading) error) error {
	mine := &waitingLoad{loading: l, turn: make(chan bool, 2)}
	if !w.join(mine) {
		select {
		case done := <-mine.turn:
			if done {
				return mine.err
			}
		case <-ctx.Done():
			if w.leave(mine) {
				return fmt.Errorf("wait to read from the store: %w", ctx.Err())
			}
			if <-mine.turn {
				return mine.err
			}
		}
	}
	runtime.Gosched() // whoever was set to work at the same time comes first, and is read with us
	for {
		w.serve(read)
		if <-mine.turn {
			return mine.err
		}
	}
}

// join lets somebody wait, and reports whether it is his turn to read.
func (w *loads) join(l *waitingLoad) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, l)
	if w.reading == loadsAtOnce {
		return false
	}
	w.reading++
	return true
}

// leave lets somebody wait no more, and reports whether that is in time: nobody reads for him, and it is not his turn.
func (w *loads) leave(l *waitingLoad) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, l)
	if i < 0 || len(l.turn) > 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// serve reads once what is waited for, and passes the turn on.
func (w *loads) serve(read func([]*loading) error) {
	w.mu.Lock()
	n := min(len(w.waiting), w.most)
	served := w.waiting[:n:n]
	w.waiting = slices.Clone(w.waiting[n:])
	w.mu.Unlock()
	all := make([]*loading, n)
	for i, l := range served {
		all[i] = l.loading
	}
	var err error
	if n > 0 {
		err = read(all)
	}
	for _, l := range served {
		l.err = errors.Join(err, l.failed)
		l.turn <- true
	}
	w.pass()
}

// pass gives a turn to somebody who still waits and has none.
func (w *loads) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.waiting {
		if len(l.turn) == 0 {
			l.turn <- false
			return
		}
	}
	w.reading--
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
	byID := make(map[string]*loading, len(all))
	ids := make([]string, len(all))
	version := int64(0)
	if _, err := r.row("SELECT value FROM version", nil, &version); err != nil {
		return false, err
	}
	for i, l := range all {
		ids[i] = l.key.Object.ID
		byID[ids[i]] = l
		l.job = Job{Key: l.key, Known: event.Object{Ref: l.key.Object}, Version: version}
		l.known, l.pending = nil, nil
	}
	among, args := oneOf(r.dialect, ids)
	args = append([]any{directory, string(event.KindUser)}, args...)
	if err := r.rows("SELECT object, attempts, asked > 0 FROM work WHERE directory = ? AND kind = ? AND object "+among, args, func(row scanner) error {
		var id string
		var attempts int
		var asked bool
		if err := row.Scan(&id, &attempts, &asked); err != nil {
			return failure(err)
		}
		byID[id].job.Attempts, byID[id].job.Asked = attempts, asked
		return nil
	}); err != nil {
		return false, err
	}
	if err := r.rows("SELECT "+objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id "+among, args, func(row scanner) error {
		o := &sealedObject{}
		if err := o.scan(row); err != nil {
			return err
		}
		byID[o.Ref.ID].known = o
		return nil
	}); err != nil {
		return false, err
	}
	if whole, err = r.loadPending(all[0].key, open, ids, byID); err != nil || !whole {
		return false, err
	}
	asked := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !byID[id].job.Asked })
	if len(asked) == 0 {
		return true, nil
	}
	return r.loadPending(all[0].key, heldUnseen, asked, byID)
}

// loadPending reads events of different objects of the directory and the kind of one of them. It reports whether that is all.
func (r *session) loadPending(key Key, which string, ids []string, byID map[string]*loading) (whole bool, err error) {
	among, args := oneOf(r.dialect, ids)
	most, n, whole := max(byID[ids[0]].limit+1, len(ids)), 0, true
	// To go by an index in this order, with a limit, PostgreSQL would read all that is pending: so the order is that of no index.
	err = r.rows("SELECT "+pendingColumns+" FROM delivery d JOIN event e ON e.id = d.event WHERE d.directory = ? AND d.kind = ? AND "+which+
		" AND d.object "+among+" ORDER BY d.seq + 0 LIMIT ?",
		slices.Concat([]any{key.Directory, string(key.Object.Kind)}, args, []any{most}), func(row scanner) error {
			n++
			var p sealedPending
			if err := row.Scan(p.columns()...); err != nil {
				return failure(err)
			}
			l := byID[p.Change.Object.ID]
			l.pending = append(l.pending, p)
			whole = whole && len(l.pending) <= l.limit
			return nil
		})
	return err == nil && n < most && whole, err
}
