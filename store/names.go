package store

import (
	"context"

	"idaas-ldap/plan"
)

// Claim gives the object a name.
func (s *database) Claim(ctx context.Context, key Key, pool string, candidates []string) (string, error) {
	claimed := ""
	err := s.write(ctx, func(t *tx) error {
		claimed = ""
		var standing string
		object := append([]any{key.Directory, pool}, string(key.Object.Kind), key.Object.ID)
		if _, err := t.row("SELECT value FROM claim WHERE directory = ? AND pool = ? AND kind = ? AND object = ?", object, &standing); err != nil {
			return err
		}
		for _, candidate := range candidates {
			if standing != "" && plan.Fold(candidate) == standing {
				claimed = candidate
				return nil
			}
		}
		for _, candidate := range candidates {
			var other string
			taken, err := t.row("SELECT object FROM claim WHERE directory = ? AND pool = ? AND value = ?",
				[]any{key.Directory, pool, plan.Fold(candidate)}, &other)
			switch {
			case err != nil:
				return err
			case !taken:
				claimed = candidate
				return t.claim(key, pool, plan.Fold(candidate))
			}
		}
		return nil
	})
	return claimed, err
}

// claim replaces the claim of an object.
func (t *tx) claim(key Key, pool, value string) error {
	_, err := t.exec(`INSERT INTO claim (directory, pool, kind, object, value) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (directory, kind, object, pool) DO UPDATE SET value = excluded.value`,
		key.Directory, pool, string(key.Object.Kind), key.Object.ID, value)
	return err
}

// release gives up the claims of an object that has no entry.
func (t *tx) release(s Settlement) error {
	if s.Known.Ref.Zero() || !s.Record.DN.Empty() {
		return nil
	}
	_, err := t.exec("DELETE FROM claim WHERE directory = ? AND kind = ? AND object = ?", keyArgs(s.Key)...)
	return err
}
