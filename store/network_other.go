//go:build !linux

package store

// refuseNetwork cannot tell on this system.
func refuseNetwork(string) error { return nil }

// freeSpace cannot tell on this system.
func freeSpace(string) int64 { return -1 }
