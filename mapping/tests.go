package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// Test is a test inside a mapping file: an event, and what it leads to.
type Test struct {
	Name string
	at   place
	// Event is the event's type and record, Unit the record of the unit above; without one that is the root.
	Type   event.Type
	Record event.Values
	Unit   event.Values
	// Directory is what the entry is before, as LDIF.
	Directory string
	// Expect is the change as LDIF; ExpectError is a part of the error's text; ExpectNothing says that nothing is
	// written.
	Expect        string
	ExpectError   string
	ExpectNothing bool
}

// TestResult is the result of one test.
type TestResult struct {
	Name string
	// Err says what was different, nil if nothing was.
	Err error
}

// tests reads the tests of a file.
func (r *reader) tests(n ast.Node) []Test {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.problem(r.at(n), "tests is a list")
		return nil
	}
	var out []Test
	for _, item := range list.Values {
		t := Test{at: r.at(item)}
		var outcomes int
		text := func(into *string, what string) func(ast.Node) {
			return func(n ast.Node) {
				if s, ok := r.scalar(n, what); ok {
					*into = s.text
				}
			}
		}
		counted := func(read func(ast.Node)) func(ast.Node) {
			return func(n ast.Node) {
				outcomes++
				read(n)
			}
		}
		r.each(r.keys(item, "a test"), map[string]func(ast.Node){
			"name":          text(&t.Name, "name"),
			"event":         func(n ast.Node) { r.testEvent(&t, n) },
			"directory":     text(&t.Directory, "directory"),
			"expect":        counted(text(&t.Expect, "expect")),
			"expect_error":  counted(text(&t.ExpectError, "expect_error")),
			"expect_writes": counted(func(n ast.Node) { _, t.ExpectNothing = r.oneOf(n, "expect_writes", "0") }),
		})
		if t.Name == "" {
			r.problem(t.at, "a test needs a name")
		}
		if outcomes != 1 {
			r.problem(t.at, "a test has exactly one of expect, expect_error and 'expect_writes: 0'")
		}
		out = append(out, t)
	}
	return out
}

func (r *reader) testEvent(t *Test, n ast.Node) {
	record := func(kind event.Kind, into *event.Values) func(ast.Node) {
		return func(n ast.Node) { *into = r.record(kind, n) }
	}
	keys := r.keys(n, "event")
	if keys == nil {
		return
	}
	for _, entry := range keys.Values {
		if entry.Key.GetToken().Value == "type" {
			if s, ok := r.scalar(entry.Value, "type"); ok {
				t.Type = event.ParseType(s.text)
				if t.Type.Kind() == "" {
					r.problem(s.at, "there is no event type %q; as in user:create or organizational_unit:push", s.text)
					return
				}
			}
		}
	}
	known := map[string]func(ast.Node){"type": func(ast.Node) {}}
	switch t.Type.Kind() {
	case event.KindUser:
		known[nameUser] = record(event.KindUser, &t.Record)
		known[nameUnit] = record(event.KindUnit, &t.Unit)
	case event.KindUnit:
		known[nameUnit] = record(event.KindUnit, &t.Record)
		known[nameParent] = record(event.KindUnit, &t.Unit)
	case event.KindGroup:
		known[nameGroup] = record(event.KindGroup, &t.Record)
	default:
		r.problem(r.at(n), "an event needs a type, such as user:create")
		return
	}
	r.each(keys, known)
	if id, _ := t.Record[event.FieldID].(string); id == "" {
		r.problem(r.at(n), "the %s of the event needs an id", t.Type.Kind())
	}
}

// record reads the fields of an object by their canonical names.
func (r *reader) record(kind event.Kind, n ast.Node) event.Values {
	keys := r.keys(n, "a record")
	if keys == nil {
		return nil
	}
	types := map[string]event.FieldType{}
	for _, f := range event.Fields(kind) {
		types[f.Name] = f.Type
	}
	out := event.Values{}
	for _, entry := range keys.Values {
		name := entry.Key.GetToken().Value
		at := place{entry.Key.GetToken().Position.Line, entry.Key.GetToken().Position.Column}
		var value any
		if err := yaml.NodeToValue(entry.Value, &value); err != nil {
			r.problem(at, "%s cannot be read: %v", name, err)
			continue
		}
		if name == "custom" || name == "raw" {
			fields, _ := value.(map[string]any)
			for k, v := range fields {
				out[name+"."+k] = plainValue(v)
			}
			continue
		}
		if _, ok := types[name]; !ok {
			r.problem(at, "there is no field %q%s", name, didYouMean(name, sortedKeys(types)))
			continue
		}
		out[name] = plainValue(value)
	}
	return out
}

// plainValue gives decoded YAML the Go types that event.Values documents.
func plainValue(v any) any {
	encoded, err := json.Marshal(map[string]any{"v": v})
	if err != nil {
		return v
	}
	var values event.Values
	if json.Unmarshal(encoded, &values) != nil {
		return v
	}
	return values["v"]
}

// RunTests runs the tests of the file. Passwords and login status are not shown in them, as they are written by means of
// the server.
func (s *Set) RunTests() []TestResult {
	out := make([]TestResult, len(s.tests))
	for i, t := range s.tests {
		out[i] = TestResult{Name: t.Name, Err: s.runTest(t)}
	}
	return out
}

func (s *Set) runTest(t Test) error {
	got, err := s.planTest(t)
	switch {
	case t.ExpectError != "" && err == nil:
		return fmt.Errorf("expected an error with %q, got:\n%s", t.ExpectError, indent(got))
	case t.ExpectError != "" && !strings.Contains(err.Error(), t.ExpectError):
		return fmt.Errorf("expected an error with %q, got: %w", t.ExpectError, err)
	case t.ExpectError != "":
		return nil
	case err != nil:
		return err
	}
	want := t.Expect
	if t.ExpectNothing {
		want = ""
	}
	if difference := compareLDIF(want, got); difference != "" {
		return errors.New(difference)
	}
	return nil
}

// planTest returns the LDIF that a test leads to.
func (s *Set) planTest(t Test) (string, error) {
	object := event.Object{Ref: event.Ref{Kind: t.Type.Kind(), ID: fmt.Sprint(t.Record[event.FieldID])}}
	change := event.Change{ID: "test", Type: t.Type, Object: object.Ref, Stamp: event.Stamp{Event: 1}, Fields: t.Record}
	merged := event.Merge(object, []event.Change{change})
	in := Input{Object: merged.Object, Above: s.RootAbove(), Numbers: map[string]int64{}, Resolved: map[event.Ref]plan.DN{}, Deleted: merged.Object.Deleted()}
	if t.Unit != nil {
		in.Above = s.unitOf(t.Unit)
	}
	result, err := s.Desired(in)
	var asked *Unresolved
	if errors.As(err, &asked) {
		for _, n := range asked.Numbers {
			in.Numbers[n.Pool] = n.From
		}
		for _, ref := range asked.Objects {
			in.Resolved[ref] = s.base.Child(plan.RDN{{Type: "cn", Value: ref.ID}})
		}
		result, err = s.Desired(in)
	}
	if err != nil {
		return "", err
	}
	current, err := testEntry(t.Directory)
	if err != nil {
		return "", err
	}
	if rule, ok := s.Members(); ok && t.Type.Kind() == event.KindGroup && current == nil && result.Removal == nil {
		result.Members = &plan.Members{Attribute: rule.Attribute, Placeholder: rule.Placeholder}
	}
	built, err := plan.Build(current, result.Desired, plan.Policy{Matching: plan.DefaultMatching()})
	if err != nil {
		return "", fmt.Errorf("plan: %w", err)
	}
	var b bytes.Buffer
	err = plan.WriteLDIF(&b, built.Operations...)
	return b.String(), err
}

// unitOf gives the unit of a test a place below the root.
func (s *Set) unitOf(record event.Values) *Above {
	above := &Above{Object: event.Object{
		Ref: event.Ref{Kind: event.KindUnit, ID: fmt.Sprint(record[event.FieldID])}, Existence: event.Existence{Present: true}, Facts: map[string]event.Fact{},
	}}
	for name, value := range record {
		above.Object.Facts[name] = event.Fact{Value: value}
	}
	above.DN = s.Root()
	if result, err := s.Desired(Input{Object: above.Object, Above: s.RootAbove()}); err == nil && !result.DN.Empty() {
		above.DN = result.DN
	}
	return above
}

func testEntry(ldif string) (*plan.Entry, error) {
	if strings.TrimSpace(ldif) == "" {
		return nil, nil
	}
	entries, err := plan.ParseEntries(strings.NewReader(ldif))
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if len(entries) != 1 {
		return nil, fmt.Errorf("directory: it holds %d entries; a test knows the one entry of its object", len(entries))
	}
	return entries[0], nil
}

// compareLDIF compares change records without regard to comments, folding and the order of attributes, and returns a
// readable difference, or nothing.
func compareLDIF(want, got string) string {
	w, g := ldifLines(want), ldifLines(got)
	if slices.Equal(w, g) {
		return ""
	}
	var b strings.Builder
	b.WriteString("  what is expected (-) and what would be written (+):\n")
	i, j := 0, 0
	for i < len(w) || j < len(g) {
		switch {
		case i < len(w) && j < len(g) && w[i] == g[j]:
			b.WriteString("    " + w[i] + "\n")
			i++
			j++
		case i < len(w) && (j == len(g) || !slices.Contains(g[j:], w[i])):
			b.WriteString("  - " + w[i] + "\n")
			i++
		default:
			b.WriteString("  + " + g[j] + "\n")
			j++
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// ldifLines returns the lines of LDIF without comments and folding; the attributes of an added entry are sorted.
func ldifLines(text string) []string {
	var records [][]string
	var record []string
	flush := func() {
		if len(record) > 0 {
			if len(record) > 1 && record[1] == "changetype: add" {
				slices.Sort(record[2:])
			}
			records = append(records, record)
			record = nil
		}
	}
	for _, line := range strings.Split(strings.ReplaceAll(text, "\n ", ""), "\n") {
		line = strings.TrimRight(line, " \r")
		switch {
		case line == "":
			flush()
		case strings.HasPrefix(line, "#"):
		default:
			record = append(record, line)
		}
	}
	flush()
	return slices.Concat(records...)
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}
