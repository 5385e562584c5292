package reload

import (
	"fmt"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// File is a mapping file and the set that is in force because of it.
type File = Held[*mapping.Set]

// Load reads a mapping file, compiles it and runs the tests in it. The error is a [*mapping.Errors] or a [*TestsFailed]
// where the file is wrong. Observe is told of every later change, and may be nil.
func Load(path string, observe func(Result)) (*File, error) {
	return Hold("the mapping", []string{path}, func(files [][]byte, _ **mapping.Set) (*mapping.Set, error) { return compile(path, files[0]) }, observe)
}

func compile(path string, source []byte) (*mapping.Set, error) {
	set, err := mapping.Compile(path, source)
	if err != nil {
		return nil, err //nolint:wrapcheck // Every problem in it names the file and its place.
	}
	for _, result := range mappingtest.Run(set) {
		if result.Err != nil {
			return nil, &TestsFailed{File: path, Line: result.Line, Test: result.Name, Err: result.Err}
		}
	}
	return set, nil
}

// TestsFailed says that a mapping file is well-formed and does not do what its own tests ask for.
type TestsFailed struct {
	File string
	// Line is where the test begins.
	Line int
	Test string
	Err  error
}

// Error names the first test that failed.
func (e *TestsFailed) Error() string {
	return fmt.Sprintf("%s:%d: the test %q fails; 'idaas-ldap test %s' shows all\n%v", e.File, e.Line, e.Test, e.File, e.Err)
}

// Unwrap returns what was different.
func (e *TestsFailed) Unwrap() error { return e.Err }
