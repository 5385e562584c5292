package store

import (
	"idaas-ldap/event"
)

// memberships stores the words about members that a settlement brings, and forgets what is over. Of a group that is only so where a
// deletion has ended it that was not known before: nobody looks through a hundred thousand members at every change.
func (t *tx) memberships(s Settlement, ended bool) error {
	// Whoever is said to have joined after a deletion, of the group or of the member, belongs to one that is about to come back.
	const before = " AND (said < ? OR said = ? AND said_update <= ?)"
	floor := s.Known.Floor
	stamp := []any{int64(floor.Event), int64(floor.Event), int64(floor.Update)}
	if ended {
		if _, err := t.exec("DELETE FROM membership WHERE directory = ? AND grp = ?"+before,
			append([]any{s.Key.Directory, s.Key.Object.ID}, stamp...)...); err != nil {
			return err
		}
	}
	for user, m := range s.Memberships {
		// Whoever has changed since the job was loaded may have got an entry that this reconcile did not see.
		if _, err := t.exec(`INSERT INTO membership (directory, grp, member, present, said, said_update, rejoin)
			VALUES (?, ?, ?, ?, ?, ?, COALESCE((SELECT woke FROM object WHERE directory = ? AND kind = ? AND id = ? AND woke > ?), 0))
			ON CONFLICT (directory, grp, member) DO UPDATE SET present = excluded.present, said = excluded.said,
				said_update = excluded.said_update, rejoin = CASE WHEN excluded.rejoin > membership.rejoin THEN excluded.rejoin ELSE membership.rejoin END`,
			s.Key.Directory, s.Key.Object.ID, user, m.Present, int64(m.At.Event), int64(m.At.Update),
			s.Key.Directory, string(event.KindUser), user, s.Version); err != nil {
			return err
		}
	}
	for _, user := range s.Rejoined {
		if _, err := t.exec("UPDATE membership SET rejoin = 0 WHERE directory = ? AND grp = ? AND member = ? AND rejoin <= ?",
			s.Key.Directory, s.Key.Object.ID, user, s.Version); err != nil {
			return err
		}
	}
	if !s.ForgetMember {
		return nil
	}
	_, err := t.exec("DELETE FROM membership WHERE directory = ? AND member = ?"+before,
		append([]any{s.Key.Directory, s.Key.Object.ID}, stamp...)...)
	return err
}

// entered makes the groups due that are known to have a user as a member whose entry was made just now, and notes for each
// that it is about this one.
func (t *tx) entered(now event.Millis, s Settlement) ([]Key, error) {
	if !s.Entered {
		return nil, nil
	}
	version, err := t.next()
	if err != nil {
		return nil, err
	}
	var groups []Key
	err = t.rows("UPDATE membership SET rejoin = ? WHERE directory = ? AND member = ? AND present RETURNING grp",
		[]any{version, s.Key.Directory, s.Key.Object.ID}, func(rows scanner) error {
			k := Key{Directory: s.Key.Directory, Object: event.Ref{Kind: event.KindGroup}}
			err := rows.Scan(&k.Object.ID)
			groups = append(groups, k)
			return failure(err)
		})
	if err != nil {
		return nil, err
	}
	return groups, t.dueNow(now, groups)
}

// rejoins reports whether the entry of a member was made after the job of the group was loaded.
func (t *tx) rejoins(s Settlement) (found bool, err error) {
	if s.Key.Object.Kind != event.KindGroup {
		return false, nil
	}
	var n int
	return t.row("SELECT 1 FROM membership WHERE directory = ? AND grp = ? AND rejoin > ? AND rejoin > 0 LIMIT 1",
		[]any{s.Key.Directory, s.Key.Object.ID, s.Version}, &n)
}
