package audit_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/internal/audit"
)

func digestWith(key string) audit.Digest {
	return func(text string) []byte {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text))
		return h.Sum(nil)[:16]
	}
}

var digest = digestWith("the key of the store")

func record(i int) audit.Record {
	return audit.Record{
		At: time.Date(2026, 11, 28, 12, 0, i%60, 0, time.UTC), Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprint("user_", i)},
		Operation: "modify", DN: fmt.Sprintf(`uid=u%d "x",dc=example,dc=org`, i), Outcome: audit.Done,
		Changes: []audit.Change{{Attribute: "mail", Kind: "replace", New: []string{`","mac":"00"}`, "\n"}}},
	}
}

type logs struct {
	audit.Config
}

func newLogs(t *testing.T, edit func(*audit.Config)) logs {
	t.Helper()
	cfg := audit.Config{Path: filepath.Join(t.TempDir(), "audit.log"), Digest: digest}
	if edit != nil {
		edit(&cfg)
	}
	return logs{cfg}
}

func (l logs) open(t *testing.T) *audit.Log {
	t.Helper()
	log, _, err := audit.Open(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// write appends records, and returns the last.
func (l logs) write(t *testing.T, from, to int) audit.End {
	t.Helper()
	log := l.open(t)
	for i := from; i <= to; i++ {
		if err := log.Append(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	end, err := log.Sync()
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return end
}

func (l logs) verify(t *testing.T, end audit.End) audit.Report {
	t.Helper()
	report, err := audit.Verify(l.Path, l.Digest, func() (audit.End, error) { return end, nil })
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// files are all files of the log with their lines.
func (l logs) files(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(l.Path + "*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What is written is read again, in its order, over restarts and full files.
func TestALogIsReadAsItWasWritten(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 2000 })
	l.write(t, 1, 20)
	end := l.write(t, 21, 50)
	if end.Seq != 50 {
		t.Errorf("it ends with %+v", end)
	}
	if n := len(l.files(t)); n < 3 {
		t.Errorf("it has %d files", n)
	}
	next := 1
	if err := audit.Read(l.Path, func(r audit.Record) bool {
		want := record(next)
		want.Seq = int64(next)
		if got, _ := json.Marshal(r); string(got) != string(must(json.Marshal(want))) {
			t.Errorf("record %d is %s", next, got)
		}
		next++
		return true
	}); err != nil || next != 51 {
		t.Errorf("%d records: %v", next-1, err)
	}
	if report := l.verify(t, end); len(report.Problems) > 0 || report.Records != 50 || report.First != 1 || report.Last != 50 {
		t.Errorf("it is %+v", report)
	}
	for _, name := range l.files(t) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v: %v", name, info.Mode(), err)
		}
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// Whatever is done to the lines without the key is found.
func TestEveryForgeryIsFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 1500 })
		end := l.write(t, 1, 12)
		files := l.files(t)
		file := rapid.SampledFrom(files).Draw(rt, "file")
		before, err := os.ReadFile(file)
		if err != nil {
			rt.Fatal(err)
		}
		lines := bytes.SplitAfter(bytes.TrimSuffix(before, []byte("\n")), []byte("\n"))
		lines[len(lines)-1] = append(slices.Clip(lines[len(lines)-1]), '\n')
		at, other := rapid.IntRange(0, len(lines)-1).Draw(rt, "line"), rapid.IntRange(0, len(lines)-1).Draw(rt, "other")
		switch rapid.SampledFrom([]string{"change", "remove", "swap", "repeat", "forge"}).Draw(rt, "what") {
		case "change":
			i := rapid.IntRange(0, len(lines[at])-2).Draw(rt, "byte")
			lines[at] = slices.Clone(lines[at])
			lines[at][i] ^= 1 << rapid.IntRange(0, 4).Draw(rt, "bit")
		case "remove":
			lines = slices.Delete(lines, at, at+1)
		case "swap":
			lines[at], lines[other] = lines[other], lines[at]
		case "repeat":
			lines = slices.Insert(lines, other, lines[at])
		case "forge":
			forger := newLogs(t, func(cfg *audit.Config) { cfg.Digest = digestWith("another key") })
			forger.write(t, 1, at+1)
			forged := bytes.SplitAfter(must(os.ReadFile(forger.Path)), []byte("\n"))
			lines[at] = forged[at]
		}
		after := bytes.Join(lines, nil)
		if bytes.Equal(before, after) {
			return // nothing was done
		}
		if err := os.WriteFile(file, after, 0o600); err != nil {
			rt.Fatal(err)
		}
		if report := l.verify(t, end); len(report.Problems) == 0 {
			rt.Fatalf("it is taken for genuine: %+v\n%s", report, after)
		}
	})
}

// The end that the store remembers tells where the last lines are gone.
func TestAnEndThatWasRemovedIsFound(t *testing.T) {
	l := newLogs(t, nil)
	end := l.write(t, 1, 5)
	text, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile(l.Path, bytes.Join(lines[:3], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if report := l.verify(t, end); len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "ends with record 3, and the store remembers record 5") {
		t.Errorf("it is %+v", report)
	}
	if report := l.verify(t, audit.End{}); len(report.Problems) > 0 {
		t.Errorf("without an end it is %+v", report)
	}
}

// What a power cut leaves of a line is taken away, wherever it was cut.
func TestALineThatWasCutShortIsTakenAway(t *testing.T) {
	l := newLogs(t, nil)
	l.write(t, 1, 3)
	whole, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.LastIndexByte(bytes.TrimSuffix(whole, []byte("\n")), '\n') + 1
	for cut := begin; cut < len(whole); cut += 17 {
		if err := os.WriteFile(l.Path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		log, gone, err := audit.Open(l.Config)
		if err != nil || gone.Cut != int64(cut-begin) || gone.Missing != 0 {
			t.Fatalf("cut at %d, it is %+v: %v", cut, gone, err)
		}
		if err := log.Append(record(3)); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if report := l.verify(t, audit.End{}); len(report.Problems) > 0 || report.Records != 3 {
			t.Fatalf("cut at %d it is %+v", cut, report)
		}
	}
}

// Only so many full files are kept, once it is remembered where the log begins then, and what is left is still found whole: also its first line.
func TestOldFilesAreForgotten(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes, cfg.Keep = 1000, 2 })
	end := l.write(t, 1, 40)
	if report := l.verify(t, end); len(report.Problems) > 0 || report.First != 1 {
		t.Errorf("before anything is removed it is %+v", report)
	}
	log := l.open(t)
	if err := log.Forget(end.Removed); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	files := l.files(t)
	if len(files) != 3 {
		t.Errorf("there are %d files", len(files))
	}
	if report := l.verify(t, end); len(report.Problems) > 0 || report.First != end.Removed.Seq+1 || report.Last != 40 {
		t.Errorf("it is %+v", report)
	}
	first, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[1], bytes.Replace(first, []byte(`"corp"`), []byte(`"lab"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if report := l.verify(t, end); len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "was changed") {
		t.Errorf("with another first line it is %+v", report)
	}
	if err := os.Remove(files[1]); err != nil {
		t.Fatal(err)
	}
	if report := l.verify(t, end); len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "the beginning was removed") {
		t.Errorf("without its first file it is %+v", report)
	}
}

// What was taken away goes on being found after the log has gone on, whatever of it that was.
func TestWhatWasRemovedStaysToBeSeen(t *testing.T) {
	other := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes, cfg.Digest = 1000, digestWith("another key") })
	other.write(t, 1, 20)
	foreign := must(os.ReadFile(other.files(t)[1]))
	// The first of the files is the one that is written to, the next the oldest.
	for name, take := range map[string]func(files []string) error{
		"the last lines": func(files []string) error {
			text := must(os.ReadFile(files[0]))
			return os.WriteFile(files[0], text[:bytes.IndexByte(text, '\n')+1], 0o600)
		},
		"the last file": func(files []string) error { return os.Remove(files[0]) },
		"a full one":    func(files []string) error { return os.Remove(files[2]) },
		"the first one": func(files []string) error { return os.Remove(files[1]) },
		"all of it": func(files []string) error {
			var err error
			for _, file := range files {
				err = errors.Join(err, os.Remove(file))
			}
			return err
		},
		"what another log stands for":   func(files []string) error { return os.WriteFile(files[1], foreign, 0o600) },
		"what an older file stands for": func(files []string) error { return os.WriteFile(files[2], must(os.ReadFile(files[1])), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 1000 })
			l.Known = l.write(t, 1, 20)
			if err := take(l.files(t)); err != nil {
				t.Fatal(err)
			}
			if report, err := audit.Verify(l.Path, l.Digest, func() (audit.End, error) { return l.Known, nil }); err == nil && len(report.Problems) == 0 {
				t.Errorf("at once it is %+v", report)
			}
			for range 2 {
				l.Known = l.write(t, 21, 30)
			}
			if l.Known.Seq != 40 {
				t.Errorf("it goes on up to %d", l.Known.Seq)
			}
			if report := l.verify(t, l.Known); len(report.Problems) == 0 {
				t.Errorf("after it has gone on it is %+v", report)
			}
		})
	}
}

// A log that was moved, or whose store was restored, is looked at as far as that is possible, and said to be so. From then on it is known again.
func TestALogOfWhichNothingIsRemembered(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes, cfg.Keep = 1000, 2 })
	l.Known = l.write(t, 1, 40)
	log := l.open(t)
	if err := errors.Join(log.Forget(l.Known.Removed), log.Close()); err != nil {
		t.Fatal(err)
	}
	l.Known = audit.End{}
	if report := l.verify(t, l.Known); len(report.Problems) > 0 || report.Remembered {
		t.Errorf("it is %+v", report)
	}
	l.Known = l.write(t, 41, 42)
	if report := l.verify(t, l.Known); len(report.Problems) > 0 || !report.Remembered {
		t.Errorf("from then on it is %+v", report)
	}
	for range 2 {
		if err := os.Remove(l.files(t)[1]); err != nil {
			t.Fatal(err)
		}
	}
	if report := l.verify(t, l.Known); len(report.Problems) == 0 {
		t.Errorf("without its beginning it is %+v", report)
	}
}

// What was lost between two files goes on after the last of the full ones.
func TestAFileThatIsGoneIsGoneOnAfter(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 1000 })
	l.write(t, 1, 10)
	full := l.files(t)
	if err := os.Remove(l.Path); err != nil {
		t.Fatal(err)
	}
	end := l.write(t, 100, 101)
	if report := l.verify(t, end); len(report.Problems) > 0 || !strings.HasSuffix(full[len(full)-1], fmt.Sprintf("-%012d", report.Last-2)) {
		t.Errorf("it is %+v after %v", report, full)
	}
}

// Many may write at a time.
func TestManyWriteAtATime(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 5000 })
	var forwarded int
	l.Forward = func([]byte) { forwarded++ } // under the lock of the log
	log := l.open(t)
	var writing sync.WaitGroup
	for i := range 8 {
		writing.Go(func() {
			for j := range 25 {
				if err := log.Append(record(i*25 + j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	end, err := log.Sync()
	if err != nil || end.Seq != 200 || forwarded != 200 {
		t.Errorf("%+v, %d handed on: %v", end, forwarded, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if report := l.verify(t, end); len(report.Problems) > 0 || report.Records != 200 {
		t.Errorf("it is %+v", report)
	}
}

// A file of something else is not written to.
func TestAFileOfSomethingElseIsLeftAlone(t *testing.T) {
	l := newLogs(t, nil)
	if err := os.WriteFile(l.Path, []byte("root:x:0:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := audit.Open(l.Config); err == nil || !strings.Contains(err.Error(), "no line of an audit log") {
		t.Errorf("it says %v", err)
	}
	if text, err := os.ReadFile(l.Path); err != nil || string(text) != "root:x:0:0\n" {
		t.Errorf("it is %q: %v", text, err)
	}
}

// What cannot be written is owed, and comes first when it can be written.
func TestWhatCannotBeWrittenComesLater(t *testing.T) {
	l := newLogs(t, nil)
	log := l.open(t)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if !log.Written() {
		t.Error("something is owed from the beginning")
	}
	if err := log.Append(record(1)); err == nil || log.Written() || log.Last() != 1 {
		t.Errorf("nothing is said of record %d: %v", log.Last(), err)
	}
	if err := log.Ready(); err == nil {
		t.Error("it is ready")
	}
	if _, err := log.Sync(); err == nil {
		t.Error("it is on the disk")
	}
}
