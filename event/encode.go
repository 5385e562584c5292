package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Payload returns the fields of an event by their names on the wire, from which [Decode] reads the same event.
func (c Change) Payload() map[string]any {
	out := map[string]any{}
	if c.Type.Effect() == EffectTouch {
		users := []string{c.Object.ID}
		for _, other := range c.Others {
			users = append(users, other.ID)
		}
		out["userIds"] = users
		return out
	}
	wire := map[string]Field{}
	for _, f := range Fields(c.Type.Kind()) {
		wire[f.Name] = f
	}
	var custom []map[string]any
	for name, value := range c.Fields {
		f, isField := wire[name]
		rest, isCustom := strings.CutPrefix(name, "custom.")
		switch {
		case isField:
			out[f.Wire[0]] = f.wire(value)
		case isCustom:
			custom = append(custom, map[string]any{"fieldName": rest, "fieldValue": value})
		default:
			out[strings.TrimPrefix(name, "raw.")] = value
		}
	}
	if len(custom) > 0 {
		out["customFields"] = custom
	}
	if len(c.Members) > 0 {
		users := make([]string, len(c.Members))
		for i, m := range c.Members {
			users[i] = m.User
		}
		out["userIds"] = users
	}
	if !c.Password.Empty() {
		out["password"] = c.Password.Reveal()
	}
	return out
}

// wire returns a value of the field as IDaaS sends it.
func (f Field) wire(value any) any {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case []any:
		if f.Type != TypeUnits {
			return value
		}
		units := make([]map[string]any, 0, len(v))
		for _, item := range v {
			unit, _ := item.(map[string]any)
			out := map[string]any{"organizationalUnitId": unit["id"], "primary": unit["primary"] == true}
			if name, named := unit["name"]; named {
				out["organizationalUnitName"] = name
			}
			units = append(units, out)
		}
		return units
	}
	return value
}

// Encode returns the document of events from which [Decode] reads the same ones.
func Encode(changes []Change) ([]byte, error) {
	list := make([]map[string]any, len(changes))
	for i, c := range changes {
		list[i] = map[string]any{
			"eventId": c.ID, "eventType": c.Type.URN(), "eventTime": strconv.FormatInt(int64(c.Stamp.Event), 10), "bizId": c.Object.ID, "bizData": c.Payload(),
		}
	}
	out, err := json.Marshal(map[string]any{"eventData": list})
	if err != nil {
		return nil, fmt.Errorf("encode %d events: %w", len(changes), err)
	}
	return out, nil
}
