package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Due returns objects that are due, and when the next one is.
func (s *SQLite) Due(ctx context.Context, directory string, now event.Millis, limit int) ([]Due, event.Millis, error) {
	var due []Due
	err := s.read(ctx, "SELECT kind, object, due FROM work WHERE directory = ? AND due <= ? ORDER BY due LIMIT ?",
		[]any{directory, int64(now), limit}, func(rows *sql.Rows) error {
			d := Due{Key: Key{Directory: directory}}
			err := rows.Scan(&d.Key.Object.Kind, &d.Key.Object.ID, &d.At)
			due = append(due, d)
			return unavailable(err)
		})
	if err != nil {
		return nil, 0, err
	}
	var next sql.NullInt64
	err = s.reads.QueryRowContext(ctx, "SELECT MIN(due) FROM work WHERE directory = ? AND due > ?", directory, int64(now)).Scan(&next)
	return due, event.Millis(next.Int64), unavailable(err)
}

// Load returns the job of an object.
func (s *SQLite) Load(ctx context.Context, key Key, limit int) (Job, error) {
	job := Job{Key: key}
	// The version is read first: what changes from here on is newer than the job.
	err := s.reads.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'version'").Scan(&job.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Job{}, unavailable(err)
	}
	job.Known, job.Record, err = s.Lookup(ctx, key)
	if errors.Is(err, ErrNotFound) {
		job.Known, err = event.Object{Ref: key.Object}, nil
	}
	if err != nil {
		return Job{}, err
	}
	err = s.reads.QueryRowContext(ctx, "SELECT attempts FROM work WHERE directory = ? AND kind = ? AND object = ?", keyArgs(key)...).Scan(&job.Attempts)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Job{}, unavailable(err)
	}
	err = s.read(ctx, `SELECT d.seq, d.state, d.code, d.message, d.password, d.tried, d.approved, e.application, e.event_id, e.type, e.happened, e.updated, e.payload
		FROM delivery d JOIN event e ON e.id = d.event
		WHERE d.directory = ? AND d.kind = ? AND d.object = ? AND d.state IN ('pending', 'waiting') ORDER BY d.seq LIMIT ?`,
		append(keyArgs(key), limit+1), func(rows *sql.Rows) error {
			if len(job.Pending) == limit {
				job.More = true
				return nil
			}
			p, err := s.scanPending(rows, key.Object)
			job.Pending = append(job.Pending, p)
			return err
		})
	return job, err
}

func (s *SQLite) scanPending(rows *sql.Rows, ref event.Ref) (Pending, error) {
	p := Pending{Change: event.Change{Object: ref}}
	var password, sealed []byte
	var application string
	if err := rows.Scan(&p.Seq, &p.Outcome.State, &p.Outcome.Code, &p.Outcome.Message, &password, &p.PasswordTried, &p.Approved,
		&application, &p.EventID, &p.Change.Type, &p.Change.Stamp.Event, &p.Change.Stamp.Update, &sealed); err != nil {
		return p, unavailable(err)
	}
	row := eventRow(application, p.EventID)
	plain, err := s.seal.open(row, sealed)
	if err != nil {
		return p, err
	}
	var content payload
	if err := json.Unmarshal(plain, &content); err != nil {
		return p, fmt.Errorf("decode event %s: %w", p.EventID, err)
	}
	p.Change.ID, p.Change.Fields, p.Change.Members, p.Change.Problem = p.EventID, content.Fields, content.Members, content.Problem
	p.Change.Password, err = s.openPassword(row, password)
	return p, err
}

// Lookup returns what is known and remembered of an object.
func (s *SQLite) Lookup(ctx context.Context, key Key) (event.Object, Record, error) {
	var object event.Object
	var record Record
	found := false
	err := s.read(ctx, objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id = ?", keyArgs(key), func(rows *sql.Rows) error {
		found = true
		var err error
		object, record, err = s.scanObject(rows, key.Directory)
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("%s in %s: %w", key.Object, key.Directory, ErrNotFound)
	}
	return object, record, err
}

const objectColumns = "SELECT kind, id, present, said, said_update, password, password_update, facts, link, dn, owned, removed"

func (s *SQLite) scanObject(rows *sql.Rows, directory string) (event.Object, Record, error) {
	var o event.Object
	var r Record
	var facts, owned []byte
	var dn string
	if err := rows.Scan(&o.Ref.Kind, &o.Ref.ID, &o.Existence.Present, &o.Existence.At.Event, &o.Existence.At.Update,
		&o.Password.Event, &o.Password.Update, &facts, &r.Link, &dn, &owned, &r.RemovedAt); err != nil {
		return o, r, unavailable(err)
	}
	row := objectRow(directory, o.Ref)
	plain, err := s.seal.open(row, facts)
	if err != nil {
		return o, r, err
	}
	if o.Facts, err = event.UnmarshalFacts(plain); err != nil {
		return o, r, fmt.Errorf("%s: %w", row, err)
	}
	if r.DN, err = plan.ParseDN(dn); err != nil {
		return o, r, fmt.Errorf("%s: %w", row, err)
	}
	if len(owned) > 0 {
		if plain, err = s.seal.open(row+" owned", owned); err != nil {
			return o, r, err
		}
		if err := json.Unmarshal(plain, &r.Owned); err != nil {
			return o, r, fmt.Errorf("decode the owned values of %s: %w", row, err)
		}
	}
	return o, r, nil
}

func objectRow(directory string, ref event.Ref) string { return "object " + directory + " " + ref.String() }

// Objects calls yield for every known object of a kind, page by page.
func (s *SQLite) Objects(ctx context.Context, directory string, kind event.Kind, yield func(event.Object, Record) bool) error {
	const page = 500
	after := ""
	for {
		n, stop := 0, false
		err := s.read(ctx, objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
			[]any{directory, string(kind), after, page}, func(rows *sql.Rows) error {
				o, r, err := s.scanObject(rows, directory)
				if err != nil || stop {
					return err
				}
				n++
				after = o.Ref.ID
				stop = !yield(o, r)
				return nil
			})
		if err != nil || stop || n < page {
			return err
		}
	}
}

// Memberships returns the known words about members of a group.
func (s *SQLite) Memberships(ctx context.Context, group Key, users []string) (map[string]event.Membership, error) {
	out := map[string]event.Membership{}
	scan := func(rows *sql.Rows) error {
		var user string
		var m event.Membership
		err := rows.Scan(&user, &m.Present, &m.At.Event, &m.At.Update)
		out[user] = m
		return unavailable(err)
	}
	const columns = "SELECT member, present, said, said_update FROM membership WHERE directory = ? AND grp = ?"
	if users == nil {
		return out, s.read(ctx, columns, []any{group.Directory, group.Object.ID}, scan)
	}
	for _, user := range users {
		if err := s.read(ctx, columns+" AND member = ?", []any{group.Directory, group.Object.ID, user}, scan); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Holder returns the object whose remembered DN this is.
func (s *SQLite) Holder(ctx context.Context, directory string, dn plan.DN) (event.Ref, error) {
	var ref event.Ref
	err := s.reads.QueryRowContext(ctx, "SELECT kind, id FROM object WHERE directory = ? AND dn_key = ?", directory, treeKey(dn)).Scan(&ref.Kind, &ref.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return ref, fmt.Errorf("holder of %s: %w", dn, ErrNotFound)
	}
	return ref, unavailable(err)
}

// WaitsFor returns the objects that an object waits for.
func (s *SQLite) WaitsFor(ctx context.Context, key Key) ([]event.Ref, error) {
	var refs []event.Ref
	err := s.read(ctx, "SELECT on_kind, on_object FROM dependency WHERE directory = ? AND kind = ? AND object = ? ORDER BY on_kind, on_object", keyArgs(key), func(rows *sql.Rows) error {
		var ref event.Ref
		err := rows.Scan(&ref.Kind, &ref.ID)
		refs = append(refs, ref)
		return unavailable(err)
	})
	return refs, err
}

// CountObjects returns how many objects of a kind are known to exist.
func (s *SQLite) CountObjects(ctx context.Context, directory string, kind event.Kind) (int, error) {
	var n int
	err := s.reads.QueryRowContext(ctx, "SELECT COUNT(*) FROM object WHERE directory = ? AND kind = ? AND present = 1", directory, string(kind)).Scan(&n)
	return n, unavailable(err)
}

func (s *SQLite) read(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := s.reads.QueryContext(ctx, query, args...)
	if err != nil {
		return unavailable(err)
	}
	return each(rows, scan)
}

func keyArgs(key Key) []any {
	return []any{key.Directory, string(key.Object.Kind), key.Object.ID}
}

// treeKey is a normalised DN with the root first, so that everything below an entry is one range of the index.
func treeKey(dn plan.DN) string {
	key := ""
	for i := len(dn) - 1; i >= 0; i-- {
		key += dn[i].Key() + ","
	}
	return key
}
