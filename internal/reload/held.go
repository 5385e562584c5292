package reload

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Held is something that is made from files and stays in force until they say something else that is good. Its methods may be
// called by many goroutines.
type Held[T any] struct {
	what    string
	paths   []string
	build   func(files [][]byte, before *T) (T, error)
	observe func(Result)
	value   atomic.Pointer[T]

	mu      sync.Mutex // guards what follows, and lets one reload happen at a time
	inForce digest     // of what was read when the value in force was made
	refused digest     // of what was read and refused since, zero where it could not be read
	reason  error      // why it was refused, nil if the files and the value in force are the same
}

// digest tells whether files have changed, without keeping what they hold: some hold secrets.
type digest [sha256.Size]byte

// Result is what came of reading files that had changed.
type Result struct {
	// What was read again, for people, and Path, the first of its files.
	What, Path string
	// Err says why the files were refused and what was in force stays; nil where what they say is in force.
	Err error
}

// Hold makes something from files, which are named in the order in which build gets what they hold, without byte order marks. What
// it is, is said in messages. Build is told what is in force, nil at first, and must not keep what it is given. Observe is told of every later change, and may be nil.
func Hold[T any](what string, paths []string, build func(files [][]byte, before *T) (T, error), observe func(Result)) (*Held[T], error) {
	if observe == nil {
		observe = func(Result) {}
	}
	h := &Held[T]{what: what, build: build, observe: observe}
	for _, path := range paths {
		h.paths = append(h.paths, filepath.Clean(path))
	}
	files, sum, err := h.read()
	if err != nil {
		return nil, err
	}
	value, err := build(files, nil)
	if err != nil {
		return nil, err
	}
	h.inForce = sum
	h.value.Store(&value)
	return h, nil
}

// Value returns what is in force. Whoever works on something asks once and keeps the answer for all of it.
func (h *Held[T]) Value() T { return *h.value.Load() }

// What says what it is.
func (h *Held[T]) What() string { return h.what }

// Paths returns the files.
func (h *Held[T]) Paths() []string { return h.paths }

// Refused returns why the files are not in force as they are now, nil if they are.
func (h *Held[T]) Refused() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reason
}

// Reload reads the files again. Where they say the same as before nothing happens and nobody is told.
func (h *Held[T]) Reload() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if accept, err := h.look(); err == nil {
		accept()
	}
}

// Check reads the files and says whether they are good as they are now, and puts nothing in force.
func (h *Held[T]) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.look()
	return err
}

// look reads the files and makes what they say. Files that are refused as they were before are said to be so, and nobody is told
// again.
func (h *Held[T]) look() (accept func(), err error) {
	files, sum, err := h.read()
	switch {
	case err != nil:
		if h.reason == nil || h.refused != (digest{}) || h.reason.Error() != err.Error() {
			h.refuse(digest{}, err)
		}
		return nil, err
	case sum == h.inForce:
		return func() {
			if h.reason != nil { // a bad edit was taken back
				h.accept(sum)
			}
		}, nil
	case h.reason != nil && sum == h.refused:
		return nil, h.reason
	}
	value, err := h.build(files, h.value.Load())
	if err != nil {
		h.refuse(sum, err)
		return nil, err
	}
	return func() {
		h.value.Store(&value)
		h.accept(sum)
	}, nil
}

func (h *Held[T]) accept(sum digest) {
	h.inForce, h.refused, h.reason = sum, digest{}, nil
	h.observe(h.result(nil))
}

func (h *Held[T]) refuse(sum digest, reason error) {
	h.refused, h.reason = sum, reason
	h.observe(h.result(reason))
}

func (h *Held[T]) result(err error) Result {
	r := Result{What: h.what, Err: err}
	if len(h.paths) > 0 {
		r.Path = h.paths[0]
	}
	return r
}

// byteOrderMark may stand in front of a text in UTF-8; editors of one system write it.
var byteOrderMark = []byte("\ufeff")

// read returns what the files hold.
func (h *Held[T]) read() (files [][]byte, sum digest, err error) {
	all := sha256.New()
	for _, path := range h.paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, sum, &ReadError{What: h.what, Path: path, Err: err}
		}
		_ = binary.Write(all, binary.BigEndian, int64(len(raw))) // a hash takes everything
		_, _ = all.Write(raw)
		files = append(files, bytes.TrimPrefix(raw, byteOrderMark))
	}
	copy(sum[:], all.Sum(nil))
	return files, sum, nil
}

// ReadError says that a file cannot be read.
type ReadError struct {
	What, Path string
	Err        error
}

// Error names the file once.
func (e *ReadError) Error() string {
	return fmt.Sprintf("read %s from %s: %v", e.What, e.Path, e.Reason())
}

// Reason is the cause without the name of the file.
func (e *ReadError) Reason() error {
	var at *fs.PathError
	if errors.As(e.Err, &at) {
		return at.Err
	}
	return e.Err
}

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }
