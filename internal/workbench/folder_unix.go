//go:build unix

package workbench

import (
	"os"

	"golang.org/x/sys/unix"
)

// mayMake reports why no file can be made in a folder, nil where one can.
func mayMake(folder string) error {
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return &os.PathError{Op: "write to", Path: folder, Err: err}
	}
	return nil
}
