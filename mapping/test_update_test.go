package mapping_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"
)

// The tests of the shipped mappings can be written anew, with either end of lines: they still pass, nothing beside them is changed, and
// once more changes nothing at all.
func TestWithExpectations(t *testing.T) {
	files, err := filepath.Glob("../configs/mappings/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mappings: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"\n", "\r\n"} {
			before := "\ufeff" + strings.ReplaceAll(string(source), "\n", end)
			once := rewritten(t, before)
			if again := rewritten(t, once); again != once {
				t.Errorf("%s: what was rewritten is rewritten to something else", file)
			}
			if strings.ReplaceAll(once, end, "") != strings.ReplaceAll(strings.ReplaceAll(once, "\r", ""), "\n", "") {
				t.Errorf("%s: lines end in two ways", file)
			}
			for line := range strings.Lines(before) {
				if text := strings.TrimSpace(line); (strings.HasPrefix(text, "#") || strings.Contains(text, "event:")) && !strings.Contains(once, line) {
					t.Errorf("%s: %q is gone", file, line)
				}
			}
		}
	}
}

// rewritten writes all expectations of a mapping anew.
func rewritten(t *testing.T, source string) string {
	t.Helper()
	set := compile(t, source)
	expectations := map[int]string{}
	for i, test := range set.Tests() {
		if len(test.Expect) == 0 {
			continue
		}
		text, err := mappingtest.Expectation(set, test)
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		expectations[i] = text
	}
	out, err := set.WithExpectations([]byte(source), expectations)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range mappingtest.Run(compile(t, string(out))) {
		if result.Err != nil {
			t.Errorf("%s: %v", result.Name, result.Err)
		}
	}
	return string(out)
}

// A source that is not the one that was read is not rewritten.
func TestWithExpectationsOfAnotherSource(t *testing.T) {
	set := compile(t, string(everything(t)))
	var number int
	for i, test := range set.Tests() {
		if len(test.Expect) > 0 {
			number = i
		}
	}
	for _, source := range []string{"", "version: 1\n", strings.Repeat("x: 1\n", 500)} {
		if _, err := set.WithExpectations([]byte(source), map[int]string{number: "dn: uid=x,dc=example,dc=org\nchangetype: delete\n"}); err == nil {
			t.Errorf("%.20q is rewritten", source)
		}
	}
}
