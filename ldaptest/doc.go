// Package ldaptest is the directory of tests and of the demo. It is not for production: it keeps everything in memory,
// trusts its callers and forgets all when it ends.
//
// In go operations from any LDAP client, over a real TCP socket; out come the results, codes and entries that OpenLDAP's
// slapd would give, after the operation was checked against a real schema (RFC 4512). [Start] serves a directory in memory.
// Its faults ([Server.Fault], [Server.Down]) are made to happen at will, and its journal ([Server.Journal]) tells what was
// written. [StartSlapd] and its siblings start real servers with all their files in a temporary folder; [Require] says what
// happens where such a server is not installed.
//
// The directory in memory does what slapd 2.5 does with the core, cosine, inetorgperson and nis schemas, the overlays
// memberof and refint, and the essentials of ppolicy. A test runs the same random operations on both and compares every
// result code and the trees. It has no SASL, no referrals, no aliases, no access rules beyond who may write, and no replication.
//
// The package never reads the product's view of a directory: it imports names (plan.DN) and secrets, nothing else, because
// a simulation that shares our mistakes finds none of them.
package ldaptest
