package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// fieldValue reads a field in any of the forms that its type has on the wire; null stays nil.
func fieldValue(t FieldType, raw json.RawMessage) (any, error) {
	if isNull(raw) {
		return nil, nil
	}
	switch t {
	case TypeBool:
		switch strings.ToLower(text(raw)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		case "":
			if isText(raw) {
				return nil, nil
			}
		}
		return nil, errors.New("is neither true nor false")
	case TypeMillis:
		if text(raw) == "" && isText(raw) {
			return nil, nil
		}
		ms, err := millis(raw)
		if err != nil {
			return nil, errors.New("is not a time in milliseconds")
		}
		return ms, nil
	case TypeUnits:
		return units(raw)
	case TypeList:
		return list(raw)
	default:
		var s string
		if err := json.Unmarshal(raw, &s); err == nil {
			if len(s) > maxText {
				return nil, errors.New("is longer than 1 MiB")
			}
			return s, nil
		}
		var n json.Number
		if err := json.Unmarshal(raw, &n); err == nil {
			return n.String(), nil
		}
		return nil, errors.New("is not text")
	}
}

func units(raw json.RawMessage) (any, error) {
	wrong := errors.New("is not a list of units")
	raw, err := unwrap(raw)
	if err != nil {
		return nil, wrong
	}
	var in []struct {
		ID      json.RawMessage `json:"organizationalUnitId"`
		Name    json.RawMessage `json:"organizationalUnitName"`
		OldName json.RawMessage `json:"name"`
		Primary json.RawMessage `json:"primary"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, wrong
	}
	out := make([]any, 0, len(in))
	for _, u := range in {
		id := identifier(u.ID)
		if id == "" {
			return nil, errors.New("holds a unit without an organizationalUnitId")
		}
		unit := map[string]any{"id": id, "primary": strings.EqualFold(text(u.Primary), "true")}
		for _, name := range []json.RawMessage{u.Name, u.OldName} {
			if value, err := fieldValue(TypeString, name); err == nil && value != nil {
				unit["name"] = value
				break
			}
		}
		out = append(out, unit)
	}
	return out, nil
}

func list(raw json.RawMessage) (any, error) {
	raw, err := unwrap(raw)
	if err != nil {
		return nil, errors.New("is not a list")
	}
	var in []json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, errors.New("is not a list")
	}
	out := make([]any, 0, len(in))
	for i, item := range in {
		var group struct {
			ID json.RawMessage `json:"groupId"`
		}
		id := identifier(item)
		if id == "" && json.Unmarshal(item, &group) == nil {
			id = identifier(group.ID)
		}
		if id == "" {
			return nil, fmt.Errorf("names nothing at number %d", i+1)
		}
		out = append(out, id)
	}
	return out, nil
}

// ownValue reads a custom field: text, a number or boolean as text, or a list of these.
func ownValue(raw json.RawMessage) (any, error) {
	if len(raw) == 0 || isNull(raw) {
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return ownText(raw)
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		value, err := ownText(item)
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

func ownText(raw json.RawMessage) (any, error) {
	value, err := fieldValue(TypeString, raw)
	if err == nil && value != nil {
		return value, nil
	}
	if t := text(raw); t == "true" || t == "false" {
		return t, nil
	}
	return nil, errors.New("is neither text nor a list of texts")
}
