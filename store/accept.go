package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// payload is what is sealed of an event. The columns of its row say the rest.
type payload struct {
	Fields  event.Values   `json:"fields,omitempty"`
	Members []event.Member `json:"members,omitempty"`
	Problem string         `json:"problem,omitempty"`
}

// sealedEvent is an event ready to be written: sealing happens before the writer's turn.
type sealedEvent struct {
	NewEvent
	payload  []byte
	password []byte
}

// Accept stores events in one transaction, all or none.
func (s *SQLite) Accept(ctx context.Context, now event.Millis, events []NewEvent) ([]Accepted, error) {
	sealed := make([]sealedEvent, len(events))
	for i, e := range events {
		var err error
		if sealed[i], err = s.sealEvent(e); err != nil {
			return nil, err
		}
	}
	var accepted []Accepted
	err := s.writer.do(ctx, func(t *tx) error {
		accepted = make([]Accepted, len(sealed))
		for i, e := range sealed {
			var err error
			if accepted[i], err = t.accept(now, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return accepted, nil
}

func (s *SQLite) sealEvent(e NewEvent) (sealedEvent, error) {
	out := sealedEvent{NewEvent: e}
	row := eventRow(e.Application, e.Change.ID)
	plain, err := json.Marshal(payload{Fields: e.Change.Fields, Members: e.Change.Members, Problem: e.Change.Problem})
	if err != nil {
		return out, fmt.Errorf("encode event %s: %w", e.Change.ID, err)
	}
	if out.payload, err = s.seal.close(row, plain); err != nil {
		return out, err
	}
	if !e.Change.Password.Empty() {
		out.password, err = s.seal.close(row+" password", []byte(e.Change.Password.Reveal()))
	}
	return out, err
}

func eventRow(application, eventID string) string { return "event " + application + " " + eventID }

func (t *tx) accept(now event.Millis, e sealedEvent) (Accepted, error) {
	known, err := t.recorded(e.Application, e.Change.ID)
	if err != nil || known != nil {
		return Accepted{Repeat: true, Deliveries: known, Outcome: first(known)}, err
	}
	c := e.Change
	id, err := t.insert(`INSERT INTO event (application, instance, event_id, type, kind, object, happened, updated, received, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Application, e.Instance, c.ID, string(c.Type), string(c.Object.Kind), c.Object.ID, int64(c.Stamp.Event), int64(c.Stamp.Update), int64(now), e.payload)
	if err != nil {
		return Accepted{}, err
	}
	if e.Outcome != nil {
		d := Delivery{Key: Key{Object: c.Object}, EventID: c.ID, Outcome: *e.Outcome}
		err := t.deliver(id, &d, nil, now)
		return Accepted{Outcome: *e.Outcome, Deliveries: []Delivery{d}}, err
	}
	var out Accepted
	for _, target := range e.Targets {
		d := Delivery{
			Key: Key{Directory: target.Directory, Object: c.Object}, EventID: c.ID,
			Outcome: event.Outcome{State: event.Pending, Code: event.CodeAccepted, Message: "stored; to be applied"},
		}
		password := e.password
		if !target.KeepPassword {
			password = nil
		}
		if err := t.deliver(id, &d, password, 0); err != nil {
			return Accepted{}, err
		}
		if err := t.due(d.Key, now); err != nil {
			return Accepted{}, err
		}
		out.Deliveries = append(out.Deliveries, d)
	}
	out.Outcome = first(out.Deliveries)
	return out, nil
}

func first(deliveries []Delivery) event.Outcome {
	if len(deliveries) == 0 {
		return event.Outcome{}
	}
	return deliveries[0].Outcome
}

func (t *tx) deliver(eventRowID int64, d *Delivery, password []byte, settled event.Millis) error {
	var err error
	d.Seq, err = t.insert(`INSERT INTO delivery (event, directory, kind, object, state, code, message, password, settled)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		eventRowID, d.Key.Directory, string(d.Key.Object.Kind), d.Key.Object.ID,
		string(d.Outcome.State), string(d.Outcome.Code), d.Outcome.Message, password, int64(settled))
	return err
}

// due makes an object due now, with a fresh count of tries: a new event is a new reason to try.
func (t *tx) due(key Key, now event.Millis) error {
	_, err := t.exec(`INSERT INTO work (directory, kind, object, due, attempts) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT (directory, kind, object) DO UPDATE SET due = CASE WHEN work.due < excluded.due THEN work.due ELSE excluded.due END, attempts = 0`,
		key.Directory, string(key.Object.Kind), key.Object.ID, int64(now))
	return err
}

// recorded returns the deliveries of an event that was accepted before, nil if it was not.
func (t *tx) recorded(application, eventID string) ([]Delivery, error) {
	var known []Delivery
	err := t.rows(`SELECT d.seq, d.directory, d.kind, d.object, d.state, d.code, d.message
		FROM event e JOIN delivery d ON d.event = e.id WHERE e.application = ? AND e.event_id = ? ORDER BY d.seq`,
		[]any{application, eventID}, func(rows *sql.Rows) error {
			d := Delivery{EventID: eventID}
			known = append(known, d)
			at := &known[len(known)-1]
			return unavailable(rows.Scan(&at.Seq, &at.Key.Directory, &at.Key.Object.Kind, &at.Key.Object.ID,
				&at.Outcome.State, &at.Outcome.Code, &at.Outcome.Message))
		})
	return known, err
}

// openPassword returns the password of a delivery.
func (s *SQLite) openPassword(row string, sealed []byte) (secret.Text, error) {
	if sealed == nil {
		return secret.Text{}, nil
	}
	plain, err := s.seal.open(row+" password", sealed)
	return secret.New(string(plain)), err
}
