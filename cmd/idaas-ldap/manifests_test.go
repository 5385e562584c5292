package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// started are the places of a manifest or an image in which this program is started, with its arguments.
var started = regexp.MustCompile(`(?m)(?:command: |args: |CMD |test: )\[(.*)\] *\}?$`)

// What images and manifests start are commands with flags that there are.
func TestCommandsOfManifestsAreKnown(t *testing.T) {
	paths, err := filepath.Glob("../../configs/kubernetes/*.yaml")
	if err != nil || len(paths) != 2 {
		t.Fatalf("there are %v: %v", paths, err)
	}
	for _, path := range append(paths, "../../configs/compose.yaml", "../../configs/Dockerfile") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tried := 0
		for _, m := range started.FindAllStringSubmatch(string(text), -1) {
			list := csv.NewReader(strings.NewReader(m[1])) // which is how such a list is written, too
			list.TrimLeadingSpace = true
			args, err := list.Read()
			if err != nil {
				t.Fatalf("%s: %s: %v", path, m[1], err)
			}
			switch args[0] {
			case "/usr/local/bin/idaas-ldap":
				args = args[1:]
			case "/usr/sbin/slapd", "CMD":
				continue
			}
			tried++
			if code, _, errs := call(t, append(args, "--help")...); code != 0 {
				t.Errorf("%s: %q: exit %d: %s", path, args, code, errs)
			}
		}
		if tried == 0 {
			t.Errorf("%s starts nothing", path)
		}
	}
}
