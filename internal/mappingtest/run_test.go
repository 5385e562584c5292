package mappingtest_test

import (
	"os"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// testedAnd returns a mapping with everything that tests inside a file can show, without tests yet, and tests that pass, one by one.
func testedAnd(tb testing.TB) (tested string, passing []string) {
	tb.Helper()
	source, err := os.ReadFile("testdata/passing.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	const begin = "  - name: "
	tests := strings.Split(string(source), begin)
	for i, t := range tests[1:] {
		tests[i+1] = begin + t
	}
	return tests[0], tests[1:]
}

func TestTestsThatPass(t *testing.T) {
	tested, passing := testedAnd(t)
	set := compile(t, tested+strings.Join(passing, ""))
	results := mappingtest.Run(set)
	if len(results) != len(passing) {
		t.Fatalf("%d tests ran", len(results))
	}
	lines := strings.Split(tested+strings.Join(passing, ""), "\n")
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s:\n%v", r.Name, r.Err)
		}
		if !strings.Contains(lines[r.Line-1], r.Name) {
			t.Errorf("%s: line %d is %q", r.Name, r.Line, lines[r.Line-1])
		}
	}
}

// A test whose expectation is changed in any way fails.
func TestTestsFailWhereSomethingElseIsExpected(t *testing.T) {
	other := map[string]string{
		"expect_writes: 0": "expect_error: x", "expect_error: ": "expect_error: not ", "changetype: add": "changetype: delete", "changetype: modify": "changetype: add",
		"changetype: modrdn": "changetype: modify",
	}
	tested, passing := testedAnd(t)
	for i, test := range passing {
		expectation := test[strings.LastIndex(test, "    expect"):]
		changed := ""
		for from, to := range other {
			if strings.Contains(expectation, from) {
				changed = strings.TrimSuffix(test, expectation) + strings.Replace(expectation, from, to, 1)
			}
		}
		if changed == "" {
			t.Fatalf("test %d has no expectation that could be changed", i)
		}
		for _, r := range mappingtest.Run(compile(t, tested+changed)) {
			if r.Err == nil {
				t.Errorf("%s: passes with another expectation", r.Name)
			}
		}
	}
}

// compile compiles a mapping that is right.
func compile(tb testing.TB, source string) *mapping.Set {
	tb.Helper()
	set, err := mapping.Compile("mapping.yaml", []byte(source))
	if err != nil {
		tb.Fatal(err)
	}
	return set
}
