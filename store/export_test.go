package store

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"idaas-ldap/plan"
)

// MakeOfVersion makes the database that a program made which knew so many migrations.
func MakeOfVersion(t *testing.T, path string, version int) {
	t.Helper()
	db, err := sql.Open("sqlite", SQLiteConfig{Path: path}.address())
	if err != nil {
		t.Fatal(err)
	}
	session, err := newSession(t.Context(), db, sqliteDialect())
	if err != nil {
		t.Fatal(err)
	}
	names, err := migrationNames()
	if err == nil {
		err = session.script(t.Context(), schemaVersion)
	}
	for i := 0; i < version && err == nil; i++ {
		err = runMigration(t.Context(), session, nil, i, names[i])
	}
	if err = errors.Join(err, session.close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// sessions calls look for each session of the store; a closed one has none left but that of the writer.
func (s *database) sessions(look func(*session)) {
	look(s.writer.session)
	for range s.readers.open {
		r, open := <-s.readers.idle
		if !open {
			return
		}
		look(r)
		s.readers.idle <- r
	}
}

// Statements returns the text of every statement that the store has run so far.
func Statements(s *SQLite) []string {
	var texts []string
	s.sessions(func(session *session) {
		for text := range maps.Keys(session.statements) {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	})
	slices.Sort(texts)
	return texts
}

// PostgresStatements returns the text of every statement that the store has run so far.
func PostgresStatements(s *Postgres) []string {
	var texts []string
	s.sessions(func(session *session) { texts = slices.AppendSeq(texts, maps.Keys(session.statements)) })
	return texts
}

// Prepares reports whether statements are kept prepared.
func Prepares(s *Postgres) bool { return len(s.dialect.args(nil)) > 0 }

// QueryOf returns the statement of a list.
func QueryOf(f Filter) string {
	query, _ := f.query()
	return query
}

// PlanOf returns the steps by which the store runs a statement, as SQLite tells them.
func PlanOf(t *testing.T, s *SQLite, statement string) []string {
	t.Helper()
	var steps []string
	err := s.readers.view(t.Context(), func(session *session) error {
		rows, err := session.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, slices.Repeat([]any{1}, strings.Count(statement, "?"))...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			steps = append(steps, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return steps
}

// Work is what a database has done.
type Work struct {
	// Steps are operations of SQLite's machine: some for each row that is visited, and none for what is skipped by an index.
	Steps float64
	// Statements were run so often, those aside that begin and end a transaction.
	Statements float64
	// Pages were written.
	Pages float64
	// Bytes were allocated by the program.
	Bytes float64
}

// WorkOf returns what the statements of a store have done so far.
func WorkOf(t *testing.T, s *SQLite) Work {
	t.Helper()
	tls := libc.NewTLS()
	defer tls.Close()
	var total Work
	s.sessions(func(session *session) {
		if err := session.conn.Raw(func(conn any) error {
			db := uintptr(reflect.ValueOf(conn).Elem().FieldByName("db").Uint())
			for statement := sqlite3.Xsqlite3_next_stmt(tls, db, 0); statement != 0; statement = sqlite3.Xsqlite3_next_stmt(tls, db, statement) {
				// The upkeep runs when its time has come, with transactions of its own.
				text := libc.GoString(sqlite3.Xsqlite3_sql(tls, statement))
				if text == session.beginWrite || text == "COMMIT" || strings.HasPrefix(text, "PRAGMA") {
					continue
				}
				total.Steps += float64(sqlite3.Xsqlite3_stmt_status(tls, statement, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 0))
				total.Statements += float64(sqlite3.Xsqlite3_stmt_status(tls, statement, sqlite3.SQLITE_STMTSTATUS_RUN, 0))
			}
			pages := tls.Alloc(8)
			defer tls.Free(8)
			if code := sqlite3.Xsqlite3_db_status(tls, db, sqlite3.SQLITE_DBSTATUS_CACHE_WRITE, pages, pages+4, 0); code != sqlite3.SQLITE_OK {
				return fmt.Errorf("the status of the database: %d", code)
			}
			total.Pages += float64(binary.NativeEndian.Uint32(libc.GoBytes(pages, 4)))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
	return total
}

// Populate lets the store know so many people, and groups with so many members each. Nothing is sealed, so nobody may load them:
// they are there to be in the way.
func Populate(tb testing.TB, s *SQLite, people, groups, members int) {
	tb.Helper()
	const counted = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
	unit := treeKey(plan.MustParseDN("ou=people,dc=example,dc=org"))
	err := s.writer.do(tb.Context(), func(t *tx) error {
		if people > 0 {
			if _, err := t.exec("INSERT INTO object (directory, kind, id, present, said, said_update, password, password_update, facts, link, dn, dn_key, removed, woke, login, label) "+counted+
				"SELECT 'corp', 'user', printf('user_%06d', i), TRUE, 5, 0, 0, 0, x'', printf('link of user_%06d', i), printf('uid=user_%06d,ou=people,dc=example,dc=org', i), "+
				"CAST(CAST(? AS TEXT) || printf('uid=user_%06d,', i) AS BLOB), 0, 1, printf('login_%06d', i), printf('label %06d', i) FROM n", people, unit); err != nil {
				return err
			}
		}
		if groups == 0 {
			return nil
		}
		_, err := t.exec("INSERT INTO membership (directory, grp, member, present, said, said_update) "+counted+
			"SELECT 'corp', 'g_' || (i / ?), printf('user_%06d', i % 8000), TRUE, 5, 0 FROM n", groups*members, members)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// PopulatePostgres lets a store on PostgreSQL know so many people more, of whom nothing is sealed, and has statistics gathered.
func PopulatePostgres(t *testing.T, s *Postgres, people int) {
	t.Helper()
	err := s.within(t.Context(), func(session *session) error {
		if err := session.script(t.Context(), `INSERT INTO object (directory, kind, id, present, said, said_update, password, password_update, facts, link, dn, dn_key, removed, woke, login, label)
			SELECT 'corp', 'user', n, TRUE, 5, 0, 0, 0, '', 'link of ' || n, 'uid=' || n || ',ou=people,dc=example,dc=org', CAST('ou=people,uid=' || n || ',' AS BYTEA), 0, 1, 'login ' || n, 'label ' || n
			FROM (SELECT 'user_`+strconv.Itoa(people)+`_' || i AS n FROM generate_series(1, `+strconv.Itoa(people)+`) AS i) AS names`); err != nil {
			return err
		}
		return session.gatherStatistics(t.Context())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// PathOf returns where a store is.
func PathOf(s *SQLite) string { return s.path }

// Bind marks the rows of a store as the migration does that brings marks.
func Bind(t *testing.T, s *SQLite) {
	t.Helper()
	session, err := newSession(t.Context(), s.db, s.dialect)
	if err == nil {
		err = errors.Join(bindRows(session, s.seal, "migrations/0000"+boundBy), session.close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// PopulateEvents lets the store have so many events in all states, half of them about one group. Nothing is sealed.
func PopulateEvents(tb testing.TB, s *SQLite, events int) {
	tb.Helper()
	const counted = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
	const object = "CASE WHEN i % 2 = 0 THEN 'g_1' ELSE printf('user_%06d', i) END"
	err := s.writer.do(tb.Context(), func(t *tx) error {
		if _, err := t.exec("INSERT INTO event (id, application, instance, event_id, type, kind, object, happened, updated, received, payload) "+counted+
			"SELECT i, 'app', 'idaas', printf('evt_%06d', i), 'ud:user:update_info', 'user', "+object+", i, i, i, x'' FROM n", events); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO delivery (seq, event, directory, kind, object, state, code, message, act) "+counted+
			`SELECT i, i, 'corp', 'user', `+object+`,
				CASE i % 8 WHEN 0 THEN 'held' WHEN 1 THEN 'failed' WHEN 2 THEN 'waiting' WHEN 3 THEN 'pending' ELSE 'done' END, 'GUARDED', 'because', 'delete' FROM n`, events)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Clear removes all that the store knows.
func Clear(t *testing.T, s *Postgres) {
	t.Helper()
	err := s.within(t.Context(), func(session *session) error {
		for _, table := range []string{
			"event", "delivery", "object", "membership", "work", "dependency", "number", "pool", "claim", "spent", "audit", "owner", "identity", "reading", "lease",
		} {
			if _, err := session.exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		_, err := session.exec("DELETE FROM meta WHERE name <> 'seal'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// PostgresPlanOf returns the steps by which PostgreSQL runs a statement where it has to look for something by an index if it can.
func PostgresPlanOf(t *testing.T, s *Postgres, statement string) []string {
	t.Helper()
	return postgresPlanWith(t, s, "SET LOCAL enable_seqscan = off; ", statement)
}

// PostgresPlanAsServed returns the steps by which PostgreSQL runs a statement by what it knows of the tables.
func PostgresPlanAsServed(t *testing.T, s *Postgres, statement string) []string {
	t.Helper()
	return postgresPlanWith(t, s, "", statement)
}

// Gather has statistics gathered about tables that have grown, as a store does from time to time.
func Gather(t *testing.T, s *Postgres) {
	t.Helper()
	if err := s.gather(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// HasGathered reports whether PostgreSQL has statistics about a table.
func HasGathered(t *testing.T, s *Postgres, table string) (has bool) {
	t.Helper()
	if err := s.within(t.Context(), func(session *session) error {
		_, err := session.row("SELECT reltuples > 0 FROM pg_catalog.pg_class WHERE relname = ? AND pg_catalog.pg_table_is_visible(oid)", []any{table}, &has)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return has
}

func postgresPlanWith(t *testing.T, s *Postgres, settings, statement string) []string {
	t.Helper()
	var steps []string
	err := s.within(t.Context(), func(session *session) error {
		if err := session.script(t.Context(), "BEGIN; "+settings+"SET LOCAL plan_cache_mode = force_generic_plan; PREPARE asked AS "+numbered()(statement)); err != nil {
			return err
		}
		defer func() { _, _ = session.exec("DEALLOCATE asked; ROLLBACK") }()
		execute := "EXECUTE asked"
		if n := strings.Count(statement, "?"); n > 0 {
			execute += "(" + strings.Join(slices.Repeat([]string{"NULL"}, n), ", ") + ")"
		}
		return session.rows("EXPLAIN "+execute, nil, func(row scanner) error {
			var step string
			err := row.Scan(&step)
			steps = append(steps, strings.TrimSpace(step))
			return err
		})
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return steps
}

// LeaseOf returns for how long others are kept away by who has a lease and is killed.
func LeaseOf(l Lease) time.Duration { return l.(*leased).of.leaseFor }

// Freeze keeps a lease from being renewed, as in a process that was stopped.
func Freeze(l Lease) {
	frozen := l.(*leased)
	frozen.once.Do(func() { close(frozen.stop) })
	frozen.done.Wait()
}

// HoldVersion begins a transaction that writes, and leaves it there.
func HoldVersion(t *testing.T, s *Postgres) {
	t.Helper()
	session, err := newSession(t.Context(), s.db, s.dialect)
	if err == nil {
		err = session.attach(t.Context())
	}
	if err == nil {
		_, err = session.exec(session.beginWrite)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.discard()
		session.detach()
	})
}

// Storable returns what is stored of a text in PostgreSQL, and what is read of that.
func Storable(text string) (stored, read string) {
	stored = storable([]any{text})[0].(string)
	if among := storable([]any{[]string{"a", text}})[0].([]string); !slices.Equal(among, []string{"a", stored}) {
		return "", strings.Join(among, " in an array, ")
	}
	read = stored
	restore([]any{&read})
	return stored, read
}

// ConnectionsOf returns what a store keeps open.
func ConnectionsOf(s *Postgres) sql.DBStats { return s.db.Stats() }

// FillTables puts rows with values of all kinds into every table of a store that a Carrying carries, and returns what is left out of the
// tables that there are.
func FillTables(t *testing.T, s *SQLite) (others []string) {
	t.Helper()
	texts := []string{"plain 名", "zero \x00", "no UTF-8 \xff", "mark " + textMark + "41", ""}
	err := s.writer.do(t.Context(), func(t *tx) error {
		return t.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", nil, func(row scanner) error {
			var name string
			err := row.Scan(&name)
			others = append(others, name)
			return err
		})
	})
	for _, table := range carriedTables {
		others = slices.DeleteFunc(others, func(name string) bool { return name == table.name })
		for i := range texts {
			if err == nil && table.name != "version" {
				err = s.writer.do(t.Context(), func(x *tx) error { return table.addRow(x, texts[i], i+1) })
			}
		}
	}
	if err == nil {
		err = s.writer.do(t.Context(), func(x *tx) error {
			_, err := x.exec("UPDATE version SET value = 77")
			return errors.Join(err, sqliteNumberFrom(x.session, "event", "id", 4000))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(others)
	return others
}

// addRow adds a row made of a text and a number. What may be empty is, in every second row.
func (t carriedTable) addRow(x *tx, text string, n int) error {
	var columns, marks []string
	var values []any
	if err := x.rows("SELECT name, type, \"notnull\" = 0 AND pk = 0 FROM pragma_table_info(?)", []any{t.name}, func(row scanner) error {
		var name, kind string
		var empty bool
		if err := row.Scan(&name, &kind, &empty); err != nil {
			return err
		}
		var value any
		switch {
		case empty && n%2 == 0:
		case kind == "TEXT":
			value = fmt.Sprint(name, " ", n, text)
		case kind == "BLOB":
			value = []byte(text)
		case kind == "BOOLEAN":
			value = n%2 == 0
		default:
			value = n
		}
		columns, marks, values = append(columns, name), append(marks, "?"), append(values, value)
		return nil
	}); err != nil {
		return err
	}
	_, err := x.exec("INSERT INTO "+t.name+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", values...)
	return err
}

// ContentOf returns the digests of all tables of a store, and the last number that was given to an event.
func ContentOf(t *testing.T, s Store) (tables []Carried, last int64) {
	t.Helper()
	read := func(session *session) (err error) {
		if tables, err = digestAll(t.Context(), session); err == nil {
			last, err = session.lastNumber(session, "event", "id")
		}
		return err
	}
	var err error
	switch s := s.(type) {
	case *SQLite:
		err = s.readers.read(t.Context(), read)
	case *Postgres:
		err = s.readers.read(t.Context(), read)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tables, last
}
