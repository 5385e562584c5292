package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"idaas-ldap/event"
)

// Due returns objects that are due, and when the next one is.
func (s *database) Due(ctx context.Context, directory string, now event.Millis, limit int) (due []Due, next event.Millis, err error) {
	err = s.readers.read(ctx, func(r *session) error {
		err := r.rows("SELECT kind, object, due FROM work WHERE directory = ? AND due <= ? ORDER BY due LIMIT ?",
			[]any{directory, int64(now), limit}, func(rows scanner) error {
				d := Due{Key: Key{Directory: directory}}
				err := rows.Scan(&d.Key.Object.Kind, &d.Key.Object.ID, &d.At)
				due = append(due, d)
				return failure(err)
			})
		if err != nil {
			return err
		}
		_, err = r.row("SELECT COALESCE(MIN(due), 0) FROM work WHERE directory = ? AND due > ?", []any{directory, int64(now)}, &next)
		return err
	})
	return due, next, err
}

// Newest returns the number of the newest delivery.
func (s *database) Newest(ctx context.Context) (seq int64, err error) {
	err = s.readers.read(ctx, func(r *session) error {
		_, err := r.row("SELECT COALESCE(MAX(seq), 0) FROM delivery", nil, &seq)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for the newest event: %w", err)
	}
	return seq, nil
}

// BringForward makes due at now what is due later, until a moment.
func (s *database) BringForward(ctx context.Context, directory string, now, until event.Millis) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE work SET due = ? WHERE directory = ? AND due > ? AND due <= ?", int64(now), directory, int64(now), int64(until))
		return err
	})
	if err != nil {
		return fmt.Errorf("bring forward what waits for its time in %s: %w", directory, err)
	}
	return nil
}

// Load returns the job of an object.
func (s *database) Load(ctx context.Context, key Key, limit int) (Job, error) {
	l := &loading{key: key, limit: limit}
	err := s.loads.do(ctx, l, func(all []*loading) error {
		// Others wait for it as well.
		return s.readers.read(context.WithoutCancel(ctx), func(r *session) error { return r.loadAll(all, s.loads.from) })
	})
	if err != nil {
		return Job{}, fmt.Errorf("load %s in %s: %w", key.Object, key.Directory, err)
	}
	return s.openJob(l)
}

// loading is what is read of an object for its job.
type loading struct {
	key     Key
	limit   int
	job     Job
	known   *sealedObject
	pending []sealedPending
	failed  error
}

// load reads by itself.
func (r *session) load(l *loading) error {
	l.job = Job{Key: l.key, Known: event.Object{Ref: l.key.Object}}
	// The version comes first: what is newer than it is looked at again when the job is settled, although it was seen.
	if _, err := r.row(`SELECT value, COALESCE((SELECT attempts FROM work WHERE directory = ? AND kind = ? AND object = ?), 0),
		EXISTS (SELECT 1 FROM work WHERE directory = ? AND kind = ? AND object = ? AND asked > 0) FROM version`,
		append(keyArgs(l.key), keyArgs(l.key)...), &l.job.Version, &l.job.Attempts, &l.job.Asked); err != nil {
		return err
	}
	var err error
	if l.known, err = r.object(l.key); err != nil {
		return err
	}
	if l.pending, err = r.unsettled(l); err != nil {
		return err
	}
	l.job.Rejoin, err = r.rejoin(l.key, l.limit+1)
	return err
}

// openJob opens what was read. That takes longer than reading, so it is done when others can read again.
func (s *database) openJob(l *loading) (Job, error) {
	job, limit := l.job, l.limit
	if len(job.Rejoin) > limit {
		job.Rejoin, job.More = job.Rejoin[:limit], true
	}
	var err error
	if l.known != nil {
		if job.Known, job.Record, err = s.openAgain(l.key.Directory, *l.known); err != nil {
			return Job{}, err
		}
	}
	for i, p := range l.pending {
		if i == limit {
			job.More = true
			break
		}
		opened, err := s.openPending(l.key.Object, p)
		if err != nil {
			return Job{}, err
		}
		job.Pending = append(job.Pending, opened)
	}
	// What is held came in before or after what is not.
	slices.SortFunc(job.Pending, func(a, b Pending) int { return cmp.Compare(a.Seq, b.Seq) })
	return job, nil
}

// rejoin returns members of a group whose entries were made anew.
func (r *session) rejoin(key Key, limit int) ([]string, error) {
	if key.Object.Kind != event.KindGroup {
		return nil, nil
	}
	var users []string
	err := r.rows("SELECT member FROM membership WHERE directory = ? AND grp = ? AND rejoin > 0 LIMIT ?",
		[]any{key.Directory, key.Object.ID, limit}, func(rows scanner) error {
			var user string
			err := rows.Scan(&user)
			users = append(users, user)
			return failure(err)
		})
	return users, err
}

// sealedPending is a row of an event that is not settled.
type sealedPending struct {
	Pending
	payload, password []byte
}

const (
	// open is spelled as in the index over it, as is the beginning of what follows.
	open = "d.state IN ('pending', 'waiting')"
	// heldUnseen are events that are held because the entry of their object was not to be seen. Nobody has decided anything about them, so
	// they are worked on with all others, and go on by themselves. They are looked for where the object was asked for, which it is as long as
	// there are any (see [tx.plan]).
	heldUnseen = "d.state IN ('held', 'failed') AND d.state = 'held' AND d.act = '" + actVanish + "'"
)

// actVanish is what the guard counts on entries that are gone.
const actVanish = "vanished"

// unsettled returns the events of an object that are not settled, and one beyond the limit where there are more. What is held comes where
// there is room for it, or it would keep what is new from being looked at.
func (r *session) unsettled(l *loading) ([]sealedPending, error) {
	out, err := r.pending(l.key, open, l.limit+1)
	if err != nil || !l.job.Asked || len(out) > l.limit {
		return out, err
	}
	held, err := r.pending(l.key, heldUnseen, l.limit+1-len(out))
	return append(out, held...), err
}

func (r *session) pending(key Key, which string, limit int) ([]sealedPending, error) {
	var out []sealedPending
	err := r.rows("SELECT "+pendingColumns+`
		FROM delivery d JOIN event e ON e.id = d.event
		WHERE d.directory = ? AND d.kind = ? AND d.object = ? AND `+which+" ORDER BY d.seq LIMIT ?",
		append(keyArgs(key), limit), func(rows scanner) error {
			var p sealedPending
			err := rows.Scan(p.columns()...)
			out = append(out, p)
			return failure(err)
		})
	return out, err
}

const pendingColumns = "d.object, d.seq, d.state, d.code, d.message, d.password, d.tried, d.retried > 0, " +
	"CASE WHEN d.approved THEN d.act ELSE '' END, d.approver, e.application, e.event_id, e.type, e.happened, e.updated, e.payload"

// columns are where what pendingColumns names goes.
func (p *sealedPending) columns() []any {
	return []any{
		&p.Change.Object.ID, &p.Seq, &p.Outcome.State, &p.Outcome.Code, &p.Outcome.Message, &p.password, &p.PasswordTried, &p.Retried,
		&p.Approved, &p.ApprovedBy, &p.Application, &p.EventID, &p.Change.Type, &p.Change.Stamp.Event, &p.Change.Stamp.Update, &p.payload,
	}
}

func (s *database) openPending(ref event.Ref, sealed sealedPending) (Pending, error) {
	p := sealed.Pending
	p.Change.ID, p.Change.Object = p.EventID, ref
	err := s.openPayload(p.Application, &p.Change, sealed.payload)
	if err != nil {
		return p, err
	}
	p.Change.Password, err = s.openPassword(p.Application, p.EventID, sealed.password)
	return p, err
}

// openPayload adds what is sealed of an event, but for the password.
func (s *database) openPayload(application string, c *event.Change, sealed []byte) error {
	plain, err := s.seal.open(payloadPlace(application, c.ID), sealed)
	if err != nil {
		return err
	}
	content, err := event.UnmarshalContent(plain)
	if err != nil {
		return fmt.Errorf("decode event %s: %w", c.ID, err)
	}
	if content.Object != "" && content.Object != objectName(c.Object) {
		return fmt.Errorf("read event %s as one about %s: %w", c.ID, c.Object, ErrMoved)
	}
	c.Fields, c.Members, c.Problem, c.Trace = content.Fields, content.Members, content.Problem, content.Trace
	return nil
}

// Said returns what an event says.
func (s *database) Said(ctx context.Context, seq int64) (event.Change, error) {
	var c event.Change
	var application string
	var sealed []byte
	found := false
	err := s.readers.read(ctx, func(r *session) error {
		var err error
		found, err = r.row(`SELECT e.application, e.event_id, e.type, e.kind, e.object, e.happened, e.updated, e.payload
			FROM delivery d JOIN event e ON e.id = d.event WHERE d.seq = ?`, []any{seq},
			&application, &c.ID, &c.Type, &c.Object.Kind, &c.Object.ID, &c.Stamp.Event, &c.Stamp.Update, &sealed)
		return err
	})
	switch {
	case err != nil:
	case !found:
		err = ErrNotFound
	default:
		err = s.openPayload(application, &c, sealed)
	}
	if err != nil {
		return c, fmt.Errorf("read what delivery %d says: %w", seq, err)
	}
	return c, nil
}

// WaitsFor returns the objects that an object waits for.
func (s *database) WaitsFor(ctx context.Context, key Key) ([]event.Ref, error) {
	var refs []event.Ref
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows("SELECT on_kind, on_object FROM dependency WHERE directory = ? AND kind = ? AND object = ? ORDER BY on_kind, on_object",
			keyArgs(key), func(rows scanner) error {
				var ref event.Ref
				err := rows.Scan(&ref.Kind, &ref.ID)
				refs = append(refs, ref)
				return failure(err)
			})
	})
	return refs, err
}

func keyArgs(key Key) []any {
	return []any{key.Directory, string(key.Object.Kind), key.Object.ID}
}

// objectName is what the payload of an event says of its object; empty for none.
func objectName(ref event.Ref) string {
	if ref.Zero() {
		return ""
	}
	return ref.String()
}
