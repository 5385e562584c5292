package simulation_test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// tally is what was played.
type tally struct {
	begun time.Time
	from  uint64 // the first seed

	mu sync.Mutex // guards what follows
	outcome
	scripts int
	found   [findings]int
	failed  []string // the seeds
}

// add counts one more and returns how many events it had.
func (p *tally) add(o outcome) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scripts++
	p.events += o.events
	p.writes += o.writes
	for t, n := range o.troubles {
		p.troubles[t] += n
	}
	if o.kind != "" {
		p.found[o.finding()]++
		p.failed = append(p.failed, strconv.FormatUint(o.seed, 10))
	}
	return o.events
}

func (p *tally) String() string {
	took := time.Since(p.begun)
	return fmt.Sprintf("%d scripts from seed %d with %d events, %d writes to the directory, %d crashes, %d writes behind a fence, in %s: %.0f events a second",
		p.scripts, p.from, p.events, p.writes, p.troubles[crash], p.troubles[fenced], took.Round(time.Second), float64(p.events)/took.Seconds())
}

// figure is a line of docs/promises.md.
type figure struct{ english, chinese, value string }

func (p *tally) figures(now time.Time) []figure {
	all := []figure{
		{"date", "日期", now.UTC().Format(time.DateOnly)},
		{"version", "版本", version()},
		{"Go", "Go", strings.TrimPrefix(runtime.Version(), "go")},
		{"system", "系统", runtime.GOOS + "/" + runtime.GOARCH},
		{"processors", "处理器", strconv.Itoa(runtime.NumCPU())},
		{"it took", "用时", now.Sub(p.begun).Round(time.Second).String()},
		{"first seed", "第一个种子", strconv.FormatUint(p.from, 10)},
		{"scripts", "脚本", strconv.Itoa(p.scripts)},
		{"events", "事件", strconv.Itoa(p.events)},
		{"writes to the directory", "对目录的写入", strconv.Itoa(p.writes)},
	}
	for t := range troubles {
		english, chinese := t.names()
		all = append(all, figure{english, chinese, strconv.Itoa(p.troubles[t])})
	}
	for f := range findings {
		english, chinese := f.names()
		all = append(all, figure{english, chinese, strconv.Itoa(p.found[f])})
	}
	slices.Sort(p.failed)
	return append(all, figure{"seeds of what was found", "发现问题的种子", cmp.Or(strings.Join(p.failed, ", "), "-")})
}

// version names the commit that is played, and says so where files differ from it.
func version() string {
	said, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*").Output()
	if err != nil {
		return "-"
	}
	return "`" + strings.TrimSpace(string(said)) + "`"
}

// page is a page that has the figures.
type page struct {
	path, head string
	name       func(figure) string
}

func pages() []page {
	return []page{
		{"../../docs/promises.md", "| What | Figure |\n|---|---|\n", func(f figure) string { return f.english }},
		{"../../docs/zh-CN/promises.md", "| 项目 | 数值 |\n|---|---|\n", func(f figure) string { return f.chinese }},
	}
}

// The figures stand between two marks.
const (
	figuresBegin = "<!-- simulations -->\n"
	figuresEnd   = "<!-- end of simulations -->"
)

// cut takes a page apart around the table.
func (p page) cut(t *testing.T) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), figuresBegin)
	table, after, closed := strings.Cut(rest, figuresEnd)
	if !found || !closed {
		t.Fatalf("%s has no place for what was simulated", p.path)
	}
	return before, table, after
}

// write puts the figures into the pages.
func (p *tally) write(t *testing.T) {
	t.Helper()
	all := p.figures(time.Now())
	for _, page := range pages() {
		before, _, after := page.cut(t)
		var table strings.Builder
		table.WriteString(page.head)
		for _, f := range all {
			fmt.Fprintf(&table, "| %s | %s |\n", page.name(f), f.value)
		}
		if err := os.WriteFile(page.path, []byte(before+figuresBegin+table.String()+figuresEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Both pages have every figure, the same in both. Where something was found they say by which seeds.
func TestTheFiguresOfTheSimulationsAreThere(t *testing.T) {
	values := map[string]string{}
	for _, page := range pages() {
		_, table, _ := page.cut(t)
		lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(table, page.head)), "\n")
		all, found := (&tally{}).figures(time.Time{}), false
		if len(lines) != len(all) {
			t.Fatalf("%s has %d figures, want %d", page.path, len(lines), len(all))
		}
		for i, f := range all {
			value, named := strings.CutPrefix(lines[i], "| "+page.name(f)+" | ")
			if !named {
				t.Errorf("%s: %s is not in the place of %q", page.path, lines[i], page.name(f))
			}
			if strings.HasPrefix(f.english, "found: ") && value != "0 |" {
				found = true
			}
			if was, known := values[f.english]; known && was != value {
				t.Errorf("%s: %s, which is %s elsewhere", page.path, lines[i], was)
			}
			values[f.english] = value
		}
		if seeds := lines[len(lines)-1]; found == strings.HasSuffix(seeds, "| - |") {
			t.Errorf("%s: something was found (%t), and the seeds are %s", page.path, found, seeds)
		}
	}
}
