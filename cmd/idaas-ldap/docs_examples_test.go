package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shownBy says which test runs the examples of a page, or lets the program parse them that would run them.
type shownBy struct {
	// as is what stands behind the fence: a language, and for some what the example is for.
	as string
	// pages are those that have them; none for all. Of each there are so many, so that another one is not taken for tried.
	pages []string
	count int
	// test is the function, in a package.
	folder, test string
}

// examples are all that the documentation has. Those in Chinese are the same ones (TestDocumentationIsTheSameInBothLanguages).
var examples = []shownBy{
	{"yaml file", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"yaml mapping", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"yaml event", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"ldif before", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"ldif after", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"text after", []string{"mapping.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"text wrong", []string{"mapping.md", "migrating.md"}, 0, "mapping", "TestDocumentationIsTrue"},
	{"yaml step", []string{"mapping.md"}, 0, "mapping", "TestStepsOfTheDocumentationLeadToItsExample"},
	{"yaml prometheus", []string{"metrics.md"}, 1, "configs", "TestPrometheusTakesTheExample"},
	{"yaml", nil, 0, "cmd/idaas-ldap", "TestFilesOfTheDocumentationFitTheirSchema"},
	{"sh", []string{"README.md"}, 6, "cmd/idaas-ldap", "TestOpenLDAPReadmeEndsWithALogin"},
	{"sh dsconf", []string{"389ds.md"}, 1, "cmd/idaas-ldap", "Test389DSRightsOfThePage"},
	{"sh", nil, 0, "cmd/idaas-ldap", "TestLinesForTheShellCanBeTyped"},
	{"bat", []string{"windows.md"}, 2, "cmd/idaas-ldap", "TestLinesForWindowsCanBeTyped"},
	{"ldif", []string{"openldap.md"}, 1, "cmd/idaas-ldap", "TestOpenLDAPRightsOfThePage"},
	{"ldif change", []string{"openldap.md"}, 1, "cmd/idaas-ldap", "TestOpenLDAPRightsOfThePage"},
	{"text rights", []string{"openldap.md"}, 2, "cmd/idaas-ldap", "TestOpenLDAPRightsOfThePage"},
	{"text setting", []string{"openldap.md"}, 3, "cmd/idaas-ldap", "TestOpenLDAPRightsOfThePage"},
	{"ldif", []string{"389ds.md"}, 1, "cmd/idaas-ldap", "Test389DSRightsOfThePage"},
	{"text rights", []string{"389ds.md"}, 1, "cmd/idaas-ldap", "Test389DSRightsOfThePage"},
	{"text setting", []string{"389ds.md"}, 1, "cmd/idaas-ldap", "Test389DSRightsOfThePage"},
	{"text rights", []string{"active-directory.md"}, 1, "cmd/idaas-ldap", "TestSambaValidate"},
	{"ldif change", []string{"active-directory.md"}, 1, "cmd/idaas-ldap", "TestSambaValidate"},
	{"sql", []string{"scale.md"}, 1, "cmd/idaas-ldap", "TestPostgresGetsAStoreThatWasInAFile"},
	{"json", []string{"notification.md"}, 1, "internal/notify", "TestGenericWebhookIsWhatThePageShows"},
	{"xml", []string{"migrating.md"}, 1, "cmd/idaas-ldap", "TestForeignExamplesAreWellFormed"},
	{"text drawing", []string{"README.md"}, 1, "cmd/idaas-ldap", "TestEveryExampleIsTried"},
}

// opened is what begins a block of a page, with what stands behind the fence.
var opened = regexp.MustCompile("(?m)^ *```(.+)?\n(?s:.*?)^ *```$")

// Every example says what it is in, and belongs to a test that is there.
func TestEveryExampleIsTried(t *testing.T) {
	found := map[*shownBy]map[string]int{}
	for page, source := range documentation(t, "English") {
		for _, block := range opened.FindAllStringSubmatch(source, -1) {
			i := slices.IndexFunc(examples, func(e shownBy) bool { return e.as == block[1] && (e.pages == nil || slices.Contains(e.pages, page)) })
			if i < 0 {
				t.Errorf("%s: no test tries this example: write behind the fence what it is in, and say in the list which test runs it:\n%s", page, block[0])
				continue
			}
			if found[&examples[i]] == nil {
				found[&examples[i]] = map[string]int{}
			}
			found[&examples[i]][page]++
		}
	}
	for i, e := range examples {
		for _, page := range e.pages {
			if n := found[&examples[i]][page]; n == 0 || e.count > 0 && n != e.count {
				t.Errorf("%s has %d examples in %s, of which %s tries %d", page, n, e.as, e.test, e.count)
			}
		}
		tests, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(e.folder), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		isThere := slices.ContainsFunc(tests, func(path string) bool {
			source, err := os.ReadFile(path)
			return err == nil && strings.Contains(string(source), "\nfunc "+e.test+"(t *testing.T) {")
		})
		if !isThere {
			t.Errorf("there is no %s in %s", e.test, e.folder)
		}
	}
}

// exampleOf returns the one example of an English page in a language.
func exampleOf(t *testing.T, page, as string) string {
	t.Helper()
	found := regexp.MustCompile("(?ms)^```"+as+"\n(.*?)^```$").FindAllStringSubmatch(documentation(t, "English")[page], -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d examples in %s", page, len(found), as)
	}
	return found[0][1]
}

// What belongs to another product is at least what that could read.
func TestForeignExamplesAreWellFormed(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader("<task>" + exampleOf(t, "migrating.md", "xml") + "</task>"))
	elements := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, is := token.(xml.StartElement); is {
			elements++
		}
	}
	if elements < 5 {
		t.Errorf("there are %d elements", elements)
	}
}

// What is typed on Windows is our program, what lies in the archive, or the tool for services with what install.cmd gives it too.
func TestLinesForWindowsCanBeTyped(t *testing.T) {
	install, err := os.ReadFile(filepath.Join("..", "..", "configs", "windows", "install.cmd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```bat\n(.*?)^```$").FindAllStringSubmatch(documentation(t, "English")["windows.md"], -1) {
		for line := range strings.Lines(block[1]) {
			if err := typedOnWindows(t, strings.TrimSpace(line), string(install)); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

func typedOnWindows(t *testing.T, line, install string) error {
	t.Helper()
	program, rest, _ := strings.Cut(line, " ")
	switch program {
	case "cd", "install.cmd":
		return nil
	case "idaas-ldap.exe":
		_, err := docsParser(t).Parse(strings.Fields(rest))
		return err //nolint:wrapcheck // The line is named beside it.
	case "sc.exe":
		if inside := regexp.MustCompile(`idaas-ldap\.exe (serve [^"]*)"`).FindStringSubmatch(rest); inside != nil {
			if _, err := docsParser(t).Parse(strings.Fields(inside[1])); err != nil {
				return err //nolint:wrapcheck // The line is named beside it.
			}
		}
		verb := strings.Join(strings.Fields(rest)[:2], " ")
		ours := regexp.MustCompile(`(?m)^sc\.exe ` + verb + `\b.*$`).FindString(install)
		if ours == "" {
			return fmt.Errorf("install.cmd has no sc.exe %s", verb)
		}
		for _, option := range regexp.MustCompile(`\b([a-zA-Z]+=) ("[^"]*"|\S+)`).FindAllStringSubmatch(rest, -1) {
			if option[1] != "binPath=" && !strings.Contains(ours, option[1]+" "+option[2]) {
				return fmt.Errorf("install.cmd says %s", ours)
			}
		}
		return nil
	}
	return fmt.Errorf("nobody knows the program %s", program)
}
