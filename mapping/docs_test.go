package mapping_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// block is a fenced block of a page. Its role is the second word behind the fence.
type block struct {
	language, role, content string
	line                    int
}

var fence = regexp.MustCompile("(?m)^```([a-z]+)(?: ([a-z]+))?\n((?s:.*?))^```$")

// page is a page of the documentation whose examples are run.
type page struct {
	t        *testing.T
	frame    map[string]any // the first whole file
	fragment map[string]any
	event    any
	before   string
	examples int
	steps    []map[string]any
}

// The pages say what happens: every example is compiled and run, and what is shown as its result is the result.
func TestDocumentationIsTrue(t *testing.T) {
	for name, least := range map[string]int{"mapping.md": 15, "migrating.md": 2} {
		t.Run(name, func(t *testing.T) {
			path := "../docs/" + name
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := &page{t: t}
			got := p.render(string(source))
			got = between(got, "functions", functionTable())
			got = between(got, "fields", fieldTable())
			if p.examples < least {
				t.Errorf("%d examples were run", p.examples)
			}
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(source), got); diff != "" {
				t.Errorf("-update writes it anew (-page +truth)\n%s", diff)
			}
		})
	}
}

// render runs the examples of a page and puts their results in.
func (p *page) render(source string) string {
	var out strings.Builder
	last := 0
	for _, m := range fence.FindAllStringSubmatchIndex(source, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return source[m[2*i]:m[2*i+1]]
		}
		b := block{language: group(1), role: group(2), content: group(3), line: strings.Count(source[:m[0]], "\n") + 1}
		out.WriteString(source[last:m[6]] + p.run(b))
		last = m[7]
	}
	return out.String() + source[last:]
}

// run takes a block in and returns what it should hold.
func (p *page) run(b block) string {
	p.t.Helper()
	switch b.language + " " + b.role {
	case "yaml file":
		p.file(b)
	case "yaml mapping":
		p.fragment, p.before = yamlOf(p.t, b.content), ""
		p.compile(b, nil)
	case "yaml event":
		p.event, p.before = yamlOf(p.t, b.content), ""
	case "ldif before":
		p.before = b.content
	case "ldif after", "text after":
		p.examples++
		return p.after(b)
	case "text wrong":
		return p.wrong(b)
	case "yaml step":
		p.steps = append(p.steps, yamlOf(p.t, b.content))
	case "yaml ", "sh ", "text ", "xml ":
	default:
		p.t.Errorf("line %d: nobody knows what a block of %s %q is", b.line, b.language, b.role)
	}
	return b.content
}

// file checks a whole file; the first one is what the examples add to.
func (p *page) file(b block) {
	p.t.Helper()
	for _, r := range mappingtest.Run(compile(p.t, b.content)) {
		if r.Err != nil {
			p.t.Errorf("line %d: %s:\n%v", b.line, r.Name, r.Err)
		}
	}
	if p.frame == nil {
		p.frame = yamlOf(p.t, b.content)
		delete(p.frame, "tests")
	}
}

// compile compiles the file with the example in it, and a test if there is one.
func (p *page) compile(b block, test map[string]any) *mapping.Set {
	p.t.Helper()
	document := merged(p.frame, p.fragment)
	if test != nil {
		document["tests"] = []any{test}
	}
	source, err := yaml.Marshal(document)
	if err != nil {
		p.t.Fatal(err)
	}
	set, err := mapping.Compile(fmt.Sprintf("example in line %d", b.line), source)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	return set
}

// after returns what the directory holds after the event, or why it does not.
func (p *page) after(b block) string {
	p.t.Helper()
	set := p.compile(b, map[string]any{"name": "example", "event": p.event, "directory": p.before, "expect_writes": 0})
	trial, err := mappingtest.Try(set, set.Tests()[0])
	if err != nil {
		p.t.Fatalf("line %d: %v", b.line, err)
	}
	if b.language == "text" {
		if trial.Message == "" {
			p.t.Errorf("line %d: it is written", b.line)
		}
		return trial.Message + "\n"
	}
	if trial.Message != "" {
		p.t.Fatalf("line %d: %s", b.line, trial.Message)
	}
	var out []string
	for _, e := range trial.After {
		text := shown(e)
		if !slices.ContainsFunc(trial.Before, func(e *plan.Entry) bool { return shown(e) == text }) {
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n")
}

// wrong returns the messages for a rule that is wrong.
func (p *page) wrong(b block) string {
	p.t.Helper()
	rule, _, _ := strings.Cut(b.content, "\n")
	source := "version: 1\nbase: dc=example,dc=org\nuser:\n  dn: \"uid={user.username},{base}\"\n  match: [ { attribute: uid, value: user.id } ]\n  attributes:\n" +
		strings.Repeat("\n", 8) + rule + "\n"
	_, err := mapping.Compile("mappings/openldap.yaml", []byte(source))
	var wrong *mapping.Errors
	if !errors.As(err, &wrong) {
		p.t.Fatalf("line %d: it is right: %v", b.line, err)
	}
	return rule + "\n\n" + wrong.Error() + "\n"
}

// Whoever follows the steps of the page gets the example beside it, and that does what its tests say.
func TestStepsOfTheDocumentationLeadToItsExample(t *testing.T) {
	source, err := os.ReadFile("../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t: t}
	p.render(string(source))
	if len(p.steps) != 4 {
		t.Fatalf("there are %d steps", len(p.steps))
	}
	got := yamlOf(t, string(readyMappings(t)["../configs/mappings/openldap.yaml"]))
	for _, step := range p.steps {
		got = merged(got, step)
	}
	example := files(t, "../docs/example.yaml")["../docs/example.yaml"]
	want := yamlOf(t, string(example))
	delete(got, "tests")
	delete(want, "tests")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-example +steps)\n%s", diff)
	}
	results := mappingtest.Run(compile(t, string(example)))
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s:\n%v", r.Name, r.Err)
		}
	}
	if err := compiledSchema(t).Validate(decode(t, example)); err != nil || len(results) < 5 {
		t.Errorf("%d tests: %v", len(results), err)
	}
}

func yamlOf(t *testing.T, source string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(source), &out); err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	return out
}

// merged returns a document with a change in it.
func merged(document, change map[string]any) map[string]any {
	out := maps.Clone(document)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range change {
		below, isMap := value.(map[string]any)
		old, wasMap := out[key].(map[string]any)
		if isMap && wasMap && !slices.Contains([]string{"delete", "disable", "members"}, key) {
			value = merged(old, below)
		}
		out[key] = value
	}
	return out
}

// shown writes an entry as LDIF, with text of other scripts as it is.
func shown(e *plan.Entry) string {
	text := "dn: " + e.DN.String() + "\n"
	for _, a := range e.Attributes {
		for _, v := range a.Values {
			text += a.Name + ": " + v + "\n"
		}
	}
	return text
}

// between puts a generated part between its marks.
func between(source, mark, content string) string {
	from, to := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	i, j := strings.Index(source, from), strings.Index(source, to)
	if i < 0 || j < i {
		return source
	}
	return source[:i+len(from)] + content + source[j:]
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| Function | Gives | Example | |\n|---|---|---|---|\n")
	for _, f := range mapping.Functions() {
		example, result := "", ""
		if f.Example != "" {
			example, result = "`"+f.Example+"`", "`"+f.Result+"`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Signature, f.Doc, example, result)
	}
	return b.String()
}

func fieldTable() string {
	var b strings.Builder
	b.WriteString("| Field | Holds |\n|---|---|\n")
	for _, kind := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		record := map[event.Kind]string{event.KindUser: "user", event.KindUnit: "ou", event.KindGroup: "group"}[kind]
		for _, f := range event.Fields(kind) {
			fmt.Fprintf(&b, "| `%s.%s` | %s |\n", record, f.Name, f.Doc)
		}
		fmt.Fprintf(&b, "| `%s.custom.NAME` | a field of your own |\n| `%s.raw.NAME` | anything else that came in an event, by its name there |\n", record, record)
	}
	return b.String()
}
