package store

import (
	"context"
	"fmt"

	"idaas-ldap/event"
)

// ownEventID is the id of an event of our own about an object of a directory that comes into being at a moment.
func ownEventID(now event.Millis, key Key) string {
	return fmt.Sprintf("reconcile:%s:%s:%s:%s", key.Directory, key.Object.Kind, key.Object.ID, now)
}

// sealOwn returns the payload of an event of our own: there is nothing in it.
func (s *database) sealOwn(now event.Millis, key Key) ([]byte, error) {
	plain, err := event.MarshalContent(event.Content{})
	if err != nil {
		return nil, fmt.Errorf("encode an event of our own: %w", err)
	}
	return s.seal.close(payloadPlace(OwnApplication, ownEventID(now, key)), plain), nil
}

// Ask makes objects due by events of our own.
func (s *database) Ask(ctx context.Context, now event.Millis, keys []Key) error {
	payloads := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if payloads[i], err = s.sealOwn(now, key); err != nil {
			return err
		}
	}
	err := s.write(ctx, func(t *tx) error {
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
		WHERE event IN (SELECT id FROM event WHERE object = ? AND kind = ? AND application = ?) AND directory = ? AND `+unfinished,
		string(event.CodeAccepted), version, key.Object.ID, string(key.Object.Kind), OwnApplication, key.Directory)
	if err != nil || again > 0 {
		return err
	}
	_, err = t.own(now, key, payload)
	return err
}

// own stores a new event of our own. It takes the place of another one of the same moment, so that it is new. It returns the number
// of its delivery.
func (t *tx) own(now event.Millis, key Key, payload []byte) (seq int64, err error) {
	id := ownEventID(now, key)
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
	if _, err := t.row(`SELECT COUNT(*) FROM delivery d JOIN event e ON e.id = d.event
		WHERE d.directory = ? AND d.kind = ? AND d.object = ? AND d.state IN ('pending', 'waiting') AND e.application = ?`,
		append(keyArgs(s.Key), OwnApplication), &asked); err != nil || asked > 0 {
		return err
	}
	// What an event of somebody else is held for already is seen there.
	if s.Alone.Act != "" {
		if _, err := t.row(`SELECT COUNT(*) FROM delivery d JOIN event e ON e.id = d.event
			WHERE d.directory = ? AND d.kind = ? AND d.object = ? AND d.state IN ('held', 'failed') AND d.state = 'held' AND d.act = ? AND e.application <> ?`,
			append(keyArgs(s.Key), s.Alone.Act, OwnApplication), &asked); err != nil || asked > 0 {
			return err
		}
	}
	// What was found out before and is still open was found out anew.
	if _, err := t.exec(`DELETE FROM event WHERE id IN (SELECT event FROM delivery WHERE directory = ? AND kind = ? AND object = ? AND state IN ('held', 'failed'))
		AND application = ?`, append(keyArgs(s.Key), OwnApplication)...); err != nil {
		return err
	}
	seq, err := t.own(now, s.Key, payload)
	if err != nil {
		return err
	}
	return t.outcome(now, s, seq, *s.Alone)
}

// mended ends what was held or has failed of the events of our own about an object: what they asked for is so by now. Events that are
// held because the entry was not to be seen go on, where the job had no room for them.
func (t *tx) mended(now event.Millis, key Key) error {
	if _, err := t.exec(`UPDATE delivery SET state = ?, code = ?, message = 'no longer needed: the entry is as it should be', settled = ?
		WHERE directory = ? AND kind = ? AND object = ? AND state IN ('held', 'failed') AND event IN (SELECT id FROM event WHERE id = delivery.event AND application = ?)`,
		string(event.Skipped), string(event.CodeSuperseded), int64(now), key.Directory, string(key.Object.Kind), key.Object.ID, OwnApplication); err != nil {
		return err
	}
	_, err := t.exec(`UPDATE delivery SET state = ?, code = ?, message = 'the entry is seen again', settled = 0
		WHERE directory = ? AND kind = ? AND object = ? AND state IN ('held', 'failed') AND state = 'held' AND act = ?`,
		string(event.Pending), string(event.CodeAccepted), key.Directory, string(key.Object.Kind), key.Object.ID, actVanish)
	return err
}
