package store

import (
	"context"
	"fmt"
	"time"

	"idaas-ldap/event"
)

// spentFor is how long it is remembered at least what the guards have let through.
const spentFor = 31 * 24 * time.Hour

// Spend asks a guard and records what it lets through.
func (s *database) Spend(ctx context.Context, spending Spending) (bool, error) {
	granted := false
	err := s.write(ctx, func(t *tx) error {
		var err error
		granted, err = t.spend(spending)
		return err
	})
	return granted && err == nil, err
}

// Allows asks a guard and records nothing.
func (s *database) Allows(ctx context.Context, spending Spending) (bool, error) {
	allowed := false
	err := s.readers.view(ctx, func(r *session) error {
		var err error
		allowed, err = r.allows(spending)
		return err
	})
	return allowed && err == nil, err
}

func (t *tx) spend(s Spending) (bool, error) {
	forgotten := int64(s.Now) - max(spentFor, s.Window).Milliseconds()
	if _, err := t.exec("DELETE FROM spent WHERE directory = ? AND act = ? AND at <= ?", s.Directory, s.Act, forgotten); err != nil {
		return false, err
	}
	if allowed, err := t.allows(s); err != nil || !allowed {
		return false, err
	}
	for _, ref := range s.Objects {
		// What was granted before is about to happen now, so now is the moment that counts.
		if _, err := t.exec(`INSERT INTO spent (directory, act, kind, object, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (directory, act, kind, object) DO UPDATE SET at = excluded.at`,
			s.Directory, s.Act, string(ref.Kind), ref.ID, int64(s.Now)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// allows reports whether a guard lets a spending through.
func (r *session) allows(s Spending) (bool, error) {
	since := int64(s.Now) - s.Window.Milliseconds()
	fresh := map[event.Kind]int{}
	total := 0
	counted := map[event.Ref]bool{}
	for _, ref := range s.Objects {
		var at int64
		_, err := r.row("SELECT at FROM spent WHERE directory = ? AND act = ? AND kind = ? AND object = ?",
			[]any{s.Directory, s.Act, string(ref.Kind), ref.ID}, &at)
		if err != nil {
			return false, err
		}
		if at <= since && !counted[ref] {
			counted[ref] = true
			fresh[ref.Kind]++
			total++
		}
	}
	if total == 0 {
		return true, nil
	}
	return r.within(s, since, fresh, total)
}

// within reports whether so many objects more are within the limits.
func (r *session) within(s Spending, since int64, fresh map[event.Kind]int, total int) (bool, error) {
	count := func(kind event.Kind) (int, error) { return r.spent(s.Directory, s.Act, kind, since) }
	all, err := count("")
	if err != nil || all+total > s.Max {
		return false, err
	}
	for kind, more := range fresh {
		most, bounded := s.MaxOf[kind]
		if !bounded {
			continue
		}
		spent, err := count(kind)
		if err != nil || spent+more > most {
			return false, err
		}
	}
	return true, nil
}

// Spent returns to how many objects something was granted after a moment.
func (s *database) Spent(ctx context.Context, directory, act string, kind event.Kind, since event.Millis) (int, error) {
	n := 0
	err := s.readers.view(ctx, func(r *session) error {
		var err error
		n, err = r.spent(directory, act, kind, int64(since))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count what the guard of %s has let through: %w", directory, err)
	}
	return n, nil
}

func (r *session) spent(directory, act string, kind event.Kind, since int64) (n int, err error) {
	_, err = r.row("SELECT COUNT(*) FROM spent WHERE directory = ? AND act = ? AND at > ? AND (? = '' OR kind = ?)",
		[]any{directory, act, since, string(kind), string(kind)}, &n)
	return n, err
}
