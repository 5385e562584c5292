package store

import (
	"context"
	"fmt"
	"time"

	"idaas-ldap/event"
)

// Sample is how one minute was, over all who serve.
type Sample struct {
	// At is a moment of the minute; of one that was remembered it is the first.
	At event.Millis `json:"at"`
	// Accepted and Failed are events that came in, and that have failed, within the minute.
	Accepted int64 `json:"accepted"`
	Failed   int64 `json:"failed"`
	// Backlog is how many events were not settled at its end.
	Backlog int64 `json:"backlog"`
	// Operations are those of LDAP within the minute, and Took is what they took together.
	Operations int64         `json:"operations"`
	Took       time.Duration `json:"took"`
}

// samplesKept is how many minutes are remembered: a day.
const samplesKept = 24 * 60

// RecordSample remembers how a minute was, in the place of the same minute of the day before, or with what is known of this one already.
func (s *database) RecordSample(ctx context.Context, sample Sample) error {
	const minute = int64(time.Minute / time.Millisecond)
	number := int64(sample.At) / minute
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO sample (slot, at, accepted, failed, backlog, operations, took) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (slot) DO UPDATE SET at = excluded.at,
				accepted = excluded.accepted + CASE WHEN sample.at = excluded.at THEN sample.accepted ELSE 0 END,
				failed = excluded.failed + CASE WHEN sample.at = excluded.at THEN sample.failed ELSE 0 END,
				backlog = excluded.backlog,
				operations = excluded.operations + CASE WHEN sample.at = excluded.at THEN sample.operations ELSE 0 END,
				took = excluded.took + CASE WHEN sample.at = excluded.at THEN sample.took ELSE 0 END`,
			number%samplesKept, number*minute, sample.Accepted, sample.Failed, sample.Backlog, sample.Operations, int64(sample.Took))
		return err
	})
	if err != nil {
		return fmt.Errorf("remember how the minute was: %w", err)
	}
	return nil
}

// Samples returns the minutes that are remembered since a moment, in the order of time.
func (s *database) Samples(ctx context.Context, since event.Millis) ([]Sample, error) {
	var samples []Sample
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows("SELECT at, accepted, failed, backlog, operations, took FROM sample WHERE at >= ? ORDER BY at", []any{int64(since)}, func(rows scanner) error {
			var x Sample
			err := rows.Scan(&x.At, &x.Accepted, &x.Failed, &x.Backlog, &x.Operations, &x.Took)
			samples = append(samples, x)
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read how the day was: %w", err)
	}
	return samples, nil
}

// OldestOpen returns when the oldest event was received that a directory waits for, zero where none is open.
func (s *database) OldestOpen(ctx context.Context, directory string) (event.Millis, error) {
	var oldest event.Millis
	err := s.readers.read(ctx, func(r *session) error {
		for _, state := range []event.State{event.Pending, event.Waiting} {
			var at event.Millis
			found, err := r.row("SELECT e.received FROM delivery d CROSS JOIN event e WHERE e.id = d.event AND d."+unfinished+" AND d.state = ? AND d.directory = ? ORDER BY d.seq LIMIT 1",
				[]any{string(state), directory}, &at)
			if err != nil {
				return err
			}
			if found && (oldest == 0 || at < oldest) {
				oldest = at
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("look for the oldest event of %s: %w", directory, err)
	}
	return oldest, nil
}
