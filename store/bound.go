package store

import (
	"errors"
	"fmt"
	"strings"

	"idaas-ldap/event"
)

// ErrMoved says that a row is not as this program has written it. What is in it is not acted upon.
var ErrMoved = errors.New("its row is not as it was written: the database was changed by other means; restore it from a backup")

// tie is what belongs together in the row of an object. That the facts belong to it is said by where they were sealed.
type tie struct {
	directory string
	ref       event.Ref
	link, dn  string
}

// mark returns the keyed digest of what belongs together.
func (s *Seal) mark(t tie) []byte {
	return s.digest(place("tie of object", t.directory, string(t.ref.Kind), t.ref.ID, t.link, t.dn))
}

// holds reports whether a mark is that of what belongs together.
func (s *Seal) holds(t tie, mark []byte) bool { return string(s.mark(t)) == string(mark) }

// moved is the error about a row that is not as it was written.
func (t tie) moved() error {
	return fmt.Errorf("read what is known of %s in %s, with the link %q and the DN %q: %w; or delete its row, and the mapping's match rules find the entry again", t.ref, t.directory, t.link, t.dn, ErrMoved)
}

// boundBy is the migration after which rows are marked.
const boundBy = "_bound.sql"

// bindRows marks the rows that were written before there were marks.
func bindRows(s *session, seal *Seal, migration string) error {
	if !strings.HasSuffix(migration, boundBy) {
		return nil
	}
	const size = 1000
	for after := (tie{}); ; {
		ties, err := unbound(s, after, size)
		if err != nil {
			return err
		}
		for _, t := range ties {
			if _, err := s.exec("UPDATE object SET bound = ? WHERE directory = ? AND kind = ? AND id = ?",
				seal.mark(t), t.directory, string(t.ref.Kind), t.ref.ID); err != nil {
				return fmt.Errorf("mark the row of %s: %w", t.ref, err)
			}
			after = t
		}
		if len(ties) < size {
			return nil
		}
	}
}

// unbound returns the next rows without a mark.
func unbound(s *session, after tie, limit int) (ties []tie, err error) {
	err = s.rows("SELECT directory, kind, id, link, dn FROM object WHERE (directory, kind, id) > (?, ?, ?) ORDER BY directory, kind, id LIMIT ?",
		[]any{after.directory, string(after.ref.Kind), after.ref.ID, limit}, func(row scanner) error {
			var t tie
			err := row.Scan(&t.directory, &t.ref.Kind, &t.ref.ID, &t.link, &t.dn)
			ties = append(ties, t)
			return failure(err)
		})
	return ties, err
}
