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
	text   words
	figure string
	// per, if set, is the figure that the first is divided by.
	per string
	// scale is what the figure is multiplied by; zero for nothing.
	scale float64
	unit  words
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

// Units, in both languages.
var (
	ms      = words{"ms", "ms"}
	us      = words{"µs", "µs"}
	seconds = words{"s", "s"}
	mib     = words{"MiB", "MiB"}
	rate    = words{"events/s", "个事件/s"}
)

// rows are the table.
var rows = []row{
	{
		text:   words{"8,000 people for the first time: speed, of a bare loop that searches, adds and reads", "8,000 人首次推送：速度，相对于只做搜索、添加和读取的裸循环"},
		figure: first + " ratio", atLeast: 0.9,
	},
	{
		text:   words{"the same: processor time for each", "同上：每人的处理器时间"},
		figure: first + " cpu-µs/user", scale: 0.001, unit: ms, atMost: 1,
	},
	{
		text:   words{"100,000 people for the first time: processor time for each, of that among 8,000", "100,000 人首次推送：每人的处理器时间，相对于 8,000 人时"},
		figure: hundred + " cpu-µs/user", per: first + " cpu-µs/user", atMost: 1.1,
	},
	{
		text:   words{"the same: until every event is settled", "同上：直到每个事件都有结果"},
		figure: hundred + " s/push", unit: seconds, atMost: 180,
	},
	{
		text:   words{"100,000 people compared by `reconcile`", "用 `reconcile` 比较 100,000 人"},
		figure: hundred + " s/reconcile", unit: seconds, atMost: 60,
	},
	{
		text:   words{"8,000 people who have not changed: speed, of bare searches", "8,000 人没有变化：速度，相对于裸搜索"},
		figure: unchanged + " ratio", atLeast: 1,
	},
	{
		text:   words{"opening a token with one user: processor time", "解开含一个账户的令牌：处理器时间"},
		figure: single + " opening-cpu-µs/event", unit: us, atMost: 160,
	},
	{
		text:   words{"taking in single events durably, 64 callers: speed, of opening alone", "持久接收单个事件，64 个调用方：速度，相对于只解开令牌"},
		figure: single + " of-opening", atLeast: 0.5,
	},
	{
		text:   words{"taking in documents of 20 events durably, 64 callers", "持久接收每份含 20 个事件的文档，64 个调用方"},
		figure: documents + " events/s", unit: rate, atLeast: 10_000,
	},
	{
		text:   words{"1,000,000 waiting events: memory", "1,000,000 个等待中的事件：内存"},
		figure: backlog + " resident-MiB", unit: mib, atMost: 150,
	},
	{
		text:   words{"the same: ready again after kill -9", "同上：kill -9 之后重新就绪"},
		figure: backlog + " restart-ms", unit: ms, atMost: 1000,
	},
	{
		text:   words{"the same: time to take in an event, of that with none waiting", "同上：接收一个事件的时间，相对于没有事件等待时"},
		figure: backlog + " accept-ratio", atMost: 1.1,
	},
	{
		text:   words{"the same: speed of working on them, of that with 21,000 waiting", "同上：处理这些事件的速度，相对于 21,000 个等待时"},
		figure: backlog + " drained/s", per: "BenchmarkDraining drained/s", atLeast: 0.9,
	},
	{text: words{"the same: `/metrics`", "同上：`/metrics`"}, figure: backlog + " metrics-ms", unit: ms, atMost: 200},
	{text: words{"the same: `events list`", "同上：`events list`"}, figure: backlog + " list-ms", unit: ms, atMost: 200},
	{text: words{"the same: `explain`", "同上：`explain`"}, figure: backlog + " explain-ms", unit: ms, atMost: 200},
	{text: words{"ready with a store that is there", "存储库已存在时启动到就绪"}, figure: "BenchmarkStart ready-ms", unit: ms, atMost: 100},
	{text: words{"size of the program", "程序大小"}, figure: "BenchmarkStart MiB", unit: mib},
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

func (r row) target(in language) string {
	switch {
	case r.atLeast != 0:
		return words{"at least ", "至少 "}[in] + figure(r.atLeast, r.unit[in])
	case r.atMost != 0:
		return words{"at most ", "至多 "}[in] + figure(r.atMost, r.unit[in])
	}
	return ""
}

func (r row) isMet(value float64) bool {
	return (r.atLeast == 0 || value >= r.atLeast) && (r.atMost == 0 || value <= r.atMost)
}

// table returns the rows that were measured.
func (f figures) table(in language) string {
	var b strings.Builder
	b.WriteString(words{"| What | Target | Reached | |\n", "| 项目 | 目标 | 实测 | |\n"}[in] + "|---|---|---|---|\n")
	for _, r := range rows {
		value, measured := r.value(f)
		if !measured {
			continue
		}
		met := ""
		if !r.isMet(value) {
			met = words{"not met", "未达到"}[in]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.text[in], r.target(in), figure(value, r.unit[in]), met)
	}
	return b.String()
}

// figure writes a number with no more digits than mean something.
func figure(value float64, unit string) string {
	text := strconv.FormatFloat(value, 'f', 0, 64)
	if value < 100 {
		digits := 2
		if value < 10 {
			digits = 3 // or what misses a target by little would read as if it met it
		}
		text = strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(value, 'f', digits, 64), "0"), ".")
	}
	for i := len(text) - 3; i > 0 && !strings.Contains(text, "."); i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return strings.TrimSpace(text + " " + unit)
}
