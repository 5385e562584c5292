//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stranger is a user who owns nothing; root may write everywhere, so what may not be written is tried as that one.
const stranger = 65534

// A folder that may not be written is named by serve and validate alike, while events can be listed; nothing in it changes.
func TestAFolderThatMayNotBeWrittenIsNamed(t *testing.T) {
	s := newSetUp(t, startDirectory(t, ""))
	s.begun()
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "idaas-ldap")
	if err := os.WriteFile(program, binary, 0o700); err != nil { //nolint:gosec // It is to be run.
		t.Fatal(err)
	}
	root := os.Geteuid() == 0
	give := func(path string) {
		t.Helper()
		if !root {
			return
		}
		if err := os.Chown(path, stranger, stranger); err != nil {
			t.Fatal(err)
		}
	}
	give(program)
	give(filepath.Dir(program))
	give(filepath.Dir(s.folder)) // where the folders of this test are
	for _, pattern := range []string{"*", "data/*"} {
		found, err := filepath.Glob(filepath.Join(s.folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			give(path)
		}
	}
	give(s.folder)
	s.mode("data", 0o500)
	defer s.mode("data", 0o700)
	before := s.read("data/store.db")
	call := func(args ...string) (int, string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Args[0] = "idaas-ldap"
		if root {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		}
		out, err := cmd.CombinedOutput()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	config := s.path("idaas-ldap.yaml")
	for _, command := range []string{"serve", "validate"} {
		if code, said := call(command, "--config", config); code != exitConfig || !strings.Contains(said, "store.url: open the store") || !strings.Contains(said, "cannot be written by this user") {
			t.Errorf("%s: exit %d\n%s", command, code, said)
		}
	}
	if code, said := call("events", "list", "--config", config); code != exitDone || !strings.Contains(said, "no events") {
		t.Errorf("events list: exit %d\n%s", code, said)
	}
	if names, err := os.ReadDir(s.path("data")); err != nil || len(names) != 3 || s.read("data/store.db") != before {
		t.Errorf("there is %v, or the database was changed (%v)", names, err)
	}
}
