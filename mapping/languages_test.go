package mapping_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// section is what follows a heading of a page. Each block is written as far as it has to be the same in every language: what kind it
// is, the numbers, names in code and pages in its words, the columns of a row, the content of an example.
type section struct {
	heading string
	line    int
	blocks  []string
}

var (
	opening   = regexp.MustCompile("^( *)```(.*)$")
	heading   = regexp.MustCompile("^(#+) ")
	item      = regexp.MustCompile(`^(?:[-*]|[0-9]+\.) `)
	mark      = regexp.MustCompile(`^<!-- (.*) -->$`)
	inline    = regexp.MustCompile("``.+?``|`[^`]+`")
	link      = regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	number    = regexp.MustCompile(`[0-9]+(?:[.,][0-9]+)*`)
	cellEnd   = regexp.MustCompile(`(^|[^\\])\|`)
	commented = regexp.MustCompile(`(?m)(\S)[ \t]+# .*$`)
)

// The documentation is the same in both languages. Words may be put otherwise; structure, examples, numbers and names may not.
func TestDocumentationIsTheSameInBothLanguages(t *testing.T) {
	english, chinese := pages(t, "../README.md", "../docs/*.md"), pages(t, "../README.zh-CN.md", "../docs/zh-CN/*.md")
	for path, source := range english {
		other := inChinese(path)
		if _, ok := chinese[other]; !ok {
			t.Errorf("%s is missing; translate %s", other, path)
			continue
		}
		for _, difference := range differences(path, source, other, chinese[other]) {
			t.Errorf("%s\nWhat changes in one language changes in the other: see \"Documentation in two languages\" in CONTRIBUTING.md.", difference)
		}
	}
	for path := range chinese {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(english)), func(e string) bool { return inChinese(e) == path }) {
			t.Errorf("%s is a translation of no page; remove it", path)
		}
	}
}

// Each link of the documentation leads to a file and a heading that are there, and to the reader's own language where there is one.
func TestLinksOfTheDocumentationLeadSomewhere(t *testing.T) {
	english, chinese := pages(t, "../README.md", "../docs/*.md"), pages(t, "../README.zh-CN.md", "../docs/zh-CN/*.md")
	for path, source := range english {
		for _, fault := range wrongLinks(t, path, source) {
			t.Error(fault)
		}
	}
	for path, source := range chinese {
		for _, fault := range wrongLinks(t, path, source) {
			t.Error(fault)
		}
		_, body, _ := strings.Cut(source, "[English]")
		_, body, _ = strings.Cut(body, "\n")
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			target := filepath.ToSlash(filepath.Join(filepath.Dir(path), m[1]))
			if _, ok := english[target]; ok {
				t.Errorf("%s links to %s; link to %s", path, target, inChinese(target))
			}
		}
	}
}

// Whatever changes in one language only is found, and named with its place.
func TestDifferencesOfLanguagesAreNamed(t *testing.T) {
	const english = "# Title\n\n[简体中文](zh-CN/a.md)\n\nTakes 5 s with `wait`,\nsee [there](b.md#x).\n\n## Next\n\n" +
		"1. One\n2. Two\n\n   ```sh\n   run it   # in words\n   ```\n\n| A | B |\n|---|---|\n| `a \\| b` | c |\n\n<!-- rows: X -->\n| a |\n<!-- end of rows -->\n"
	const chinese = "# 标题\n\n[English](../a.md)\n\n用 `wait` 需 5 s，见[那里](b.md#某)。\n\n## 其次\n\n" +
		"1. 一\n2. 二\n\n   ```sh\n   run it   # 说明\n   ```\n\n| 甲 | 乙 |\n|---|---|\n| `a \\| b` | 丙 |\n\n<!-- rows: X -->\n| 甲 |\n<!-- end of rows -->\n"
	if got := differences("docs/a.md", english, "docs/zh-CN/a.md", chinese); len(got) > 0 {
		t.Fatalf("%v", got)
	}
	for _, c := range []struct{ old, changed, want string }{
		{"[English](../a.md)\n\n", "", "docs/zh-CN/a.md: its third line has to be [English](../a.md)"},
		{"## 其次", "### 其次", "docs/zh-CN/a.md does not have the headings of docs/a.md"},
		{"5 s", "6 s", "docs/zh-CN/a.md:1"},
		{"`wait`", "wait", "docs/zh-CN/a.md:1"},
		{"(b.md", "(c.md", "docs/zh-CN/a.md:1"},
		{"2. 二\n", "", "docs/zh-CN/a.md:7"},
		{"run it ", "run that ", "docs/zh-CN/a.md:7"},
		{"```sh", "```yaml", "docs/zh-CN/a.md:7"},
		{"| 丙 |", "| 丙 | 丁 |", "docs/zh-CN/a.md:7"},
		{"| `a \\| b` | 丙 |\n", "", "docs/zh-CN/a.md:7"},
		{"rows: X", "rows: Y", "docs/zh-CN/a.md:7"},
	} {
		got := differences("docs/a.md", english, "docs/zh-CN/a.md", strings.Replace(chinese, c.old, c.changed, 1))
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%q instead of %q: %q; want one that begins with %q", c.changed, c.old, got, c.want)
		}
	}
}

// pages reads the pages that the patterns match, by their paths.
func pages(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no page, %v", pattern, err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.ToSlash(path)] = string(source)
		}
	}
	return found
}

// inChinese returns where the translation of an English page is.
func inChinese(path string) string {
	if strings.HasSuffix(path, "README.md") {
		return strings.TrimSuffix(path, ".md") + ".zh-CN.md"
	}
	return strings.Replace(path, "docs/", "docs/zh-CN/", 1)
}

// differences says what two pages do not have in common that should be.
func differences(path, source, otherPath, other string) []string {
	var out []string
	for _, p := range []struct{ path, source, language, to string }{
		{path, source, "简体中文", otherPath}, {otherPath, other, "English", path},
	} {
		to, err := filepath.Rel(filepath.Dir(p.path), p.to)
		want := fmt.Sprintf("[%s](%s)", p.language, filepath.ToSlash(to))
		if lines := strings.SplitN(p.source, "\n", 4); err != nil || len(lines) < 4 || lines[2] != want {
			out = append(out, fmt.Sprintf("%s: its third line has to be %s", p.path, want))
		}
	}
	if len(out) > 0 {
		return out
	}
	a, b := sections(source), sections(other)
	if diff := cmp.Diff(levels(a), levels(b)); diff != "" {
		return []string{fmt.Sprintf("%s does not have the headings of %s (-%s +%s):\n%s", otherPath, path, path, otherPath, diff)}
	}
	for i := range a {
		if diff := cmp.Diff(a[i].blocks, b[i].blocks); diff != "" {
			out = append(out, fmt.Sprintf("%s:%d %q differs from %s:%d %q (-%s +%s):\n%s",
				otherPath, b[i].line, b[i].heading, path, a[i].line, a[i].heading, path, otherPath, diff))
		}
	}
	return out
}

func levels(of []section) []string {
	out := make([]string, len(of))
	for i, s := range of {
		out[i] = heading.FindString(s.heading)
	}
	return out
}

// sections takes a page apart.
func sections(source string) []section {
	out := []section{{line: 1}}
	text, kind := "", "" // the words of the block that is being read
	end := func() {
		if text != "" {
			out[len(out)-1].blocks = append(out[len(out)-1].blocks, kind+names(text))
		}
		text = ""
	}
	lines := strings.Split(source, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case heading.MatchString(line):
			end()
			out = append(out, section{heading: line, line: i + 1})
		case opening.MatchString(line):
			end()
			fence := opening.FindStringSubmatch(line)
			last := next(lines, i+1, fence[1]+"```")
			out[len(out)-1].blocks = append(out[len(out)-1].blocks, example(fence[2], lines[i+1:last]))
			i = last
		case mark.MatchString(line):
			end()
			text, kind = line, line
			end()
		case strings.HasPrefix(line, "|"):
			end()
			text, kind = line, fmt.Sprintf("row of %d", len(cellEnd.FindAllString(line, -1))-1)
			end()
		case item.MatchString(line):
			end()
			text, kind = item.ReplaceAllString(line, ""), "item"
		case strings.TrimSpace(line) == "":
			end()
		case text == "":
			text, kind = line, "paragraph"
		default:
			text += " " + strings.TrimSpace(line)
		}
	}
	end()
	return out
}

// next returns where the line is that ends something, which is the end of the page if there is none.
func next(lines []string, from int, end string) int {
	if i := slices.Index(lines[from:], end); i >= 0 {
		return from + i
	}
	return len(lines)
}

// example returns what has to be the same of an example: all but the comments behind code. Of a drawing only the
// lines count.
func example(language string, lines []string) string {
	content := strings.Join(lines, "\n")
	switch word, _, _ := strings.Cut(language, " "); word {
	case "text":
		if language == "text drawing" {
			return fmt.Sprintf("drawing of %d", len(lines))
		}
	case "yaml", "sh":
		content = commented.ReplaceAllString(content, "$1")
	}
	return "example " + language + "\n" + content
}

// names lists the code, numbers and pages in a text, each once.
func names(text string) string {
	found := inline.FindAllString(text, -1)
	text = inline.ReplaceAllString(text, "")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") {
			m[1] = "elsewhere"
		}
		found = append(found, "["+strings.Replace(filepath.Base(m[1]), ".zh-CN", "", 1)+"]")
	}
	found = append(found, number.FindAllString(link.ReplaceAllString(text, ""), -1)...)
	slices.Sort(found)
	return " " + strings.Join(slices.Compact(found), " ")
}

// wrongLinks says which links of a page lead to a file or heading that is not there.
func wrongLinks(t *testing.T, path, source string) []string {
	t.Helper()
	var out []string
	for _, m := range link.FindAllStringSubmatch(source, -1) {
		if strings.Contains(m[1], "://") {
			continue
		}
		target := path
		if m[1] != "" {
			target = filepath.Join(filepath.Dir(path), m[1])
		}
		content, err := os.ReadFile(target)
		if err != nil {
			out = append(out, fmt.Sprintf("%s links to %s: %v", path, m[1], err))
			continue
		}
		if m[2] != "" && !slices.ContainsFunc(sections(string(content)), func(s section) bool { return anchor(s.heading) == m[2] }) {
			out = append(out, fmt.Sprintf("%s links to %s#%s, and no heading there makes that anchor", path, m[1], m[2]))
		}
	}
	return out
}

// anchor is how a heading is named in links.
func anchor(title string) string {
	title = strings.ToLower(heading.ReplaceAllString(title, ""))
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
}
