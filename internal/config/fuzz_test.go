package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/internal/config"
)

// Whatever the file holds, it is loaded or refused with problems whose places exist.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range append(seeds, "testdata/valid.yaml", "testdata/minimal.yaml") {
		text, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := config.Load(path, environOf(text))
		if err == nil {
			if len(c.Applications) == 0 || len(c.Directories) == 0 {
				t.Fatal("an incomplete configuration was accepted")
			}
			return
		}
		var problems *config.Problems
		if !errors.As(err, &problems) {
			if len(text) <= 1<<20 {
				t.Fatalf("not a list of problems: %v", err)
			}
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems.List {
			if p.Message == "" || p.Position.Line > lines {
				t.Errorf("problem %q is beyond the %d lines of the file", p, lines)
			}
		}
	})
}
