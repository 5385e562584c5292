package store

import (
	"fmt"
	"strings"
)

// statistics is what SQLite's planner is to believe of each index, in the form of sqlite_stat1: the number of rows, then how many
// of them share the first column, the first two, and so on. Without it the planner takes every column for selective, believes
// that a directory has ten objects, and reads all of them. The figures are those of a large installation and the same for
// everyone, so that a statement is run on the first day as it is tested, and a table that was gathered from while it was empty
// never misleads. That is why nothing here runs ANALYZE or PRAGMA optimize.
var statistics = []struct{ table, index, rows string }{
	{"version", "", "1"},
	{"event", "sqlite_autoindex_event_1", "1000000 1 1"},
	{"event", "event_by_object", "1000000 10"},
	{"event", "event_by_time", "1000000 1 1"},
	{"delivery", "delivery_by_event", "1000000 1"},
	{"delivery", "delivery_open", "10000 5000 2500 1 1"},
	{"delivery", "delivery_unfinished", "20000 5000 2500"},
	{"delivery", "delivery_parked", "10000 5000 2500 1"},
	{"delivery", "delivery_failed", "5000 2500 500"},
	{"sample", "sqlite_autoindex_sample_1", "1440 1"},
	{"delivery", "delivery_held", "5000 2500 1000 500"},
	{"object", "sqlite_autoindex_object_1", "200000 100000 50000 1"},
	{"object", "object_by_dn", "200000 100000 1"},
	{"object", "object_present", "200000 100000 50000"},
	{"object", "object_by_link", "200000 100000 1"},
	{"object", "object_by_login", "200000 2 1 1 1"},
	{"object", "object_by_label", "200000 2 1 1 1"},
	{"membership", "membership", "1000000 500000 500 1"},
	{"membership", "membership_by_member", "1000000 500000 10"},
	{"membership", "membership_rejoin", "1000 500 10"},
	{"former_name", "former_name_of", "1000 500 10 1"},
	{"work", "work", "100000 50000 25000 1"},
	{"work", "work_by_due", "100000 50000 1"},
	{"owner", "owner", "200000 100000 50000 1"},
	{"identity", "identity", "10 2 1"},
	{"reading", "reading", "100000 50000 25000 1"},
	{"reading", "reading_by_stage", "100000 50000 25000 10000 1"},
	{"dependency", "dependency", "10000 5000 2500 2 1 1"},
	{"dependency", "dependency_on", "10000 5000 2500 2"},
	{"number", "number", "200000 100000 50000 1"},
	{"number", "number_by_object", "200000 100000 50000 25000 1"},
	{"pool", "pool", "10 5 2 1"},
	{"claim", "claim", "200000 100000 50000 2 1"},
	{"claim", "claim_by_value", "200000 100000 50000 1"},
	{"spent", "spent", "10000 5000 2500 1000 1"},
	{"spent", "spent_by_time", "10000 5000 2500 1"},
	{"audit", "audit_by_time", "10000 1"},
}

// seedStatistics returns the statements that put the statistics in the place of any others and have them read at once.
func seedStatistics() string {
	var s strings.Builder
	s.WriteString("ANALYZE sqlite_schema; DELETE FROM sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4;\n")
	for _, row := range statistics {
		index := "NULL"
		if row.index != "" {
			index = "'" + row.index + "'"
		}
		fmt.Fprintf(&s, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('%s', %s, '%s');\n", row.table, index, row.rows)
	}
	return s.String() + "ANALYZE sqlite_schema;"
}
