package store

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Identity returns by which stable id a base is known.
func (s *database) Identity(ctx context.Context, directory string, base plan.DN) (string, error) {
	id := ""
	err := s.readers.view(ctx, func(r *session) error {
		var err error
		id, err = r.identity(directory, base)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read which directory %s is: %w", directory, err)
	}
	return id, nil
}

func (r *session) identity(directory string, base plan.DN) (id string, err error) {
	_, err = r.row("SELECT id FROM identity WHERE directory = ? AND base = ?", []any{directory, []byte(base.Key())}, &id)
	return id, err
}

// Identify remembers the stable id of a base that is not known yet, and returns the one that is remembered.
func (s *database) Identify(ctx context.Context, directory string, base plan.DN, id string) (string, error) {
	err := s.write(ctx, func(t *tx) error {
		if _, err := t.exec("INSERT INTO identity (directory, base, id) VALUES (?, ?, ?) ON CONFLICT (directory, base) DO NOTHING",
			directory, []byte(base.Key()), id); err != nil {
			return err
		}
		var err error
		id, err = t.identity(directory, base)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("remember which directory %s is: %w", directory, err)
	}
	return id, nil
}

// AcceptDirectory takes another directory for the one that is known.
func (s *database) AcceptDirectory(ctx context.Context, now event.Millis, by, directory string, base plan.DN, id string) error {
	err := s.write(ctx, func(t *tx) error {
		was, err := t.identity(directory, base)
		if err != nil || was == id {
			return err
		}
		if _, err := t.exec("INSERT INTO identity (directory, base, id) VALUES (?, ?, ?) ON CONFLICT (directory, base) DO UPDATE SET id = excluded.id",
			directory, []byte(base.Key()), id); err != nil {
			return err
		}
		if err := t.unlink(s.seal, directory); err != nil {
			return err
		}
		return t.audit(AuditRecord{At: now, Who: by, What: "accept directory", About: fmt.Sprintf("%s: %s has the id %s, and had %s", directory, base, id, was)})
	})
	if err != nil {
		return fmt.Errorf("accept another directory as %s: %w", directory, err)
	}
	return nil
}

// unlink takes the links away from all objects of a directory whose rows are as they were written.
func (t *tx) unlink(seal *Seal, directory string) error {
	var linked []tie
	err := t.rows("SELECT kind, id, link, dn, bound FROM object WHERE directory = ? AND link <> ''", []any{directory}, func(rows scanner) error {
		was := tie{directory: directory}
		var mark []byte
		err := rows.Scan(&was.ref.Kind, &was.ref.ID, &was.link, &was.dn, &mark)
		if seal.holds(was, mark) {
			linked = append(linked, tie{directory, was.ref, "", was.dn})
		}
		return failure(err)
	})
	if err != nil {
		return err
	}
	for _, is := range linked {
		if _, err := t.exec("UPDATE object SET link = '', bound = ? WHERE directory = ? AND kind = ? AND id = ?",
			seal.mark(is), directory, string(is.ref.Kind), is.ref.ID); err != nil {
			return err
		}
	}
	return nil
}
