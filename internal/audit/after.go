package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Line is a record with its line as it stands in the log.
type Line struct {
	Record

	Text []byte
}

// turnsMet is how often it is looked again where lines seem to lack: a file may have become a full one in this moment.
const turnsMet = 3

// After returns the lines of a log that follow a record, up to another one, the oldest first, at most so many. A log may be written to meanwhile. Where
// one does not follow the one before it, those between are gone, or damaged.
func After(path string, seq, last int64, most int) ([]Line, error) {
	var lines []Line
	for range turnsMet {
		files, err := fullFiles(path)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		for len(files) > 0 && lastIn(files[0]) <= seq {
			files = files[1:]
		}
		lines = nil
		for _, name := range append(files, path) {
			if lines, err = linesAfter(name, seq, last, most, lines); err != nil {
				return nil, fmt.Errorf("read the audit log: %w", err)
			}
		}
		if follow(seq, lines) {
			break
		}
	}
	return lines, nil
}

// follow reports whether no line lacks.
func follow(seq int64, lines []Line) bool {
	for _, l := range lines {
		if l.Seq != seq+1 {
			return false
		}
		seq = l.Seq
	}
	return true
}

// linesAfter adds lines of one file.
func linesAfter(name string, seq, last int64, most int, lines []Line) ([]Line, error) {
	if len(lines) >= most {
		return lines, nil
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return lines, nil // it has become a full one, or was removed, in this moment
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	begin, err := beginOf(file, seq+1, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	reader := bufio.NewReader(io.NewSectionReader(file, begin, info.Size()-begin))
	for len(lines) < most {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // what has no end is being written
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // The error names the path.
		}
		text = bytes.TrimSuffix(text, []byte{'\n'})
		r, _, _, err := unseal(nil, "", text)
		if err != nil || r.Seq <= seq || r.Seq > last {
			continue // it is damaged, and Verify says so
		}
		lines = append(lines, Line{Record: r, Text: text})
		seq = r.Seq
	}
	return lines, nil
}
