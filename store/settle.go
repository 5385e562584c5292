package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Settle stores the end of a reconcile.
func (s *SQLite) Settle(ctx context.Context, now event.Millis, settlement Settlement) ([]Key, error) {
	object, err := s.sealObject(settlement)
	if err != nil {
		return nil, err
	}
	var woken []Key
	err = s.writer.do(ctx, func(t *tx) error {
		var err error
		woken, err = t.settle(now, settlement, object)
		return err
	})
	return woken, err
}

// sealedObject is what is sealed of an object.
type sealedObject struct{ facts, owned []byte }

func (s *SQLite) sealObject(settlement Settlement) (out sealedObject, err error) {
	if settlement.Known.Ref.Zero() {
		return out, nil
	}
	row := objectRow(settlement.Key.Directory, settlement.Known.Ref)
	plain, err := event.MarshalFacts(settlement.Known.Facts)
	if err != nil {
		return out, fmt.Errorf("%s: %w", row, err)
	}
	if out.facts, err = s.seal.close(row, plain); err != nil {
		return out, err
	}
	out.owned = []byte{}
	if len(settlement.Record.Owned) > 0 {
		if plain, err = json.Marshal(settlement.Record.Owned); err != nil {
			return out, fmt.Errorf("encode the owned values of %s: %w", row, err)
		}
		out.owned, err = s.seal.close(row+" owned", plain)
	}
	return out, err
}

func (t *tx) settle(now event.Millis, s Settlement, object sealedObject) ([]Key, error) {
	for seq, outcome := range s.Outcomes {
		if err := t.outcome(now, seq, outcome); err != nil {
			return nil, err
		}
	}
	version, err := t.nextVersion()
	if err != nil {
		return nil, err
	}
	if !s.Known.Ref.Zero() {
		if err := t.object(s, object, version); err != nil {
			return nil, err
		}
	}
	if err := t.memberships(s); err != nil {
		return nil, err
	}
	if err := t.rebase(s); err != nil {
		return nil, err
	}
	again, err := t.next(now, s)
	if err != nil {
		return nil, err
	}
	var woken []Key
	if again {
		woken = append(woken, s.Key)
	}
	if s.Wake {
		others, err := t.wake(now, s.Key)
		if err != nil {
			return nil, err
		}
		woken = append(woken, others...)
	}
	return woken, nil
}

func (t *tx) outcome(now event.Millis, seq int64, o event.Outcome) error {
	settled := event.Millis(0)
	if o.State.Settled() {
		settled = now
	}
	erase := o.State.Settled() && o.State != event.Failed
	// A delivery that a person has discarded meanwhile stays discarded.
	_, err := t.exec(`UPDATE delivery SET state = ?, code = ?, message = ?, settled = ?, password = CASE WHEN ? THEN NULL ELSE password END
		WHERE seq = ? AND state IN ('pending', 'waiting')`,
		string(o.State), string(o.Code), o.Message, int64(settled), erase, seq)
	return err
}

// nextVersion counts settlements, so that one can tell what changed since a job was loaded.
func (t *tx) nextVersion() (int64, error) {
	var version int64
	err := t.rows(`INSERT INTO meta (name, value) VALUES ('version', 1) ON CONFLICT (name) DO UPDATE SET value = meta.value + 1 RETURNING value`, nil,
		func(rows *sql.Rows) error { return unavailable(rows.Scan(&version)) })
	return version, err
}

func (t *tx) object(s Settlement, sealed sealedObject, version int64) error {
	woke := int64(0)
	if s.Wake {
		woke = version
	}
	k, r := s.Known, s.Record
	_, err := t.exec(`INSERT INTO object (directory, kind, id, present, said, said_update, password, password_update, facts, link, dn, dn_key, owned, removed, woke)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (directory, kind, id) DO UPDATE SET present = excluded.present, said = excluded.said, said_update = excluded.said_update,
			password = excluded.password, password_update = excluded.password_update, facts = excluded.facts, link = excluded.link,
			dn = excluded.dn, dn_key = excluded.dn_key, owned = excluded.owned, removed = excluded.removed,
			woke = CASE WHEN excluded.woke > 0 THEN excluded.woke ELSE object.woke END`,
		s.Key.Directory, string(k.Ref.Kind), k.Ref.ID, k.Existence.Present, int64(k.Existence.At.Event), int64(k.Existence.At.Update),
		int64(k.Password.Event), int64(k.Password.Update), sealed.facts, r.Link, r.DN.String(), treeKey(r.DN), sealed.owned, int64(r.RemovedAt), woke)
	return err
}

func (t *tx) memberships(s Settlement) error {
	for user, m := range s.Memberships {
		if _, err := t.exec(`INSERT INTO membership (directory, grp, member, present, said, said_update) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (directory, grp, member) DO UPDATE SET present = excluded.present, said = excluded.said, said_update = excluded.said_update`,
			s.Key.Directory, s.Key.Object.ID, user, m.Present, int64(m.At.Event), int64(m.At.Update)); err != nil {
			return err
		}
	}
	if !s.ForgetMember {
		return nil
	}
	_, err := t.exec("DELETE FROM membership WHERE directory = ? AND member = ?", s.Key.Directory, s.Key.Object.ID)
	return err
}

// rebase rewrites the DNs of what lies below an entry that was renamed.
func (t *tx) rebase(s Settlement) error {
	if s.RenamedFrom.Empty() || s.RenamedTo.Empty() {
		return nil
	}
	type row struct {
		ref event.Ref
		dn  plan.DN
	}
	var below []row
	// ',' ends a name in the key and '-' is the character after it.
	from := treeKey(s.RenamedFrom)
	err := t.rows("SELECT kind, id, dn FROM object WHERE directory = ? AND dn_key > ? AND dn_key < ?",
		[]any{s.Key.Directory, from, from[:len(from)-1] + "-"}, func(rows *sql.Rows) error {
			var r row
			var dn string
			if err := rows.Scan(&r.ref.Kind, &r.ref.ID, &dn); err != nil {
				return unavailable(err)
			}
			var err error
			r.dn, err = plan.ParseDN(dn)
			below = append(below, r)
			return err //nolint:wrapcheck // It names the DN.
		})
	if err != nil {
		return err
	}
	for _, r := range below {
		dn := r.dn.Rebase(s.RenamedFrom, s.RenamedTo)
		if _, err := t.exec("UPDATE object SET dn = ?, dn_key = ? WHERE directory = ? AND kind = ? AND id = ?",
			dn.String(), treeKey(dn), s.Key.Directory, string(r.ref.Kind), r.ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// next stores when the object is to be looked at again, and reports whether that is now.
func (t *tx) next(now event.Millis, s Settlement) (again bool, err error) {
	if _, err := t.exec("DELETE FROM dependency WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key)...); err != nil {
		return false, err
	}
	for _, on := range s.WaitsFor {
		changed, err := t.changedSince(Key{Directory: s.Key.Directory, Object: on}, s.Version)
		if err != nil {
			return false, err
		}
		again = again || changed
		if _, err := t.exec("INSERT INTO dependency (directory, kind, object, on_kind, on_object) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			append(keyArgs(s.Key), string(on.Kind), on.ID)...); err != nil {
			return false, err
		}
	}
	unseen, err := t.unseen(s)
	if err != nil {
		return false, err
	}
	due := s.Due
	if again = again || unseen; again {
		due = now
	}
	if due == 0 {
		_, err = t.exec("DELETE FROM work WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key)...)
		return false, err
	}
	_, err = t.exec(`INSERT INTO work (directory, kind, object, due, attempts) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (directory, kind, object) DO UPDATE SET due = excluded.due, attempts = excluded.attempts`,
		append(keyArgs(s.Key), int64(due), s.Attempts)...)
	return again, err
}

// changedSince reports whether an object woke those who wait for it after a job was loaded.
func (t *tx) changedSince(key Key, version int64) (changed bool, err error) {
	err = t.rows("SELECT woke > ? FROM object WHERE directory = ? AND kind = ? AND id = ?", append([]any{version}, keyArgs(key)...),
		func(rows *sql.Rows) error { return unavailable(rows.Scan(&changed)) })
	return changed, err
}

// unseen reports whether events of the object are pending that the reconcile did not know of.
func (t *tx) unseen(s Settlement) (bool, error) {
	found := false
	err := t.rows("SELECT seq FROM delivery WHERE directory = ? AND kind = ? AND object = ? AND state IN ('pending', 'waiting')", keyArgs(s.Key),
		func(rows *sql.Rows) error {
			var seq int64
			err := rows.Scan(&seq)
			if _, ok := s.Outcomes[seq]; !ok {
				found = true
			}
			return unavailable(err)
		})
	return found, err
}

// wake makes the objects due that wait for this one.
func (t *tx) wake(now event.Millis, key Key) ([]Key, error) {
	var woken []Key
	err := t.rows("DELETE FROM dependency WHERE directory = ? AND on_kind = ? AND on_object = ? RETURNING kind, object", keyArgs(key), func(rows *sql.Rows) error {
		k := Key{Directory: key.Directory}
		err := rows.Scan(&k.Object.Kind, &k.Object.ID)
		woken = append(woken, k)
		return unavailable(err)
	})
	if err != nil {
		return nil, err
	}
	for _, k := range woken {
		if _, err := t.exec("UPDATE work SET due = ? WHERE directory = ? AND kind = ? AND object = ? AND due > ?",
			append(append([]any{int64(now)}, keyArgs(k)...), int64(now))...); err != nil {
			return nil, err
		}
	}
	return woken, nil
}

// MarkPasswordTried records that a password is about to be written.
func (s *SQLite) MarkPasswordTried(ctx context.Context, seq int64) error {
	return s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("UPDATE delivery SET tried = 1 WHERE seq = ?", seq)
		return err
	})
}

// Allocate gives the object a number of a pool.
func (s *SQLite) Allocate(ctx context.Context, key Key, pool string, from, to int64) (int64, error) {
	var number int64
	err := s.writer.do(ctx, func(t *tx) error {
		found := false
		scan := func(rows *sql.Rows) error {
			found = true
			return unavailable(rows.Scan(&number))
		}
		if err := t.rows("SELECT value FROM number WHERE directory = ? AND pool = ? AND kind = ? AND object = ?",
			[]any{key.Directory, pool, string(key.Object.Kind), key.Object.ID}, scan); err != nil || found {
			return err
		}
		if err := t.rows("SELECT COALESCE(MAX(value) + 1, ?) FROM number WHERE directory = ? AND pool = ? AND value BETWEEN ? AND ?",
			[]any{from, key.Directory, pool, from, to}, scan); err != nil {
			return err
		}
		if number > to {
			return fmt.Errorf("%w of %s between %d and %d: widen the range in the mapping", ErrNoneLeft, pool, from, to)
		}
		_, err := t.exec("INSERT INTO number (directory, pool, value, kind, object) VALUES (?, ?, ?, ?, ?)",
			key.Directory, pool, number, string(key.Object.Kind), key.Object.ID)
		return err
	})
	return number, err
}

// Spend records something that a guard counts.
func (s *SQLite) Spend(ctx context.Context, key Key, act string, now event.Millis, window time.Duration, limit int) (bool, error) {
	ok := false
	err := s.writer.do(ctx, func(t *tx) error {
		since := int64(now) - window.Milliseconds()
		if _, err := t.exec("DELETE FROM spent WHERE directory = ? AND act = ? AND at <= ?", key.Directory, act, since); err != nil {
			return err
		}
		others := 0
		if err := t.rows("SELECT COUNT(*) FROM spent WHERE directory = ? AND act = ? AND NOT (kind = ? AND object = ?)",
			[]any{key.Directory, act, string(key.Object.Kind), key.Object.ID},
			func(rows *sql.Rows) error { return unavailable(rows.Scan(&others)) }); err != nil {
			return err
		}
		if ok = others < limit; !ok {
			return nil
		}
		_, err := t.exec("INSERT INTO spent (directory, act, kind, object, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (directory, act, kind, object) DO UPDATE SET at = excluded.at",
			key.Directory, act, string(key.Object.Kind), key.Object.ID, int64(now))
		return err
	})
	return ok, err
}
