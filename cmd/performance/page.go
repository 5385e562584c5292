package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// language is that of a page.
type language int

const (
	english language = iota
	chinese
)

// words are a text in each language.
type words [2]string

// pages are what the tables are written into, in each language.
var pages = words{"docs/performance.md", "docs/zh-CN/performance.md"}

// place is where a table stands in a page, which is otherwise written by hand: between two marks.
type place struct{ opening, closing string }

var (
	targets  = place{"<!-- figures: written by make performance -->\n", "<!-- end of figures -->\n"}
	division = place{"<!-- profile: written by make performance -->\n", "<!-- end of profile -->\n"}
)

// replace puts a table into a page.
func (p place) replace(text, table string) (string, error) {
	before, rest, opened := strings.Cut(text, p.opening)
	_, after, closed := strings.Cut(rest, p.closing)
	if !opened || !closed {
		return "", errors.New("it has no place for the figures: " + strings.TrimSpace(p.opening))
	}
	return before + p.opening + table + p.closing + after, nil
}

// write puts both tables into a page.
func write(page, targetTable, divisionTable string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("write the tables: %w", err)
	}
	after, err := targets.replace(string(text), targetTable)
	if err == nil {
		after, err = division.replace(after, divisionTable)
	}
	if err != nil {
		return fmt.Errorf("write the tables into %s: %w", page, err)
	}
	return os.WriteFile(page, []byte(after), 0o600) //nolint:wrapcheck // The error names the path.
}

// surroundings says where the figures were measured, and what with.
type surroundings struct {
	commit, processor, load, slapd string
}

func surroundingsOf(ctx context.Context) surroundings {
	return surroundings{said(ctx, "git", "rev-parse", "--short", "HEAD"), processorName(), load(), slapdVersion(ctx)}
}

func (s surroundings) text(in language) string {
	return fmt.Sprintf(words{
		"Measured at commit %s, on %d cores of an %s with an average load of %s; %s, %s.\n",
		"测量于提交 %s，使用 %[3]s 的 %[2]d 个核，平均负载 %[4]s；%[5]s，%[6]s。\n",
	}[in], s.commit, runtime.NumCPU(), s.processor, s.load, runtime.Version(), s.slapd)
}

// said returns the first line of what a program says, and that it is unknown where it says nothing.
func said(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "unknown"
	}
	return line
}

// slapdVersion takes the number from a line such as "@(#) $OpenLDAP: slapd 2.5.13+dfsg-5 (Feb  8 2023 01:56:12) $".
func slapdVersion(ctx context.Context) string {
	words := strings.Fields(said(ctx, "sh", "-c", "PATH=$PATH:/usr/sbin slapd -VV 2>&1; true"))
	for i, w := range words {
		if w == "slapd" && i+1 < len(words) {
			return "slapd " + words[i+1]
		}
	}
	return "slapd of an unknown version"
}

func processorName() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// load returns the average number of processes that wanted to run within the last five minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return "unknown"
	}
	return fields[1]
}
