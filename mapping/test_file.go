package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Test is a test inside a mapping file: an event, and what it leads to.
type Test struct {
	Name string
	// Line is where the test begins in the file.
	Line int
	// Record is that of the event's object, Above that of the unit above it; without one, that is the root.
	Event         event.Type
	Record, Above event.Values
	// ID and At are those of the event, empty where they are not said. The password is not seen in tests.
	ID       string
	At       event.Millis
	Password secret.Text
	// Members are the users that a group event speaks about.
	Members []event.Values
	// Directory is what is there before.
	Directory []*plan.Entry
	// One of these says what is expected: a change as LDIF, a part of a message, or that nothing is written.
	Expect        Changes
	ExpectMessage string
	ExpectNothing bool
	// expectAt is where the key of Expect stands, zero where it has no block of lines.
	expectAt position
}

// tests reads the tests of a file.
func (r *reader) tests(n ast.Node) []Test {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		r.report(r.at(n), "begin each test with '- name:'", "tests is a list")
		return nil
	}
	var out []Test
	names := map[string]bool{}
	for _, item := range sequence.Values {
		t := r.test(item)
		if names[t.Name] {
			r.problem(r.at(item), "another test is called %q too", t.Name)
		}
		names[t.Name] = t.Name != ""
		out = append(out, t)
	}
	return out
}

// outcomes are the keys of a test that say what is expected.
var outcomes = []string{"expect", "expect_error", "expect_writes"}

func (r *reader) test(item ast.Node) Test {
	at := r.at(item)
	t := Test{Line: at.line}
	keys := r.keys(item, "a test")
	if keys == nil {
		return t
	}
	text := func(what string, use func(scalar)) func(ast.Node) {
		return func(n ast.Node) {
			if s, ok := r.scalar(n, what); ok {
				use(s)
			}
		}
	}
	r.each(keys, map[string]func(ast.Node){
		"name":          text("name", func(s scalar) { t.Name = s.text }),
		"event":         func(n ast.Node) { r.testEvent(&t, n) },
		"directory":     text("directory", func(s scalar) { t.Directory = r.testDirectory(s) }),
		"expect":        text("expect", func(s scalar) { t.Expect = r.testExpect(s) }),
		"expect_error":  text("expect_error", func(s scalar) { t.ExpectMessage = s.text }),
		"expect_writes": func(n ast.Node) { _, t.ExpectNothing = r.oneOf(n, "expect_writes", "0") },
	})
	t.expectAt = expectBlock(keys)
	for _, needed := range []string{"name", "event"} {
		if !hasKey(keys, needed) {
			r.problem(at, "the test has no %s", needed)
		}
	}
	given := slices.DeleteFunc(slices.Clone(outcomes), func(key string) bool { return !hasKey(keys, key) })
	if len(given) != 1 {
		r.problem(at, "a test has exactly one of expect (LDIF), expect_error (a part of the message) and 'expect_writes: 0'")
	}
	return t
}

// testDirectory reads what is in the directory before the event.
func (r *reader) testDirectory(s scalar) []*plan.Entry {
	entries, err := plan.ParseEntries(strings.NewReader(s.text))
	var wrong *plan.LDIFError
	if errors.As(err, &wrong) {
		r.problem(s.line(wrong.Line), "this is no LDIF of entries: %v", wrong.Err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.DN.SharedKey()
		if seen[key] {
			r.problem(s.at(), "two entries have the DN %s", e.DN)
			break
		}
		seen[key] = true
	}
	return entries
}

func (r *reader) testExpect(s scalar) Changes {
	records, err := parseChanges(s.text)
	var wrong *plan.LDIFError
	if errors.As(err, &wrong) {
		r.problem(s.line(wrong.Line), "this is no LDIF of changes: %v", wrong.Err)
	}
	return records
}

// line returns the position of a line of a value, counted from 1.
func (s scalar) line(number int) position {
	at := 0
	for i, line := range strings.Split(s.text, "\n") {
		if i == number-1 {
			break
		}
		at += len([]rune(line)) + 1
	}
	return s.within(at)
}

// testEvent reads an event; it reports false where there is nothing to make one of.
func (r *reader) testEvent(t *Test, n ast.Node) bool {
	keys := r.keys(n, "event")
	if keys == nil {
		return false
	}
	if hasKey(keys, "eventType") {
		return r.wireEvent(t, n, keys)
	}
	if !r.testType(t, keys) {
		return false
	}
	record := func(kind event.Kind, into *event.Values) func(ast.Node) {
		return func(n ast.Node) { *into = r.record(kind, n) }
	}
	known := map[string]func(ast.Node){
		"type": func(ast.Node) {},
		"id": func(n ast.Node) {
			if s, ok := r.scalar(n, "id"); ok {
				t.ID = s.text
			}
		},
		"time": func(n ast.Node) { t.At = r.testTime(n) },
	}
	object := nameUser
	switch t.Event.Kind() {
	case event.KindUser:
		known["password"] = func(n ast.Node) {
			if s, ok := r.scalar(n, "password"); ok {
				t.Password = secret.New(s.text)
			}
		}
		known[nameUser] = record(event.KindUser, &t.Record)
		known[nameUnit] = record(event.KindUnit, &t.Above)
	case event.KindUnit:
		object = nameUnit
		known[nameUnit] = record(event.KindUnit, &t.Record)
		known[nameParent] = record(event.KindUnit, &t.Above)
	case event.KindGroup:
		object = nameGroup
		known[nameGroup] = record(event.KindGroup, &t.Record)
		known["members"] = func(n ast.Node) { r.testMembers(t, n) }
	}
	r.each(keys, known)
	if !hasKey(keys, object) {
		r.report(r.at(n), fmt.Sprintf("as in { type: %s, %s: { id: %s_1 } }", t.Event.Short(), object, object), "the event has no %s", object)
		return false
	}
	if id, _ := t.Record[event.FieldID].(string); id == "" {
		r.problem(r.at(n), "the %s of the event has no id", object)
		return false
	}
	return true
}

// testTime reads when an event happened.
func (r *reader) testTime(n ast.Node) event.Millis {
	s, ok := r.scalar(n, "time")
	if !ok {
		return 0
	}
	if at, err := time.Parse(time.RFC3339, s.text); err == nil {
		return event.Millis(at.UnixMilli())
	}
	ms, err := strconv.ParseInt(s.text, 10, 64)
	if err != nil || ms <= 0 {
		r.report(s.at(), "such as 2026-01-31T08:00:00Z, or milliseconds since 1970", "this is no time")
	}
	return event.Millis(ms)
}

func (r *reader) testType(t *Test, keys *ast.MappingNode) bool {
	for _, entry := range keys.Values {
		if keyName(entry) != "type" {
			continue
		}
		s, ok := r.scalar(entry.Value, "type")
		if !ok {
			return false
		}
		if t.Event = event.ParseType(s.text); t.Event.Kind() == "" || t.Event.Effect() == event.EffectTouch {
			r.report(s.at(), didYouMean(s.text, eventTypes()), "there is no event type %q", s.text)
			return false
		}
		return true
	}
	r.report(r.at(keys), "such as user:create", "the event has no type")
	return false
}

// eventTypes returns the types that a test may have.
func eventTypes() []string {
	var out []string
	for _, t := range event.Types() {
		if t.Kind() != "" && t.Effect() != event.EffectTouch {
			out = append(out, t.Short())
		}
	}
	return out
}

// testMembers reads the users of a group event.
func (r *reader) testMembers(t *Test, n ast.Node) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		r.report(r.at(n), "as in [ { id: user_1, username: ann } ]", "members is a list of users")
		return
	}
	for _, item := range sequence.Values {
		member := r.record(event.KindUser, item)
		if id, _ := member[event.FieldID].(string); id == "" {
			r.problem(r.at(item), "the member has no id")
			continue
		}
		t.Members = append(t.Members, member)
	}
}

// record reads the fields of an object by their canonical names.
func (r *reader) record(kind event.Kind, n ast.Node) event.Values {
	keys := r.keys(n, "a record")
	out := event.Values{}
	if keys == nil {
		return out
	}
	fields := map[string]event.FieldType{}
	for _, f := range event.Fields(kind) {
		fields[f.Name] = f.Type
	}
	known := append(sortedKeys(fields), nameCustom, nameRaw)
	for _, entry := range keys.Values {
		name, at := keyName(entry), positionOf(entry.Key.GetToken())
		fieldType, isField := fields[name]
		isOpen := name == nameCustom || name == nameRaw
		if !isField && !isOpen {
			r.report(at, didYouMean(name, known), "there is no field %q", name)
			continue
		}
		var value any
		if err := yaml.NodeToValue(entry.Value, &value); err != nil {
			r.problem(at, "%s cannot be read: %v", name, err)
			continue
		}
		value = plainValue(value)
		if isOpen {
			parts, _ := value.(map[string]any)
			for part, v := range parts {
				out[name+"."+part] = v
			}
			continue
		}
		if wanted := wrongType(fieldType, value); wanted != "" {
			r.problem(at, "%s is %s", name, wanted)
		}
		out[name] = value
	}
	return out
}

// wrongType says what a field holds, where the value is something else.
func wrongType(t event.FieldType, value any) string {
	var ok bool
	var wanted string
	switch t {
	case event.TypeBool:
		_, ok = value.(bool)
		wanted = "true or false"
	case event.TypeMillis:
		_, ok = value.(int64)
		wanted = "a moment in milliseconds since 1970"
	case event.TypeUnits:
		_, ok = value.([]any)
		wanted = "a list, as in [ { id: ou_1, name: Sales, primary: true } ]"
	case event.TypeList:
		_, ok = value.([]any)
		wanted = "a list"
	default:
		_, ok = value.(string)
		wanted = "text; put it in quotes"
	}
	if ok || value == nil {
		return ""
	}
	return wanted
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
