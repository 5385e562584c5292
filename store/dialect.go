package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The statements and the schema of this package are SQL that SQLite and PostgreSQL understand alike. What SQLite says in
// its own way is in this file.

// ownWords are what stands in the migrations for that which has no common name.
var ownWords = strings.NewReplacer(
	"@identity@", "INTEGER PRIMARY KEY AUTOINCREMENT", // grows, and is never given twice
	"@bytes@", "BLOB", // compared byte by byte
	"@keyed@", "WITHOUT ROWID", // small rows that are kept in the order of their key
	"@statistics@", seedStatistics(), // PostgreSQL gathers its own
)

// beginWrite begins a transaction that is going to write: one that begins as a reader may find later that it cannot.
const beginWrite = "BEGIN IMMEDIATE"

// mayPass reports whether an error of the database is about its surroundings (disk full, disk broken, somebody else is
// writing), so that the same work may succeed later.
func mayPass(err error) bool {
	if errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
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
