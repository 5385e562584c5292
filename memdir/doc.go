// Package memdir is a directory in memory as a processor sees one: package dit under the words of package connector, with nothing
// of the wire in between.
//
// In go the searches and operations that connector.Directory takes, out come the entries and errors that it returns. Unit tests
// run on it, and so do the tests inside mapping files and plans that ask no server. What a server does badly for a while is
// switched on with [Directory.Suffer] and [Directory.Fault]. What a processor may rely on is held to be the same here, over the
// wire and on real servers by package processor/conformance. The package does no input or output.
package memdir
