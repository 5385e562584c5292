package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"idaas-ldap/internal/jsonscan"
)

// What is known is written and read for every event, so that is done in one pass over the few types that values have. Whatever is
// unusual is left to encoding/json, which writes and reads the same.

// appendValue appends a value as JSON.
func appendValue(out []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case int64:
		return strconv.AppendInt(out, v, 10), nil
	case string:
		return appendText(out, v), nil
	case []any:
		return appendList(out, v)
	case map[string]any:
		return appendValues(out, v)
	}
	other, err := json.Marshal(value)
	if err != nil {
		return out, fmt.Errorf("encode a value: %w", err)
	}
	return append(out, other...), nil
}

func appendList(out []byte, list []any) ([]byte, error) {
	if list == nil {
		return append(out, "null"...), nil
	}
	out = append(out, '[')
	for i, item := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(out, item); err != nil {
			return out, err
		}
	}
	return append(out, ']'), nil
}

func appendValues(out []byte, values map[string]any) ([]byte, error) {
	if values == nil {
		return append(out, "null"...), nil
	}
	out = append(out, '{')
	first := len(out)
	for name, value := range values {
		if len(out) > first {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(append(appendText(out, name), ':'), value); err != nil {
			return out, err
		}
	}
	return append(out, '}'), nil
}

// appendText appends a string as JSON. One with a character that cannot stand for itself is left to encoding/json.
func appendText(out []byte, text string) []byte {
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		if r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError && size == 1 {
			escaped, _ := json.Marshal(text) //nolint:errchkjson // Text can be encoded.
			return append(out, escaped...)
		}
		i += size
	}
	return append(append(append(out, '"'), text...), '"')
}

// appendStamp appends the time of an event as encoding/json does.
func appendStamp(out []byte, s Stamp) []byte {
	out = strconv.AppendInt(append(out, `{"e":`...), int64(s.Event), 10)
	if s.Update != 0 {
		out = strconv.AppendInt(append(out, `,"u":`...), int64(s.Update), 10)
	}
	return append(out, '}')
}

// errUnusual says that something is for encoding/json to read.
var errUnusual = errors.New("it is not written in one of the usual ways")

// parseValue reads a value that is one JSON value. Numbers become int64 where they are whole and float64 where not.
func parseValue(data []byte) (any, error) {
	switch data[0] {
	case '"':
		if text, ok := jsonscan.Text(data); ok {
			return text, nil
		}
		return nil, errUnusual
	case '{':
		return parseValues(data)
	case '[':
		list := []any{}
		err := jsonscan.Array(data, func(item []byte) error {
			value, err := parseValue(item)
			list = append(list, value)
			return err
		})
		return list, err //nolint:wrapcheck // Where it is unusual, it is read anew.
	case 't':
		return true, nil
	case 'f':
		return false, nil
	case 'n':
		return nil, nil //nolint:nilnil // It is null.
	}
	if n, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		return n, nil
	}
	f, _ := strconv.ParseFloat(string(data), 64)
	return f, nil
}

func parseValues(data []byte) (map[string]any, error) {
	values := map[string]any{}
	err := jsonscan.Object(data, func(name string, value []byte) error {
		parsed, err := parseValue(value)
		values[name] = parsed
		return err
	})
	return values, err //nolint:wrapcheck // Where it is unusual, it is read anew.
}

func parseStamp(data []byte) (s Stamp, err error) {
	err = jsonscan.Object(data, func(name string, value []byte) error {
		n, err := strconv.ParseInt(string(value), 10, 64)
		switch name {
		case "e":
			s.Event = Millis(n)
		case "u":
			s.Update = Millis(n)
		}
		return err //nolint:wrapcheck // Where it is unusual, it is read anew.
	})
	return s, err //nolint:wrapcheck // As above.
}

func parseFacts(data []byte) (map[string]Fact, error) {
	facts := map[string]Fact{}
	err := jsonscan.Object(data, func(name string, value []byte) error {
		var fact Fact
		err := jsonscan.Object(value, func(part string, value []byte) (err error) {
			switch part {
			case "v":
				fact.Value, err = parseValue(value)
			case "t":
				fact.At, err = parseStamp(value)
			}
			return err
		})
		facts[name] = fact
		return err //nolint:wrapcheck // Where it is unusual, it is read anew.
	})
	return facts, err //nolint:wrapcheck // As above.
}
