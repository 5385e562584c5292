package workbench_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/internal/workbench"
)

var at = time.Date(2026, 11, 28, 21, 5, 35, 0, time.UTC)

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func opened(t *testing.T, path string) workbench.File {
	t.Helper()
	file, err := workbench.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func content(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The former file is kept under a name that says when, each time another one; the new one has its mode and its ends of lines, and nothing
// else is left in the folder.
func TestAFileIsReplacedAndTheFormerOneKept(t *testing.T) {
	path := written(t, "a: 1\r\nb: 2\r\n")
	for i, want := range []string{"mapping.yaml.20261128T210535Z", "mapping.yaml.20261128T210535Z-2"} {
		before := content(t, path)
		file := opened(t, path)
		kept, err := workbench.Replace(path, file.Digest, file.Source+"c: 3\n", at)
		if err != nil || filepath.Base(kept) != want || content(t, kept) != before {
			t.Fatalf("%d: %s is kept: %v", i, kept, err)
		}
	}
	if got := content(t, path); got != "a: 1\r\nb: 2\r\nc: 3\r\nc: 3\r\n" {
		t.Errorf("it says %q", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v: %v", info.Mode(), err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 3 {
		t.Errorf("there are %v: %v", names, err)
	}
}

// What somebody else has written meanwhile stays, and so does what the link of a name leads to.
func TestAFileThatHasChangedIsNotReplaced(t *testing.T) {
	path := written(t, "a: 1\n")
	file := opened(t, path)
	if err := os.WriteFile(path, []byte("a: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := workbench.Replace(path, file.Digest, "a: 3\n", at); !errors.Is(err, workbench.ErrChanged) || content(t, path) != "a: 2\n" {
		t.Errorf("%q: %v", content(t, path), err)
	}
	name := filepath.Join(t.TempDir(), "named.yaml")
	if err := os.Symlink(path, name); err != nil {
		t.Fatal(err)
	}
	kept, err := workbench.Replace(name, opened(t, name).Digest, "a: 4\n", at)
	if info, statErr := os.Lstat(name); err != nil || statErr != nil || info.Mode()&os.ModeSymlink == 0 || content(t, path) != "a: 4\n" || filepath.Dir(kept) != filepath.Dir(path) {
		t.Errorf("%q, kept %s: %v", content(t, path), kept, err)
	}
}

func TestWhatNobodyCouldEditIsNotOpened(t *testing.T) {
	for name, text := range map[string]string{"too long": strings.Repeat("a", workbench.MaxSource+1), "no text": "a\x00b", "no UTF-8": "a\xff"} {
		if _, err := workbench.OpenFile(written(t, text)); err == nil {
			t.Errorf("%s: it is opened", name)
		}
	}
	path := written(t, "a: 1\n")
	if _, err := workbench.Replace(path, opened(t, path).Digest, strings.Repeat("a", workbench.MaxSource+1), at); !errors.Is(err, workbench.ErrTooLong) {
		t.Error(err)
	}
}

// What somebody else writes between the first look and the last moment stays as well.
func TestAFileThatChangesMeanwhileIsNotReplaced(t *testing.T) {
	path := written(t, "a: 1\n")
	file := opened(t, path)
	if err := os.WriteFile(path, []byte("a: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := file.ReplaceOpened("a: 3\n"); !errors.Is(err, workbench.ErrChanged) || content(t, path) != "a: 2\n" {
		t.Errorf("%q: %v", content(t, path), err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("there are %v: %v", names, err)
	}
}
