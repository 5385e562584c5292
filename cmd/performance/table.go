package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// figures are what benchmarks have reported, by the name of the benchmark and the unit.
type figures map[string]float64

var reported = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// read takes the figures from what go test says, and returns how many there are.
func (f figures) read(output string) int {
	n := 0
	for line := range strings.Lines(output) {
		found := reported.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		words := strings.Fields(found[2])
		for i := 0; i+1 < len(words); i += 2 {
			if value, err := strconv.ParseFloat(words[i], 64); err == nil {
				f[found[1]+" "+words[i+1]] = value
				n++
			}
		}
	}
	return n
}

// row is one target of the table.
type row struct {
	text   string
	figure string
	// per, if set, is the figure that the first is divided by.
	per string
	// scale is what the figure is multiplied by; zero for nothing.
	scale float64
	unit  string
	// atLeast or atMost is the target.
	atLeast, atMost float64
}

// The names of the benchmarks.
const (
	first     = "BenchmarkOpenLDAPFirstPush/people=8000"
	unchanged = "BenchmarkOpenLDAPUnchangedPush/people=8000"
	hundred   = "BenchmarkOpenLDAPHundredThousand"
	single    = "BenchmarkAccept/callers=64/events=1"
	documents = "BenchmarkAccept/callers=64/events=20"
	backlog   = "BenchmarkWaiting"
)

// rows are the table.
var rows = []row{
	{text: "8,000 people for the first time: speed, of a bare loop that searches, adds and reads", figure: first + " ratio", atLeast: 0.9},
	{text: "the same: processor time for each", figure: first + " cpu-µs/user", scale: 0.001, unit: "ms", atMost: 1},
	{text: "100,000 people for the first time: processor time for each, of that among 8,000", figure: hundred + " cpu-µs/user", per: first + " cpu-µs/user", atMost: 1.1},
	{text: "the same: until every event is settled", figure: hundred + " s/push", unit: "s", atMost: 180},
	{text: "100,000 people compared by `reconcile`", figure: hundred + " s/reconcile", unit: "s", atMost: 60},
	{text: "8,000 people who have not changed: speed, of bare searches", figure: unchanged + " ratio", atLeast: 1},
	{text: "opening a token with one user: processor time", figure: single + " opening-cpu-µs/event", unit: "µs", atMost: 160},
	{text: "taking in single events durably, 64 callers: speed, of opening alone", figure: single + " of-opening", atLeast: 0.5},
	{text: "taking in documents of 20 events durably, 64 callers", figure: documents + " events/s", unit: "events/s", atLeast: 10_000},
	{text: "1,000,000 waiting events: memory", figure: backlog + " resident-MiB", unit: "MiB", atMost: 150},
	{text: "the same: ready again after kill -9", figure: backlog + " restart-ms", unit: "ms", atMost: 1000},
	{text: "the same: time to take in an event, of that with none waiting", figure: backlog + " accept-ratio", atMost: 1.1},
	{text: "the same: speed of working on them, of that with 21,000 waiting", figure: backlog + " drained/s", per: "BenchmarkDraining drained/s", atLeast: 0.9},
	{text: "the same: `/metrics`", figure: backlog + " metrics-ms", unit: "ms", atMost: 200},
	{text: "the same: `events list`", figure: backlog + " list-ms", unit: "ms", atMost: 200},
	{text: "the same: `explain`", figure: backlog + " explain-ms", unit: "ms", atMost: 200},
	{text: "ready with a store that is there", figure: "BenchmarkStart ready-ms", unit: "ms", atMost: 100},
	{text: "size of the program", figure: "BenchmarkStart MiB", unit: "MiB"},
}

// value returns what was reached, and whether it was measured.
func (r row) value(f figures) (float64, bool) {
	value, ok := f[r.figure]
	if r.per != "" {
		per, measured := f[r.per]
		ok = ok && measured && per != 0
		value /= max(per, 1e-9)
	}
	if r.scale != 0 {
		value *= r.scale
	}
	return value, ok
}

func (r row) target() string {
	switch {
	case r.atLeast != 0:
		return "at least " + figure(r.atLeast, r.unit)
	case r.atMost != 0:
		return "at most " + figure(r.atMost, r.unit)
	}
	return ""
}

func (r row) isMet(value float64) bool {
	return (r.atLeast == 0 || value >= r.atLeast) && (r.atMost == 0 || value <= r.atMost)
}

// table returns the rows that were measured.
func (f figures) table() string {
	var b strings.Builder
	b.WriteString("| What | Target | Reached | |\n|---|---|---|---|\n")
	for _, r := range rows {
		value, measured := r.value(f)
		if !measured {
			continue
		}
		met := ""
		if !r.isMet(value) {
			met = "not met"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.text, r.target(), figure(value, r.unit), met)
	}
	return b.String()
}

// figure writes a number with no more digits than mean something.
func figure(value float64, unit string) string {
	text := strconv.FormatFloat(value, 'f', 0, 64)
	if value < 100 {
		text = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(value, 'f', 2, 64), "0"), ".")
	}
	for i := len(text) - 3; i > 0 && !strings.Contains(text, "."); i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return strings.TrimSpace(text + " " + unit)
}
