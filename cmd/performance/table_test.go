package main

import (
	"os"
	"strings"
	"testing"
)

const output = `goos: linux
cpu: Intel(R) Xeon(R) Processor
BenchmarkOpenLDAPFirstPush/people=8000-2         	       1	19399136619 ns/op	      1588 bare-users/s	       950.5 cpu-µs/user	         0.8728 ratio
BenchmarkOpenLDAPHundredThousand-2 	       1	19399136619 ns/op	       1900 cpu-µs/user	         120.4 s/push
BenchmarkAccept/callers=64/events=20-2 	     500	   41 ns/op	     12345 events/s
PASS
`

// What benchmarks report is compared with the targets, and what was not measured is left out.
func TestTheTableSaysWhatWasReached(t *testing.T) {
	f := figures{}
	if n := f.read(output); n != 9 {
		t.Errorf("%d figures were read: %v", n, f)
	}
	want := `| What | Target | Reached | |
|---|---|---|---|
| 8,000 people for the first time: speed, of a bare loop that searches, adds and reads | at least 0.9 | 0.87 | not met |
| the same: processor time for each | at most 1 ms | 0.95 ms |  |
| 100,000 people for the first time: processor time for each, of that among 8,000 | at most 1.1 | 2 | not met |
| the same: until every event is settled | at most 180 s | 120 s |  |
| taking in documents of 20 events durably, 64 callers | at least 10,000 events/s | 12,345 events/s |  |
`
	if got := f.table(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

// Every figure of the table is one that a benchmark is run for, and the page has a place for the table.
func TestTheTableCanBeMeasured(t *testing.T) {
	for _, r := range rows {
		for _, figure := range []string{r.figure, r.per} {
			name, _, _ := strings.Cut(figure, " ")
			measured := name == ""
			for _, run := range runs {
				measured = measured || run.bench == name
			}
			if !measured {
				t.Errorf("nothing measures %q", figure)
			}
		}
	}
	text, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	after, err := replace(string(text), "| the table |\n")
	if err != nil || !strings.Contains(after, opening+"| the table |\n"+closing) {
		t.Errorf("the page gets %q, %v", after, err)
	}
	if _, err := replace("nothing", ""); err == nil {
		t.Error("a page without a place for the table gets one")
	}
}
