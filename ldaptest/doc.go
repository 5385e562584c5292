// Package ldaptest is the directory of tests and of the demo. It is not for production: it keeps everything in memory,
// trusts its callers and forgets all when it ends.
//
// In go operations from any LDAP client, over a real TCP socket; out come the results, codes and entries that OpenLDAP's
// slapd would give, after the operation was checked against a real schema (RFC 4512). [Start] serves a directory in memory.
// Its faults ([Server.Fault], [Server.Suffer], [Server.Down]) are made to happen at will, and its journal ([Server.Journal]) tells what was
// written. [StartSlapd] and its siblings start real servers with all their files in a temporary folder; [Require] says what
// happens where such a server is not installed.
//
// The tree behind the wire is that of package dit. Tests run the same random operations on it and on slapd, and compare every
// result code, matched DN and response control, and the trees. It has no SASL, no referrals, no aliases, no access rules beyond
// who may write, and no replication. In these it is knowingly not slapd:
//
//   - An approximate filter (~=) is one for equality; slapd compares sounds.
//   - A certificate is any BER sequence, and is compared by nothing.
//   - slapd 2.5.13 gives up (80) when an entry is renamed below which an older one was moved, and answers a compare of
//     hasSubordinates with success where there is no entry. Here the one is done and the other is 32.
//   - The root DSE and the subschema say what is true of this server.
//
// The package never reads the product's view of a directory: beside the tree it imports names (plan.DN) and secrets, nothing else, because
// a simulation that shares our mistakes finds none of them.
package ldaptest
