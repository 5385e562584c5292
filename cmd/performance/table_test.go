package main

import (
	"maps"
	"os"
	"strings"
	"testing"
	"time"
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
| 8,000 people for the first time: speed, of a bare loop that searches, adds and reads | at least 0.9 | 0.873 | not met |
| the same: processor time for each | at most 1 ms | 0.951 ms |  |
| 100,000 people for the first time: processor time for each, of that among 8,000 | at most 1.1 | 1.999 | not met |
| the same: until every event is settled | at most 180 s | 120 s |  |
| taking in documents of 20 events durably, 64 callers | at least 10,000 events/s | 12,345 events/s |  |
`
	if got := f.table(english); got != want {
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
	for in, page := range pages {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []place{targets, division} {
			after, err := p.replace(string(text), "| the table |\n")
			if err != nil || !strings.Contains(after, p.opening+"| the table |\n"+p.closing) {
				t.Errorf("the page gets %q, %v", after, err)
			}
		}
		for _, r := range rows {
			if !strings.Contains(string(text), "| "+r.text[in]+" |") {
				t.Errorf("%s lacks a row: %s", page, r.text[in])
			}
		}
		for _, p := range parts {
			if !strings.Contains(string(text), "| "+p.name[in]+" |") {
				t.Errorf("%s lacks a part: %s", page, p.name[in])
			}
		}
	}
	if _, err := targets.replace("nothing", ""); err == nil {
		t.Error("a page without a place for the table gets one")
	}
}

const traces = `File: acceptance.test
-----------+-------------------------------------------------------
   10000us   internal/runtime/syscall/linux.Syscall6
             modernc.org/sqlite/lib._sqlite3Step
             idaas-ldap/store.(*tx).commit (inline)
             idaas-ldap/store.(*writer).run
-----------+-------------------------------------------------------
    bytes:  48kB
   20000us   runtime.mallocgc
             idaas-ldap/mapping.(*Set).Desired
             idaas-ldap/processor.want
             idaas-ldap/dispatch.(*lane).process
-----------+-------------------------------------------------------
   30000us   runtime.findRunnable
             runtime.schedule
-----------+-------------------------------------------------------
   40000us   idaas-ldap/dispatch.(*lane).process
`

// The time of a stack belongs to what is called, and not to who calls it.
func TestProcessorTimeIsDivided(t *testing.T) {
	p, err := divide(strings.NewReader(traces))
	if err != nil {
		t.Fatal(err)
	}
	want := profile{
		"the store: commits and their syncs to disk": 10 * time.Millisecond, "evaluating the mapping": 20 * time.Millisecond,
		"scheduling, waking and waiting": 30 * time.Millisecond, "handing out the work": 40 * time.Millisecond,
	}
	if !maps.Equal(p, want) {
		t.Errorf("it is divided into %v", p)
	}
	f := figures{first + " cpu-µs/user": 1000}
	table := f.division(map[string]profile{first: p}, english)
	for _, row := range []string{"| evaluating the mapping | 200 | 0 | 0 | 0 |\n", "| in all | 1000 | 0 | 0 | 0 |\n"} {
		if !strings.Contains(table, row) {
			t.Errorf("the table lacks %q:\n%s", row, table)
		}
	}
	if _, err := divide(strings.NewReader("nothing")); err == nil {
		t.Error("a profile without stacks is one")
	}
}
