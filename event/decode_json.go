package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// unwrap returns the JSON inside a string, or the JSON itself where it is not a string.
func unwrap(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, errors.New("it is missing")
	}
	if raw[0] != '"' {
		return raw, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || !json.Valid([]byte(s)) {
		return nil, errors.New("the text in it is not JSON")
	}
	return json.RawMessage(s), nil
}

// text returns a string, number or boolean as text, empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	t := string(bytes.TrimSpace(raw))
	if t == "" || t == "null" || t[0] == '{' || t[0] == '[' {
		return ""
	}
	return t
}

// identifier returns text or a number as text, empty for anything else.
func identifier(raw json.RawMessage) string {
	value, _ := fieldValue(TypeString, raw) // Without one it is empty.
	id, _ := value.(string)
	return id
}

func millis(raw json.RawMessage) (int64, error) {
	return strconv.ParseInt(strings.TrimSpace(text(raw)), 10, 64)
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func isText(raw json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte{'"'}) }

func isObject(raw []byte) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// strict decodes exactly one JSON value and refuses anything after it.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("there is something after it")
	}
	return nil
}
