package store

import (
	"context"
	"time"

	"idaas-ldap/event"
)

// Spend records something that a guard counts.
func (s *SQLite) Spend(ctx context.Context, key Key, act string, now event.Millis, window time.Duration, limit int) (bool, error) {
	granted := false
	err := s.writer.do(ctx, func(t *tx) error {
		since := int64(now) - window.Milliseconds()
		if _, err := t.exec("DELETE FROM spent WHERE directory = ? AND act = ? AND at <= ?", key.Directory, act, since); err != nil {
			return err
		}
		// What was granted is about to happen now, so that is the moment that counts.
		n, err := t.exec("UPDATE spent SET at = ? WHERE directory = ? AND act = ? AND kind = ? AND object = ?",
			int64(now), key.Directory, act, string(key.Object.Kind), key.Object.ID)
		if granted = n > 0; err != nil || granted {
			return err
		}
		count := 0
		if _, err := t.row("SELECT COUNT(*) FROM spent WHERE directory = ? AND act = ?", []any{key.Directory, act}, &count); err != nil {
			return err
		}
		if granted = count < limit; !granted {
			return nil
		}
		_, err = t.exec("INSERT INTO spent (directory, act, kind, object, at) VALUES (?, ?, ?, ?, ?)",
			key.Directory, act, string(key.Object.Kind), key.Object.ID, int64(now))
		return err
	})
	return granted && err == nil, err
}
