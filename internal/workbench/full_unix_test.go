//go:build unix

package workbench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"idaas-ldap/internal/workbench"
)

// Where the disk takes no more in the middle of the write, the former file is as it was and nothing is left beside it. A limit on the size
// of files stands in for a disk that is full.
func TestAFullDiskLeavesTheFormerFile(t *testing.T) {
	const most = 4096
	for what, before := range map[string]string{"of the kept file": strings.Repeat("a", 2*most), "of the new file": "a: 1\n"} {
		path := written(t, before)
		file := opened(t, path)
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		_, err := workbench.Replace(path, file.Digest, strings.Repeat("b", 2*most), at)
		if undo := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); undo != nil {
			t.Fatal(undo)
		}
		if err == nil || content(t, path) != before {
			t.Errorf("in the middle %s: it holds %d bytes: %v", what, len(content(t, path)), err)
		}
		if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
			t.Errorf("in the middle %s: there are %v: %v", what, names, err)
		}
	}
}
