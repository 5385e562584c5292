package store_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// mayRead are the steps that read more than they need, and why they may: a part of the statement, the step, and the reason.
var mayRead = []struct{ statement, step, reason string }{
	{"FROM version", "SCAN version", "it has one row"},
	{"UPDATE version", "SCAN version", "it has one row"},
	{"FROM schema_version", "SEARCH schema_version", "it has one row for each version"},
	{"FROM sqlite_schema", "SCAN sqlite_schema", "it has one row for each table"},
	{"FROM audit ORDER BY id DESC LIMIT", "SCAN audit", "it ends with the page, as the numbers are the order"},
	{"FROM delivery d CROSS JOIN", "SCAN d", "it goes from the newest on and ends with the page that a person asked for"},
	{"FROM delivery d CROSS JOIN", "SEARCH d USING INDEX delivery_unfinished (state=?)", "what is not settled is little, and the console sorts it"},
	{"FROM delivery d CROSS JOIN", "SEARCH d USING INDEX delivery_unfinished (state=? AND directory=?)", "the same"},
	{"SELECT member, present, said, said_update FROM membership", "SEARCH membership USING PRIMARY KEY (directory=? AND grp=?)", "whoever asks for all members gets them"},
	{"DELETE FROM membership WHERE directory = ? AND grp", "SEARCH membership USING PRIMARY KEY (directory=? AND grp=?)", "a group has ended with all its members"},
	{"membership WHERE directory = ? AND grp = ? AND rejoin", "SEARCH membership USING INDEX membership_rejoin (directory=? AND grp=?)", "it has only those who are back"},
	{"SELECT member, value FROM former_name", "SEARCH former_name USING INDEX former_name_of (directory=? AND grp=?)", "whoever asks for what is kept for a group gets it"},
	{"SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE state", "SCAN counted", "it ends with the limit, beyond which nobody is told a number"},
	{"SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE state = ?", "SEARCH delivery USING COVERING INDEX delivery_unfinished (state=? AND directory=?)", "the same"},
	{"ORDER BY directory, code LIMIT 1", "SEARCH delivery USING COVERING INDEX delivery_failed (directory>?)", "it ends with the first"},
	{"ORDER BY directory, code, act LIMIT 1", "SEARCH delivery USING COVERING INDEX delivery_held (directory>?)", "the same"},
	{"MAX(seq), 0) FROM delivery", "SEARCH delivery", "it ends with the last"},
	{"FROM sample WHERE at >= ?", "SCAN sample", "it has a row for each minute of a day"},
	{"SELECT state, COUNT(*)", "SEARCH delivery USING COVERING INDEX delivery_unfinished (state=? AND directory=?)", "what is not settled is what is counted"},
	{"FROM object WHERE directory = ? AND link <> ''", "SEARCH object USING INDEX object_by_link (directory=?)", "a person has accepted another directory, which concerns all of it"},
	{"SELECT object FROM reading", "SEARCH reading USING COVERING INDEX reading_by_stage (application=? AND kind=? AND stage=?)", "it ends with the limit, as the index has the order"},
	{"SELECT kind, object FROM reading", "SEARCH reading USING COVERING INDEX reading_by_stage (application=?)", "it ends with the limit, and all of it goes"},
	{"SELECT COUNT(*) FROM (SELECT 1 FROM object", "SEARCH object USING INDEX object_present (directory=? AND kind=?)", "it ends with the limit, which is where a guard need know no more"},
	{"SELECT COUNT(*) FROM (SELECT 1 FROM object", "SCAN counted", "as above"},
}

// allowance returns which of them allows a step, or less than zero.
func allowance(statement, step string) int {
	return slices.IndexFunc(mayRead, func(m struct{ statement, step, reason string }) bool {
		return strings.Contains(statement, m.statement) && step == m.step
	})
}

// fewValues are columns of which each value has very many rows.
var fewValues = []string{"directory", "kind", "state", "act", "pool", "application", "present", "grp", "stage"}

var narrowedBy = regexp.MustCompile(`\((.*)\)$`)

// narrows reports whether a step reads what it needs and little else: it looks for something of which there are few.
func narrows(step string) bool {
	if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "AUTOMATIC") {
		return step == "SCAN CONSTANT ROW" || strings.HasSuffix(step, "-ROW VALUES CLAUSE") // what the statement itself says
	}
	if !strings.HasPrefix(step, "SEARCH") {
		return true // a sort, or the head of steps with lines of their own: no more than these read
	}
	conditions := narrowedBy.FindStringSubmatch(step)
	if conditions == nil {
		return false
	}
	for condition := range strings.SplitSeq(conditions[1], " AND ") {
		column := strings.TrimRight(condition, "=<>?")
		if !slices.Contains(fewValues, column) {
			return true
		}
	}
	return false
}

// statements are those that stores have run.
type statements map[string]bool

// gatheredBy makes open gather the statements of the stores that it opens.
func (ran statements) gatheredBy(open func(t *testing.T) *store.SQLite) func(t *testing.T) store.Store {
	return func(t *testing.T) store.Store {
		t.Helper()
		s := open(t)
		t.Cleanup(func() {
			for _, statement := range store.Statements(s) {
				ran[statement] = true
			}
		})
		return s
	}
}

// readLittle checks that each statement, and every list that can be asked for, reads no more than it has to: in a new database, in
// one that was made before there were statistics, and where somebody has gathered others.
func (ran statements) readLittle(t *testing.T) {
	t.Helper()
	all := append(listQueries(), slices.Collect(maps.Keys(ran))...)
	slices.Sort(all)
	all = slices.Compact(all)
	folder := t.TempDir()
	old, analyzed := filepath.Join(folder, "old.db"), filepath.Join(folder, "analyzed.db")
	store.MakeOfVersion(t, old, 4)
	store.MakeOfVersion(t, analyzed, 4)
	alter(t, analyzed, "INSERT INTO membership (directory, grp, member, present, said, said_update) VALUES ('corp', 'g_1', 'user_1', TRUE, 1, 0)")
	alter(t, analyzed, "ANALYZE")
	for name, path := range map[string]string{"new": filepath.Join(folder, "new.db"), "of version 4": old, "with statistics of its own": analyzed} {
		t.Run(name, func(t *testing.T) {
			s := open(t, store.SQLiteConfig{Path: path})
			needed := make([]bool, len(mayRead))
			for _, statement := range all {
				for _, step := range store.PlanOf(t, s, statement) {
					if narrows(step) {
						continue
					}
					i := allowance(statement, step)
					if i < 0 {
						t.Errorf("%s\n\treads too much: %s", statement, step)
						continue
					}
					needed[i] = true
				}
			}
			for i, n := range needed {
				if !n {
					t.Errorf("no statement with %q needs %q any more", mayRead[i].statement, mayRead[i].step)
				}
			}
		})
	}
}

// needAll checks that there is no index without which every statement would still read no more than it has to.
func (ran statements) needAll(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, store.SQLiteConfig{Path: path})
	db := peek(t, path)
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	all := append(listQueries(), slices.Collect(maps.Keys(ran))...)
	for _, index := range column(t, db, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL") {
		run("BEGIN")
		run("DROP INDEX " + index)
		if !slices.ContainsFunc(all, func(statement string) bool {
			return slices.ContainsFunc(column(t, db, "EXPLAIN QUERY PLAN "+statement, slices.Repeat([]any{1}, strings.Count(statement, "?"))...), func(step string) bool {
				return !narrows(step) && allowance(statement, step) < 0
			})
		}) {
			t.Errorf("no statement reads too much without %s", index)
		}
		run("ROLLBACK")
	}
}

// listQueries returns the statements of all lists of events.
func listQueries() []string {
	var queries []string
	states := [][]event.State{nil, {event.Failed}, {event.Pending, event.Waiting}, {event.Done}}
	for bits := range 1 << 7 {
		for _, s := range states {
			f := store.Filter{States: s}
			for i, set := range []func(){
				func() { f.Directory = "corp" }, func() { f.Type = event.TypeUserPush }, func() { f.Object = "user_1" },
				func() { f.EventID = "evt_1" }, func() { f.Before = 7 }, func() { f.After = 5 },
				func() { f.Held = store.HeldSet{Directory: "corp", Code: event.CodeGuarded, Act: "delete"} },
			} {
				if bits&(1<<i) != 0 {
					set()
				}
			}
			queries = append(queries, store.QueryOf(f))
		}
	}
	return queries
}

// column returns the last column of all rows of a result.
func column(t *testing.T, db *sql.DB, query string, args ...any) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		into := slices.Repeat([]any{new(any)}, len(names))
		value := ""
		into[len(into)-1] = &value
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}
