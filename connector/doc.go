// Package connector is the wire to a directory: connections, searches, operations, and what kinds of server understand.
//
// [Directory] speaks LDAP: it keeps a few bound connections, finds entries, and makes one operation at a time, each ending
// in success or in an [*OutcomeError] that says what can be done about it.
//
// The package keeps no durable state, knows no mapping, and never decides when something is tried again.
package connector
