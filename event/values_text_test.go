package event_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"idaas-ldap/event"
)

// unusual are values of all kinds that may be known of somebody.
func unusual() event.Values {
	deep := any("deep")
	for range 250 {
		deep = []any{deep}
	}
	return event.Values{
		"plain": "Ann Lee", "none": "", "chinese": "王小明", "quoted": `say "hi" \ bye`, "control": "a\x00b\tc\nd", "html": "<a>&</a>", "lines": "\u2028\u2029",
		"broken": "a\xffb", "emoji": "👩‍💻", "replaced": "\ufffd", "nothing": nil, "yes": true, "no": false, "least": int64(math.MinInt64), "most": int64(math.MaxInt64),
		"half": 0.5, "huge": 1e300, "empty list": []any{}, "empty": map[string]any{}, "nested": map[string]any{"a": []any{int64(1), nil, map[string]any{"b": "c"}}},
		"texts": []string{"a", "b"}, "deep": deep, "a \"name\" <&> 名": int64(0),
	}
}

// What is written of an object or an event is what encoding/json writes, and what it has written is read, by both.
func TestValuesAreWrittenAndReadAsJSON(t *testing.T) {
	facts := map[string]event.Fact{}
	for name, value := range unusual() {
		facts[name] = event.Fact{Value: value, At: event.Stamp{Event: event.Millis(len(name)), Update: event.Millis(len(name) % 2)}}
	}
	content := event.Content{Fields: unusual(), Members: []event.Member{{User: "user_1", Present: true}}, Problem: "no \x01 name", Object: "user 名", Trace: "00-a\"b"}
	for name, c := range map[string]struct {
		value   any
		marshal func() ([]byte, error)
		read    func([]byte) (any, error)
	}{
		"facts":         {facts, func() ([]byte, error) { return event.MarshalFacts(facts) }, func(data []byte) (any, error) { return event.UnmarshalFacts(data) }},
		"no facts":      {map[string]event.Fact(nil), func() ([]byte, error) { return event.MarshalFacts(nil) }, func(data []byte) (any, error) { return event.UnmarshalFacts(data) }},
		"content":       {content, func() ([]byte, error) { return event.MarshalContent(content) }, func(data []byte) (any, error) { return event.UnmarshalContent(data) }},
		"empty content": {event.Content{}, func() ([]byte, error) { return event.MarshalContent(event.Content{}) }, func(data []byte) (any, error) { return event.UnmarshalContent(data) }},
	} {
		t.Run(name, func(t *testing.T) {
			theirs, err := json.Marshal(c.value)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := c.marshal()
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			if err := json.Unmarshal(theirs, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(ours, &got); err != nil {
				t.Fatalf("%v: %s", err, ours)
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("it is written differently: %s, and by encoding/json %s", ours, theirs)
			}
			ofTheirs, err := c.read(theirs)
			if err != nil {
				t.Fatal(err)
			}
			ofOurs, err := c.read(ours)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(ofTheirs, ofOurs) {
				t.Errorf("it is read as %v, and what encoding/json has written as %v", ofOurs, ofTheirs)
			}
		})
	}
}

// Values come back as they were, but for bytes that are no text.
func TestValuesComeBack(t *testing.T) {
	values := unusual()
	delete(values, "broken")
	values["texts"] = []any{"a", "b"}
	raw, err := event.MarshalContent(event.Content{Fields: values})
	if err != nil {
		t.Fatal(err)
	}
	back, err := event.UnmarshalContent(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		if !reflect.DeepEqual(back.Fields[name], value) {
			t.Errorf("%s is %#v and comes back as %#v", name, value, back.Fields[name])
		}
	}
}

// What cannot be written as JSON is an error, and what is no JSON is none of it.
func TestValuesThatAreNoJSON(t *testing.T) {
	if _, err := event.MarshalFacts(map[string]event.Fact{"n": {Value: math.Inf(1)}}); err == nil {
		t.Error("a number without end is written")
	}
	for _, data := range []string{"", "{", `{"fields":`, `{"fields":{"a":}}`, "[]", `{"problem":7}`, strings.Repeat("[", 500)} {
		if c, err := event.UnmarshalContent([]byte(data)); err == nil {
			t.Errorf("%s is read as %+v", data, c)
		}
		if facts, err := event.UnmarshalFacts([]byte(data)); err == nil {
			t.Errorf("%s is read as %+v", data, facts)
		}
	}
}

// BenchmarkFacts writes and reads what is known of somebody.
func BenchmarkFacts(b *testing.B) {
	facts := map[string]event.Fact{}
	for name, value := range map[string]any{
		"id": "user_1", "username": "first.last", "displayName": "First Last", "email": "first.last@example.org", "emailVerified": true, "phoneRegion": "86",
		"phoneNumber": "13900000000", "phoneVerified": true, "status": "enabled", "createTime": int64(1_800_000_000_000), "updateTime": int64(1_800_000_000_000),
		"ous": []any{map[string]any{"id": "ou_1", "name": "Sales", "primary": true}},
	} {
		facts[name] = event.Fact{Value: value, At: event.Stamp{Event: 1_800_000_000_000, Update: 1_800_000_000_000}}
	}
	b.ReportAllocs()
	for b.Loop() {
		raw, err := event.MarshalFacts(facts)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := event.UnmarshalFacts(raw); err != nil {
			b.Fatal(err)
		}
	}
}
