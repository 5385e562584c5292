package workbench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxSource is how long a mapping file may be, in bytes, that is edited.
const MaxSource = 256 << 10

// File is a mapping file as it is on disk.
type File struct {
	// Source is what it says, with lines that end in one character.
	Source string
	// Digest tells it from every other content.
	Digest string
	// ReadOnly says why it cannot be replaced, nil where it can.
	ReadOnly error

	mode fs.FileMode
	raw  []byte
	path string // beyond symbolic links
}

// Errors that say why a file is not replaced.
var (
	// ErrChanged: it is not what it was when it was opened.
	ErrChanged = errors.New("the file has changed since it was opened; open it again and make your edit there")
	// ErrTooLong: it is longer than is edited.
	ErrTooLong = fmt.Errorf("the file is longer than %d bytes; edit it on the machine itself", MaxSource)
	// ErrNoText: it is no text that a person could edit.
	ErrNoText = errors.New("the file is no text in UTF-8")
)

// OpenFile reads a mapping file.
func OpenFile(path string) (File, error) {
	actual, err := filepath.EvalSymlinks(path)
	if err != nil {
		return File{}, fmt.Errorf("open the mapping file: %w", err)
	}
	file, err := os.Open(actual)
	if err != nil {
		return File{}, fmt.Errorf("open the mapping file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return File{}, fmt.Errorf("open the mapping file: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(file, MaxSource+1))
	switch {
	case err != nil:
		return File{}, fmt.Errorf("read the mapping file: %w", err)
	case len(raw) > MaxSource:
		return File{}, fmt.Errorf("read %s: %w", path, ErrTooLong)
	case !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0:
		return File{}, fmt.Errorf("read %s: %w", path, ErrNoText)
	}
	return File{
		Source: plainLines(strings.TrimPrefix(string(raw), "\ufeff")), Digest: DigestOf(raw), ReadOnly: mayReplace(actual), mode: info.Mode().Perm(), raw: raw, path: actual,
	}, nil
}

// DigestOf tells one content from every other.
func DigestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// plainLines ends each line in one character. Browsers send two.
func plainLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// mayReplace looks whether a file can be written and another one put in its place, and changes nothing.
func mayReplace(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = mayMake(filepath.Dir(path))
	}
	if err == nil {
		err = mayRename(path)
	}
	if err != nil {
		return fmt.Errorf("the file can only be read here: %w", err)
	}
	return nil
}

// Replace puts another text in the place of a file that is what it was when it was opened, and keeps what was there beside it, under a
// name that says when. A reader sees the one or the other, and never a part.
func Replace(path, opened, source string, now time.Time) (kept string, err error) {
	former, err := OpenFile(path)
	switch {
	case err != nil:
		return "", err
	case former.Digest != opened:
		return "", ErrChanged
	case former.ReadOnly != nil:
		return "", former.ReadOnly
	case len(source) > MaxSource:
		return "", ErrTooLong
	}
	if kept, err = former.keep(now); err != nil {
		return "", fmt.Errorf("keep the former mapping file: %w", err)
	}
	if err := former.replace(source); err != nil {
		return "", errors.Join(fmt.Errorf("write the mapping file: %w", err), os.Remove(kept))
	}
	return kept, nil
}

// keptSuffix is how the name of a kept file says when it was replaced.
const keptSuffix = ".20060102T150405Z"

// mostKept is how many files may be kept in one second.
const mostKept = 100

// keep writes what the file holds to another one beside it.
func (f File) keep(now time.Time) (string, error) {
	name := f.path + now.UTC().Format(keptSuffix)
	for n := 2; ; n++ {
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if errors.Is(err, fs.ErrExist) && n <= mostKept {
			name = fmt.Sprintf("%s-%d", f.path+now.UTC().Format(keptSuffix), n)
			continue
		}
		if err != nil {
			return "", err //nolint:wrapcheck // The caller says what was tried.
		}
		if err := writeAll(file, f.raw); err != nil {
			return "", errors.Join(err, os.Remove(name))
		}
		return name, nil
	}
}

// unchanged looks once more, at the last moment, that nobody else has written the file since it was opened.
func (f File) unchanged() error {
	now, err := os.ReadFile(f.path)
	if err == nil && !bytes.Equal(now, f.raw) {
		return ErrChanged
	}
	return err //nolint:wrapcheck // The caller says what was tried.
}

// replace writes a text to a new file and renames that.
func (f File) replace(source string) error {
	text := plainLines(source)
	if bytes.Contains(f.raw, []byte("\r\n")) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	file, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*")
	if err != nil {
		return err //nolint:wrapcheck // The caller says what was tried.
	}
	err = file.Chmod(f.mode)
	if err = errors.Join(err, writeAll(file, []byte(text)), f.unchanged()); err == nil {
		err = os.Rename(file.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// writeAll writes a file, brings it to the disk and closes it.
func writeAll(file *os.File, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
