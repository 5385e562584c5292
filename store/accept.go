package store

import (
	"context"
	"errors"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// sealedEvent is an event ready to be written: sealing happens before the writer's turn.
type sealedEvent struct {
	NewEvent
	payload  []byte
	password []byte
}

// Accept stores events in one transaction, all or none.
func (s *database) Accept(ctx context.Context, now event.Millis, events []NewEvent) ([]Accepted, error) {
	sealed := make([]sealedEvent, len(events))
	for i, e := range events {
		var err error
		if sealed[i], err = s.sealEvent(e); err != nil {
			return nil, fmt.Errorf("store event %s: %w", e.Change.ID, err)
		}
	}
	a := &arrival{of: s, now: now, events: sealed}
	if err := s.writer.join(ctx, a); err != nil {
		return nil, err
	}
	return a.accepted, nil
}

func failedEvent(e sealedEvent, err error) error {
	return fmt.Errorf("store event %s: %w", e.Change.ID, err)
}

func (s *database) sealEvent(e NewEvent) (sealedEvent, error) {
	out := sealedEvent{NewEvent: e}
	if e.Outcome == nil && len(e.Targets) == 0 {
		return out, errors.New("it is for no directory and has no outcome")
	}
	if e.Outcome == nil && e.Change.Object.Zero() {
		return out, errors.New("it is about no object and has no outcome")
	}
	plain, err := event.MarshalContent(event.Content{Fields: e.Change.Fields, Members: e.Change.Members, Problem: e.Change.Problem, Object: objectName(e.Change.Object), Trace: e.Change.Trace})
	if err != nil {
		return out, fmt.Errorf("encode it: %w", err)
	}
	out.payload = s.seal.close(payloadPlace(e.Application, e.Change.ID), plain)
	if wantsPassword(e) {
		out.password = s.seal.close(passwordPlace(e.Application, e.Change.ID), []byte(e.Change.Password.Reveal()))
	}
	return out, nil
}

// wantsPassword reports whether any directory takes the password of an event.
func wantsPassword(e NewEvent) bool {
	wanted := false
	for _, target := range e.Targets {
		wanted = wanted || target.KeepPassword
	}
	return wanted && e.Outcome == nil && !e.Change.Password.Empty()
}

func payloadPlace(application, eventID string) string {
	return place("event", application, eventID)
}

func passwordPlace(application, eventID string) string {
	return place("password of event", application, eventID)
}

const eventColumns = "application, instance, event_id, type, kind, object, happened, updated, received, payload"

func eventRow(now event.Millis, e sealedEvent) []any {
	c := e.Change
	return []any{
		e.Application, e.Instance, c.ID, string(c.Type), string(c.Object.Kind), c.Object.ID,
		int64(c.Stamp.Event), int64(c.Stamp.Update), int64(now), e.payload,
	}
}

func (t *tx) accept(now event.Millis, e sealedEvent) (Accepted, error) {
	c := e.Change
	var id int64
	isNew, err := t.row("INSERT INTO event ("+eventColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id", eventRow(now, e), &id)
	if err != nil {
		return Accepted{}, err
	}
	if !isNew {
		known, err := t.recorded(e.Application, c.ID)
		return Accepted{Repeat: true, Deliveries: known, Outcome: first(known)}, err
	}
	if e.Outcome != nil {
		d := Delivery{Key: Key{Object: c.Object}, EventID: c.ID, Outcome: *e.Outcome}
		err := t.deliver(id, &d, nil, now)
		return Accepted{Outcome: *e.Outcome, Deliveries: []Delivery{d}}, err
	}
	var out Accepted
	for _, target := range e.Targets {
		d, err := t.address(now, id, e, target)
		if err != nil {
			return Accepted{}, err
		}
		out.Deliveries = append(out.Deliveries, d)
	}
	out.Outcome = first(out.Deliveries)
	return out, nil
}

// address delivers an event to one directory, and makes due what it asks to look at.
func (t *tx) address(now event.Millis, id int64, e sealedEvent, target Target) (Delivery, error) {
	d := newDelivery(e, target)
	isForeign, err := t.isForeign(e.NewEvent, d.Key)
	if err != nil {
		return d, err
	}
	if isForeign {
		d.Outcome = foreign(e.Change)
		return d, t.deliver(id, &d, nil, now)
	}
	password := e.password
	if !target.KeepPassword {
		password = nil
	}
	if err := t.deliver(id, &d, password, 0); err != nil {
		return d, err
	}
	if err := t.due(d.Key, now); err != nil {
		return d, err
	}
	return d, t.dueNow(now, othersOf(e.Change, target.Directory))
}

// newDelivery is that of an event that is to be applied.
func newDelivery(e sealedEvent, target Target) Delivery {
	return Delivery{
		Key: Key{Directory: target.Directory, Object: e.Change.Object}, EventID: e.Change.ID,
		Outcome: event.Outcome{State: event.Pending, Code: event.CodeAccepted, Message: "stored; to be applied"},
	}
}

// foreign is the outcome of an event about an object of another instance.
func foreign(c event.Change) event.Outcome {
	return event.Outcome{
		State: event.Skipped, Code: event.CodeOtherInstance,
		Message: c.Object.String() + " belongs to another instance of IDaaS than the one that this event comes from",
	}
}

// othersOf are the objects that an event asks to look at beside its own.
func othersOf(c event.Change, directory string) []Key {
	others := make([]Key, len(c.Others))
	for i, ref := range c.Others {
		others[i] = Key{Directory: directory, Object: ref}
	}
	return others
}

// isForeign reports whether an object belongs to another instance than that of an event. Who is the first to say something
// about an object has it; one that nobody is known to have is as good as new.
func (t *tx) isForeign(e NewEvent, key Key) (bool, error) {
	if !mayBeForeign(e.Change) {
		return false, nil
	}
	owner := ""
	if _, err := t.row("SELECT instance FROM owner WHERE directory = ? AND kind = ? AND object = ?", keyArgs(key), &owner); err != nil || owner != "" {
		return owner != e.Instance, err
	}
	_, err := t.exec(insertOwner("VALUES (?, ?, ?, ?)"), append(keyArgs(key), e.Instance)...)
	return false, err
}

// mayBeForeign reports whether an event says something about an object that belongs to an instance.
func mayBeForeign(c event.Change) bool {
	return c.Type.Effect() != event.EffectTouch && c.Object != event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}
}

// insertOwner is a statement that lets objects belong to instances. Whoever has one keeps it.
func insertOwner(source string) string {
	return "INSERT INTO owner (directory, kind, object, instance) " + source +
		" ON CONFLICT (directory, kind, object) DO UPDATE SET instance = excluded.instance WHERE owner.instance = ''"
}

func first(deliveries []Delivery) event.Outcome {
	if len(deliveries) == 0 {
		return event.Outcome{}
	}
	return deliveries[0].Outcome
}

func (t *tx) deliver(eventRow int64, d *Delivery, password []byte, settled event.Millis) error {
	_, err := t.row("INSERT INTO delivery ("+deliveryColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq", deliveryRow(eventRow, d, password, settled), &d.Seq)
	return err
}

const deliveryColumns = "event, directory, kind, object, state, code, message, password, settled"

func deliveryRow(eventRow int64, d *Delivery, password []byte, settled event.Millis) []any {
	return []any{
		eventRow, d.Key.Directory, string(d.Key.Object.Kind), d.Key.Object.ID,
		string(d.Outcome.State), string(d.Outcome.Code), d.Outcome.Message, password, int64(settled),
	}
}

// due makes an object due now, with a fresh count of tries: a new event is a new reason to try. One that is due longer
// keeps its place.
func (t *tx) due(key Key, now event.Millis) error {
	t.tellDue(key.Directory)
	_, err := t.exec(insertDue("VALUES (?, ?, ?, ?, ?)"), dueRow(key, now)...)
	return err
}

func dueRow(key Key, now event.Millis) []any { return append(keyArgs(key), int64(now), 0) }

// insertDue is a statement that makes objects due.
func insertDue(source string) string {
	return "INSERT INTO work (directory, kind, object, due, attempts) " + source +
		" ON CONFLICT (directory, kind, object) DO UPDATE SET attempts = 0, due = CASE WHEN work.due <= excluded.due THEN work.due ELSE excluded.due END"
}

// recorded returns the deliveries of an event that was accepted before.
func (t *tx) recorded(application, eventID string) ([]Delivery, error) {
	var known []Delivery
	err := t.rows(`SELECT d.seq, d.directory, d.kind, d.object, d.state, d.code, d.message
		FROM event e JOIN delivery d ON d.event = e.id WHERE e.application = ? AND e.event_id = ? ORDER BY d.seq`,
		[]any{application, eventID}, func(rows scanner) error {
			d := Delivery{EventID: eventID}
			err := rows.Scan(&d.Seq, &d.Key.Directory, &d.Key.Object.Kind, &d.Key.Object.ID, &d.Outcome.State, &d.Outcome.Code, &d.Outcome.Message)
			known = append(known, d)
			return failure(err)
		})
	return known, err
}

// openPassword returns the password of a delivery, the empty one where it is erased or was never kept.
func (s *database) openPassword(application, eventID string, sealed []byte) (secret.Text, error) {
	if sealed == nil {
		return secret.Text{}, nil
	}
	plain, err := s.seal.open(passwordPlace(application, eventID), sealed)
	return secret.New(string(plain)), err
}
