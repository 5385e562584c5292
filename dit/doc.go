// Package dit is a directory information tree in memory (RFC 4512 section 2): entries, their schema, filters, and what becomes
// of them by add, modify, rename, delete, compare and a password that is set or tried.
//
// In go operations, out come entries or a [*Refusal] with the result code that slapd would give. It has no sockets and no
// sessions, reads no file and starts nothing: package ldaptest puts the wire in front of it. A [Directory] is for one goroutine
// at a time, and whoever shares it brings the lock.
//
// The tree does what slapd 2.5 does with the core, cosine, inetorgperson and nis schemas, the overlays memberof and refint, and
// the essentials of ppolicy. The tests of ldaptest run the same random operations on both.
//
// The package never reads the product's view of a directory: it imports names and operations (plan) and secrets, nothing else.
package dit
