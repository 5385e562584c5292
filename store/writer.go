package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// The writer's limits.
const (
	writeBatch  = 512             // units in one transaction at most, where nothing else is said
	writeQueue  = 2048            // units that may wait; one more is refused
	writeWithin = 3 * time.Second // how long a unit may wait for its turn
)

// errClosed is what one gets from a store after Close.
var errClosed = fmt.Errorf("%w: it is closed", ErrUnavailable)

// writer is the one writer of the database. Callers hand in units of work; those that wait are written in one
// transaction, so that one sync to disk serves many callers. Each unit is whole or not at all, whatever the others do.
type writer struct {
	session  *session
	damage   *damage
	within   time.Duration
	together int              // from how many pieces on they are done together
	most     int              // units in one transaction
	wrote    func(rows int64) // is told how many rows a transaction has changed or read
	units    chan *unit
	pauses   chan func() // what is to be done between two transactions
	stopping chan struct{}
	done     chan struct{}
	once     sync.Once
}

// unit is one piece of work and where its result goes.
type unit struct {
	work   func(*tx) error
	piece  piece       // the same work as one of several that are done together; nil for work of its own kind
	taken  atomic.Bool // by the writer, or by the caller who gave up: whoever is first
	begun  bool        // by the writer, who alone looks at it
	result chan error
}

// take decides once who has the unit. A unit that the caller took back is never executed.
func (u *unit) take() bool { return u.taken.CompareAndSwap(false, true) }

// begin reports whether the writer may run the unit: for the first time, or again.
func (u *unit) begin() bool {
	u.begun = u.begun || u.take()
	return u.begun
}

// tx is the transaction at hand.
type tx struct {
	*session
	version int64            // that of this transaction; zero as long as nobody has asked
	notices notices          // to be told to others
	fenced  bool             // the unit at hand is of who works on its directory, and needs to tell nobody what is due there
	epochs  map[string]int64 // of the leases that were looked at, by directory; nil where a failure may undo that
}

func newWriter(s *session, d *damage, together int, wrote func(rows int64)) *writer {
	w := &writer{
		session: s, damage: d, within: writeWithin, together: jointFrom(together), most: cmp.Or(together, writeBatch), wrote: wrote,
		units: make(chan *unit, writeQueue), pauses: make(chan func()),
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// do runs work in a transaction and returns when it is on disk. With an error nothing of it was written. A caller whose
// context ends gets its work back if it has not begun, and its result if it has. Work may be run twice, of which only the
// second time counts.
func (w *writer) do(ctx context.Context, work func(*tx) error) error {
	return w.hand(ctx, &unit{work: work, result: make(chan error, 1)})
}

// join does what do does, and may do it together with others of its kind.
func (w *writer) join(ctx context.Context, p piece) error {
	return w.hand(ctx, &unit{work: p.alone, piece: p, result: make(chan error, 1)})
}

// hand gives a unit to the writer and waits for its result.
func (w *writer) hand(ctx context.Context, u *unit) error {
	if w == nil {
		return ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := w.damage.err(); err != nil {
		return err
	}
	select {
	case w.units <- u:
	default:
		return fmt.Errorf("%w: %d others wait to write", ErrUnavailable, writeQueue)
	}
	patience := time.NewTimer(w.within)
	defer patience.Stop()
	var refusal error
	select {
	case err := <-u.result:
		return err
	case <-patience.C:
		refusal = fmt.Errorf("%w: no turn to write came within %s", ErrUnavailable, w.within)
	case <-ctx.Done():
		refusal = fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case <-w.done:
		refusal = errClosed
	}
	if u.take() {
		return refusal
	}
	return <-u.result
}

// between runs work on the writer's connection while there is no transaction, so that none has to wait for a lock that work
// takes.
func (w *writer) between(ctx context.Context, work func(context.Context, *sql.Conn) error) error {
	if err := w.damage.err(); err != nil {
		return err
	}
	result := make(chan error, 1)
	select {
	case w.pauses <- func() { result <- work(ctx, w.session.conn) }:
		return <-result
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case <-w.done:
		return errClosed
	}
}

// run is the writer's goroutine; stop ends it.
func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case u := <-w.units:
			w.write(w.batch(u))
		case work := <-w.pauses:
			work()
		case <-w.stopping:
			if len(w.units) == 0 {
				return
			}
			w.write(w.batch(<-w.units))
		}
	}
}

// batch adds to a unit those that wait.
func (w *writer) batch(u *unit) []*unit {
	batch := []*unit{u}
	for len(batch) < w.most {
		select {
		case next := <-w.units:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// stop lets what was handed in be written, ends the writer and closes its session.
func (w *writer) stop() error {
	var err error
	w.once.Do(func() {
		close(w.stopping)
		<-w.done
		err = w.session.close()
	})
	return err
}

// write runs a batch in one transaction and tells every caller. To be able to undo single units costs more than to run
// them, so at first a batch is run as if none could fail.
func (w *writer) write(batch []*unit) {
	results, err := make([]error, len(batch)), w.damage.err()
	if err == nil {
		results, err = w.transact(batch, false)
	}
	if errors.Is(err, errSomeFailed) {
		results, err = w.transact(batch, true)
	}
	err = w.damage.look(err)
	if err == nil {
		w.wrote(w.session.touched)
	}
	w.session.touched = 0
	for i, u := range batch {
		if err != nil {
			results[i] = err
		}
		u.result <- w.damage.look(results[i]) // has room; a caller who gave up does not read it
	}
}

// errSomeFailed says that a unit failed in a transaction that cannot undo single units.
var errSomeFailed = errors.New("a unit has failed")

// transact returns the result of each unit, where apart says that a failed one undoes only its own writes. Its error is
// that of the transaction as a whole: nothing of it is stored.
func (w *writer) transact(batch []*unit, apart bool) ([]error, error) {
	results := make([]error, len(batch))
	if err := w.session.attach(context.Background()); err != nil {
		return results, unavailable(err)
	}
	defer w.session.detach()
	if _, err := w.session.exec(w.session.beginWrite); err != nil {
		return results, w.rollback(outdated(err))
	}
	t := &tx{session: w.session}
	if !apart {
		t.epochs = map[string]int64{}
	}
	var pieces []piece
	for i, u := range batch {
		if !u.begin() {
			continue
		}
		if !apart && u.piece != nil {
			pieces = append(pieces, u.piece)
			continue
		}
		var lost error
		if apart {
			results[i], lost = t.apart(u.work)
		} else if results[i] = u.work(t); results[i] != nil {
			lost = errSomeFailed
		}
		if isDamage(results[i]) {
			lost = results[i] // nothing is to be built on it
		}
		if lost != nil {
			return results, w.rollback(lost)
		}
	}
	if err := t.together(pieces, w.together); err != nil {
		if !isDamage(err) {
			err = errSomeFailed
		}
		return results, w.rollback(err)
	}
	if err := t.commit(); err != nil {
		return results, w.rollback(err)
	}
	return results, nil
}

// commit ends the transaction, and others are told of it in the same breath.
func (t *tx) commit() error {
	all := t.notices.list()
	if t.announce == nil || len(all) == 0 {
		_, err := t.exec("COMMIT")
		return err
	}
	ctx, done := t.patience()
	defer done()
	return t.script(ctx, t.announce(all)+"COMMIT")
}

// rollback ends a transaction that cannot be committed. The database has ended it already where it ran out of space, or it was never
// begun: then there is none to roll back, which is as well.
func (w *writer) rollback(cause error) error {
	if _, err := w.session.exec("ROLLBACK"); err != nil {
		w.session.discard()
	}
	return unavailable(cause)
}

// apart runs one unit so that its failure undoes only its own writes. The second error says that the transaction is lost.
func (t *tx) apart(work func(*tx) error) (result, lost error) {
	if _, err := t.exec("SAVEPOINT unit"); err != nil {
		return nil, err
	}
	version := t.version
	result = work(t)
	if result != nil {
		t.version = version
		if _, err := t.exec("ROLLBACK TO unit"); err != nil {
			return nil, errors.Join(result, err)
		}
	}
	_, lost = t.exec("RELEASE unit")
	return result, lost
}

// next returns the version of this transaction: larger than that of every one before.
func (t *tx) next() (int64, error) {
	if t.version == 0 {
		if _, err := t.row("UPDATE version SET value = value + 1 RETURNING value", nil, &t.version); err != nil {
			return 0, err
		}
	}
	return t.version, nil
}

// unavailable marks the error of a transaction that was not stored, whatever the reason.
func unavailable(err error) error {
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
