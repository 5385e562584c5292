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
	// Known is the end that is remembered elsewhere; the zero value for none.
	Known End
	// Forward, if set, is given every line that was written, without its end. It must not wait.
	Forward func(line []byte)
}

// Mark names a record; Seq is zero for none.
type Mark struct {
	Seq int64  `json:"seq"`
	Mac string `json:"mac"`
}

// End is the last record of a log, and what is known of its beginning.
type End struct {
	Mark

	// Removed is the last record of the files that were removed as there were more than Keep. It says where the log begins if Begun is true.
	Removed Mark `json:"removed"`
	Begun   bool `json:"begun"`
}

// Found is what the files of a log were like when it was opened.
type Found struct {
	// Cut is how many bytes of a line were taken away that was not whole.
	Cut int64
	// Missing is how many records are not there that are known elsewhere. The numbers of those that follow go on after them.
	Missing int64
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
// being written is taken away. Where the last records that are known are gone, it goes on after those, so that the gap stays to be seen.
func Open(cfg Config) (l *Log, found Found, err error) {
	l = &Log{cfg: cfg}
	if l.file, err = os.OpenFile(cfg.Path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, found, fmt.Errorf("open the audit log: %w", err)
	}
	if found.Cut, err = l.goOn(); err == nil {
		err = l.begin()
	}
	if err != nil {
		return nil, found, errors.Join(fmt.Errorf("open the audit log %s: %w", cfg.Path, err), l.file.Close())
	}
	if found.Missing = max(cfg.Known.Seq-l.end.Seq, 0); found.Missing > 0 {
		l.end.Mark = cfg.Known.Mark
	}
	l.synced = l.end
	l.last.Store(l.end.Seq)
	return l, found, nil
}

// begin finds out where the log begins. Where that is not known elsewhere, it is what is there.
func (l *Log) begin() error {
	if l.end.Begun = true; l.cfg.Known.Begun {
		l.end.Removed = l.cfg.Known.Removed
		return nil
	}
	err := lines(l.cfg.Path, func(_ string, _ int, line []byte) (bool, error) {
		r, _, _, err := unseal(nil, "", line)
		l.end.Removed.Seq = max(r.Seq-1, 0)
		return err != nil, nil // the first line that is one
	})
	return err
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
		return 0, fmt.Errorf("its last line: %w: let audit.file name another file", err)
	}
	l.end.Mark = Mark{Seq: r.Seq, Mac: mac}
	return cut, nil
}

// lastOfFull returns the last line of the newest full file, nil where there is none.
func lastOfFull(path string) ([]byte, error) {
	full, err := fullFiles(path)
	if err != nil || len(full) == 0 {
		return nil, err
	}
	return lastLineOf(full[len(full)-1])
}

// lastLineOf returns the last line of a file.
func lastLineOf(name string) ([]byte, error) {
	file, err := os.Open(name)
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
	l.end.Mark = Mark{Seq: r.Seq, Mac: mac}
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
	return errors.Join(err, l.part())
}

// part finds the last record of the full files that are too many. They are removed by [Log.Forget].
func (l *Log) part() error {
	full, err := fullFiles(l.cfg.Path)
	if err != nil || l.cfg.Keep == 0 || len(full) <= l.cfg.Keep {
		return err
	}
	name := full[len(full)-l.cfg.Keep-1]
	l.end.Removed = Mark{Seq: lastIn(name)}
	if last, err := lastLineOf(name); err == nil {
		if r, mac, _, err := unseal(nil, "", last); err == nil {
			l.end.Removed = Mark{Seq: r.Seq, Mac: mac} // of one that is damaged only the number is known
		}
	}
	return nil
}

// Forget removes full files that are too many, up to the record that is remembered as the last one that was removed. It is to be remembered
// before, or what is removed would look like a theft.
func (l *Log) Forget(remembered Mark) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	full, err := fullFiles(l.cfg.Path)
	if err != nil {
		return fmt.Errorf("remove old files of the audit log: %w", err)
	}
	for len(full) > 0 && lastIn(full[0]) <= remembered.Seq {
		if err := os.Remove(full[0]); err != nil {
			return fmt.Errorf("remove old files of the audit log: %w", err)
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
	err := l.file.Sync()
	l.trouble.Store(err != nil)
	if err != nil {
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

// Read calls yield for each record of a log, from the oldest file on, until it returns false. Lines that are none are passed over, and the
// first of them is the error at the end.
func Read(path string, yield func(Record) bool) error {
	var damaged error
	err := lines(path, func(name string, number int, line []byte) (bool, error) {
		r, _, _, err := unseal(nil, "", line)
		if err == nil {
			return yield(r), nil
		}
		if damaged == nil {
			damaged = fmt.Errorf("%s:%d: %w", name, number, err)
		}
		return true, nil
	})
	return errors.Join(err, damaged)
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
