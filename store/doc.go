// Package store is the durable memory of idaas-ldap: the events that were accepted and what became of them, what is known
// of each object, the entries they are linked to, numbers given out, and who did what.
//
// Everything that concerns a directory is kept once per directory, so that each directory has its own progress and one
// that is down holds up no other.
//
// Personal data is never readable on disk: payloads and facts are stored as JWEs (RFC 7516) made with the store's own
// key, and a password is removed as soon as its event is settled. The package never interprets a payload.
package store
