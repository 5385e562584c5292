package event

import (
	"encoding/json"
	"errors"
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
			return nil, nil
		}
		return nil, errors.New("is neither true nor false")
	case TypeMillis:
		if text(raw) == "" {
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
		ID      string          `json:"organizationalUnitId"`
		Name    *string         `json:"organizationalUnitName"`
		OldName *string         `json:"name"`
		Primary json.RawMessage `json:"primary"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, wrong
	}
	out := make([]any, 0, len(in))
	for _, u := range in {
		if u.ID == "" {
			return nil, errors.New("holds a unit without an organizationalUnitId")
		}
		unit := map[string]any{"id": u.ID, "primary": strings.EqualFold(text(u.Primary), "true")}
		if u.Name != nil {
			unit["name"] = *u.Name
		} else if u.OldName != nil {
			unit["name"] = *u.OldName
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
	for _, item := range in {
		var group struct {
			ID string `json:"groupId"`
		}
		if s := text(item); s != "" {
			out = append(out, s)
		} else if json.Unmarshal(item, &group) == nil && group.ID != "" {
			out = append(out, group.ID)
		}
	}
	return out, nil
}

// scalar reads a custom field: text, or a number or boolean as text.
func scalar(raw json.RawMessage) (any, error) {
	if len(raw) == 0 || isNull(raw) {
		return nil, nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, nil
	}
	if t := text(raw); t != "" {
		return t, nil
	}
	return nil, errors.New("is not text")
}
