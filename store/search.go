package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
)

// ErrCursor says that a text is not where a list goes on.
var ErrCursor = errors.New("this is no place in the list")

// NameFilter selects objects by how a name begins, whatever its case: the user name, the display name, or the name of a unit or group.
type NameFilter struct {
	// Prefix is how the name begins; empty for all that have one.
	Prefix string
	// Directory is empty for all of them.
	Directory string
	// After is where to go on: what the page before ended with. Empty for the first page.
	After string
	// Limit is at most 1000; zero for 100.
	Limit int
}

// Named is an object that was found by a name.
type Named struct {
	Directory string
	Remembered
}

// maxName is how many characters of a name are looked at.
const maxName = 100

// searchable is a name as it is looked for.
func searchable(name string) string {
	folded := []rune(strings.ToLower(strings.Join(strings.Fields(name), " ")))
	return string(folded[:min(len(folded), maxName)])
}

// fieldDisplayName is the field with the name of a user by which people know him.
const fieldDisplayName = "displayName"

// namesOf returns the names by which an object is looked for.
func namesOf(o event.Object) (login, label string) {
	if o.Ref.Kind != event.KindUser {
		return searchable(o.Text(event.FieldName)), ""
	}
	login, label = searchable(o.Text(event.FieldUsername)), searchable(o.Text(fieldDisplayName))
	if label == login {
		label = ""
	}
	return login, label
}

// nameCursor is where a search goes on: in the order of which name, and after whom.
type nameCursor struct {
	Column    string     `json:"c"`
	Name      string     `json:"n"`
	Directory string     `json:"d"`
	Kind      event.Kind `json:"k"`
	ID        string     `json:"i"`
}

// The columns that are searched, one after the other.
const (
	byLogin = "login"
	byLabel = "label"
)

func (c nameCursor) String() string {
	encoded, _ := json.Marshal(c) //nolint:errchkjson // Text can be encoded.
	return base64.RawURLEncoding.EncodeToString(encoded)
}

func parseCursor(text, prefix string) (nameCursor, error) {
	c := nameCursor{Column: byLogin, Name: prefix}
	if text == "" {
		return c, nil
	}
	encoded, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(encoded, &c)
	}
	if err != nil || c.Column != byLogin && c.Column != byLabel || c.Name < prefix {
		return c, ErrCursor
	}
	return c, nil
}

// FindByName returns objects by how their names begin, first those whose user name, or name of a unit or group, does. Next is where
// to go on, empty where nothing follows.
func (s *database) FindByName(ctx context.Context, f NameFilter) (found []Named, next string, err error) {
	prefix, limit := searchable(f.Prefix), limited(f.Limit)
	cursor, err := parseCursor(f.After, prefix)
	if err != nil {
		return nil, "", err
	}
	var rows []namedRow
	for {
		page, err := s.namedRows(ctx, cursor, prefix, f.Directory, limit+1-len(rows))
		if err != nil {
			return nil, "", fmt.Errorf("look for names that begin with %q: %w", prefix, err)
		}
		rows = append(rows, page...)
		if cursor.Column == byLabel || len(rows) > limit {
			break
		}
		cursor = nameCursor{Column: byLabel, Name: prefix}
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].at.String()
	}
	for _, row := range rows {
		o, r, err := s.openObject(row.at.Directory, row.sealedObject)
		if err != nil {
			return nil, "", err
		}
		found = append(found, Named{row.at.Directory, Remembered{o, r}})
	}
	return found, next, nil
}

// namedRow is an object with where it stands in the order of a name.
type namedRow struct {
	sealedObject
	at nameCursor
}

// namedRows reads on in the order of a name. Who is found by both names is given by the first.
func (s *database) namedRows(ctx context.Context, c nameCursor, prefix, directory string, limit int) ([]namedRow, error) {
	beyond := prefix + "\U0010ffff"
	// The condition that looks superfluous is that of the index.
	query := strings.ReplaceAll("SELECT directory, "+objectColumns+", @ FROM object WHERE @ <> '' AND (@, directory, kind, id) > (?, ?, ?, ?) AND @ < ?", "@", c.Column)
	args := []any{c.Name, c.Directory, string(c.Kind), c.ID, beyond}
	if directory != "" {
		query, args = query+" AND directory = ?", append(args, directory)
	}
	if c.Column == byLabel {
		query, args = query+" AND NOT (login >= ? AND login < ?)", append(args, prefix, beyond)
	}
	query += strings.ReplaceAll(" ORDER BY @, directory, kind, id LIMIT ?", "@", c.Column)
	var found []namedRow
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows(query, append(args, limit), func(rows scanner) error {
			row := namedRow{at: nameCursor{Column: c.Column}}
			err := rows.Scan(slices.Concat([]any{&row.at.Directory}, row.columns(), []any{&row.at.Name})...)
			row.at.Kind, row.at.ID = row.Ref.Kind, row.Ref.ID
			found = append(found, row)
			return failure(err)
		})
	})
	return found, err
}

// namedBy is the migration after which rows have names.
const namedBy = "_names.sql"

// nameRows fills in the names of the rows that were written before there were any. A row that cannot be opened has none: it is
// an error to whoever needs it.
func nameRows(s *session, seal *Seal, migration string) error {
	if !strings.HasSuffix(migration, namedBy) {
		return nil
	}
	const size = 1000
	for after := (unnamedRow{}); ; {
		rows, err := unnamed(s, after, size)
		if err != nil {
			return err
		}
		for _, row := range rows {
			after = row
			if row.Facts, err = seal.openFacts(row.directory, row.Ref, row.facts); err != nil {
				continue
			}
			login, label := namesOf(row.Object)
			if _, err := s.exec("UPDATE object SET login = ?, label = ? WHERE directory = ? AND kind = ? AND id = ?",
				login, label, row.directory, string(row.Ref.Kind), row.Ref.ID); err != nil {
				return fmt.Errorf("name the row of %s: %w", row.Ref, err)
			}
		}
		if len(rows) < size {
			return nil
		}
	}
}

// unnamedRow is a row without names.
type unnamedRow struct {
	event.Object
	directory string
	facts     []byte
}

func unnamed(s *session, after unnamedRow, limit int) (found []unnamedRow, err error) {
	err = s.rows("SELECT directory, kind, id, facts FROM object WHERE (directory, kind, id) > (?, ?, ?) ORDER BY directory, kind, id LIMIT ?",
		[]any{after.directory, string(after.Ref.Kind), after.Ref.ID, limit}, func(rows scanner) error {
			var row unnamedRow
			err := rows.Scan(&row.directory, &row.Ref.Kind, &row.Ref.ID, &row.facts)
			found = append(found, row)
			return failure(err)
		})
	return found, err
}
