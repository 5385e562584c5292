package receiver

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// How often the file is looked at: for any token, and for one that does not verify.
const (
	fileEvery = 10 * time.Second
	fileGap   = time.Second
)

// FileKeys is a key set in a file. The file is read again while tokens come in, so that a key that is taken out of it counts
// no more within a minute. While it cannot be read, the last good set stays in force.
type FileKeys struct {
	path  string
	log   logrus.FieldLogger
	clock func() time.Time

	mu      sync.Mutex
	keys    keySet
	content []byte
	looked  time.Time
	read    time.Time // when the set in force was last found in the file
	failure error
}

// NewFileKeys reads a key set from a file.
func NewFileKeys(path string, log logrus.FieldLogger, clock func() time.Time) (*FileKeys, error) {
	f := &FileKeys{path: path, log: log.WithField("file", path), clock: clock}
	f.look(0)
	switch {
	case f.failure != nil:
		return nil, f.failure
	case len(f.keys) == 0:
		return nil, fmt.Errorf("%s: %w", path, errNoUsableKey)
	}
	return f, nil
}

// Find returns the keys with an id.
func (f *FileKeys) Find(kid string) ([]*rsa.PublicKey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(fileEvery)
	if len(f.keys) == 0 {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoKeys, f.path, errNoUsableKey)
	}
	return f.keys[kid], nil
}

// Renew reads the file once more.
func (f *FileKeys) Renew(context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(fileGap)
}

// State tells whether there is a set to verify with, and what there is to say about it: ok, or what is wrong.
func (f *FileKeys) State() (loaded bool, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(fileEvery)
	switch {
	case f.failure != nil:
		return true, "refused, the one from before is in force: " + f.failure.Error()
	case len(f.keys) == 0:
		return true, errNoUsableKey.Error()
	}
	return true, "ok"
}

// Confirmed returns when the set in force was last found in the file.
func (f *FileKeys) Confirmed() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(fileEvery)
	return f.read
}

// look reads the file unless that was done less than a gap ago.
func (f *FileKeys) look(gap time.Duration) {
	now := f.clock()
	if !f.looked.IsZero() && now.Sub(f.looked) < gap {
		return
	}
	f.looked = now
	content, err := readBounded(f.path)
	if err == nil && f.content != nil && bytes.Equal(content, f.content) {
		f.failure, f.read = nil, now
		return
	}
	var keys keySet
	var leftOut []string
	if err == nil {
		if keys, leftOut, err = readKeySet(content); err != nil {
			err = fmt.Errorf("%s: %w", f.path, err)
		}
	}
	if err != nil {
		if f.keys != nil && (f.failure == nil || f.failure.Error() != err.Error()) {
			f.log.WithError(err).Error("the key set in the file cannot be used; the one from before stays in force")
		}
		f.failure = err
		return
	}
	logKeys(f.log, f.keys, keys, leftOut)
	if len(keys) == 0 {
		f.log.Error("the key set in the file holds no key for signatures; no token can be verified")
	}
	f.keys, f.content, f.failure, f.read = keys, content, nil, now
}

// readBounded reads a file of a size that a key set can have.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read jwks_file: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	content, err := io.ReadAll(io.LimitReader(file, maxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("read jwks_file: %w", err)
	}
	if len(content) > maxKeySet {
		return nil, errors.New("read jwks_file: it is larger than 1 MiB")
	}
	return content, nil
}
