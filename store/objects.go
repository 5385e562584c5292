package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// sealedObject is a row of what is known and remembered of an object.
type sealedObject struct {
	event.Object
	Record
	dn           string
	facts, owned []byte
	bound        []byte
	login, label string // as they are looked for
}

const objectColumns = "kind, id, present, said, said_update, password, password_update, floor, floor_update, facts, link, dn, owned, removed, bound"

func (o *sealedObject) scan(rows scanner) error { return failure(rows.Scan(o.columns()...)) }

// columns are where what objectColumns names goes.
func (o *sealedObject) columns() []any {
	return []any{
		&o.Ref.Kind, &o.Ref.ID, &o.Existence.Present, &o.Existence.At.Event, &o.Existence.At.Update, &o.Password.Event, &o.Password.Update,
		&o.Floor.Event, &o.Floor.Update, &o.facts, &o.Link, &o.dn, &o.owned, &o.RemovedAt, &o.bound,
	}
}

// object returns the row of an object, nil if there is none.
func (r *session) object(key Key) (*sealedObject, error) {
	var found *sealedObject
	err := r.rows("SELECT "+objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id = ?", keyArgs(key), func(rows scanner) error {
		found = &sealedObject{}
		return found.scan(rows)
	})
	return found, err
}

func objectPlace(directory string, ref event.Ref, what string) string {
	return place(what+" of object", directory, string(ref.Kind), ref.ID)
}

// openAgain opens a row, unless it was opened or sealed just now.
func (s *database) openAgain(directory string, sealed sealedObject) (event.Object, Record, error) {
	if o, r, found := s.opened.find(directory, &sealed); found {
		return o, r, nil
	}
	o, r, err := s.openObject(directory, sealed)
	if err == nil {
		s.opened.keep(directory, sealed, o, r)
	}
	return o, r, err
}

func (s *database) openObject(directory string, sealed sealedObject) (event.Object, Record, error) {
	o, r := sealed.Object, sealed.Record
	if t := (tie{directory, o.Ref, r.Link, sealed.dn}); !s.seal.holds(t, sealed.bound) {
		return o, r, t.moved()
	}
	var err error
	if o.Facts, err = s.seal.openFacts(directory, o.Ref, sealed.facts); err != nil {
		return o, r, err
	}
	if r.DN, err = plan.ParseDN(sealed.dn); err != nil {
		return o, r, fmt.Errorf("decode the DN of %s in %s: %w", o.Ref, directory, err)
	}
	if sealed.owned == nil {
		return o, r, nil
	}
	plain, err := s.seal.open(objectPlace(directory, o.Ref, "owned values"), sealed.owned)
	if err != nil {
		return o, r, err
	}
	if err := openValues(plain, &r); err != nil {
		return o, r, fmt.Errorf("decode the owned values of %s in %s: %w", o.Ref, directory, err)
	}
	return o, r, nil
}

// openFacts opens what is known of an object.
func (s *Seal) openFacts(directory string, ref event.Ref, sealed []byte) (map[string]event.Fact, error) {
	plain, err := s.open(objectPlace(directory, ref, "facts"), sealed)
	if err != nil {
		return nil, err
	}
	facts, err := event.UnmarshalFacts(plain)
	if err != nil {
		return nil, fmt.Errorf("decode the facts of %s in %s: %w", ref, directory, err)
	}
	return facts, nil
}

// ownValues are the values of an entry that are remembered: those that are ours, those that the server has refused, and the one by
// which groups name a user.
type ownValues struct {
	Form    int                     `json:"form"`
	Owned   map[string][]string     `json:"owned,omitempty"`
	Refused map[string]plan.Refusal `json:"refused,omitempty"`
	Member  string                  `json:"member,omitempty"`
	Rule    string                  `json:"memberRule,omitempty"`
}

// openValues reads the remembered values. The first form held nothing but the owned ones, by attribute.
func openValues(plain []byte, r *Record) error {
	var values ownValues
	if err := json.Unmarshal(plain, &values); err == nil && values.Form == 2 {
		r.Owned, r.Refused, r.Member, r.MemberRule = values.Owned, values.Refused, values.Member, values.Rule
		return nil
	}
	return json.Unmarshal(plain, &r.Owned) //nolint:wrapcheck // The caller names the object.
}

// sealObject is the way back of openObject.
func (s *database) sealObject(directory string, o event.Object, r Record) (sealedObject, error) {
	out := sealedObject{Object: o, Record: r, dn: r.DN.String()}
	out.bound = s.seal.mark(tie{directory, o.Ref, r.Link, out.dn})
	out.login, out.label = namesOf(o)
	plain, err := event.MarshalFacts(o.Facts)
	if err != nil {
		return out, fmt.Errorf("encode the facts of %s in %s: %w", o.Ref, directory, err)
	}
	out.facts = s.seal.close(objectPlace(directory, o.Ref, "facts"), plain)
	if len(r.Owned)+len(r.Refused)+len(r.Member) == 0 {
		return out, nil
	}
	if plain, err = json.Marshal(ownValues{Form: 2, Owned: r.Owned, Refused: r.Refused, Member: r.Member, Rule: r.MemberRule}); err != nil {
		return out, fmt.Errorf("encode the owned values of %s in %s: %w", o.Ref, directory, err)
	}
	out.owned = s.seal.close(objectPlace(directory, o.Ref, "owned values"), plain)
	return out, nil
}

// Lookup returns what is known and remembered of an object.
func (s *database) Lookup(ctx context.Context, key Key) (event.Object, Record, error) {
	var sealed *sealedObject
	err := s.readers.read(ctx, func(r *session) error {
		var err error
		sealed, err = r.object(key)
		return err
	})
	if err == nil && sealed == nil {
		err = ErrNotFound
	}
	if err != nil {
		return event.Object{}, Record{}, fmt.Errorf("look up %s in %s: %w", key.Object, key.Directory, err)
	}
	return s.openAgain(key.Directory, *sealed)
}

// ByLink returns the objects whose entries have these stable ids.
func (s *database) ByLink(ctx context.Context, directory string, links []string) ([]Remembered, error) {
	var found []sealedObject
	err := s.readers.read(ctx, func(r *session) error {
		for _, link := range links {
			// The condition that looks superfluous is that of the index.
			if err := r.rows("SELECT "+objectColumns+" FROM object WHERE directory = ? AND link = ? AND link <> ''", []any{directory, link}, func(rows scanner) error {
				var o sealedObject
				err := o.scan(rows)
				found = append(found, o)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d entries of %s: %w", len(links), directory, err)
	}
	out := make([]Remembered, len(found))
	for i, sealed := range found {
		if out[i].Object, out[i].Record, err = s.openObject(directory, sealed); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Objects calls yield for every known object of a kind, page by page. No page is held open while yield works.
func (s *database) Objects(ctx context.Context, directory string, kind event.Kind, yield func(event.Object, Record) bool) error {
	const size = 500
	for after := ""; ; {
		var page []sealedObject
		err := s.readers.read(ctx, func(r *session) error {
			return r.rows("SELECT "+objectColumns+" FROM object WHERE directory = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
				[]any{directory, string(kind), after, size}, func(rows scanner) error {
					var o sealedObject
					err := o.scan(rows)
					page = append(page, o)
					return err
				})
		})
		if err != nil {
			return fmt.Errorf("list the objects of %s: %w", directory, err)
		}
		for _, sealed := range page {
			o, r, err := s.openObject(directory, sealed)
			if err != nil {
				return err
			}
			if !yield(o, r) {
				return nil
			}
			after = o.Ref.ID
		}
		if len(page) < size {
			return nil
		}
	}
}

// CountObjects returns how many objects of a kind are known to exist.
func (s *database) CountObjects(ctx context.Context, directory string, kind event.Kind, most int) (int, error) {
	if most <= 0 {
		most = math.MaxInt32
	}
	n := 0
	err := s.readers.read(ctx, func(r *session) error {
		_, err := r.row("SELECT COUNT(*) FROM (SELECT 1 FROM object WHERE directory = ? AND kind = ? AND present LIMIT ?) AS counted", []any{directory, string(kind), most}, &n)
		return err
	})
	return n, err
}

// Holders returns the objects whose remembered DN is this one to some server.
func (s *database) Holders(ctx context.Context, directory string, dn plan.DN) ([]Holding, error) {
	if dn.Empty() {
		return nil, nil
	}
	var found []Holding
	err := s.readers.read(ctx, func(r *session) error {
		// An object of which nobody has said whether it exists may well hold an entry; one that is deleted does not.
		return r.rows(`SELECT kind, id, dn FROM object WHERE directory = ? AND dn_key = ? AND (present OR (said = 0 AND said_update = 0))
			ORDER BY kind, id`, []any{directory, treeKey(dn)}, func(rows scanner) error {
			var h Holding
			var text string
			if err := rows.Scan(&h.Object.Kind, &h.Object.ID, &text); err != nil {
				return failure(err)
			}
			var err error
			h.DN, err = plan.ParseDN(text)
			found = append(found, h)
			return err //nolint:wrapcheck // It names the DN.
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look up who holds %s in %s: %w", dn, directory, err)
	}
	return found, nil
}

// Memberships returns the known words about members of a group.
func (s *database) Memberships(ctx context.Context, group Key, users []string) (map[string]event.Membership, error) {
	const columns = "SELECT member, present, said, said_update FROM membership WHERE directory = ? AND grp = ?"
	out := map[string]event.Membership{}
	scan := func(rows scanner) error {
		var user string
		var m event.Membership
		err := rows.Scan(&user, &m.Present, &m.At.Event, &m.At.Update)
		out[user] = m
		return failure(err)
	}
	err := s.readers.read(ctx, func(r *session) error {
		if users == nil {
			return r.rows(columns, []any{group.Directory, group.Object.ID}, scan)
		}
		for _, user := range users {
			if err := r.rows(columns+" AND member = ?", []any{group.Directory, group.Object.ID, user}, scan); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up members of %s in %s: %w", group.Object, group.Directory, err)
	}
	return out, nil
}

// Below returns the remembered DNs that lie below a DN.
func (s *database) Below(ctx context.Context, directory string, dn plan.DN) ([]plan.DN, error) {
	if dn.Empty() {
		return nil, nil
	}
	from := treeKey(dn)
	var below []plan.DN
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows("SELECT dn FROM object WHERE directory = ? AND dn_key > ? AND dn_key < ?", []any{directory, from, treeEnd(from)}, func(rows scanner) error {
			var text string
			if err := rows.Scan(&text); err != nil {
				return failure(err)
			}
			dn, err := plan.ParseDN(text)
			below = append(below, dn)
			return err //nolint:wrapcheck // It names the DN.
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look up what is below %s in %s: %w", dn, directory, err)
	}
	return below, nil
}

// treeKey is a normalised DN with the root first and a comma after each name, so that everything below an entry is one
// range of the index. A comma inside a name has a backslash before it.
func treeKey(dn plan.DN) []byte {
	key := []byte{}
	for i := len(dn) - 1; i >= 0; i-- {
		key = append(append(key, dn[i].Key()...), ',')
	}
	return key
}

// treeEnd is the first key after those of an entry and of everything below it.
func treeEnd(key []byte) []byte {
	end := append([]byte{}, key...)
	end[len(end)-1]++ // the comma, the last byte
	return end
}
