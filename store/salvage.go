package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNothingOpens says that nothing of a store can be saved with the key at hand.
var ErrNothingOpens = errors.New("nothing in it opens with the key, so nothing can be saved: put back the key file that it was made with")

// Salvage copies the rows that are as they were written into a new store with the same key, which a service takes. As after a restore,
// what was not through is held until a person decides, and no password is kept. The damaged store stays as it is.
func (d Doctor) Salvage(ctx context.Context, to, by string) (Diagnosis, error) {
	fail := func(err error) (Diagnosis, error) {
		return Diagnosis{}, fmt.Errorf("save what can be read of the store %s in %s: %w", d.Path, to, err)
	}
	if exists(to) {
		return fail(errors.New("it is there already, and nothing is replaced: name another file"))
	}
	part := to + "-saving"
	remove := func() {
		for _, suffix := range besides {
			_ = os.Remove(part + suffix) // it has its real name by then, or is of no use
		}
	}
	remove() // what another one has left behind that was broken off
	defer remove()
	var found Diagnosis
	err := d.within(ctx, filepath.Dir(to), func(w *wounded, seal *Seal) error {
		s := d.sieve(seal)
		if err := d.fill(ctx, w, s, part); err != nil {
			return err
		}
		if found = s.found; !found.KeyOpens {
			return ErrNothingOpens
		}
		return makeReady(ctx, SQLiteConfig{Path: part, Access: ToServe, Seal: seal}, "the store was damaged that this one was saved from",
			AuditRecord{At: d.Now, Who: by, What: "salvage", About: "the damaged store " + filepath.Base(d.Path)})
	})
	if err == nil {
		err = giveName(part, to)
	}
	if err != nil {
		return fail(err)
	}
	return found, nil
}

// fill makes a store of the version that the damaged one has, with the rows that are kept.
func (d Doctor) fill(ctx context.Context, w *wounded, s *sieve, path string) error {
	version, err := versionOf(w.session)
	names, unnamed := migrationNames()
	if unnamed != nil {
		return unnamed
	}
	switch {
	case err != nil || version == 0:
		version = len(names) // nothing tells, and most are of this one
	case version > len(names):
		return newerVersion(version, len(names))
	}
	if err := prepareFile(ctx, path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.address())
	if err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	target, err := firstSession(ctx, db, sqliteDialect())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	err = target.transact(ctx, target.beginChange, func(target *session) error {
		for i := range version {
			if err := runMigration(ctx, target, s.seal, i, names[i]); err != nil {
				return err
			}
		}
		put := putter{session: target, columns: map[string]map[string]bool{}}
		if err := s.all(ctx, w, put.row); err != nil {
			return err
		}
		_, err := target.exec("UPDATE version SET value = ?", s.version+1)
		return err
	})
	return errors.Join(err, target.close(), db.Close())
}

// putter adds rows to a new store.
type putter struct {
	*session

	columns map[string]map[string]bool
}

// row adds one, as far as the table has such columns. One that the table does not take is none of its rows.
func (p putter) row(table string, r row) (bool, error) {
	has, err := p.columnsOf(table)
	if err != nil {
		return false, err
	}
	var columns []string
	var values []any
	for i, name := range r.columns {
		if has[name] {
			columns, values = append(columns, name), append(values, r.values[i])
		}
	}
	if len(columns) == 0 {
		return false, nil
	}
	_, err = p.exec("INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")", values...)
	var refused *sqlite.Error
	if errors.As(err, &refused) && refused.Code()&0xff == sqlite3.SQLITE_CONSTRAINT {
		return false, nil
	}
	return err == nil, err
}

func (p putter) columnsOf(table string) (map[string]bool, error) {
	if has, ok := p.columns[table]; ok {
		return has, nil
	}
	has := map[string]bool{}
	err := p.rows("SELECT name FROM pragma_table_info(?)", []any{table}, func(rows scanner) error {
		var name string
		err := rows.Scan(&name)
		has[name] = true
		return failure(err)
	})
	p.columns[table] = has
	return has, err
}
