package app

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"idaas-ldap/mapping"
)

// LoadMapping reads and compiles a mapping file and runs the tests in it. The error is a *mapping.Errors where the file
// is wrong.
func LoadMapping(path string) (*mapping.Set, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the mapping: %w", err)
	}
	set, err := mapping.Compile(filepath.Clean(path), source)
	if err != nil {
		return nil, err
	}
	for _, result := range set.RunTests() {
		if result.Err != nil {
			return nil, &TestsFailed{File: path, Test: result.Name, Err: result.Err}
		}
	}
	return set, nil
}

// TestsFailed says that a mapping file is well-formed and does not do what its own tests ask for.
type TestsFailed struct {
	File, Test string
	Err        error
}

// Error names the first test that failed.
func (e *TestsFailed) Error() string {
	return fmt.Sprintf("%s: the test %q fails; 'idaas-ldap test %s' shows all\n%v", e.File, e.Test, e.File, e.Err)
}

// Unwrap returns what was different.
func (e *TestsFailed) Unwrap() error { return e.Err }

// currentMapping is the mapping in force; it can be replaced while events are worked on.
type currentMapping struct{ set atomic.Pointer[mapping.Set] }

func (c *currentMapping) get() *mapping.Set { return c.set.Load() }
