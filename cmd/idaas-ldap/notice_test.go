package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notice is the file with the licences of what is linked into the program.
const notice = "../../NOTICE"

const noticeHead = `idaas-ldap

This product is licensed under the Apache License, Version 2.0; see LICENSE. Linked into the program are the modules
below, each under the terms that follow its name, and the standard library of Go under those of golang.org/x/sys.
`

var update = flag.Bool("update", false, "write NOTICE anew")

// NOTICE has the licence of every module that is linked into the program on any of the systems that it is built for.
func TestNoticeNamesWhatIsLinked(t *testing.T) {
	want := noticeHead
	for _, m := range linkedModules(t) {
		want += "\n" + strings.Repeat("=", 80) + "\n" + m.Path + "\n" + strings.Repeat("=", 80) + "\n\n" + m.terms(t)
	}
	if *update {
		if err := os.WriteFile(notice, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(notice)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("NOTICE does not say what is linked; write it with: go test ./cmd/idaas-ldap -run Notice -update")
	}
}

// Nothing is linked whose licence asks for more than to be named and, for MPL-2.0, for its own files.
func TestLicencesAreKnown(t *testing.T) {
	for _, m := range linkedModules(t) {
		terms := m.terms(t)
		if !slices.ContainsFunc(allowed, func(words string) bool { return strings.Contains(strings.Join(strings.Fields(terms), " "), words) }) {
			t.Errorf("%s has a licence that nobody has looked at", m.Path)
		}
	}
}

// allowed are words by which the licences show that are fine for what is linked: MIT, BSD, Apache-2.0, MPL-2.0.
var allowed = []string{
	"Permission is hereby granted, free of charge", "Redistribution and use in source and binary forms", "Apache License Version 2.0",
	"Mozilla Public License, version 2.0",
}

type module struct {
	Path, Dir string
	Main      bool
}

// linkedModules returns what is linked on any system, by name.
func linkedModules(t *testing.T) []module {
	t.Helper()
	found := map[string]module{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, processor := range []string{"amd64", "arm64"} {
			list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Module", ".")
			list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
			out, err := list.Output()
			if err != nil {
				t.Fatalf("list what is linked on %s/%s: %v", system, processor, err)
			}
			for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
				var p struct{ Module module }
				if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if p.Module.Path != "" && !p.Module.Main {
					found[p.Module.Path] = p.Module
				}
			}
		}
	}
	modules := make([]module, 0, len(found))
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.Path, b.Path) })
	return modules
}

// legal finds the files of a module that say under which terms it may be passed on.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|third-party)[-_.a-z0-9]*$`)

// terms returns all that a module says about its licence.
func (m module) terms(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.TrimSpace(strings.ReplaceAll(string(text), "\r", "")) + "\n\n")
	}
	if b.Len() == 0 {
		t.Errorf("%s says nothing about its licence", m.Path)
	}
	return b.String()
}
