package store

import (
	"context"
	"database/sql"
	"fmt"

	"idaas-ldap/event"
)

// pruneBatch is how many events are looked at for one transaction, so that each takes milliseconds.
const pruneBatch = 250

// Prune removes settled events that are old enough.
func (s *SQLite) Prune(ctx context.Context, before event.Millis) (int, error) {
	total := 0
	for last := int64(0); ; {
		ids, err := s.oldEvents(ctx, last, before)
		if err != nil {
			return total, fmt.Errorf("prune events: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		last = ids[len(ids)-1]
		removed := 0
		if err := s.writer.do(ctx, func(t *tx) error {
			removed = 0
			for _, id := range ids {
				n, err := t.prune(id)
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

// oldEvents returns the next events that were received before a moment. They were stored in the order of that time, so the
// first one that is too young ends the search.
func (s *SQLite) oldEvents(ctx context.Context, last int64, before event.Millis) ([]int64, error) {
	var ids []int64
	young := false
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows("SELECT id, received FROM event WHERE id > ? ORDER BY id LIMIT ?", []any{last, pruneBatch}, func(rows *sql.Rows) error {
			var id int64
			var received event.Millis
			err := rows.Scan(&id, &received)
			if young = young || received >= before; !young {
				ids = append(ids, id)
			}
			return failure(err)
		})
	})
	return ids, err
}

// prune removes an event with its outcomes if all of them are settled. What has failed stays, without the password: nobody
// has cared for it for so long, and a password is not kept for ever.
func (t *tx) prune(id int64) (removed int, err error) {
	if _, err := t.exec("UPDATE delivery SET password = NULL WHERE event = ? AND state = 'failed' AND password IS NOT NULL", id); err != nil {
		return 0, err
	}
	n, err := t.exec("DELETE FROM event WHERE id = ? AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id AND delivery."+unfinished+")", id)
	return int(n), err
}

// pruneAudit removes what people did long ago.
func (s *SQLite) pruneAudit(ctx context.Context, before event.Millis) error {
	const batch = 1000
	for n := int64(batch); n == batch; {
		if err := s.writer.do(ctx, func(t *tx) error {
			var err error
			n, err = t.exec("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)", int64(before), batch)
			return err
		}); err != nil {
			return fmt.Errorf("prune the audit: %w", err)
		}
	}
	return nil
}
