package store

import (
	"context"
	"fmt"
	"strings"

	"idaas-ldap/event"
)

// listLimit is how many rows a list has at most, listDefault where the caller does not say.
const (
	listLimit   = 1000
	listDefault = 100
)

func limited(limit int) int {
	if limit <= 0 {
		return listDefault
	}
	return min(limit, listLimit)
}

// unfinished is spelled exactly as in the index over what is not settled and what has failed, which is then used.
const unfinished = "state IN ('pending', 'waiting', 'held', 'failed')"

// Events lists events, the newest first.
func (s *database) Events(ctx context.Context, f Filter) ([]EventRecord, error) {
	query, args := f.query()
	var records []EventRecord
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows(query, args, func(rows scanner) error {
			var e EventRecord
			err := rows.Scan(&e.Seq, &e.EventID, &e.Application, &e.Directory, &e.Type, &e.Object.Kind, &e.Object.ID, &e.Time, &e.ReceivedAt,
				&e.SettledAt, &e.Outcome.State, &e.Outcome.Code, &e.Outcome.Message, &e.Act, &e.ApprovedBy)
			records = append(records, e)
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return records, nil
}

// query returns the statement of a list. Its text depends on which fields of the filter are set, and on nothing else.
func (f Filter) query() (string, []any) {
	conditions := []string{"e.id = d.event"}
	var args []any
	where := func(set bool, condition string, values ...any) {
		if set {
			conditions = append(conditions, condition)
			args = append(args, values...)
		}
	}
	open := len(f.States) > 0
	states := make([]any, len(f.States))
	for i, state := range f.States {
		states[i] = string(state)
		open = open && (!state.Settled() || state == event.Failed)
	}
	where(open, "d."+unfinished)
	where(len(f.States) > 0, "d.state IN (?"+strings.Repeat(", ?", max(0, len(f.States)-1))+")", states...)
	where(f.Directory != "", "d.directory = ?", f.Directory)
	where(f.Type != "", "e.type = ?", string(f.Type))
	where(f.Object != "", "e.object = ?", f.Object)
	where(f.EventID != "", "e.event_id = ?", f.EventID)
	where(f.Since > 0, "e.received >= ?", int64(f.Since))
	held := f.Held != HeldSet{}
	where(held, "d.state = 'held' AND d.directory = ? AND d.code = ? AND d.act = ?", f.Held.Directory, string(f.Held.Code), f.Held.Act)
	where(f.Before > 0, "d.seq < ?", f.Before)
	where(f.After > 0, "d.seq > ?", f.After)
	// A join that is called cross is made in the order that is written.
	from := "delivery d CROSS JOIN event e"
	order := "d.seq DESC"
	if f.Object != "" || f.EventID != "" {
		// Events and their deliveries are numbered in the same order, so what a page needs is read and no more.
		from, order = "event e CROSS JOIN delivery d", "e.id DESC, d.seq DESC"
		where(f.Before > 0, "e.id <= COALESCE((SELECT p.event FROM delivery p WHERE p.seq = ?), 9223372036854775807)", f.Before)
	}
	query := `SELECT d.seq, e.event_id, e.application, d.directory, e.type, e.kind, e.object, e.happened, e.received, d.settled, d.state, d.code, d.message, d.act, d.approver
		FROM ` + from + " WHERE " + strings.Join(conditions, " AND ")
	return query + " ORDER BY " + order + " LIMIT ?", append(args, limited(f.Limit))
}

// Retry makes deliveries pending again.
func (s *database) Retry(ctx context.Context, now event.Millis, by string, seqs []int64) ([]Key, error) {
	var keys []Key
	err := s.write(ctx, func(t *tx) error {
		keys = nil
		version, err := t.next()
		if err != nil {
			return err
		}
		seen := map[Key]bool{}
		for _, seq := range seqs {
			var key Key
			found, err := t.row(`UPDATE delivery SET approved = approved OR state = 'held', approver = CASE WHEN state = 'held' THEN ? ELSE approver END,
					message = CASE WHEN state = 'held' THEN 'approved by ' || ? || ', to be tried again' ELSE 'to be tried again' END,
					state = 'pending', code = ?, settled = 0, retried = ?
				WHERE seq = ? AND (state IN ('failed', 'waiting', 'held') OR `+dropped+`) AND directory <> '' RETURNING directory, kind, object`,
				[]any{by, by, string(event.CodeAccepted), version, seq}, &key.Directory, &key.Object.Kind, &key.Object.ID)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := t.due(key, now); err != nil {
				return err
			}
			if err := t.audit(AuditRecord{At: now, Who: by, What: "retry", About: fmt.Sprintf("delivery %d, %s in %s", seq, key.Object, key.Directory)}); err != nil {
				return err
			}
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("retry events: %w", err)
	}
	return keys, nil
}

// dropped are held deletions that a person has discarded: the entry is left in place although its object is gone. They are
// kept for as long as nobody takes that back.
const dropped = "state = 'discarded' AND act = '" + actDelete + "'"

// actDelete is what a guard on deletions counts.
const actDelete = "delete"

// leftInPlace says who has dropped a deletion.
func leftInPlace(by string, now event.Millis) string {
	return fmt.Sprintf("left in place by %s at %s; 'events retry --event' takes that back and asks the guard again", by, now)
}

// Discard settles deliveries as discarded.
func (s *database) Discard(ctx context.Context, now event.Millis, by string, seqs []int64) (int, error) {
	total := 0
	err := s.write(ctx, func(t *tx) error {
		total = 0
		for _, seq := range seqs {
			var key Key
			found, err := t.row(`UPDATE delivery SET message = CASE WHEN state = 'held' AND act = '`+actDelete+`' THEN ? ELSE ? END,
					state = 'discarded', code = ?, password = NULL, settled = ?
				WHERE seq = ? AND `+unfinished+` RETURNING directory, kind, object`,
				[]any{leftInPlace(by, now), "discarded by " + by, string(event.CodeDiscarded), int64(now), seq}, &key.Directory, &key.Object.Kind, &key.Object.ID)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			total++
			if err := t.audit(AuditRecord{At: now, Who: by, What: "discard", About: fmt.Sprintf("delivery %d, %s in %s", seq, key.Object, key.Directory)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("discard events: %w", err)
	}
	return total, nil
}

// Counts returns the number of unfinished deliveries by state.
func (s *database) Counts(ctx context.Context, directory string) (map[event.State]int64, error) {
	counts := map[event.State]int64{}
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows("SELECT state, COUNT(*) FROM delivery WHERE directory = ? AND "+unfinished+" GROUP BY state", []any{directory}, func(rows scanner) error {
			var state event.State
			var n int64
			err := rows.Scan(&state, &n)
			counts[state] = n
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count events of %s: %w", directory, err)
	}
	return counts, nil
}
