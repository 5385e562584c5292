package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What ends a command is told apart by its code: systemd starts the service again unless that cannot help.
func TestExitCodes(t *testing.T) {
	directory := startDirectory(t, "")
	folder := t.TempDir()
	good := writeConfig(t, folder, `listen: "127.0.0.1:0"`, `  - { id: app_example, jwks_url: "https://127.0.0.1:1/" }`, directory.URL())
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	absent := filepath.Join(folder, "absent")
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(name, old, with string) string {
		t.Helper()
		if !strings.Contains(string(raw), old) {
			t.Fatalf("the configuration has no %q", old)
		}
		return file(name, strings.Replace(string(raw), old, with, 1))
	}
	for _, c := range []struct {
		want int
		says string
		args []string
	}{
		{exitUsage, "--help", []string{"fly"}},
		{exitUsage, "say which events", []string{"events", "retry", "--config", good}},
		{exitUsage, "there is no directory nowhere", []string{"reconcile", "--config", good, "--directory", "nowhere"}},
		{exitConfig, "absent", []string{"serve", "--config", absent}},
		{exitConfig, "absent", []string{"plan", "--config", good, absent}},
		{exitConfig, "absent", []string{"test", absent}},
		{exitConfig, "absent", []string{"simulate", "--url", "http://127.0.0.1:1", "--signing-key", filepath.Join(folder, "sign.key"), "--file", absent}},
		{exitConfig, "unknown key", []string{"serve", "--config", edited("unknown.yaml", "store:", "sture:")}},
		{exitConfig, "absent.yaml", []string{"serve", "--config", edited("mapping.yaml", "openldap.yaml", "absent.yaml")}},
		{exitConfig, "it is a folder", []string{"serve", "--config", edited("store.yaml", "sqlite:store.db", "sqlite:.")}},
		{exitConfig, "it is a folder", []string{"events", "list", "--config", edited("store.yaml", "sqlite:store.db", "sqlite:.")}},
		{exitFailed, "no event x is recorded", []string{"events", "show", "--config", good, "x"}},
		{exitDone, "", []string{"events", "list", "--config", good}},
	} {
		code, _, errs := call(t, c.args...)
		if code != c.want || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, want %d with %q: %s", c.args, code, c.want, c.says, errs)
		}
	}
	if names, err := filepath.Glob(filepath.Join(folder, "store*")); err != nil || len(names) != 1 {
		t.Errorf("commands that only look have made %v (%v)", names, err)
	}
}

func TestTheUnitStartsAgainUnlessThatCannotHelp(t *testing.T) {
	unit, err := os.ReadFile("../../configs/systemd/idaas-ldap.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Restart=always", "RestartPreventExitStatus=64 78", "ExecReload=/bin/kill -HUP $MAINPID"} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + `$`).Match(unit) {
			t.Errorf("the unit does not say %s", line)
		}
	}
}
