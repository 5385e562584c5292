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

const page = "docs/performance.md"

func main() {
	program := flag.String("program", "bin/idaas-ldap", "the product as users get it")
	only := flag.String("only", "", "run only benchmarks whose name matches this regular expression, and write nothing")
	from := flag.String("from", "", "run nothing, and take the figures from a file of what was printed before at this commit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *program, *only, *from)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// run measures, prints and, unless only a part was measured, writes the table into the page.
func run(ctx context.Context, out io.Writer, program, only, from string) error {
	seen, err := gather(ctx, out, program, only, from)
	if err != nil {
		return err
	}
	table := seen.table() + "\n" + surroundings(ctx)
	fmt.Fprintf(out, "\n%s", table)
	if only != "" {
		return nil
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	after, err := replace(string(text), table)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(after), 0o600) //nolint:wrapcheck // The error names the path.
}

// gather returns the figures of the benchmarks that are asked for.
func gather(ctx context.Context, out io.Writer, program, only, from string) (figures, error) {
	seen := figures{}
	if from != "" {
		text, err := os.ReadFile(from)
		seen.read(string(text))
		return seen, err //nolint:wrapcheck // The error names the path.
	}
	path, err := filepath.Abs(program)
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	wanted, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	for _, r := range runs {
		if !wanted.MatchString(r.bench) {
			continue
		}
		if err := r.measure(ctx, out, path, seen); err != nil {
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

func (r benchRun) measure(ctx context.Context, out io.Writer, program string, seen figures) error {
	var whole []string
	for part := range strings.SplitSeq(r.bench, "/") {
		whole = append(whole, "^"+part+"$")
	}
	args := []string{"test", r.pkg, "-run", "^$", "-timeout", "60m", "-bench", strings.Join(whole, "/"), "-benchtime", r.times}
	if r.needsProgram {
		args = append(args, "-args", "-program", program)
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
