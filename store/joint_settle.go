package store

import (
	"slices"

	"idaas-ldap/event"
)

// ending is a piece of work: the end of a reconcile.
type ending struct {
	of  *database
	now event.Millis
	Settlement
	object *sealedObject
	own    []byte // the payload of an event of our own
	woken  []Key  // whom it has made due
	again  bool   // it is due itself
}

func (e *ending) alone(t *tx) error {
	if err := e.of.guard(t); err != nil {
		return err
	}
	var err error
	e.woken, err = t.settle(e.of.seal, e.now, e.Settlement, e.object, e.own)
	return err
}

// isPlain reports whether a settlement is about a user and asks for nothing that is stored by itself.
func (e *ending) isPlain() bool {
	s := e.Settlement
	for _, o := range s.Outcomes {
		if o.State == event.Held || o.State == event.Failed {
			return false // what is mended ends these as well
		}
	}
	return s.Key.Object.Kind == event.KindUser && e.object != nil && !s.Record.DN.Empty() && s.Alone == nil && !s.ForgetMember &&
		s.RenamedFrom.Empty() && len(s.WaitsFor)+len(s.Touch)+len(s.Memberships)+len(s.Rejoined) == 0
}

// workplace is a directory, and whether who stores something has the lease of it.
type workplace struct {
	directory string
	fenced    bool
}

// end stores the ends of several reconciles: by itself what is not plain or is about an object of which something else is stored as well.
func (t *tx) end(endings []*ending, from int) error {
	seen := map[Key]bool{}
	plain := map[workplace][]*ending{}
	for _, e := range endings {
		if err := e.of.guard(t); err != nil {
			return err
		}
		if seen[e.Key] || !e.isPlain() {
			if err := e.alone(t); err != nil {
				return err
			}
			continue
		}
		seen[e.Key] = true
		place := workplace{e.Key.Directory, t.fenced}
		plain[place] = append(plain[place], e)
	}
	for place, all := range plain {
		for some := range slices.Chunk(all, t.sizes[0]) {
			t.fenced = place.fenced
			if err := t.endSome(place.directory, some, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// endSome stores plain settlements about different users of one directory.
func (t *tx) endSome(directory string, all []*ending, from int) error {
	if len(all) >= from {
		apart, err := t.apartFrom(directory, all)
		if err != nil {
			return err
		}
		together := slices.DeleteFunc(slices.Clone(all), func(e *ending) bool { return apart[e.Key.Object.ID] })
		all = slices.DeleteFunc(all, func(e *ending) bool { return !apart[e.Key.Object.ID] })
		if err := t.endTogether(crowd{t.dialect, directory, together}); err != nil {
			return err
		}
	}
	for _, e := range all {
		if err := e.alone(t); err != nil {
			return err
		}
	}
	return nil
}

// apartFrom returns the users who wait for somebody, or of whom something is held or has failed: their settlements say more than that.
func (t *tx) apartFrom(directory string, all []*ending) (map[string]bool, error) {
	c := crowd{t.dialect, directory, all}
	apart := map[string]bool{}
	for _, query := range []string{
		"SELECT object FROM dependency WHERE directory = ? AND kind = ? AND object ",
		"SELECT object FROM delivery WHERE directory = ? AND kind = ? AND state IN ('held', 'failed') AND object ",
	} {
		if err := t.rows(query+c.among(), c.args(), func(row scanner) error {
			id := ""
			err := row.Scan(&id)
			apart[id] = true
			return failure(err)
		}); err != nil {
			return nil, err
		}
	}
	return apart, nil
}

// crowd are the plain settlements of one directory that are stored together.
type crowd struct {
	*dialect
	directory string
	endings   []*ending
}

func (c crowd) ids() []string {
	ids := make([]string, len(c.endings))
	for i, e := range c.endings {
		ids[i] = e.Key.Object.ID
	}
	return ids
}

// among and args are for a statement that ends with "directory = ? AND kind = ? AND object ".
func (c crowd) among() string {
	condition, _ := oneOf(c.dialect, c.ids())
	return condition
}

func (c crowd) args() []any {
	_, args := oneOf(c.dialect, c.ids())
	return append([]any{c.directory, string(event.KindUser)}, args...)
}

// where returns those of a crowd for which a condition holds.
func (c crowd) where(holds func(*ending) bool) crowd {
	return crowd{c.dialect, c.directory, slices.DeleteFunc(slices.Clone(c.endings), func(e *ending) bool { return !holds(e) })}
}

func (t *tx) endTogether(c crowd) error {
	if len(c.endings) == 0 {
		return nil
	}
	for _, step := range []func(crowd) error{t.outcomes, t.rememberAll, t.plans, t.enteredAll, t.wakeAll} {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

// outcomes stores what became of events. One whose object is to be looked at again is one that came in meanwhile, or was asked for again.
func (t *tx) outcomes(c crowd) error {
	of := map[string]*ending{}
	now := event.Millis(0) // that of the last who has come: all of it is stored no sooner
	for _, e := range c.endings {
		of[e.Key.Object.ID] = e
		now = max(now, e.now)
	}
	same := map[event.Outcome][]int64{} // those for which one statement does
	var single []func() error
	err := t.rows("SELECT object, seq, retried, state FROM delivery WHERE directory = ? AND kind = ? AND state IN ('pending', 'waiting') AND object "+c.among(), c.args(), func(row scanner) error {
		id, seq, retried, state := "", int64(0), int64(0), event.State("")
		if err := row.Scan(&id, &seq, &retried, &state); err != nil {
			return failure(err)
		}
		e := of[id]
		o, known := e.Outcomes[seq]
		final := isFinal(o)
		switch {
		case known && final && o.Code != event.CodePasswordRefused:
			same[o] = append(same[o], seq)
		case known:
			single = append(single, func() error { return t.outcome(e.now, e.Settlement, seq, o) })
		}
		if !known && state == event.Pending || retried > e.Version && !final {
			e.again, e.Attempts = true, 0
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, store := range single {
		if err := store(); err != nil {
			return err
		}
	}
	for o, seqs := range same {
		for some := range slices.Chunk(seqs, t.sizes[0]) {
			if err := t.settled(c.directory, now, o, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// settled stores one outcome of many events, for which nothing is to be done any more.
func (t *tx) settled(directory string, now event.Millis, o event.Outcome, seqs []int64) error {
	for _, seq := range seqs {
		t.notices.settle(directory, seq)
	}
	among, args := oneOf(t.dialect, seqs)
	_, err := t.exec("UPDATE delivery SET state = ?, code = ?, message = ?, settled = ?, password = NULL WHERE directory = ? AND seq "+among,
		append([]any{string(o.State), string(o.Code), o.Message, int64(now), directory}, args...)...)
	return err
}

// rememberAll stores what is known of the objects. Of most it is known where they are, and what the indexes are about is left alone.
func (t *tx) rememberAll(c crowd) error {
	rows := make([][]any, len(c.endings))
	left := map[string]*ending{}
	for i, e := range c.endings {
		woke, err := t.woke(e.Settlement)
		if err != nil {
			return err
		}
		rows[i] = objectRow(e.Key, e.object, woke)
		left[e.Key.Object.ID] = e
	}
	err := t.inRows(rows, func(source string, args []any) error {
		return t.rows("INSERT INTO object ("+objectRowColumns+") "+source+`
			ON CONFLICT (directory, kind, id) DO UPDATE SET said = excluded.said, said_update = excluded.said_update,
				password = excluded.password, password_update = excluded.password_update, floor = excluded.floor, floor_update = excluded.floor_update,
				facts = excluded.facts, owned = excluded.owned, removed = excluded.removed, bound = excluded.bound,
				woke = CASE WHEN excluded.woke > object.woke THEN excluded.woke ELSE object.woke END
			WHERE object.present = excluded.present AND object.link = excluded.link AND object.dn = excluded.dn
				AND object.login = excluded.login AND object.label = excluded.label RETURNING id`, args, func(row scanner) error {
			id := ""
			err := row.Scan(&id)
			delete(left, id)
			return failure(err)
		})
	})
	if err != nil {
		return err
	}
	for _, e := range left {
		if err := t.remember(e.Settlement, e.object); err != nil {
			return err
		}
	}
	return nil
}

// plans stores when the objects are to be looked at again.
func (t *tx) plans(c crowd) error {
	asked := map[string]int64{}
	if err := t.rows("SELECT object, asked FROM work WHERE directory = ? AND kind = ? AND object "+c.among(), c.args(), func(row scanner) error {
		id, at := "", int64(0)
		err := row.Scan(&id, &at)
		asked[id] = at
		return failure(err)
	}); err != nil {
		return err
	}
	var over []*ending
	for _, e := range c.endings {
		at, planned := asked[e.Key.Object.ID]
		e.again = e.again || at > e.Version
		e.woken = nil
		if e.again {
			e.woken = append(e.woken, e.Key)
		}
		switch {
		case e.again || e.Due != 0 || e.Attempts != 0:
			if err := t.plan(e.now, e.Settlement, e.again); err != nil {
				return err
			}
		case planned:
			over = append(over, e)
		}
	}
	if len(over) == 0 {
		return nil
	}
	done := crowd{c.dialect, c.directory, over}
	_, err := t.exec("DELETE FROM work WHERE directory = ? AND kind = ? AND object "+done.among(), done.args()...)
	return err
}

// enteredAll does for many what [tx.entered] does for one.
func (t *tx) enteredAll(c crowd) error {
	c = c.where(func(e *ending) bool { return e.Entered })
	if len(c.endings) == 0 {
		return nil
	}
	version, err := t.next()
	if err != nil {
		return err
	}
	among, args := oneOf(t.dialect, c.ids())
	return t.wakeFrom(c, "UPDATE membership SET rejoin = ? WHERE directory = ? AND present AND member "+among+" RETURNING member, 'group', grp",
		append([]any{version, c.directory}, args...))
}

// wakeAll does for many what [tx.wake] does for one.
func (t *tx) wakeAll(c crowd) error {
	c = c.where(func(e *ending) bool { return e.Wake })
	if len(c.endings) == 0 {
		return nil
	}
	return t.wakeFrom(c, "DELETE FROM dependency WHERE directory = ? AND on_kind = ? AND on_object "+c.among()+" RETURNING on_object, kind, object", c.args())
}

// wakeFrom makes the objects due that a statement returns, each behind the user who has made it so.
func (t *tx) wakeFrom(c crowd, statement string, args []any) error {
	of := map[string]*ending{}
	for _, e := range c.endings {
		of[e.Key.Object.ID] = e
	}
	var due []Key
	if err := t.rows(statement, args, func(row scanner) error {
		id, k := "", Key{Directory: c.directory}
		err := row.Scan(&id, &k.Object.Kind, &k.Object.ID)
		if e := of[id]; e != nil {
			e.woken = append(e.woken, k)
		}
		if !slices.Contains(due, k) {
			due = append(due, k)
		}
		return failure(err)
	}); err != nil {
		return err
	}
	return t.dueNow(c.endings[0].now, due)
}
