package store

import (
	"context"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Settle stores the end of a reconcile.
func (s *database) Settle(ctx context.Context, now event.Millis, settlement Settlement) ([]Key, error) {
	key := settlement.Key
	if settlement.Version == 0 {
		return nil, fmt.Errorf("settle %s in %s: the settlement lacks the version of its job", key.Object, key.Directory)
	}
	e := &ending{of: s, now: now, Settlement: settlement}
	if settlement.Alone != nil {
		var err error
		if e.own, err = s.sealOwn(now, key); err != nil {
			return nil, err
		}
	}
	if known := settlement.Known; !known.Ref.Zero() {
		if known.Ref != key.Object {
			return nil, fmt.Errorf("settle %s in %s: what is known is of %s", key.Object, key.Directory, known.Ref)
		}
		sealed, err := s.sealObject(key.Directory, known, settlement.Record)
		if err != nil {
			return nil, err
		}
		e.object = &sealed
	}
	if err := s.writer.join(ctx, e); err != nil {
		return nil, fmt.Errorf("settle %s in %s: %w", key.Object, key.Directory, err)
	}
	if e.object != nil {
		s.opened.keep(key.Directory, *e.object, settlement.Known, settlement.Record)
	}
	return e.woken, nil
}

func (t *tx) settle(seal *Seal, now event.Millis, s Settlement, object *sealedObject, alone []byte) (woken []Key, err error) {
	for seq, outcome := range s.Outcomes {
		if err := t.outcome(now, s, seq, outcome); err != nil {
			return nil, err
		}
	}
	if s.Mended {
		if err := t.mended(now, s.Key); err != nil {
			return nil, err
		}
	}
	if s.Alone != nil {
		if err := t.alone(now, s, alone); err != nil {
			return nil, err
		}
	}
	ended, err := t.groupEnds(s)
	if err != nil {
		return nil, err
	}
	if err := t.remember(s, object); err != nil {
		return nil, err
	}
	if err := t.memberships(s, ended); err != nil {
		return nil, err
	}
	if err := t.release(s); err != nil {
		return nil, err
	}
	if woken, err = t.rebase(seal, now, s); err != nil {
		return nil, err
	}
	again, err := t.again(&s)
	if err != nil {
		return nil, err
	}
	if again {
		woken = append(woken, s.Key)
	}
	if err := t.plan(now, s, again); err != nil {
		return nil, err
	}
	others, err := t.others(now, s)
	return append(woken, others...), err
}

// others makes everybody else due whom a settlement concerns.
func (t *tx) others(now event.Millis, s Settlement) (woken []Key, err error) {
	for _, ref := range s.Touch {
		woken = append(woken, Key{Directory: s.Key.Directory, Object: ref})
	}
	if err := t.dueNow(now, woken); err != nil {
		return nil, err
	}
	groups, err := t.entered(now, s)
	if err != nil {
		return nil, err
	}
	woken = append(woken, groups...)
	if !s.Wake {
		return woken, nil
	}
	waiting, err := t.wake(now, s.Key)
	return append(woken, waiting...), err
}

// outcome stores what became of one event. One that a person has discarded meanwhile stays discarded, and one that was
// made pending again stays pending unless it has succeeded: what the person did before is not in this outcome.
func (t *tx) outcome(now event.Millis, s Settlement, seq int64, o event.Outcome) error {
	settled := event.Millis(0)
	if o.State.Settled() {
		settled = now
	}
	final := isFinal(o)
	held := o.State == event.Held
	_, err := t.exec(`UPDATE delivery SET state = ?, code = ?, message = ?, settled = ?,
			act = CASE WHEN ? THEN ? ELSE act END, approved = approved AND NOT ?, approver = CASE WHEN ? THEN '' ELSE approver END,
			password = CASE WHEN ? THEN NULL ELSE password END, tried = CASE WHEN ? THEN FALSE ELSE tried END
		WHERE seq = ? AND directory = ? AND kind = ? AND object = ? AND (state IN ('pending', 'waiting') OR state = 'held' AND act = '`+actVanish+`') AND (? OR retried <= ?)`,
		string(o.State), string(o.Code), o.Message, int64(settled), held, o.Act, held, held, final, o.Code == event.CodePasswordRefused,
		seq, s.Key.Directory, string(s.Key.Object.Kind), s.Key.Object.ID, final, s.Version)
	t.notices.settle(s.Key.Directory, seq)
	return err
}

// isFinal reports whether nothing is to be done for an event any more, whoever asks.
func isFinal(o event.Outcome) bool { return o.State.Settled() && o.State != event.Failed }

// remember stores what is known of the object and, with Wake, a mark for those whose reconcile is under way and who are
// going to wait for it: they find it when they settle.
func (t *tx) remember(s Settlement, o *sealedObject) error {
	woke, err := t.woke(s)
	if err != nil {
		return err
	}
	if o == nil {
		_, err = t.exec("UPDATE object SET woke = ? WHERE directory = ? AND kind = ? AND id = ? AND woke < ?",
			append(append([]any{woke}, keyArgs(s.Key)...), woke)...)
		return err
	}
	key := keyArgs(s.Key)
	said := []any{
		int64(o.Existence.At.Event), int64(o.Existence.At.Update), int64(o.Password.Event), int64(o.Password.Update),
		int64(o.Floor.Event), int64(o.Floor.Update), o.facts,
	}
	// Of most it is known where they are. What the indexes are about is then left alone, or each of them would be written.
	n, err := t.exec(`UPDATE object SET said = ?, said_update = ?, password = ?, password_update = ?, floor = ?, floor_update = ?, facts = ?,
			owned = ?, removed = ?, bound = ?, woke = CASE WHEN woke < ? THEN ? ELSE woke END
		WHERE directory = ? AND kind = ? AND id = ? AND present = ? AND link = ? AND dn = ? AND login = ? AND label = ?`,
		slices.Concat(said, []any{o.owned, int64(o.RemovedAt), o.bound, woke, woke}, key, []any{o.Existence.Present, o.Link, o.dn, o.login, o.label})...)
	if err != nil || n > 0 {
		return err
	}
	_, err = t.exec("INSERT INTO object ("+objectRowColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (directory, kind, id) DO UPDATE SET present = excluded.present, said = excluded.said, said_update = excluded.said_update,
			password = excluded.password, password_update = excluded.password_update,
			floor = excluded.floor, floor_update = excluded.floor_update, facts = excluded.facts, link = excluded.link,
			dn = excluded.dn, dn_key = excluded.dn_key, owned = excluded.owned, removed = excluded.removed, bound = excluded.bound,
			login = excluded.login, label = excluded.label, woke = CASE WHEN excluded.woke > object.woke THEN excluded.woke ELSE object.woke END`,
		objectRow(s.Key, o, woke)...)
	return err
}

// woke is the mark that a settlement leaves for those who are going to wait for the object.
func (t *tx) woke(s Settlement) (int64, error) {
	if !s.Wake {
		return 0, nil
	}
	return t.next()
}

const objectRowColumns = "directory, kind, id, said, said_update, password, password_update, floor, floor_update, facts, " +
	"present, link, dn, dn_key, owned, removed, woke, bound, login, label"

func objectRow(key Key, o *sealedObject, woke int64) []any {
	return append(keyArgs(key),
		int64(o.Existence.At.Event), int64(o.Existence.At.Update), int64(o.Password.Event), int64(o.Password.Update),
		int64(o.Floor.Event), int64(o.Floor.Update), o.facts,
		o.Existence.Present, o.Link, o.dn, treeKey(o.DN), o.owned, int64(o.RemovedAt), woke, o.bound, o.login, o.label)
}

// groupEnds reports whether the Known tells of a deletion of the group that the store does not know of.
func (t *tx) groupEnds(s Settlement) (bool, error) {
	if s.Key.Object.Kind != event.KindGroup || s.Known.Floor.Zero() {
		return false, nil
	}
	var was event.Stamp
	_, err := t.row("SELECT floor, floor_update FROM object WHERE directory = ? AND kind = ? AND id = ?", keyArgs(s.Key), &was.Event, &was.Update)
	return s.Known.Floor != was, err
}

// rebase rewrites the DNs of what lies below an entry that was renamed, and makes those due that wait for any of it: that
// it is elsewhere may be all that they wait for.
func (t *tx) rebase(seal *Seal, now event.Millis, s Settlement) (woken []Key, err error) {
	if s.RenamedFrom.Empty() || s.RenamedTo.Empty() {
		return nil, nil
	}
	type moved struct {
		tie
		mark []byte
		to   plan.DN
	}
	var below []moved
	matching := s.Matching
	if matching == nil {
		matching = plan.DefaultMatching()
	}
	from := treeKey(s.RenamedFrom)
	err = t.rows("SELECT kind, id, link, dn, bound FROM object WHERE directory = ? AND dn_key > ? AND dn_key < ?",
		[]any{s.Key.Directory, from, treeEnd(from)}, func(rows scanner) error {
			m := moved{tie: tie{directory: s.Key.Directory}}
			if err := rows.Scan(&m.ref.Kind, &m.ref.ID, &m.link, &m.dn, &m.mark); err != nil {
				return failure(err)
			}
			old, err := plan.ParseDN(m.dn)
			if m.to = plan.Rebase(matching, old, s.RenamedFrom, s.RenamedTo); plan.Below(matching, old, s.RenamedFrom) && seal.holds(m.tie, m.mark) {
				below = append(below, m)
			}
			return err //nolint:wrapcheck // It names the DN.
		})
	if err != nil || len(below) == 0 {
		return nil, err
	}
	woke, err := t.next()
	if err != nil {
		return nil, err
	}
	for _, m := range below {
		is := tie{m.directory, m.ref, m.link, m.to.String()}
		if _, err := t.exec("UPDATE object SET dn = ?, dn_key = ?, bound = ?, woke = ? WHERE directory = ? AND kind = ? AND id = ?",
			is.dn, treeKey(m.to), seal.mark(is), woke, s.Key.Directory, string(m.ref.Kind), m.ref.ID); err != nil {
			return nil, err
		}
		others, err := t.wake(now, Key{Directory: s.Key.Directory, Object: m.ref})
		if err != nil {
			return nil, err
		}
		woken = append(woken, others...)
	}
	return woken, nil
}

// again stores what the object waits for, and reports whether it is to be looked at again at once: something happened
// after its job was loaded that the reconcile could not know. Where that is a new reason to try, the tries so far do not count.
func (t *tx) again(s *Settlement) (again bool, err error) {
	if _, err := t.exec("DELETE FROM dependency WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key)...); err != nil {
		return false, err
	}
	for _, on := range s.WaitsFor {
		var woke int64
		if _, err := t.row("SELECT woke FROM object WHERE directory = ? AND kind = ? AND id = ?",
			keyArgs(Key{Directory: s.Key.Directory, Object: on}), &woke); err != nil {
			return false, err
		}
		again = again || woke > s.Version
		if _, err := t.exec("INSERT INTO dependency (directory, kind, object, on_kind, on_object) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			append(keyArgs(s.Key), string(on.Kind), on.ID)...); err != nil {
			return false, err
		}
	}
	err = t.rows("SELECT seq, retried, state FROM delivery WHERE directory = ? AND kind = ? AND object = ? AND state IN ('pending', 'waiting')",
		keyArgs(s.Key), func(rows scanner) error {
			var seq, retried int64
			var state event.State
			err := rows.Scan(&seq, &retried, &state)
			if _, seen := s.Outcomes[seq]; !seen && state == event.Pending || retried > s.Version {
				again, s.Attempts = true, 0
			}
			return failure(err)
		})
	if err != nil || again {
		return again, err
	}
	var asked int64
	if _, err := t.row("SELECT asked FROM work WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key), &asked); err != nil {
		return false, err
	}
	if asked > s.Version {
		return true, nil
	}
	return t.rejoins(*s)
}

// plan stores when the object is to be looked at again. Where that is not at any time by itself, the row is kept if it has
// something to say: somebody else may make the object due. Where an event is held because the entry is not to be seen, the object counts as
// asked for until nothing is left to do, which keeps the row and makes whoever loads the object look for such events.
func (t *tx) plan(now event.Millis, s Settlement, again bool) error {
	var due any // not by itself
	if s.Due != 0 {
		due = int64(s.Due)
	}
	if again {
		due = int64(now)
	}
	if due == nil && s.Attempts == 0 && !s.isUnseen() {
		_, err := t.exec("DELETE FROM work WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key)...)
		return err
	}
	asked := int64(0)
	if s.isUnseen() {
		asked = s.Version
	}
	_, err := t.exec(`INSERT INTO work (directory, kind, object, due, attempts, asked) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (directory, kind, object) DO UPDATE SET due = excluded.due, attempts = excluded.attempts,
			asked = CASE WHEN excluded.asked > work.asked THEN excluded.asked ELSE work.asked END`,
		append(keyArgs(s.Key), due, s.Attempts, asked)...)
	return err
}

// isUnseen reports whether an event is held from now on because the entry is not to be seen.
func (s Settlement) isUnseen() bool {
	held := func(o event.Outcome) bool { return o.State == event.Held && o.Act == actVanish }
	for _, o := range s.Outcomes {
		if held(o) {
			return true
		}
	}
	return s.Alone != nil && held(*s.Alone)
}

// wake makes the objects due that wait for this one.
func (t *tx) wake(now event.Millis, key Key) ([]Key, error) {
	var woken []Key
	err := t.rows("DELETE FROM dependency WHERE directory = ? AND on_kind = ? AND on_object = ? RETURNING kind, object", keyArgs(key), func(rows scanner) error {
		k := Key{Directory: key.Directory}
		err := rows.Scan(&k.Object.Kind, &k.Object.ID)
		woken = append(woken, k)
		return failure(err)
	})
	if err != nil {
		return nil, err
	}
	return woken, t.dueNow(now, woken)
}

// dueNow makes objects due, those that are not already.
func (t *tx) dueNow(now event.Millis, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	version, err := t.next()
	if err != nil {
		return err
	}
	for _, k := range keys {
		t.tellDue(k.Directory)
		if _, err := t.exec(`INSERT INTO work (directory, kind, object, due, attempts, asked) VALUES (?, ?, ?, ?, 0, ?)
			ON CONFLICT (directory, kind, object) DO UPDATE SET asked = excluded.asked,
				due = CASE WHEN work.due <= excluded.due THEN work.due ELSE excluded.due END`,
			append(keyArgs(k), int64(now), version)...); err != nil {
			return err
		}
	}
	return nil
}

// tellDue lets whoever works on a directory hear that objects are due, unless that is us.
func (t *tx) tellDue(directory string) {
	if !t.fenced {
		t.notices.due(directory)
	}
}

// MarkPasswordTried records that a password is about to be written.
func (s *database) MarkPasswordTried(ctx context.Context, seq int64) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec("UPDATE delivery SET tried = TRUE WHERE seq = ?", seq)
		if err == nil && n == 0 {
			err = fmt.Errorf("note that the password of delivery %d is about to be written: %w", seq, ErrNotFound)
		}
		return err
	})
}
