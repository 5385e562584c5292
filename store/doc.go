// Package store is the durable memory of idaas-ldap: the events that were accepted and what became of them, what is known
// of each object, the entries they are linked to, numbers given out, and who did what.
//
// Everything that concerns a directory is kept once per directory, so that each directory has its own progress and one
// that is down holds up no other. The store is also the queue: one row for each object says when it is to be looked at.
//
// [Store] is the interface; [SQLite] keeps it in one file, [Postgres] on a server that several processes may share. All writes of
// a process go through one goroutine that commits those that wait together, so that one sync to disk serves many callers; reading
// never waits for writing. The package conformance states every promise of the interface as a test.
//
// # What is readable on disk
//
// Fields of accounts, units and groups, the values owned in merged attributes, and passwords are stored as JWEs (RFC 7516)
// made with the store's own key, each bound to its place. A password is a JWE of its own, which is removed as soon as its
// event is settled. In the clear are what the store itself looks for and what lists show: ids, types and times of events
// and objects, memberships by id, DNs and the names in them, stable ids of entries, and the messages of outcomes. Passwords
// and fields are not.
//
// The package never interprets a payload, and reads no clock except for how long a caller waits and how often the files
// are tidied.
package store
