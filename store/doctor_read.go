package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// wounded is a copy of a database of which some pages are not as SQLite has left them.
type wounded struct {
	*session
	folder string
	db     *sql.DB
}

// copyWounded copies a database with its write-ahead log and opens the copy so that SQLite reads as much of it as it can.
func copyWounded(ctx context.Context, path, in string) (*wounded, error) {
	folder, err := os.MkdirTemp(in, ".idaas-ldap-doctor-*")
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	w := &wounded{folder: folder}
	if err := w.open(ctx, path); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *wounded) open(ctx context.Context, path string) error {
	to := filepath.Join(w.folder, "store.db")
	for _, suffix := range []string{"", "-wal"} {
		if suffix != "" && !exists(path+suffix) {
			continue
		}
		if err := copyFile(path+suffix, to+suffix, w.folder); err != nil {
			return err
		}
	}
	if err := mendHeader(to); err != nil {
		return err
	}
	var err error
	// What of the schema cannot be read is left out, and a file that is shorter than it says is read as far as it goes.
	if w.db, err = sql.Open("sqlite", fileAddress(to)+"?_dqs=false&_pragma=writable_schema(ON)&_pragma=cell_size_check(ON)&_pragma=temp_store(MEMORY)"); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	w.session, err = firstSession(ctx, w.db, sqliteDialect())
	return err
}

func (w *wounded) close() error {
	var errs []error
	if w.session != nil {
		errs = append(errs, w.session.close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.folder))...)
}

// mendHeader writes what every database of this program has in its header (section 1.3 of SQLite's file format): without it SQLite takes the
// file for something else.
func mendHeader(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	header := make([]byte, 100)
	if _, err := file.ReadAt(header, 0); err != nil {
		return errors.Join(file.Close(), fmt.Errorf("it has not even a header: %w", damagedBy(err)))
	}
	was := bytes.Clone(header)
	const pageSize, wal, utf8Text, newest = 4096, 2, 1, 4
	copy(header, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(header[16:], pageSize)
	copy(header[18:], []byte{wal, wal, 0, 64, 32, 32})
	binary.BigEndian.PutUint32(header[44:], newest)
	binary.BigEndian.PutUint32(header[56:], utf8Text)
	if !bytes.Equal(was, header) {
		_, err = file.WriteAt(header, 0)
	}
	return errors.Join(err, file.Close())
}

// row is one row of a damaged table, with the declared types of its columns.
type row struct {
	columns, kinds []string
	values         []any
}

// sound reports whether each value is of the type that its column has, and each text is one.
func (r row) sound() bool {
	for i, value := range r.values {
		switch v := value.(type) {
		case nil:
		case int64:
			if r.kinds[i] != "BIGINT" && r.kinds[i] != "INTEGER" {
				return false
			}
		case bool:
			if r.kinds[i] != "BOOLEAN" {
				return false
			}
		case string:
			if r.kinds[i] != "TEXT" || !utf8.ValidString(v) {
				return false
			}
		case []byte:
			if r.kinds[i] != "BLOB" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func valueOf[T any](r row, column string) (value T) {
	for i, name := range r.columns {
		if name == column {
			value, _ = r.values[i].(T) // what is not there, or no such value, counts as none
		}
	}
	return value
}

func (r row) text(column string) string  { return valueOf[string](r, column) }
func (r row) number(column string) int64 { return valueOf[int64](r, column) }
func (r row) bytes(column string) []byte { return valueOf[[]byte](r, column) }

// How many rows are tried one by one behind a part that cannot be read, more than there are in a page, before it is skipped in steps that
// double, and up to which number.
const (
	triedSingly = 256
	triedUpTo   = 1 << 40
)

// numbered calls take for each row of a table with row numbers that can be read, and reports whether a part cannot be.
func (w *wounded) numbered(ctx context.Context, table string, take func(row) error) (broken bool, err error) {
	failures, step := 0, int64(1)
	for from, last := int64(1), int64(0); from < triedUpTo; from += step {
		misplaced := false
		damaged, err := w.query(ctx, "SELECT *, rowid AS rowid_ FROM "+table+" WHERE rowid >= ? ORDER BY rowid", []any{from}, func(r row) (bool, error) {
			n, _ := r.values[len(r.values)-1].(int64) // SQLite gives no other
			if misplaced = n < from || n <= last; misplaced {
				return false, nil
			}
			last, failures, step = n, 0, 1
			return true, take(row{r.columns[:len(r.columns)-1], r.kinds[:len(r.kinds)-1], r.values[:len(r.values)-1]})
		})
		if err != nil || !damaged && !misplaced {
			return broken, err
		}
		broken, from = true, max(from, last)
		if failures++; failures > triedSingly {
			step += step
		}
	}
	return broken, nil
}

// keyed does the same for a table that is kept in the order of its key: from its beginning, and where that does not lead to its end, from
// there as well.
func (w *wounded) keyed(ctx context.Context, query string, key []string, take func(row) error) (broken bool, err error) {
	last := ""
	broken, err = w.query(ctx, query+" ORDER BY "+strings.Join(key, ", "), nil, func(r row) (bool, error) {
		last = keyOf(r, key)
		return true, take(r)
	})
	if err != nil || !broken {
		return broken, err
	}
	_, err = w.query(ctx, query+" ORDER BY "+strings.Join(key, " DESC, ")+" DESC", nil, func(r row) (bool, error) {
		if keyOf(r, key) == last {
			return false, nil
		}
		return true, take(r)
	})
	return true, err
}

func keyOf(r row, key []string) string {
	values := make([]any, len(key))
	for i, column := range key {
		values[i] = valueOf[any](r, column)
	}
	return string(encoded(values))
}

// query calls take for each row of a result until it says that it has enough, and reports whether the result was cut off by damage.
func (w *wounded) query(ctx context.Context, query string, args []any, take func(row) (bool, error)) (damaged bool, err error) {
	rows, err := w.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return true, ctx.Err() //nolint:wrapcheck // Whatever else it is, it comes from the damage.
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return true, ctx.Err() //nolint:wrapcheck // As above.
	}
	r := row{}
	for _, t := range types {
		r.columns, r.kinds = append(r.columns, t.Name()), append(r.kinds, t.DatabaseTypeName())
	}
	for rows.Next() {
		r.values = make([]any, len(types))
		into := make([]any, len(types))
		for i := range into {
			into[i] = &r.values[i]
		}
		if rows.Scan(into...) != nil {
			return true, ctx.Err() //nolint:wrapcheck // As above.
		}
		for i, value := range r.values {
			r.values[i] = w.plain(r.kinds[i], value)
		}
		if more, err := take(r); err != nil || !more {
			return false, err
		}
	}
	return rows.Err() != nil, ctx.Err() //nolint:wrapcheck // As above.
}
