package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"idaas-ldap/event"
)

// listLimit is how many rows a list has at most.
const listLimit = 1000

// Events lists events, the newest first.
func (s *SQLite) Events(ctx context.Context, f Filter) ([]EventRecord, error) {
	query := `SELECT d.seq, e.event_id, e.application, d.directory, e.type, e.kind, e.object, e.happened, e.received, d.settled, d.state, d.code, d.message
		FROM delivery d JOIN event e ON e.id = d.event WHERE 1 = 1`
	var args []any
	where := func(condition string, arg any) {
		query += " AND " + condition
		args = append(args, arg)
	}
	if len(f.States) > 0 {
		query += " AND d.state IN (?" + strings.Repeat(", ?", len(f.States)-1) + ")"
		for _, state := range f.States {
			args = append(args, string(state))
		}
	}
	if f.Directory != "" {
		where("d.directory = ?", f.Directory)
	}
	if f.Object != "" {
		where("e.object = ?", f.Object)
	}
	if f.EventID != "" {
		where("e.event_id = ?", f.EventID)
	}
	if f.Before > 0 {
		where("d.seq < ?", f.Before)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	query += " ORDER BY d.seq DESC LIMIT ?"
	args = append(args, min(limit, listLimit))
	var records []EventRecord
	err := s.read(ctx, query, args, func(rows *sql.Rows) error {
		var r EventRecord
		err := rows.Scan(&r.Seq, &r.EventID, &r.Application, &r.Directory, &r.Type, &r.Object.Kind, &r.Object.ID, &r.Time, &r.ReceivedAt,
			&r.SettledAt, &r.Outcome.State, &r.Outcome.Code, &r.Outcome.Message)
		records = append(records, r)
		return unavailable(err)
	})
	return records, err
}

// Retry makes deliveries pending again.
func (s *SQLite) Retry(ctx context.Context, now event.Millis, by string, seqs []int64) ([]Key, error) {
	var keys []Key
	err := s.writer.do(ctx, func(t *tx) error {
		keys = nil
		seen := map[Key]bool{}
		for _, seq := range seqs {
			var key Key
			found := false
			if err := t.rows(`UPDATE delivery SET approved = CASE WHEN state = 'held' THEN 1 ELSE approved END,
				state = 'pending', code = 'ACCEPTED', message = 'to be tried again', settled = 0
				WHERE seq = ? AND state IN ('failed', 'waiting', 'held') AND directory <> '' RETURNING directory, kind, object`,
				[]any{seq}, func(rows *sql.Rows) error {
					found = true
					return unavailable(rows.Scan(&key.Directory, &key.Object.Kind, &key.Object.ID))
				}); err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := t.due(key, now); err != nil {
				return err
			}
			if err := t.audit(now, by, "retry", fmt.Sprintf("delivery %d, %s in %s", seq, key.Object, key.Directory)); err != nil {
				return err
			}
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}

// Discard settles deliveries as discarded.
func (s *SQLite) Discard(ctx context.Context, now event.Millis, by string, seqs []int64) (int, error) {
	total := 0
	err := s.writer.do(ctx, func(t *tx) error {
		total = 0
		for _, seq := range seqs {
			n, err := t.exec(`UPDATE delivery SET state = 'discarded', code = 'DISCARDED', message = ?, password = NULL, settled = ?
				WHERE seq = ? AND state IN ('pending', 'waiting', 'held', 'failed')`, "discarded by "+by, int64(now), seq)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			total++
			if err := t.audit(now, by, "discard", fmt.Sprintf("delivery %d", seq)); err != nil {
				return err
			}
		}
		return nil
	})
	return total, err
}

func (t *tx) audit(now event.Millis, who, what, about string) error {
	_, err := t.exec("INSERT INTO audit (at, who, what, about) VALUES (?, ?, ?, ?)", int64(now), who, what, about)
	return err
}

// RecordAudit stores what a person did.
func (s *SQLite) RecordAudit(ctx context.Context, r AuditRecord) error {
	return s.writer.do(ctx, func(t *tx) error { return t.audit(r.At, r.Who, r.What, r.About) })
}

// Audit lists what people did.
func (s *SQLite) Audit(ctx context.Context, limit int) ([]AuditRecord, error) {
	var records []AuditRecord
	err := s.read(ctx, "SELECT at, who, what, about FROM audit ORDER BY id DESC LIMIT ?", []any{min(limit, listLimit)}, func(rows *sql.Rows) error {
		var r AuditRecord
		err := rows.Scan(&r.At, &r.Who, &r.What, &r.About)
		records = append(records, r)
		return unavailable(err)
	})
	return records, err
}

// Counts returns the number of unfinished deliveries by state.
func (s *SQLite) Counts(ctx context.Context, directory string) (map[event.State]int64, error) {
	counts := map[event.State]int64{}
	err := s.read(ctx, "SELECT state, COUNT(*) FROM delivery WHERE directory = ? AND state IN ('pending', 'waiting', 'held', 'failed') GROUP BY state", []any{directory}, func(rows *sql.Rows) error {
		var state event.State
		var n int64
		err := rows.Scan(&state, &n)
		counts[state] = n
		return unavailable(err)
	})
	return counts, err
}

// Prune removes settled events that are old enough.
func (s *SQLite) Prune(ctx context.Context, before event.Millis) (int, error) {
	const batch = 500
	total := 0
	for {
		var n int64
		err := s.writer.do(ctx, func(t *tx) error {
			var err error
			n, err = t.exec(`DELETE FROM event WHERE id IN (SELECT e.id FROM event e WHERE e.received < ? AND NOT EXISTS (
				SELECT 1 FROM delivery d WHERE d.event = e.id AND d.state IN ('pending', 'waiting', 'held', 'failed')) LIMIT ?)`, int64(before), batch)
			return err
		})
		total += int(n)
		if err != nil || n < batch {
			return total, err
		}
	}
}
