package store

import (
	"context"
	"fmt"

	"idaas-ldap/event"
)

// Reading says how far the reading of IDaaS's own API has come with an object.
type Reading string

// The stages.
const (
	// ReadingOpen: the object was named and is still to be read.
	ReadingOpen Reading = "open"
	// ReadingDone: what IDaaS says about the object is known.
	ReadingDone Reading = "done"
	// ReadingAbsent: IDaaS has said once that there is no such object.
	ReadingAbsent Reading = "absent"
)

// Mark is one object of a round, and how far the round has come with it.
type Mark struct {
	Object event.Ref
	Stage  Reading
}

// Rounds is what a round of reading IDaaS's own API remembers, so that it goes on where it stopped, and memory does not grow with the
// organization. A note is for whoever wrote it; it is readable, and must hold nothing personal.
type Rounds interface {
	// Note returns what was noted last under a name, nil for nothing.
	Note(ctx context.Context, name string) ([]byte, error)

	// SetNote replaces what is noted under a name, and sets the marks of an application's round, in one transaction. An object that
	// has a mark is not made open again.
	SetNote(ctx context.Context, name string, note []byte, application string, marks []Mark) error

	// Marked returns objects of a kind that the round of an application has a mark for, in the order of their ids, at most limit.
	Marked(ctx context.Context, application string, kind event.Kind, stage Reading, limit int) ([]event.Ref, error)

	// HasMark reports whether the round of an application has a mark for an object.
	HasMark(ctx context.Context, application string, ref event.Ref) (bool, error)

	// Unmarked returns ids of objects of a kind that exist in a directory, or of which events are not settled there, that are not known to
	// belong to another instance, and have no mark in the round of an application, those after an id in their order, at most limit.
	Unmarked(ctx context.Context, application, instance, directory string, kind event.Kind, after string, limit int) ([]string, error)

	// ForgetMarks removes the marks of an application.
	ForgetMarks(ctx context.Context, application string) error
}

var _ Rounds = (*SQLite)(nil)

// notePrefix keeps the names of notes apart from what the store notes itself.
const notePrefix = "note:"

// Note returns what was noted last under a name.
func (s *database) Note(ctx context.Context, name string) ([]byte, error) {
	var note []byte
	err := s.readers.read(ctx, func(r *session) error {
		_, err := r.row("SELECT value FROM meta WHERE name = ?", []any{notePrefix + name}, &note)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the note %s: %w", name, err)
	}
	return note, nil
}

// SetNote replaces what is noted under a name, and sets marks.
func (s *database) SetNote(ctx context.Context, name string, note []byte, application string, marks []Mark) error {
	err := s.write(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", notePrefix+name, note); err != nil {
			return err
		}
		for _, m := range marks {
			if _, err := t.exec(`INSERT INTO reading (application, kind, object, stage) VALUES (?, ?, ?, ?)
				ON CONFLICT (application, kind, object) DO UPDATE SET stage = excluded.stage WHERE excluded.stage <> 'open'`,
				application, string(m.Object.Kind), m.Object.ID, string(m.Stage)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the note %s: %w", name, err)
	}
	return nil
}

// Marked returns objects that a round has a mark for.
func (s *database) Marked(ctx context.Context, application string, kind event.Kind, stage Reading, limit int) ([]event.Ref, error) {
	var found []event.Ref
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows("SELECT object FROM reading WHERE application = ? AND kind = ? AND stage = ? ORDER BY object LIMIT ?",
			[]any{application, string(kind), string(stage), limit}, func(rows scanner) error {
				ref := event.Ref{Kind: kind}
				err := rows.Scan(&ref.ID)
				found = append(found, ref)
				return failure(err)
			})
	})
	if err != nil {
		return nil, fmt.Errorf("read how far the round of %s is: %w", application, err)
	}
	return found, nil
}

// HasMark reports whether a round has a mark for an object.
func (s *database) HasMark(ctx context.Context, application string, ref event.Ref) (bool, error) {
	found := false
	err := s.readers.view(ctx, func(r *session) error {
		var err error
		found, err = r.row("SELECT 1 FROM reading WHERE application = ? AND kind = ? AND object = ?", []any{application, string(ref.Kind), ref.ID}, new(int))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read how far the round of %s is: %w", application, err)
	}
	return found, nil
}

// Unmarked returns ids of objects that a round has no mark for.
func (s *database) Unmarked(ctx context.Context, application, instance, directory string, kind event.Kind, after string, limit int) ([]string, error) {
	var ids []string
	err := s.readers.view(ctx, func(r *session) error {
		return r.rows(`SELECT o.id AS id FROM object o WHERE o.directory = ? AND o.kind = ? AND o.id > ? AND o.present
			AND NOT EXISTS (SELECT 1 FROM reading r WHERE r.application = ? AND r.kind = o.kind AND r.object = o.id)
			AND NOT EXISTS (SELECT 1 FROM owner w WHERE w.directory = o.directory AND w.kind = o.kind AND w.object = o.id AND w.instance NOT IN ('', ?))
			UNION
			SELECT d.object FROM delivery d WHERE d.directory = ? AND d.kind = ? AND d.object > ? AND d.state IN ('pending', 'waiting')
			AND NOT EXISTS (SELECT 1 FROM reading r WHERE r.application = ? AND r.kind = d.kind AND r.object = d.object)
			AND NOT EXISTS (SELECT 1 FROM owner w WHERE w.directory = d.directory AND w.kind = d.kind AND w.object = d.object AND w.instance NOT IN ('', ?))
			ORDER BY id LIMIT ?`, []any{directory, string(kind), after, application, instance, directory, string(kind), after, application, instance, limit}, func(rows scanner) error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look up who was not listed for %s in %s: %w", application, directory, err)
	}
	return ids, nil
}

// ForgetMarks removes the marks of an application, in transactions that each take milliseconds.
func (s *database) ForgetMarks(ctx context.Context, application string) error {
	const batch = 1000
	for n := int64(batch); n == batch; {
		if err := s.write(ctx, func(t *tx) error {
			var err error
			n, err = t.exec(`DELETE FROM reading WHERE application = ? AND (kind, object) IN
				(SELECT kind, object FROM reading WHERE application = ? LIMIT ?)`, application, application, batch)
			return err
		}); err != nil {
			return fmt.Errorf("forget the round of %s: %w", application, err)
		}
	}
	return nil
}
