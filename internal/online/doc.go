// Package online looks whether a directory takes what a mapping wants to write: that it answers, that its schema knows and
// allows it all, that the entries are there that others are below, that the bind account may write, and that users can be
// kept out and get passwords. What comes out are problems, each with its place in the mapping file where that is at fault.
// Nothing is written, unless it is asked for: then every act that the mapping can need is tried on entries that come and go.
package online
