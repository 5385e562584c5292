// Package plan computes the smallest change that makes a directory entry say what it should say.
//
// In go what an entry is ([Entry]) and what the mapping wants it to be ([Desired]); out comes a [Plan]: the LDAP
// operations of RFC 4511 that lead from one to the other, in the order in which they are to be made, or none. The package
// also holds what both sides need to speak about entries: distinguished names ([DN], RFC 4514) and LDIF (RFC 2849).
//
// It does no input or output, reads no clock and logs nothing, so the plan that is shown is the plan that is made.
package plan
