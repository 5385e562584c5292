package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"idaas-ldap/internal/jsonscan"
)

// unwrap returns the JSON inside a string, or the JSON itself where it is not a string. Whoever reads it sees whether it is
// JSON.
func unwrap(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, errors.New("it is missing")
	}
	if raw[0] != '"' {
		return raw, nil
	}
	content, ok := jsonscan.Bytes(raw)
	if !ok {
		return nil, errors.New("it is no text")
	}
	return content, nil
}

// text returns a string, number or boolean as text, empty for anything else.
func text(raw json.RawMessage) string {
	if s, ok := jsonscan.Text(raw); ok {
		return s
	}
	t := string(bytes.TrimSpace(raw))
	if t == "" || t == "null" || strings.ContainsAny(t[:1], `{["`) {
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
