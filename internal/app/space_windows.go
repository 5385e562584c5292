package app

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// freeBytes returns what this process may still write where a folder is.
func freeBytes(folder string) (int64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	var free uint64
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("look how full the disk of %s is: %w", folder, err)
	}
	return int64(free), nil
}
