package workbench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// errMounted says that a file is mounted by itself, as with subPath on Kubernetes, or with a file as a volume of a container.
var errMounted = errors.New("it is mounted by itself, so no other file can be put in its place; mount the folder that holds it")

// mayRename reports why no other file can be put in the place of one, nil where it can.
func mayRename(path string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil //nolint:nilerr // Without /proc only the rename itself can tell.
	}
	if isMounted(mounts, path) {
		return fmt.Errorf("%s: %w", path, errMounted)
	}
	return nil
}

// isMounted reports whether a path is itself a place of a mount, by the list of the kernel (proc_pid_mountinfo(5)).
func isMounted(mounts []byte, path string) bool {
	const place = 4
	for line := range bytes.Lines(mounts) {
		if fields := strings.Fields(string(line)); len(fields) > place && unescaped(fields[place]) == path {
			return true
		}
	}
	return false
}

// unescaped returns a field of the list, in which spaces, tabs, ends of lines and backslashes stand as three octal digits.
func unescaped(field string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(field, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		const digits = 3
		code, err := strconv.ParseUint(after[:min(digits, len(after))], 8, 8)
		if err != nil {
			b.WriteByte('\\')
			field = after
			continue
		}
		b.WriteByte(byte(code))
		field = after[min(digits, len(after)):]
	}
}
