package store

import (
	"slices"

	"idaas-ldap/event"
)

// arrival is a piece of work: events that one caller hands in, all or none of which are stored.
type arrival struct {
	of       *database
	now      event.Millis
	events   []sealedEvent
	accepted []Accepted
}

func (a *arrival) alone(t *tx) error {
	if err := a.of.guard(t); err != nil {
		return err
	}
	a.accepted = make([]Accepted, len(a.events))
	for i, e := range a.events {
		var err error
		if a.accepted[i], err = t.accept(a.now, e); err != nil {
			return failedEvent(e, err)
		}
	}
	return nil
}

// comer is one event of an arrival on its way into the store.
type comer struct {
	sealedEvent
	now    event.Millis
	fenced bool  // it comes from who works on the directory
	row    int64 // that of the event; zero for a repeat
	became *Accepted
}

// eventKey is by what events are told apart.
type eventKey struct{ application, id string }

// arrive stores the events of several callers.
func (t *tx) arrive(arrivals []*arrival, from int) error {
	var comers []*comer
	for _, a := range arrivals {
		if err := a.of.guard(t); err != nil {
			return err
		}
		a.accepted = make([]Accepted, len(a.events))
		for i, e := range a.events {
			comers = append(comers, &comer{sealedEvent: e, now: a.now, fenced: t.fenced, became: &a.accepted[i]})
		}
	}
	if len(comers) < from {
		for _, a := range arrivals {
			if err := a.alone(t); err != nil {
				return err
			}
		}
		return nil
	}
	if err := t.insertEvents(comers); err != nil {
		return err
	}
	if err := t.addressAll(comers); err != nil {
		return err
	}
	for _, c := range comers {
		if c.row != 0 {
			c.became.Outcome = first(c.became.Deliveries)
			continue
		}
		known, err := t.recorded(c.Application, c.Change.ID)
		if err != nil {
			return err
		}
		*c.became = Accepted{Repeat: true, Deliveries: known, Outcome: first(known)}
	}
	return nil
}

// insertEvents stores the events that are new. Of the same one twice the second is a repeat.
func (t *tx) insertEvents(comers []*comer) error {
	rows := make([][]any, len(comers))
	for i, c := range comers {
		rows[i] = eventRow(c.now, c.sealedEvent)
	}
	added := make(map[eventKey]int64, len(comers))
	err := t.inRows(rows, func(source string, args []any) error {
		return t.rows("INSERT INTO event ("+eventColumns+") "+source+" ON CONFLICT DO NOTHING RETURNING id, application, event_id", args, func(row scanner) error {
			var id int64
			var key eventKey
			err := row.Scan(&id, &key.application, &key.id)
			added[key] = id
			return failure(err)
		})
	})
	for _, c := range comers {
		key := eventKey{c.Application, c.Change.ID}
		c.row = added[key]
		delete(added, key)
	}
	return err
}

// addressAll delivers new events to their directories, and makes due what they ask to look at.
func (t *tx) addressAll(comers []*comer) error {
	owners, err := t.ownersOf(comers)
	if err != nil {
		return err
	}
	var deliveries, due [][]any
	at := map[postal]*Delivery{}
	known := map[Key]bool{}
	for _, c := range comers {
		if c.row == 0 {
			continue
		}
		ds := c.addressed(owners)
		c.became.Deliveries = make([]Delivery, len(ds))
		for i, d := range ds {
			c.became.Deliveries[i] = d.Delivery
			at[postal{c.row, d.Key.Directory}] = &c.became.Deliveries[i]
			deliveries = append(deliveries, deliveryRow(c.row, &d.Delivery, d.password, d.settled))
			if d.settled == 0 && !known[d.Key] {
				known[d.Key] = true
				t.fenced = c.fenced
				t.tellDue(d.Key.Directory)
				due = append(due, dueRow(d.Key, c.now))
			}
		}
	}
	if err := owners.store(t); err != nil {
		return err
	}
	if err := t.inRows(deliveries, func(source string, args []any) error {
		return t.rows("INSERT INTO delivery ("+deliveryColumns+") "+source+" RETURNING seq, event, directory", args, func(row scanner) error {
			var seq int64
			var p postal
			err := row.Scan(&seq, &p.event, &p.directory)
			if d := at[p]; d != nil {
				d.Seq = seq
			}
			return failure(err)
		})
	}); err != nil {
		return err
	}
	if err := t.dueAll(due); err != nil {
		return err
	}
	return t.othersDue(comers)
}

// postal is where one event is delivered to.
type postal struct {
	event     int64
	directory string
}

// addressee is a delivery to be stored.
type addressee struct {
	Delivery
	password []byte
	settled  event.Millis
}

// addressed returns the deliveries of a new event.
func (c *comer) addressed(owners *owners) []addressee {
	if c.Outcome != nil {
		return []addressee{{Delivery: Delivery{Key: Key{Object: c.Change.Object}, EventID: c.Change.ID, Outcome: *c.Outcome}, settled: c.now}}
	}
	out := make([]addressee, len(c.Targets))
	for i, target := range c.Targets {
		d := addressee{Delivery: newDelivery(c.sealedEvent, target), password: c.password}
		if !target.KeepPassword {
			d.password = nil
		}
		if owners.isForeign(c.NewEvent, d.Key) {
			d.Outcome, d.password, d.settled = foreign(c.Change), nil, c.now
		}
		out[i] = d
	}
	return out
}

// dueAll makes objects due now, each of which is named once.
func (t *tx) dueAll(rows [][]any) error {
	return t.inRows(rows, func(source string, args []any) error {
		_, err := t.exec(insertDue(source), args...)
		return err
	})
}

// othersDue makes due what new events ask to look at beside their own objects.
func (t *tx) othersDue(comers []*comer) error {
	for _, c := range comers {
		for _, d := range c.became.Deliveries {
			if c.row == 0 || d.Outcome.State.Settled() || len(c.Change.Others) == 0 {
				continue
			}
			t.fenced = c.fenced
			if err := t.dueNow(c.now, othersOf(c.Change, d.Key.Directory)); err != nil {
				return err
			}
		}
	}
	return nil
}

// owners are the instances to which objects belong, and those that are new among them.
type owners struct {
	of    map[Key]string
	added []Key
}

// ownersOf reads to whom the objects of new events belong.
func (t *tx) ownersOf(comers []*comer) (*owners, error) {
	type place struct {
		directory string
		kind      event.Kind
	}
	asked := map[place][]string{}
	for _, c := range comers {
		for _, target := range c.Targets {
			if c.row != 0 && c.Outcome == nil && mayBeForeign(c.Change) {
				p := place{target.Directory, c.Change.Object.Kind}
				asked[p] = append(asked[p], c.Change.Object.ID)
			}
		}
	}
	o := &owners{of: map[Key]string{}}
	for p, all := range asked {
		for ids := range slices.Chunk(all, t.sizes[0]) {
			condition, args := oneOf(t.dialect, ids)
			if err := t.rows("SELECT object, instance FROM owner WHERE directory = ? AND kind = ? AND object "+condition,
				append([]any{p.directory, string(p.kind)}, args...), func(row scanner) error {
					key, instance := Key{Directory: p.directory, Object: event.Ref{Kind: p.kind}}, ""
					err := row.Scan(&key.Object.ID, &instance)
					o.of[key] = instance
					return failure(err)
				}); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// isForeign does for one of many what [tx.isForeign] does.
func (o *owners) isForeign(e NewEvent, key Key) bool {
	if !mayBeForeign(e.Change) {
		return false
	}
	if o.of[key] == "" {
		if !slices.Contains(o.added, key) {
			o.added = append(o.added, key)
		}
		o.of[key] = e.Instance
	}
	return o.of[key] != e.Instance
}

// store keeps whose the objects are from now on.
func (o *owners) store(t *tx) error {
	rows := make([][]any, len(o.added))
	for i, key := range o.added {
		rows[i] = append(keyArgs(key), o.of[key])
	}
	return t.inRows(rows, func(source string, args []any) error {
		_, err := t.exec(insertOwner(source), args...)
		return err
	})
}
