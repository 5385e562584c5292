// Package audit keeps a log of what was written to directories: one line of JSON for each write, with what it was made for. Each line
// carries a keyed digest of itself and of the line before, so that one that was changed, removed, added or put elsewhere is found by whoever
// has the key.
//
//	lane -> [Begin]: for whom and why, in the context -> processor -> [Target.Apply] -> directory
//	                                                                        |-> [Log.Append]
//	[Verify] reads the files again, and the [End] that the store remembers says whether the last lines are there.
package audit
