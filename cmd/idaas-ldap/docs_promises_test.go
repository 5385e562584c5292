package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a row that names a test: its package and its name.
var proof = regexp.MustCompile("(?m)^\\| `\\./([^`]+)` \\| `(\\w+)` \\|")

// Each promise stands beside tests that show it, and each of them is there.
func TestTestsOfThePromisesAreThere(t *testing.T) {
	const promises = 6
	for language := range languages {
		parts := strings.Split(documentation(t, language)["promises.md"], "\n## ")[1:]
		if len(parts) < promises {
			t.Fatalf("%s: promises.md has %d parts", language, len(parts))
		}
		for _, part := range parts[:promises] {
			title, rows, _ := strings.Cut(part, "\n")
			named := proof.FindAllStringSubmatch(rows, -1)
			if len(named) == 0 {
				t.Errorf("%s: no test is named for %q", language, title)
			}
			for _, test := range named {
				if !testsOf(t, test[1])[test[2]] {
					t.Errorf("%s: %q names %s, which ./%s does not have", language, title, test[2], test[1])
				}
			}
		}
	}
}

// testsOf returns the names of the functions in the tests of a package.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if function, is := declared.(*ast.FuncDecl); is && function.Recv == nil {
				names[function.Name.Name] = true
			}
		}
	}
	return names
}
