package store

import (
	"context"
	"encoding/json"
	"fmt"

	"idaas-ldap/event"
)

// ownEventID is the id of the one event of our own that an object of a directory has.
func ownEventID(key Key) string {
	return fmt.Sprintf("reconcile:%s:%s:%s", key.Directory, key.Object.Kind, key.Object.ID)
}

// sealOwn returns the payload of an event of our own: there is nothing in it.
func (s *SQLite) sealOwn(key Key) ([]byte, error) {
	plain, err := json.Marshal(payload{})
	if err != nil {
		return nil, fmt.Errorf("encode an event of our own: %w", err)
	}
	return s.seal.close(payloadPlace(OwnApplication, ownEventID(key)), plain)
}

// Ask makes objects due by events of our own.
func (s *SQLite) Ask(ctx context.Context, now event.Millis, keys []Key) error {
	payloads := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if payloads[i], err = s.sealOwn(key); err != nil {
			return err
		}
	}
	err := s.writer.do(ctx, func(t *tx) error {
		for i, key := range keys {
			if err := t.ask(now, key, payloads[i]); err != nil {
				return err
			}
			if err := t.due(key, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask for %d objects: %w", len(keys), err)
	}
	return nil
}

func (t *tx) ask(now event.Millis, key Key, payload []byte) error {
	version, err := t.next()
	if err != nil {
		return err
	}
	again, err := t.exec(`UPDATE delivery SET state = 'pending', code = ?, message = 'to be compared', settled = 0, retried = ?,
			act = CASE WHEN approved THEN act ELSE '' END
		WHERE event = (SELECT id FROM event WHERE application = ? AND event_id = ?) AND `+unfinished,
		string(event.CodeAccepted), version, OwnApplication, ownEventID(key))
	if err != nil || again > 0 {
		return err
	}
	_, err = t.own(now, key, payload)
	return err
}

// own stores a new event of our own in the place of one that is settled. It returns the number of its delivery.
func (t *tx) own(now event.Millis, key Key, payload []byte) (seq int64, err error) {
	id := ownEventID(key)
	if _, err := t.exec("DELETE FROM event WHERE application = ? AND event_id = ?", OwnApplication, id); err != nil {
		return 0, err
	}
	accepted, err := t.accept(now, sealedEvent{
		NewEvent: NewEvent{
			Application: OwnApplication,
			Change:      event.Change{ID: id, Type: event.TypeReconcile, Object: key.Object, Stamp: event.Stamp{Event: now}},
			Targets:     []Target{{Directory: key.Directory}},
		},
		payload: payload,
	})
	if err != nil {
		return 0, err
	}
	return accepted.Deliveries[0].Seq, nil
}

// alone stores what became of an object that no event asked to look at. Where somebody has asked meanwhile that is looked
// at next, and this outcome is old.
func (t *tx) alone(now event.Millis, s Settlement, payload []byte) error {
	asked := 0
	if _, err := t.row(`SELECT COUNT(*) FROM event e JOIN delivery d ON d.event = e.id
		WHERE e.application = ? AND e.event_id = ? AND d.state IN ('pending', 'waiting')`,
		[]any{OwnApplication, ownEventID(s.Key)}, &asked); err != nil || asked > 0 {
		return err
	}
	seq, err := t.own(now, s.Key, payload)
	if err != nil {
		return err
	}
	return t.outcome(now, s, seq, *s.Alone)
}
