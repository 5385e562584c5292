// Package mapping turns what is known of an IDaaS object into what its directory entry should be, by a file that an
// administrator edits.
//
// The source of a mapping file goes in ([Compile]); out comes a [Set], or every mistake of the file at once, each with its
// line and column. [Set.Desired] evaluates it for one object. Expressions are those of expr-lang/expr, checked against the
// fields of events when the file is read and kept on a short lead: no clock, no randomness, no loops within loops, and a
// bound on everything that can grow.
//
// DNs and filters are templates. What an expression puts into one is a value and never structure, so no name of a user,
// whatever it holds, can point to another entry.
//
// The package does no input or output, reads no clock and logs nothing.
package mapping
