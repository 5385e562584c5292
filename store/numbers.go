package store

import (
	"context"
	"fmt"
	"strconv"
)

// Allocate gives the object a number of a pool.
func (s *database) Allocate(ctx context.Context, key Key, pool string, from, to int64, taken ...int64) (int64, error) {
	var number int64
	err := s.write(ctx, func(t *tx) error {
		for _, n := range taken {
			if err := t.takeAway(key, pool, n); err != nil {
				return err
			}
		}
		args := []any{key.Directory, pool, string(key.Object.Kind), key.Object.ID}
		found, err := t.row("SELECT value FROM number WHERE directory = ? AND pool = ? AND kind = ? AND object = ?", args, &number)
		if err != nil || found {
			return err
		}
		if number, err = t.lowestFree(key.Directory, pool, from); err != nil {
			return err
		}
		if number > to {
			return fmt.Errorf("%w in %s between %d and %d: widen the range in the mapping", ErrNoneLeft, pool, from, to)
		}
		if _, err := t.exec("INSERT INTO number (directory, pool, value, kind, object) VALUES (?, ?, ?, ?, ?)",
			key.Directory, pool, number, string(key.Object.Kind), key.Object.ID); err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO pool (directory, name, start, next) VALUES (?, ?, ?, ?)
			ON CONFLICT (directory, name, start) DO UPDATE SET next = excluded.next`, key.Directory, pool, from, number+1)
		return err
	})
	return number, err
}

// kindTaken is the kind of the numbers that somebody else has whom we do not know.
const kindTaken = "taken"

// takeAway notes that somebody else has a number, so that it is never given out. It does nothing where the number is one
// that another object was given.
func (t *tx) takeAway(key Key, pool string, number int64) error {
	_, err := t.exec(`INSERT INTO number (directory, pool, value, kind, object) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (directory, pool, value) DO UPDATE SET kind = excluded.kind, object = excluded.object
		WHERE number.kind = ? AND number.object = ?`,
		key.Directory, pool, number, kindTaken, strconv.FormatInt(number, 10), string(key.Object.Kind), key.Object.ID)
	return err
}

// lowestFree returns the first number from start on that was never given out. Numbers never become free again, so the
// search goes on where the one before ended.
func (t *tx) lowestFree(directory, pool string, start int64) (int64, error) {
	candidate := start
	if _, err := t.row("SELECT next FROM pool WHERE directory = ? AND name = ? AND start = ?", []any{directory, pool, start}, &candidate); err != nil {
		return 0, err
	}
	taken := int64(0)
	found, err := t.row("SELECT value FROM number WHERE directory = ? AND pool = ? AND value = ?", []any{directory, pool, candidate}, &taken)
	if err != nil || !found {
		return candidate, err
	}
	// Numbers of another range are in the way: behind the first of them that has no neighbour above.
	_, err = t.row(`SELECT n.value + 1 FROM number n WHERE n.directory = ? AND n.pool = ? AND n.value >= ? AND NOT EXISTS (
		SELECT 1 FROM number m WHERE m.directory = n.directory AND m.pool = n.pool AND m.value = n.value + 1) ORDER BY n.value LIMIT 1`,
		[]any{directory, pool, candidate}, &candidate)
	return candidate, err
}
