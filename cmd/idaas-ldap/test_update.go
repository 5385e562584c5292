package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// updateTests writes into the tests of a mapping file what would be written now, where they expect another change, and returns the
// mapping as it is then. Tests that cannot be mended in this way stay as they are, and fail.
func updateTests(t terminal, path string, set *mapping.Set) (*mapping.Set, error) {
	tests := set.Tests()
	expectations := map[int]string{}
	for i, result := range mappingtest.Run(set) {
		if result.Err == nil || len(tests[i].Expect) == 0 {
			continue
		}
		text, err := mappingtest.Expectation(set, tests[i])
		if err != nil {
			continue // the test says so when it is run
		}
		expectations[i] = text
	}
	if len(expectations) == 0 {
		return set, nil
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, configError{fmt.Errorf("read the mapping: %w", err)}
	}
	updated, err := set.WithExpectations(source, expectations)
	if err != nil {
		return nil, err //nolint:wrapcheck // It names the place.
	}
	if err := replaceFile(path, updated); err != nil {
		return nil, err
	}
	fmt.Fprintf(t.Err, "%s: %d tests expect something else now; look at the difference\n", path, len(expectations))
	return compileMapping(path)
}

// replaceFile gives a file another content, whole or not at all. A link stays one.
func replaceFile(path string, content []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("replace the mapping: %w", err)
	}
	was, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("replace the mapping: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("replace the mapping: %w", err)
	}
	_, err = next.Write(content)
	if err = errors.Join(err, next.Chmod(was.Mode()&fs.ModePerm), next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace the mapping: %w", err), os.Remove(next.Name()))
	}
	return nil
}
