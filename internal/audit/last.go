package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// mostLooked is how many bytes of a log are read for one look at its end, but for a line that is longer.
const mostLooked = 4 << 20

// Last returns the last records of a log before one of a number, or the very last for zero, the newest first. It looks for them from the end on,
// so what it costs does not grow with the log. There may be fewer than asked for where they are long.
func Last(path string, before int64, most int) ([]Record, error) {
	files, err := fullFiles(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	files = append(files, path)
	var records []Record
	left := int64(mostLooked)
	for i := len(files) - 1; i >= 0 && len(records) < most && left > 0; i-- {
		if i > 0 && before > 0 && lastIn(files[i-1]) >= before-1 {
			continue // it holds only later ones
		}
		found, read, err := lastOf(files[i], before, most-len(records), left)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		records, left = append(records, found...), left-read
	}
	return records, nil
}

// lastIn returns the number of the last record of a full file, which its name ends with.
func lastIn(full string) int64 {
	n, _ := strconv.ParseInt(full[len(full)-digits:], 10, 64) // fullFiles returns no other names
	return n
}

// lastOf returns the last records of one file, and how much of it was read.
func lastOf(name string, before int64, most int, bytesLeft int64) ([]Record, int64, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil // it has become a full one, or was removed, in this moment
	}
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // The error names the path.
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err //nolint:wrapcheck // The error names the path.
	}
	end := info.Size()
	if before > 0 {
		if end, err = beginOf(file, before, end); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
	}
	var records []Record
	from := end
	for len(records) < most && from > 0 && (end-from < bytesLeft || len(records) == 0) {
		line, whole, err := lastLine(file, from)
		if err != nil || line == nil {
			return records, end - from, err
		}
		from = whole - int64(len(line)) - 1
		if r, _, _, err := unseal(nil, "", line); err == nil { // others are damaged, and Verify says so
			records = append(records, r)
		}
	}
	return records, end - from, nil
}

// beginOf returns where the first line of a file begins whose record has at least a number; its end where none has. Numbers only grow.
func beginOf(file io.ReaderAt, number, size int64) (int64, error) {
	found := size
	for low, high := int64(0), size; low < high; {
		middle := low + (high-low)/2
		begin, line, seq, err := numberedAfter(file, middle, low, size)
		switch {
		case err != nil:
			return 0, err
		case line == nil || begin >= high:
			high = middle
			continue
		}
		if seq >= number {
			found, high = begin, middle
		} else {
			low = begin + int64(len(line)) + 1
		}
	}
	return found, nil
}

// numberedAfter is lineAfter but for lines that have no number, as they are damaged.
func numberedAfter(file io.ReaderAt, at, low, size int64) (begin int64, line []byte, seq int64, err error) {
	for {
		begin, line, err = lineAfter(file, at, low, size)
		if err != nil || line == nil {
			return 0, nil, 0, err
		}
		var r struct {
			Seq int64 `json:"seq"`
		}
		if err := json.Unmarshal(line, &r); err == nil && r.Seq > 0 {
			return begin, line, r.Seq, nil
		}
		at = begin + int64(len(line)) + 1
	}
}

// lineAfter returns the first line that begins at a place or after it, and where; nil where there is none with an end. At low a line begins.
func lineAfter(file io.ReaderAt, at, low, size int64) (begin int64, line []byte, err error) {
	begin = at
	if at > low {
		end, err := endAfter(file, at-1, size)
		if err != nil || end < 0 {
			return 0, nil, err
		}
		begin = end + 1
	}
	end, err := endAfter(file, begin, size)
	if err != nil || end < 0 {
		return 0, nil, err
	}
	line = make([]byte, end-begin)
	_, err = file.ReadAt(line, begin)
	return begin, line, err //nolint:wrapcheck // The caller names the file.
}

// endAfter returns where the first line ends at a place or after it, -1 where none does.
func endAfter(file io.ReaderAt, at, size int64) (int64, error) {
	block := make([]byte, 4<<10)
	for at < size {
		n, err := file.ReadAt(block[:min(int64(len(block)), size-at)], at)
		if end := bytes.IndexByte(block[:n], '\n'); end >= 0 {
			return at + int64(end), nil
		}
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return -1, err //nolint:wrapcheck // The caller names the file.
		}
		at += int64(n)
	}
	return -1, nil
}
