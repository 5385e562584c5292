package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	var m measuring
	flag.StringVar(&m.program, "program", "bin/idaas-ldap", "the product as users get it")
	flag.StringVar(&m.folder, "folder", "bin/performance", "where profiles, and what the benchmarks print, are kept")
	flag.StringVar(&m.only, "only", "", "run only benchmarks whose name matches this regular expression, and write nothing")
	flag.BoolVar(&m.kept, "kept", false, "run nothing, and take the figures from the folder, of a run at this commit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := m.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// measuring is what is to be measured.
type measuring struct {
	program, folder, only string
	kept                  bool
}

// run measures, prints and, unless only a part was measured, writes the tables into the pages.
func (m measuring) run(ctx context.Context, out io.Writer) error {
	seen, err := m.gather(ctx, out)
	if err != nil {
		return err
	}
	where := surroundingsOf(ctx)
	fmt.Fprintf(out, "\n%s\n%s", seen.table(english), where.text(english))
	if m.only != "" {
		return nil
	}
	profiles := map[string]profile{}
	for _, c := range columns {
		if profiles[c.bench], err = readProfiles(ctx, m.profilesOf(c.bench)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n%s", seen.division(profiles, english))
	for in, page := range pages {
		in := language(in)
		if err := write(page, seen.table(in)+"\n"+where.text(in), seen.division(profiles, in)); err != nil {
			return err
		}
	}
	return nil
}

// printed is the file with what the benchmarks print.
func (m measuring) printed() string { return filepath.Join(m.folder, "printed") }

// profilesOf is the folder with the profiles of a benchmark.
func (m measuring) profilesOf(bench string) string {
	return filepath.Join(m.folder, strings.ReplaceAll(bench, "/", "."))
}

// gather returns the figures of the benchmarks that are asked for.
func (m measuring) gather(ctx context.Context, out io.Writer) (figures, error) {
	seen := figures{}
	if m.kept {
		text, err := os.ReadFile(m.printed())
		seen.read(string(text))
		return seen, err //nolint:wrapcheck // The error names the path.
	}
	wanted, err := regexp.Compile(m.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	if err := os.RemoveAll(m.folder); err != nil {
		return nil, fmt.Errorf("begin with an empty folder: %w", err)
	}
	if err := os.MkdirAll(m.folder, 0o700); err != nil {
		return nil, fmt.Errorf("begin with an empty folder: %w", err)
	}
	printed, err := os.Create(m.printed())
	if err != nil {
		return nil, err //nolint:wrapcheck // The error names the path.
	}
	defer printed.Close()
	for _, r := range runs {
		if !wanted.MatchString(r.bench) {
			continue
		}
		if err := m.measure(ctx, r, io.MultiWriter(out, printed), seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// benchRun is one call of go test.
type benchRun struct {
	pkg, bench, times string
	// needsProgram: the benchmark runs the product as a process of its own.
	needsProgram bool
}

// runs are in the order in which they are made.
var runs = []benchRun{
	{pkg: "./internal/acceptance", bench: "BenchmarkAccept/callers=64/events=1", times: "8000x"},
	{pkg: "./internal/acceptance", bench: "BenchmarkAccept/callers=64/events=20", times: "1000x"},
	{pkg: "./internal/acceptance", bench: "BenchmarkOpenLDAPFirstPush/people=8000", times: "2x"},
	{pkg: "./internal/acceptance", bench: "BenchmarkOpenLDAPUnchangedPush/people=8000", times: "3x"},
	{pkg: "./internal/acceptance", bench: "BenchmarkOpenLDAPHundredThousand", times: "1x"},
	{pkg: "./cmd/idaas-ldap", bench: "BenchmarkStart", times: "10x", needsProgram: true},
	{pkg: "./cmd/idaas-ldap", bench: "BenchmarkDraining", times: "1x", needsProgram: true},
	{pkg: "./cmd/idaas-ldap", bench: "BenchmarkWaiting", times: "1x", needsProgram: true},
}

// arguments are those of go test for one run.
func (m measuring) arguments(r benchRun) ([]string, error) {
	var whole []string
	for part := range strings.SplitSeq(r.bench, "/") {
		whole = append(whole, "^"+part+"$")
	}
	args := []string{"test", r.pkg, "-run", "^$", "-timeout", "60m", "-bench", strings.Join(whole, "/"), "-benchtime", r.times, "-args"}
	if r.needsProgram {
		path, err := filepath.Abs(m.program)
		return append(args, "-program", path), err //nolint:wrapcheck // It says what it could not find.
	}
	folder, err := filepath.Abs(m.profilesOf(r.bench))
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	return append(args, "-profiles", folder), err //nolint:wrapcheck // It names the folder.
}

func (m measuring) measure(ctx context.Context, r benchRun, out io.Writer, seen figures) error {
	args, err := m.arguments(r)
	if err != nil {
		return err
	}
	said, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	if seen.read(string(said)) == 0 {
		return errors.New("go " + strings.Join(args, " ") + " measured nothing")
	}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "Benchmark") {
			fmt.Fprint(out, line)
		}
	}
	return nil
}
