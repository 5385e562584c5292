package acceptance_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"idaas-ldap/ldaptest"
)

// versionCell finds the version of a column in the list of directories, with which the document begins. The rest of the
// list is written by hand.
func versionCell(column string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(\| ` + regexp.QuoteMeta(column) + ` \| )([^|\n]*?)( \| )`)
}

// readVersion returns the version that the document has for a column.
func readVersion(document, column string) (version string, found bool) {
	list, _, _ := strings.Cut(document, "\n## ")
	cells := versionCell(column).FindStringSubmatch(list)
	if cells == nil {
		return "", false
	}
	return cells[2], true
}

// writeVersion puts a version into the list of directories.
func writeVersion(document, column, version string) string {
	list, rest, _ := strings.Cut(document, "\n## ")
	return versionCell(column).ReplaceAllString(list, "${1}"+version+"${3}") + "\n## " + rest
}

// release returns the first two numbers of a version. The others count corrections, with which a distribution mends what it
// has, so they tell nothing about what a server does.
func release(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// compareVersion fails where the document was written with another release of a server than the one that was just tried.
// With -update it gets this one's version.
func compareVersion(t *testing.T, column string, kind ldaptest.ServerKind) {
	t.Helper()
	source, err := os.ReadFile(eventsDocument)
	if err != nil {
		t.Fatal(err)
	}
	documented, found := readVersion(string(source), column)
	if !found {
		t.Fatalf("docs/events.md has no %q in its list of directories", column)
	}
	runs := ldaptest.Version(t, kind)
	if *update {
		if err := os.WriteFile(eventsDocument, []byte(writeVersion(string(source), column, runs)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if release(documented) != release(runs) {
		t.Errorf("docs/events.md says of %s what %s does, and this is %s; see what has changed, then run 'make events'", column, documented, runs)
	}
}

func TestEveryDirectoryHasAVersionInTheDocument(t *testing.T) {
	source, err := os.ReadFile(eventsDocument)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range columns {
		if version, _ := readVersion(string(source), column); strings.TrimSpace(version) == "" {
			t.Errorf("docs/events.md does not say which version %q is", column)
		}
	}
}

// A correction of a server is no news, a release is.
func TestAReleaseIsToldFromACorrection(t *testing.T) {
	for version, want := range map[string]string{"2.5.13": "2.5", "2.5.19": "2.5", "2.50.1": "2.50", "4.17.12": "4.17", "3.0": "3.0", "3": "3", "": ""} {
		if got := release(version); got != want {
			t.Errorf("%q is a %q; want %q", version, got, want)
		}
	}
}

// Only the version is written, and only that of the column.
func TestAVersionIsReadAsItIsWritten(t *testing.T) {
	const before = "# Title\n\n| Column | Version | What |\n|---|---|---|\n| OpenLDAP | 2.5.13 | with `all` |\n| OpenLDAP, bare | 2.5.13 | none |\n\n## Users\n\n| OpenLDAP | 1 | 2 |\n"
	const after = "# Title\n\n| Column | Version | What |\n|---|---|---|\n| OpenLDAP | 2.6.3 | with `all` |\n| OpenLDAP, bare | 2.5.13 | none |\n\n## Users\n\n| OpenLDAP | 1 | 2 |\n"
	if got := writeVersion(before, "OpenLDAP", "2.6.3"); got != after {
		t.Errorf("it became\n%s", got)
	}
	for column, want := range map[string]string{"OpenLDAP": "2.6.3", "OpenLDAP, bare": "2.5.13", "389 DS": ""} {
		if got, found := readVersion(after, column); got != want || found != (want != "") {
			t.Errorf("%s: %q %t; want %q", column, got, found, want)
		}
	}
}
