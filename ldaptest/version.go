package ldaptest

import (
	"context"
	"os/exec"
	"regexp"
	"testing"
)

// versionFlags make each server say its version instead of starting.
var versionFlags = map[ServerKind]string{OpenLDAP: "-VV", DS389: "-v", Samba: "-V"}

var versionForm = regexp.MustCompile(`\d+\.\d+\.\d+`)

// Version returns the version of an installed server, such as 2.5.13, without what a distribution adds to it. It is asked of
// the program that the starters of this package run: not every server says it over LDAP.
func Version(tb testing.TB, kind ServerKind) string {
	tb.Helper()
	// How it ends says nothing: ns-slapd reports a failure after it has said its version.
	out, err := exec.CommandContext(context.Background(), binaries[kind], versionFlags[kind]).CombinedOutput()
	version := versionForm.FindString(string(out))
	if version == "" {
		tb.Fatalf("%s does not say its version: %v\n%s", kind, err, out)
	}
	return version
}
