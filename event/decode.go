package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"idaas-ldap/internal/secret"
)

// Document is what one callback of IDaaS carries once it is verified and decrypted.
type Document struct {
	AliUID     string
	InstanceID string
	Version    string
	Changes    []Change
}

// DocumentError says that a document cannot be taken apart into events at all.
type DocumentError struct{ Reason string }

// Error says what is wrong, for the log.
func (e *DocumentError) Error() string { return "the document " + e.Reason }

func documentError(format string, args ...any) error {
	return &DocumentError{Reason: fmt.Sprintf(format, args...)}
}

// Limits of a document. IDaaS sends a few kilobytes; these are far beyond and keep hostile input small.
const (
	maxEvents = 10_000
	maxText   = 1 << 20
)

// Decode reads a document. Both generations of field names are understood, numbers as numbers or as strings of digits,
// and JSON inside strings. An event that is not well-formed comes back with its Problem set and spoils no other; the
// error is a [*DocumentError] where the document itself cannot be read or an event cannot even be named.
func Decode(document []byte) (Document, error) {
	if !utf8.Valid(document) {
		return Document{}, documentError("is not UTF-8")
	}
	var top struct {
		AliUID       json.RawMessage `json:"aliUid"`
		InstanceID   string          `json:"instanceId"`
		EventVersion string          `json:"eventVersion"`
		EventData    json.RawMessage `json:"eventData"`
	}
	if !isObject(document) {
		return Document{}, documentError("is not a JSON object")
	}
	if err := strict(document, &top); err != nil {
		return Document{}, documentError("is not the JSON that was expected: %v", err)
	}
	data, err := unwrap(top.EventData)
	if err != nil {
		return Document{}, documentError("has an eventData that is no JSON: %v", err)
	}
	var raw []json.RawMessage
	if err := strict(data, &raw); err != nil || raw == nil {
		return Document{}, documentError("has no list of events in eventData")
	}
	if len(raw) > maxEvents {
		return Document{}, documentError("has %d events; at most %d are taken at a time", len(raw), maxEvents)
	}
	d := Document{AliUID: strings.Trim(string(top.AliUID), `"`), InstanceID: top.InstanceID, Version: top.EventVersion}
	for i, r := range raw {
		c, err := decodeEvent(r)
		if err != nil {
			return Document{}, documentError("has an event that cannot be named: number %d %v", i+1, err)
		}
		d.Changes = append(d.Changes, c)
	}
	return d, nil
}

// decodeEvent reads one event. Its error means that there is no id to answer under.
func decodeEvent(raw json.RawMessage) (Change, error) {
	var e struct {
		EventID   string          `json:"eventId"`
		EventType string          `json:"eventType"`
		EventTime json.RawMessage `json:"eventTime"`
		BizID     json.RawMessage `json:"bizId"`
		BizData   json.RawMessage `json:"bizData"`
	}
	if err := strict(raw, &e); err != nil || !isObject(raw) {
		return Change{}, errors.New("is not an object with text in eventId and eventType")
	}
	if e.EventID == "" || e.EventType == "" {
		return Change{}, errors.New("has no eventId or no eventType")
	}
	c := Change{ID: e.EventID, Type: ParseType(e.EventType), Fields: Values{}}
	when, err := millis(e.EventTime)
	c.Stamp.Event = Millis(max(0, when))
	if c.Type.Kind() == "" {
		return c, nil // a test, a type that is not known or one that may not come from outside, whatever it carries
	}
	problem := func(format string, args ...any) (Change, error) {
		c.Problem = fmt.Sprintf(format, args...)
		c.Fields, c.Members, c.Password = Values{}, nil, secret.Text{}
		return c, nil
	}
	if err != nil || when <= 0 {
		return problem("eventTime is not a time in milliseconds")
	}
	payload, err := unwrap(e.BizData)
	if err != nil {
		return problem("bizData is no JSON")
	}
	var members map[string]json.RawMessage
	if err := strict(payload, &members); err != nil || members == nil {
		return problem("bizData is not an object")
	}
	if err := c.payload(members, text(e.BizID)); err != nil {
		return problem("%v", err)
	}
	return c, nil
}

// payload takes the fields of an event apart.
func (c *Change) payload(members map[string]json.RawMessage, bizID string) error {
	if c.Type.Effect() == EffectTouch {
		if users := c.users(members); len(users) > 0 {
			c.Object = Ref{Kind: KindUser, ID: users[0]}
		}
		return nil
	}
	taken := map[string]bool{"password": true}
	for _, f := range Fields(c.Type.Kind()) {
		for _, wire := range f.Wire {
			raw, ok := members[wire]
			if !ok {
				continue
			}
			taken[wire] = true
			if _, have := c.Fields[f.Name]; have {
				continue
			}
			value, err := fieldValue(f.Type, raw)
			if err != nil {
				return fmt.Errorf("%s %w", wire, err)
			}
			c.Fields[f.Name] = value
		}
	}
	id, _ := c.Fields[FieldID].(string)
	if id == "" {
		id = bizID
	}
	if id == "" {
		return fmt.Errorf("the payload names no %s", c.Type.Kind())
	}
	c.Fields[FieldID] = id
	c.Object = Ref{Kind: c.Type.Kind(), ID: id}
	if update, ok := c.Fields[FieldUpdateTime].(int64); ok {
		c.Stamp.Update = Millis(max(0, update))
	}
	if err := c.custom(members, taken); err != nil {
		return err
	}
	if c.Object.Kind == KindGroup {
		if err := c.memberships(members, taken); err != nil {
			return err
		}
	}
	if err := c.secretText(members); err != nil {
		return err
	}
	c.status()
	if err := c.rest(members, taken); err != nil {
		return err
	}
	return c.withoutNUL()
}

// withoutNUL refuses what holds a NUL character anywhere. No name of a person holds one, and programs that read on from a
// directory take what is in front of it for the whole.
func (c *Change) withoutNUL() error {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if holdsNUL(c.Fields[name]) {
			return fmt.Errorf("%s holds a NUL character", name)
		}
	}
	if slices.ContainsFunc(c.Members, func(m Member) bool { return holdsNUL(m.User) }) {
		return errors.New("the id of a member holds a NUL character")
	}
	return nil
}

func holdsNUL(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		return slices.ContainsFunc(v, holdsNUL)
	case map[string]any:
		for name, inner := range v {
			if holdsNUL(name) || holdsNUL(inner) {
				return true
			}
		}
	}
	return false
}

// status makes the events that are about the status say it in the fields, whatever the payload carries.
func (c *Change) status() {
	switch c.Type {
	case TypeUserDisable:
		c.Fields[FieldStatus] = StatusDisabled
	case TypeUserEnable:
		c.Fields[FieldStatus] = StatusEnabled
	case TypeUserLock:
		if until, _ := c.Fields[FieldLockExpireTime].(int64); until <= 0 {
			c.Fields[FieldLockExpireTime] = int64(LockedForever)
		}
	case TypeUserUnlock:
		c.Fields[FieldLockExpireTime] = int64(Never)
	}
}

// secretText takes the password from the events that may carry one.
func (c *Change) secretText(members map[string]json.RawMessage) error {
	raw, ok := members["password"]
	if !ok || c.Type != TypeUserCreate && c.Type != TypeUserUpdatePassword && c.Type != TypeUserPush {
		return nil
	}
	value, err := fieldValue(TypeString, raw)
	if err != nil {
		return errors.New("password is not text") // without the value
	}
	s, _ := value.(string)
	c.Password = secret.New(s)
	return nil
}

// custom reads customFields: a list of objects with fieldName and fieldValue, or an object.
func (c *Change) custom(members map[string]json.RawMessage, taken map[string]bool) error {
	raw, ok := members["customFields"]
	if !ok {
		return nil
	}
	taken["customFields"] = true
	raw, err := unwrap(raw)
	if err != nil {
		return errors.New("customFields is no JSON")
	}
	var list []struct {
		Name  string          `json:"fieldName"`
		Value json.RawMessage `json:"fieldValue"`
	}
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(raw, &list) == nil:
		for _, f := range list {
			if f.Name == "" {
				return errors.New("customFields holds a field without a fieldName")
			}
			value, err := scalar(f.Value)
			if err != nil {
				return fmt.Errorf("custom field %q %w", f.Name, err)
			}
			c.Fields["custom."+f.Name] = value
		}
	case json.Unmarshal(raw, &object) == nil:
		for name, v := range object {
			value, err := scalar(v)
			if err != nil {
				return fmt.Errorf("custom field %q %w", name, err)
			}
			c.Fields["custom."+name] = value
		}
	default:
		return errors.New("customFields is neither a list of fields nor an object")
	}
	return nil
}

// userLists are the names under which a payload may list users. None of them was ever captured.
var userLists = []string{"userIds", "userId", "users", "members"}

func (c *Change) memberships(members map[string]json.RawMessage, taken map[string]bool) error {
	for _, name := range userLists {
		taken[name] = true
	}
	users := c.users(members)
	change := c.Type == TypeGroupAddUser || c.Type == TypeGroupRemoveUser
	if change && len(users) == 0 {
		return errors.New("the payload names no user (userId, userIds, users or members)")
	}
	for _, id := range users {
		c.Members = append(c.Members, Member{User: id, Present: c.Type != TypeGroupRemoveUser})
	}
	return nil
}

// users returns the ids of the users that a payload lists, in whichever of the known forms.
func (c *Change) users(members map[string]json.RawMessage) []string {
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, name := range userLists {
		raw := members[name]
		if inner, err := unwrap(raw); err == nil {
			raw = inner
		}
		var one string
		var list []json.RawMessage
		switch {
		case json.Unmarshal(raw, &one) == nil:
			add(one)
		case json.Unmarshal(raw, &list) == nil:
			for _, item := range list {
				var user struct {
					ID string `json:"userId"`
				}
				if json.Unmarshal(item, &one) == nil {
					add(one)
				} else if json.Unmarshal(item, &user) == nil {
					add(user.ID)
				}
			}
		}
	}
	return ids
}

// rest keeps what is not known, for mappings that know better.
func (c *Change) rest(members map[string]json.RawMessage, taken map[string]bool) error {
	for name, raw := range members {
		if taken[name] || strings.Contains(strings.ToLower(name), "password") {
			continue
		}
		var value any
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return fmt.Errorf("%s is no JSON", name)
		}
		c.Fields["raw."+name] = integers(value)
	}
	return nil
}

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

func millis(raw json.RawMessage) (int64, error) {
	return strconv.ParseInt(strings.TrimSpace(text(raw)), 10, 64)
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

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
