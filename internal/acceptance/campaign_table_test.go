//go:build linux

package acceptance_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// figure is one line of what a campaign has come to.
type figure struct{ name, value string }

// figures are what a campaign has come to, for docs/promises.md.
func figures(now time.Time, took time.Duration, seed uint64, instances int, n *tally) []figure {
	out := []figure{
		{"date", now.UTC().Format(time.DateOnly)},
		{"version", version()},
		{"minutes", strconv.Itoa(int(took.Minutes()))},
		{"seed", strconv.FormatUint(seed, 10)},
		{"instances", strconv.Itoa(instances)},
		{"rounds", strconv.Itoa(n.rounds)},
		{"events", strconv.Itoa(n.events)},
		{"requests", strconv.Itoa(n.requests)},
		{"kills", strconv.Itoa(n.kills)},
	}
	for t, times := range n.faults {
		if times > 0 {
			out = append(out, figure{trial(t).String(), strconv.Itoa(times)})
		}
	}
	return append(out, figure{"lost", strconv.Itoa(n.lost)}, figure{"doubled", strconv.Itoa(n.doubled)}, figure{"reordered", strconv.Itoa(n.reordered)})
}

// version names the commit that is tried.
func version() string {
	said, err := exec.Command("git", "rev-parse", "--short=7", "HEAD").Output()
	if err != nil {
		return "-"
	}
	return "`" + strings.TrimSpace(string(said)) + "`"
}

// chinese are the names of the figures on the Chinese page.
var chinese = map[string]string{
	"date": "日期", "version": "版本", "minutes": "分钟", "seed": "种子", "instances": "实例", "rounds": "轮次", "events": "事件", "requests": "请求", "kills": "被杀死的次数",
	down.String(): "目录停止", frozen.String(): "目录冻结", readOnly.String(): "目录只读", wrongLogin.String(): "登录被拒绝", diskFull.String(): "磁盘已满",
	databaseKilled.String(): "数据库被杀死", halted.String(): "实例被暂停", ahead.String(): "时钟调快", behind.String(): "时钟调慢",
	cutBefore.String(): "操作之前连接中断", cutAfter.String(): "操作之后连接中断", busy.String(): "目录繁忙",
	"lost": "丢失", "doubled": "重复", "reordered": "乱序",
}

// tableOf writes figures in one language.
func tableOf(all []figure, language string) string {
	var b strings.Builder
	b.WriteString("| What | Figure |\n|---|---|\n")
	if language == "zh-CN" {
		b.Reset()
		b.WriteString("| 项目 | 数值 |\n|---|---|\n")
	}
	for _, f := range all {
		name := f.name
		if language == "zh-CN" {
			name = chinese[name]
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, f.value)
	}
	return b.String()
}

// promisesIn are the pages that have the figures, by their languages.
var promisesIn = map[string]string{"en": "../../docs/promises.md", "zh-CN": "../../docs/zh-CN/promises.md"}

func campaignMark(name string) string { return "<!-- campaign: " + name + " -->\n" }

const campaignEnd = "<!-- end of campaign -->\n"

// withFigures puts a table into the place that a page has for it.
func withFigures(page, name, table string) (string, error) {
	before, rest, found := strings.Cut(page, campaignMark(name))
	_, after, closed := strings.Cut(rest, campaignEnd)
	if !found || !closed {
		return "", fmt.Errorf("the page has no place for the figures of the campaign %q", name)
	}
	return before + campaignMark(name) + table + campaignEnd + after, nil
}

func writeFigures(tb testing.TB, name string, all []figure) {
	tb.Helper()
	for language, path := range promisesIn {
		page, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		written, err := withFigures(string(page), name, tableOf(all, language))
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(written), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
}

// The pages have a place for the figures of both campaigns, each figure has a name in both languages, and what is there says that nothing
// was lost, doubled or reordered.
func TestTheFiguresOfTheCampaignsAreThere(t *testing.T) {
	every := &tally{rounds: 1, kills: 2}
	for i := range every.faults {
		every.faults[i] = i
	}
	all := figures(time.Now(), time.Hour, 1, 3, every)
	for language, path := range promisesIn {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"file", "postgres"} {
			written, err := withFigures(string(page), name, tableOf(all, language))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(written) {
				if strings.HasPrefix(line, "|  |") {
					t.Errorf("%s: a figure has no name: %s", language, line)
				}
			}
			_, rest, _ := strings.Cut(string(page), campaignMark(name))
			is, _, _ := strings.Cut(rest, campaignEnd)
			for _, wrong := range []string{"lost", "doubled", "reordered"} {
				label := wrong
				if language == "zh-CN" {
					label = chinese[wrong]
				}
				if !strings.Contains(is, "| "+label+" | 0 |") {
					t.Errorf("%s: the figures of %q do not say that nothing was %s", language, name, wrong)
				}
			}
		}
	}
}
