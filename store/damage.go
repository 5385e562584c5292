package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrDamaged says that SQLite cannot read the database as it is on the disk.
var ErrDamaged = errors.New("the database is damaged")

// damagedBy says what can be done about it.
func damagedBy(cause error) error {
	return fmt.Errorf("%w (%w): restore it from a backup, or move it away and start a full push in IDaaS", ErrDamaged, cause)
}

// isDamage reports whether an error of the database means that its file is not as SQLite has left it.
func isDamage(err error) bool {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return errors.Is(err, ErrDamaged)
	}
	code := refused.Code() & 0xff
	return code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT
}

// damage is what was found wrong with the file of a database that is in use. From then on nothing is written to it and nothing is
// concluded from it. Without one, as for a server, nothing is looked for. It is noted in a file beside it, so that whoever opens it next looks through all of it first.
type damage struct {
	path  string
	log   logrus.FieldLogger
	tell  func(error)
	once  sync.Once
	found atomic.Pointer[error]
}

// err returns what was found, nil as long as that is nothing.
func (d *damage) err() error {
	if d == nil {
		return nil
	}
	if found := d.found.Load(); found != nil {
		return *found
	}
	return nil
}

// look passes an error on, and remembers it where it tells of damage.
func (d *damage) look(err error) error {
	if d == nil || !isDamage(err) {
		return err
	}
	d.once.Do(func() {
		found := err
		if !errors.Is(err, ErrDamaged) {
			found = damagedBy(err)
		}
		// Whoever finds nothing ready any more finds it counted and in the log.
		if d.tell != nil {
			d.tell(found)
		}
		d.log.WithError(found).Error("the database is damaged: no events are taken in any more, and nothing is written to it or to the directories. Stop the service and restore the database from a backup, " +
			"or move it away and start a full push in IDaaS")
		d.found.Store(&found)
		if err := os.WriteFile(noteOfDamage(d.path), []byte(found.Error()+"\n"), 0o600); err != nil {
			d.log.WithError(err).Warn("that the database is damaged cannot be noted beside it, so it is found anew after a restart")
		}
	})
	return d.err()
}

// noteOfDamage is the file beside a database that says that it was found damaged.
func noteOfDamage(database string) string { return database + "-damaged" }

// sample looks at what tells damage at once, however large the database is: the counts in the header and the beginning of every table,
// which reads a page of each level.
func sample(ctx context.Context, conn *sql.Conn) error {
	var unused, all int64
	if err := conn.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&unused); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&all); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if unused > all {
		return damagedBy(fmt.Errorf("%d of its %d pages are said to be unused", unused, all))
	}
	tables, err := tableNames(ctx, conn)
	if err != nil {
		return err
	}
	for _, table := range tables {
		var one int
		if err := conn.QueryRowContext(ctx, `SELECT 1 FROM "`+table+`" NOT INDEXED LIMIT 1`).Scan(&one); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("check the table %s: %w", table, err)
		}
	}
	return nil
}

func tableNames(ctx context.Context, conn *sql.Conn) (names []string, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\"%'")
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		names = append(names, name)
	}
	return names, rows.Err() //nolint:wrapcheck // The caller names the file.
}
