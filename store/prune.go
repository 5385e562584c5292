package store

import (
	"context"
	"fmt"

	"idaas-ldap/event"
)

// pruneBatch is how many events are looked at for one transaction, so that each takes milliseconds.
const pruneBatch = 250

// Prune removes settled events that are old enough.
func (s *database) Prune(ctx context.Context, before event.Millis) (int, error) {
	total := 0
	for last := (oldEvent{}); ; {
		events, err := s.oldEvents(ctx, last, before)
		if err != nil {
			return total, fmt.Errorf("prune events: %w", err)
		}
		if len(events) == 0 {
			break
		}
		last = events[len(events)-1]
		removed := 0
		if err := s.write(ctx, func(t *tx) error {
			removed = 0
			for _, e := range events {
				n, err := t.prune(e.id)
				if err != nil {
					return err
				}
				removed += n
			}
			return nil
		}); err != nil {
			return total, fmt.Errorf("prune events: %w", err)
		}
		total += removed
	}
	return total, s.pruneAudit(ctx, before)
}

// oldEvent is a place in the order of the times at which events were received, and of their numbers within a moment.
type oldEvent struct {
	received event.Millis
	id       int64
}

// oldEvents returns the next events that were received before a moment. Their numbers are not in the order of that time where
// a clock was set, so it is the time that is looked at.
func (s *database) oldEvents(ctx context.Context, last oldEvent, before event.Millis) ([]oldEvent, error) {
	var found []oldEvent
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows("SELECT received, id FROM event WHERE (received, id) > (?, ?) AND received < ? ORDER BY received, id LIMIT ?",
			[]any{int64(last.received), last.id, int64(before), pruneBatch}, func(rows scanner) error {
				var e oldEvent
				err := rows.Scan(&e.received, &e.id)
				found = append(found, e)
				return failure(err)
			})
	})
	return found, err
}

// prune removes an event with its outcomes if all of them are settled. What has failed stays, without the password: nobody
// has cared for it for so long, and a password is not kept for ever. A deletion that was dropped stays as well: it tells why the
// entry is still there.
func (t *tx) prune(id int64) (removed int, err error) {
	if _, err := t.exec("UPDATE delivery SET password = NULL WHERE event = ? AND state = ? AND password IS NOT NULL", id, string(event.Failed)); err != nil {
		return 0, err
	}
	n, err := t.exec("DELETE FROM event WHERE id = ? AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id AND (delivery."+unfinished+" OR "+dropped+"))", id)
	return int(n), err
}

// pruneAudit removes what people did long ago.
func (s *database) pruneAudit(ctx context.Context, before event.Millis) error {
	const batch = 1000
	for n := int64(batch); n == batch; {
		if err := s.write(ctx, func(t *tx) error {
			var err error
			n, err = t.exec("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)", int64(before), batch)
			return err
		}); err != nil {
			return fmt.Errorf("prune the audit: %w", err)
		}
	}
	return nil
}
