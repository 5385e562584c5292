package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// payload is what is sealed of an event. The columns of its row say the rest.
type payload struct {
	Fields  event.Values   `json:"fields,omitempty"`
	Members []event.Member `json:"members,omitempty"`
	Problem string         `json:"problem,omitempty"`
	// Object is the one that the event is about, as the columns say: an event that was moved to another object is noticed.
	Object string `json:"object,omitempty"`
}

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
	var accepted []Accepted
	err := s.write(ctx, func(t *tx) error {
		accepted = make([]Accepted, len(sealed))
		for i, e := range sealed {
			var err error
			if accepted[i], err = t.accept(now, e); err != nil {
				return fmt.Errorf("store event %s: %w", e.Change.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return accepted, nil
}

func (s *database) sealEvent(e NewEvent) (sealedEvent, error) {
	out := sealedEvent{NewEvent: e}
	if e.Outcome == nil && len(e.Targets) == 0 {
		return out, errors.New("it is for no directory and has no outcome")
	}
	if e.Outcome == nil && e.Change.Object.Zero() {
		return out, errors.New("it is about no object and has no outcome")
	}
	plain, err := json.Marshal(payload{Fields: e.Change.Fields, Members: e.Change.Members, Problem: e.Change.Problem, Object: objectName(e.Change.Object)})
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

func (t *tx) accept(now event.Millis, e sealedEvent) (Accepted, error) {
	c := e.Change
	var id int64
	isNew, err := t.row(`INSERT INTO event (application, instance, event_id, type, kind, object, happened, updated, received, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
		[]any{
			e.Application, e.Instance, c.ID, string(c.Type), string(c.Object.Kind), c.Object.ID,
			int64(c.Stamp.Event), int64(c.Stamp.Update), int64(now), e.payload,
		}, &id)
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
	c := e.Change
	d := Delivery{
		Key: Key{Directory: target.Directory, Object: c.Object}, EventID: c.ID,
		Outcome: event.Outcome{State: event.Pending, Code: event.CodeAccepted, Message: "stored; to be applied"},
	}
	foreign, err := t.isForeign(e.NewEvent, d.Key)
	if err != nil {
		return d, err
	}
	if foreign {
		d.Outcome = event.Outcome{State: event.Skipped, Code: event.CodeOtherInstance, Message: c.Object.String() + " belongs to another instance of IDaaS than the one that this event comes from"}
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
	others := make([]Key, len(c.Others))
	for i, ref := range c.Others {
		others[i] = Key{Directory: target.Directory, Object: ref}
	}
	return d, t.dueNow(now, others)
}

// isForeign reports whether an object belongs to another instance than that of an event. Who is the first to say something
// about an object has it; one that nobody is known to have is as good as new.
func (t *tx) isForeign(e NewEvent, key Key) (bool, error) {
	if e.Change.Type.Effect() == event.EffectTouch || key.Object == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
		return false, nil
	}
	owner := ""
	if _, err := t.row("SELECT instance FROM owner WHERE directory = ? AND kind = ? AND object = ?", keyArgs(key), &owner); err != nil || owner != "" {
		return owner != e.Instance, err
	}
	_, err := t.row(`INSERT INTO owner (directory, kind, object, instance) VALUES (?, ?, ?, ?)
		ON CONFLICT (directory, kind, object) DO UPDATE SET instance = CASE WHEN owner.instance = '' THEN excluded.instance ELSE owner.instance END
		RETURNING instance`, append(keyArgs(key), e.Instance), &owner)
	return owner != e.Instance, err
}

func first(deliveries []Delivery) event.Outcome {
	if len(deliveries) == 0 {
		return event.Outcome{}
	}
	return deliveries[0].Outcome
}

func (t *tx) deliver(eventRow int64, d *Delivery, password []byte, settled event.Millis) error {
	_, err := t.row(`INSERT INTO delivery (event, directory, kind, object, state, code, message, password, settled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
		[]any{
			eventRow, d.Key.Directory, string(d.Key.Object.Kind), d.Key.Object.ID,
			string(d.Outcome.State), string(d.Outcome.Code), d.Outcome.Message, password, int64(settled),
		}, &d.Seq)
	return err
}

// due makes an object due now, with a fresh count of tries: a new event is a new reason to try. One that is due longer
// keeps its place.
func (t *tx) due(key Key, now event.Millis) error {
	t.tellDue(key.Directory)
	_, err := t.exec(`INSERT INTO work (directory, kind, object, due, attempts) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT (directory, kind, object) DO UPDATE SET attempts = 0,
			due = CASE WHEN work.due <= excluded.due THEN work.due ELSE excluded.due END`,
		append(keyArgs(key), int64(now))...)
	return err
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
