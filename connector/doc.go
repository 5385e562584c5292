// Package connector is the LDAP side: connections to a directory, what kinds of server understand, and the processor that
// brings the entry of one object to what a mapping wants.
//
// [Directory] speaks LDAP: it keeps a few bound connections, finds entries, and makes one operation at a time, each ending
// in success or in an [*OutcomeError] that says what can be done about it. [Processor] asks the mapping, finds, plans and
// writes, and looks again on any doubt.
//
// The package keeps no durable state and never decides when something is tried again.
package connector
