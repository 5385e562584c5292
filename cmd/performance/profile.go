package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// part is a part of the work, and the functions below which processor time is spent on it.
type part struct {
	name      words
	functions []string
}

// scheduling is what belongs to no other part.
var scheduling = part{name: words{"scheduling, waking and waiting", "调度、唤醒和等待"}}

// parts are the others. A stack belongs to the first that one of its functions is of: what calls stands behind what is called.
var parts = []part{
	{words{"the benchmark's own client", "基准测试自己的客户端"}, []string{
		"net/http.(*persistConn)", "net/http.(*Transport)", "net/http.(*Client)", "idaas-ldap/idaastest.",
	}},
	{words{"collecting garbage", "垃圾回收"}, []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge"}},
	{words{"the store: commits and their syncs to disk", "存储库：提交以及落盘"}, []string{"idaas-ldap/store.(*tx).commit"}},
	{words{"the store: sealing and opening, encoding and decoding", "存储库：封存与解封，编码与解码"}, []string{
		"idaas-ldap/store.(*database).seal", "idaas-ldap/store.(*database).open", "idaas-ldap/store.(*Seal)",
	}},
	{words{"the store: statements that write", "存储库：写入的语句"}, []string{"idaas-ldap/store.(*writer)"}},
	{words{"the store: statements that read", "存储库：读取的语句"}, []string{"idaas-ldap/store."}},
	{words{"the log", "日志"}, []string{"github.com/sirupsen/logrus."}},
	{words{"LDAP: encoding, sending, receiving, decoding", "LDAP：编码、发送、接收、解码"}, []string{
		"github.com/go-ldap/ldap", "github.com/go-asn1-ber", "idaas-ldap/connector.",
	}},
	{words{"evaluating the mapping", "对映射求值"}, []string{"idaas-ldap/mapping."}},
	{words{"comparing and planning", "比较和计划"}, []string{"idaas-ldap/plan.", "idaas-ldap/processor."}},
	{words{"verifying and decrypting", "验签和解密"}, []string{"idaas-ldap/receiver.(*Verifier)"}},
	{words{"HTTP, decoding and answering", "HTTP、解码和应答"}, []string{"idaas-ldap/receiver.", "net/http.(*conn)", "idaas-ldap/event."}},
	{words{"handing out the work", "分派工作"}, []string{"idaas-ldap/"}},
	scheduling,
}

// profile is how much processor time each part has taken, by its English name.
type profile map[string]time.Duration

// readProfiles adds up what profiles of one benchmark hold.
func readProfiles(ctx context.Context, folder string) (profile, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.prof"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no profile was written to %s: %w", folder, err)
	}
	said, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-traces", "-unit", "us"}, files...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("read the profiles in %s: %w", folder, err)
	}
	return divide(strings.NewReader(string(said)))
}

// sampled is the first line of a stack: how long it was seen, and its innermost function.
var sampled = regexp.MustCompile(`^\s+([0-9.]+)us\s+(\S.*)$`)

// divide gives the time of each stack to the first part that one of its functions belongs to.
func divide(traces io.Reader) (profile, error) {
	p := profile{}
	var took time.Duration
	var stack []string
	end := func() {
		if len(stack) > 0 {
			p[partOf(stack)] += took
		}
		took, stack = 0, nil
	}
	lines := bufio.NewScanner(traces)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		found := sampled.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "-----"):
			end()
		case found != nil:
			value, err := time.ParseDuration(found[1] + "us")
			if err != nil {
				return nil, fmt.Errorf("read a profile: %w", err)
			}
			took, stack = value, []string{found[2]}
		case len(stack) > 0:
			stack = append(stack, strings.TrimSpace(line))
		}
	}
	end()
	if len(p) == 0 {
		return nil, errors.New("the profile holds no stack")
	}
	return p, lines.Err() //nolint:wrapcheck // It is of a text in memory.
}

// partOf returns the part that a stack belongs to.
func partOf(stack []string) string {
	for _, p := range parts {
		for _, function := range stack {
			for _, below := range p.functions {
				if strings.HasPrefix(function, below) {
					return p.name[english]
				}
			}
		}
	}
	return scheduling.name[english]
}

// all returns how much processor time there is in all.
func (p profile) all() time.Duration {
	var all time.Duration
	for _, took := range p {
		all += took
	}
	return all
}

// column is a benchmark whose processor time is divided, and the figure that says how much there is of it for each.
type column struct {
	name          words
	bench, figure string
}

var columns = []column{
	{words{"first push, µs for each", "首次推送，每人 µs"}, first, first + " cpu-µs/user"},
	{words{"unchanged push, µs for each", "没有变化的推送，每人 µs"}, unchanged, unchanged + " cpu-µs/user"},
	{words{"taking in single events, µs for each", "接收单个事件，每个 µs"}, single, single + " cpu-µs/event"},
	{words{"taking in documents of 20, µs for each event", "接收 20 个事件的文档，每个事件 µs"}, documents, documents + " cpu-µs/event"},
}

// division returns the table of what processor time is spent on.
func (f figures) division(of map[string]profile, in language) string {
	var b strings.Builder
	b.WriteString(words{"| Part", "| 部分"}[in])
	for _, c := range columns {
		b.WriteString(" | " + c.name[in])
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---", len(columns)) + "|\n")
	for _, p := range parts {
		b.WriteString("| " + p.name[in])
		for _, c := range columns {
			share := float64(of[c.bench][p.name[english]]) / float64(max(of[c.bench].all(), 1))
			fmt.Fprintf(&b, " | %.0f", share*f[c.figure])
		}
		b.WriteString(" |\n")
	}
	b.WriteString(words{"| in all", "| 合计"}[in])
	for _, c := range columns {
		fmt.Fprintf(&b, " | %.0f", f[c.figure])
	}
	return b.String() + " |\n"
}
