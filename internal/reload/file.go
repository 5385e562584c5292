package reload

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"idaas-ldap/mapping"
)

// File is a mapping file and the set that is in force because of it. Its methods may be called by many goroutines.
type File struct {
	path    string
	observe func(Result)
	set     atomic.Pointer[mapping.Set]

	mu      sync.Mutex // guards what follows, and lets one reload happen at a time
	inForce []byte     // what was read when the set in force was made
	refused []byte     // what was read and refused since, nil where it could not be read
	reason  error      // why it was refused, nil if the file and the set in force are the same
}

// Result is what came of reading a file that had changed.
type Result struct {
	Path string
	// Err says why the file was refused and the mapping in force stays; nil where what the file says is in force.
	Err error
}

// Load reads a mapping file, compiles it and runs the tests in it. The error is a [*mapping.Errors] or a [*TestsFailed]
// where the file is wrong. Observe is told of every later change, and may be nil.
func Load(path string, observe func(Result)) (*File, error) {
	if observe == nil {
		observe = func(Result) {}
	}
	f := &File{path: filepath.Clean(path), observe: observe}
	source, err := f.read()
	if err != nil {
		return nil, err
	}
	set, err := compile(f.path, source)
	if err != nil {
		return nil, err
	}
	f.inForce = source
	f.set.Store(set)
	return f, nil
}

// Set returns the mapping in force. Whoever works on something asks once and keeps the answer for all of it.
func (f *File) Set() *mapping.Set { return f.set.Load() }

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Refused returns why the file is not in force as it is now, nil if it is.
func (f *File) Refused() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reason
}

// Reload reads the file again. Where it says the same as before nothing happens and nobody is told.
func (f *File) Reload() {
	f.mu.Lock()
	defer f.mu.Unlock()
	source, err := f.read()
	switch {
	case err != nil:
		if f.reason == nil || f.refused != nil || f.reason.Error() != err.Error() {
			f.refuse(nil, err)
		}
	case bytes.Equal(source, f.inForce):
		if f.reason != nil { // a bad edit was taken back
			f.accept(source)
		}
	case f.refused != nil && bytes.Equal(source, f.refused):
	default:
		set, err := compile(f.path, source)
		if err != nil {
			f.refuse(source, err)
			return
		}
		f.set.Store(set)
		f.accept(source)
	}
}

func (f *File) accept(source []byte) {
	f.inForce, f.refused, f.reason = source, nil, nil
	f.observe(Result{Path: f.path})
}

func (f *File) refuse(source []byte, reason error) {
	f.refused, f.reason = source, reason
	f.observe(Result{Path: f.path, Err: reason})
}

// read returns what the file holds, never nil.
func (f *File) read() ([]byte, error) {
	source, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("read the mapping: %w", err)
	}
	return append([]byte{}, source...), nil
}

func compile(path string, source []byte) (*mapping.Set, error) {
	set, err := mapping.Compile(path, source)
	if err != nil {
		return nil, err //nolint:wrapcheck // Every problem in it names the file and its place.
	}
	for _, result := range set.RunTests() {
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
