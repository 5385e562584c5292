// Package processor brings the entry of one object to what a mapping wants.
//
// A [Task] says what is known of the object. The [Processor] asks the mapping, finds the entry, plans and writes, and looks
// again on any doubt; the [Result] says what came of it. It reaches the directory through [Target] and what is remembered
// through [Memory].
//
// The package keeps no state between two tasks and never decides when something is tried again.
package processor
