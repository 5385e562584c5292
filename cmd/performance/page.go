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

// The table stands between two marks in the page, which is otherwise written by hand.
const (
	opening = "<!-- figures: written by make performance -->\n"
	closing = "<!-- end of figures -->\n"
)

// replace puts the table into the page.
func replace(text, table string) (string, error) {
	before, rest, opened := strings.Cut(text, opening)
	_, after, closed := strings.Cut(rest, closing)
	if !opened || !closed {
		return "", errors.New(page + " has no place for the figures")
	}
	return before + opening + table + closing + after, nil
}

// surroundings says where the figures were measured, and what with.
func surroundings(ctx context.Context) string {
	return fmt.Sprintf("Measured at commit %s, on %d cores of an %s with an average load of %s; %s, %s.\n",
		said(ctx, "git", "rev-parse", "--short", "HEAD"), runtime.NumCPU(), processorName(), load(), runtime.Version(), slapdVersion(ctx))
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
