//go:build !linux && !darwin

package store

import "io/fs"

// mayWrite reports whether this process may write a file, or make files in a folder. Where the system does not tell, trying
// does.
func mayWrite(string) bool { return true }

// giveTo does nothing: a file belongs to whom its folder says.
func giveTo(string, fs.FileInfo) error { return nil }

// othersMayRead cannot tell: rights are not in the mode of a file here, but those of its folder.
func othersMayRead(fs.FileInfo, int) bool { return false }

// syncFolder does nothing: names are durable by themselves here, and a folder cannot be synced.
func syncFolder(string) error { return nil }
