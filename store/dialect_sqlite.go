package store

import (
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDialect is how SQLite is spoken to.
func sqliteDialect() *dialect {
	return &dialect{
		words: strings.NewReplacer(
			"@identity@", "INTEGER PRIMARY KEY AUTOINCREMENT", // grows, and is never given twice
			"@bytes@", "BLOB", // compared byte by byte
			"@keyed@", "WITHOUT ROWID", // small rows that are kept in the order of their key
			"@statistics@", seedStatistics(), // PostgreSQL gathers its own
		).Replace,
		oneOf:       named,
		source:      valued,
		sizes:       jointSizes(0),
		hasTable:    "SELECT COUNT(*) FROM sqlite_schema WHERE name = ?",
		beginWrite:  "BEGIN IMMEDIATE", // one that begins as a reader may find later that it cannot write
		beginRead:   "BEGIN",
		beginChange: "BEGIN IMMEDIATE",
		beginAlone:  "BEGIN IMMEDIATE",
		lastNumber:  sqliteLastNumber,
		numberFrom:  sqliteNumberFrom,
		lasting:     true,
	}
}

func sqliteLastNumber(s *session, table, _ string) (last int64, err error) {
	_, err = s.row("SELECT seq FROM sqlite_sequence WHERE name = ?", []any{table}, &last)
	return last, err
}

func sqliteNumberFrom(s *session, table, _ string, last int64) error {
	n, err := s.exec("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", last, table)
	if err == nil && n == 0 {
		_, err = s.exec("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, last)
	}
	return err
}

func sqliteMayPass(err error) bool {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code() & 0xff { // the rest is the reason within the reason
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return true
	default:
		return false
	}
}
