package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"idaas-ldap/internal/jsonscan"
)

var seeds = []string{
	``, ` `, `{}`, ` { } `, `[]`, `[1,2]`, `{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":[{"b":"\u00e9\ud83d\ude00\ud83d"}]}`, "{\"a\":\"\x01\"}",
	`{"a":01}`, `{"a":-0.5e+7}`, `{"a":1.}`, `{"a":1e}`, `{"a":-}`, `{"a":tru}`, `{"a":true,"b":false,"c":null}`, `{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\xff\"}", `{"a\u0062":"b"}`,
	`["\"\\\/\b\f\n\r\t"]`, `[[],{}]`, `[1,]`, `{"a":{"b":1,}}`, `{"a":{"b" 1}}`, `{"a":[1 2]}`, `{"":""}`, `{"a":"\ud800\u0041"}`,
}

func FuzzAgainstTheStandardLibrary(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) || bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 100 {
			return // the standard library takes what is not UTF-8 or nested far deeper
		}
		var members map[string]json.RawMessage
		standard := json.Unmarshal(data, &members) == nil && members != nil
		got := map[string]json.RawMessage{}
		err := jsonscan.Object(data, func(name string, value []byte) error {
			got[name] = value
			return nil
		})
		if (err == nil) != standard {
			t.Fatalf("%q as an object: %v, the standard library says %v", data, err, standard)
		}
		if standard {
			same(t, got, members)
		}
		var items []json.RawMessage
		standard = json.Unmarshal(data, &items) == nil && items != nil
		n := 0
		err = jsonscan.Array(data, func(value []byte) error {
			if standard && !bytes.Equal(value, items[n]) {
				t.Fatalf("%q: item %d is %q", data, n, value)
			}
			n++
			return nil
		})
		if (err == nil) != standard || standard && n != len(items) {
			t.Fatalf("%q as an array: %v with %d items, the standard library says %v", data, err, n, standard)
		}
	})
}

func same(t *testing.T, got, want map[string]json.RawMessage) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d members; want %d", len(got), len(want))
	}
	for name, value := range want {
		if !bytes.Equal(got[name], value) {
			t.Fatalf("%q is %q; want %q", name, got[name], value)
		}
		var text string
		isText := value[0] == '"' && json.Unmarshal(value, &text) == nil
		if read, ok := jsonscan.Text(value); ok != isText || read != text {
			t.Fatalf("%s is the text %q; want %q", value, read, text)
		}
	}
}

// Text is cut out and not copied where nothing in it is escaped.
func TestTextWithoutEscapesIsNotCopied(t *testing.T) {
	data := []byte(`{"event":"` + strings.Repeat("a", 1000) + `"}`)
	allocated := testing.AllocsPerRun(100, func() {
		_ = jsonscan.Object(data, func(_ string, value []byte) error {
			if content, ok := jsonscan.Bytes(value); !ok || len(content) != 1000 {
				t.Error("it is read wrong")
			}
			return nil
		})
	})
	if allocated > 2 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestWhoIsCalledCanEndTheWalk(t *testing.T) {
	enough := errors.New("enough")
	calls := 0
	err := jsonscan.Object([]byte(`{"a":1,"b":2}`), func(string, []byte) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	err = jsonscan.Array([]byte(`[1,2]`), func([]byte) error { return enough })
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// A value that is nested deeper than anybody means is refused, whatever its length.
func TestDepthIsBounded(t *testing.T) {
	for _, depth := range []int{100, 100_000} {
		text := strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth)
		err := jsonscan.Array([]byte(text), func([]byte) error { return nil })
		if (err == nil) != (depth == 100) {
			t.Errorf("%d deep: %v", depth, err)
		}
	}
}

// What the standard library would repair is refused: text that is not UTF-8.
func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	if _, ok := jsonscan.Text([]byte("\"\xff\"")); ok {
		t.Error("it is taken")
	}
}
