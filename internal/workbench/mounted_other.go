//go:build !linux

package workbench

// mayRename has no way to find out without trying.
func mayRename(string) error { return nil }
