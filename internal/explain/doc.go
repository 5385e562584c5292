// Package explain tells the story of one object in one directory: what is known of it, what has happened, what the mapping
// wants, what the directory holds, and what is between the two. It reads and writes nothing, and it shows to nobody how
// that looks: that is for the command line and for the console. Passwords are never part of it.
package explain
