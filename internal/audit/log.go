package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Config says where a log is, and how much of it is kept.
type Config struct {
	// Path is the file that is written to; full ones are beside it, with the number of their last record in their names.
	Path string
	// MaxBytes is the size from which on a file is full; zero for one that is never full.
	MaxBytes int64
	// Keep is how many full files are kept; zero for all.
	Keep int
	// Digest is keyed, so that nobody else can write a line.
	Digest Digest
	// Forward, if set, is given every line that was written, without its end. It must not wait.
	Forward func(line []byte)
}

// End is the last record of a log.
type End struct {
	Seq int64  `json:"seq"`
	Mac string `json:"mac"`
}

// Log is a log that is written to by this process alone. Its methods are safe for concurrent use.
type Log struct {
	cfg Config

	mu   sync.Mutex
	file *os.File
	size int64
	end  End
	// owed are lines that could not be written; nothing is written to a directory as long as there are any.
	owed   [][]byte
	synced End

	last    atomic.Int64 // the number of the last record
	trouble atomic.Bool  // something is owed
}

// Last returns the number of the last record. It never waits.
func (l *Log) Last() int64 { return l.last.Load() }

// Written reports whether nothing is owed to the log, as far as was tried. It never waits.
func (l *Log) Written() bool { return !l.trouble.Load() }

// Open opens a log, or makes it, for its owner only, and goes on after its last record. What a power cut has left of a line that was
// being written is taken away; cut says how many bytes that was.
func Open(cfg Config) (l *Log, cut int64, err error) {
	l = &Log{cfg: cfg}
	if l.file, err = os.OpenFile(cfg.Path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, 0, fmt.Errorf("open the audit log: %w", err)
	}
	if cut, err = l.goOn(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the audit log %s: %w", cfg.Path, err), l.file.Close())
	}
	return l, cut, nil
}

// goOn finds the last record.
func (l *Log) goOn() (cut int64, err error) {
	info, err := l.file.Stat()
	if err != nil {
		return 0, err //nolint:wrapcheck // The caller names the file.
	}
	last, whole, err := lastLine(l.file, info.Size())
	if err != nil {
		return 0, err
	}
	if cut = info.Size() - whole; cut > 0 {
		if err := l.file.Truncate(whole); err != nil {
			return 0, err //nolint:wrapcheck // The caller names the file.
		}
	}
	l.size = whole
	if _, err := l.file.Seek(whole, io.SeekStart); err != nil {
		return 0, err //nolint:wrapcheck // The caller names the file.
	}
	if last == nil {
		if last, err = lastOfFull(l.cfg.Path); last == nil || err != nil {
			return cut, err
		}
	}
	r, mac, _, err := unseal(nil, "", last)
	if err != nil {
		return 0, fmt.Errorf("its last line: %w: move the file away, or give another name", err)
	}
	l.end = End{Seq: r.Seq, Mac: mac}
	l.synced = l.end
	l.last.Store(r.Seq)
	return cut, nil
}

// lastOfFull returns the last line of the newest full file, nil where there is none.
func lastOfFull(path string) ([]byte, error) {
	full, err := fullFiles(path)
	if err != nil || len(full) == 0 {
		return nil, err
	}
	file, err := os.Open(full[len(full)-1])
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	last, _, err := lastLine(file, info.Size())
	return last, err
}

// lastLine returns the last line that has an end, without it, and where that end is.
func lastLine(file io.ReaderAt, size int64) (line []byte, whole int64, err error) {
	const step = 64 << 10
	var tail []byte
	for from := size; from > 0; {
		n := min(step, from)
		from -= n
		block := make([]byte, n, int64(len(tail))+n)
		if _, err := file.ReadAt(block, from); err != nil {
			return nil, 0, err //nolint:wrapcheck // The caller names the file.
		}
		tail = append(block, tail...)
		end := bytes.LastIndexByte(tail, '\n')
		if end < 0 {
			continue
		}
		if begin := bytes.LastIndexByte(tail[:end], '\n'); begin >= 0 || from == 0 {
			return tail[begin+1 : end], from + int64(end) + 1, nil
		}
	}
	return nil, 0, nil
}

// fullFiles returns the files that are full, the oldest first.
func fullFiles(path string) ([]string, error) {
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	var full []string
	for _, name := range names {
		number, is := strings.CutPrefix(name.Name(), filepath.Base(path)+"-")
		if is && len(number) == digits && strings.Trim(number, "0123456789") == "" {
			full = append(full, filepath.Join(filepath.Dir(path), name.Name()))
		}
	}
	slices.Sort(full)
	return full, nil
}

// digits is how long the number in the name of a full file is, so that names sort as their numbers do.
const digits = 12

// Ready writes what could not be written before, and reports why that still fails. Nothing should be written to a directory then: it
// would be in no log.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settle()
}

// Append writes a record, whose number it gives. What cannot be written is kept in memory and comes first as soon as it can.
func (l *Log) Append(r Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Seq = l.end.Seq + 1
	line, mac, err := seal(l.cfg.Digest, l.end.Mac, r)
	if err != nil {
		return err
	}
	l.end = End{Seq: r.Seq, Mac: mac}
	l.owed = append(l.owed, line)
	l.last.Store(r.Seq)
	return l.settle()
}

// settle writes what is owed. The lock is held.
func (l *Log) settle() error {
	for len(l.owed) > 0 {
		err := l.write(l.owed[0])
		l.trouble.Store(err != nil)
		if err != nil {
			return fmt.Errorf("write the audit log %s: %w", l.cfg.Path, err)
		}
		if l.cfg.Forward != nil {
			l.cfg.Forward(l.owed[0])
		}
		l.owed = l.owed[1:]
	}
	return nil
}

func (l *Log) write(line []byte) error {
	if l.file == nil {
		return fs.ErrClosed
	}
	if l.cfg.MaxBytes > 0 && l.size > 0 && l.size+int64(len(line)) > l.cfg.MaxBytes {
		if err := l.turn(); err != nil {
			return err
		}
	}
	n, err := l.file.WriteAt(append(slices.Clip(line), '\n'), l.size)
	if err != nil {
		// What was written of the line goes again, so that the next try does not come behind a part of it.
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(n)
	return nil
}

// turn begins a new file.
func (l *Log) turn() error {
	if err := l.file.Sync(); err != nil {
		return err //nolint:wrapcheck // The caller names the file.
	}
	last := l.end.Seq - int64(len(l.owed))
	full := fmt.Sprintf("%s-%0*d", l.cfg.Path, digits, last)
	if err := os.Rename(l.cfg.Path, full); err != nil {
		return err //nolint:wrapcheck // The error names both.
	}
	file, err := os.OpenFile(l.cfg.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, os.Rename(full, l.cfg.Path))
	}
	err = l.file.Close()
	l.file, l.size = file, 0
	return errors.Join(err, l.forget())
}

// forget removes full files that are too many.
func (l *Log) forget() error {
	if l.cfg.Keep == 0 {
		return nil
	}
	full, err := fullFiles(l.cfg.Path)
	if err != nil {
		return err
	}
	for len(full) > l.cfg.Keep {
		if err := os.Remove(full[0]); err != nil {
			return err //nolint:wrapcheck // The error names the path.
		}
		full = full[1:]
	}
	return nil
}

// Sync brings what was written to the disk, and returns the last record that is there.
func (l *Log) Sync() (End, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.settle(); err != nil || l.synced == l.end {
		return l.synced, err
	}
	if err := l.file.Sync(); err != nil {
		return l.synced, fmt.Errorf("write the audit log %s: %w", l.cfg.Path, err)
	}
	l.synced = l.end
	return l.synced, nil
}

// Close brings what was written to the disk, and closes the file.
func (l *Log) Close() error {
	_, err := l.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
		l.file = nil
	}
	return err
}

// Read calls yield for each record of a log, from the oldest file on, until it returns false. Lines that are none are an error.
func Read(path string, yield func(Record) bool) error {
	return lines(path, func(name string, number int, line []byte) (bool, error) {
		r, _, _, err := unseal(nil, "", line)
		if err != nil {
			return false, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		return yield(r), nil
	})
}

// lines calls look for each line of all files of a log.
func lines(path string, look func(name string, number int, line []byte) (more bool, err error)) error {
	files, err := fullFiles(path)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	for _, name := range append(files, path) {
		more, err := linesOf(name, look)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func linesOf(name string, look func(name string, number int, line []byte) (more bool, err error)) (bool, error) {
	file, err := os.Open(name)
	if err != nil {
		return false, fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, 64<<10)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return true, nil // what has no end is being written, or was when the power failed
		case err != nil:
			return false, fmt.Errorf("read the audit log: %w", err)
		}
		more, err := look(name, number, bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil || !more {
			return false, err
		}
	}
}
