package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/internal/secret"
)

// payload takes the fields of an event apart. Its error means that it is about nobody.
func (c *Change) payload(members map[string]json.RawMessage, bizID string) error {
	if c.Type.Effect() == EffectTouch {
		for i, id := range c.users(members) {
			ref := Ref{Kind: KindUser, ID: id}
			if i == 0 {
				c.Object = ref
			} else {
				c.Others = append(c.Others, ref)
			}
		}
		return nil
	}
	return c.record(c.Type.Kind(), members, bizID)
}

// record takes the fields of an object apart. Its error means that it is about nobody.
func (c *Change) record(kind Kind, members map[string]json.RawMessage, bizID string) error {
	taken := c.known(kind, members)
	id, _ := c.Fields[FieldID].(string)
	if id == "" {
		id = bizID
	}
	if id == "" {
		return fmt.Errorf("the payload names no %s", kind)
	}
	if wrong := wrongID(id); wrong != "" {
		return fmt.Errorf("the id of the %s %s", kind, wrong)
	}
	c.Fields[FieldID] = id
	c.Object = Ref{Kind: kind, ID: id}
	if update, ok := c.Fields[FieldUpdateTime].(int64); ok {
		c.Stamp.Update = Millis(max(0, update))
	} else if c.Type.speaksForItself() && c.Stamp.Event > 0 {
		c.Stamp.Update = c.Stamp.Event + 1 // After every record of its millisecond: what it ends was there before.
	}
	c.custom(members, taken)
	if c.Object.Kind == KindGroup {
		if err := c.memberships(members, taken); err != nil {
			return err
		}
	}
	c.secretText(members)
	c.status()
	c.rest(members, taken)
	return nil
}

// known takes the fields that are known, and returns the names on the wire that need no look any more.
func (c *Change) known(kind Kind, members map[string]json.RawMessage) (taken map[string]bool) {
	taken = map[string]bool{"password": true}
	for _, f := range Fields(kind) {
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
			c.say(f.Name, wire, value, err)
		}
	}
	return taken
}

// say takes a field in, unless it cannot be read. No name of a person holds a NUL character, and programs that read on from a
// directory take what is in front of it for the whole.
func (c *Change) say(name, wire string, value any, err error) {
	switch {
	case err != nil:
		c.unread("%s %v", wire, err)
	case holdsNUL(name), holdsNUL(value):
		c.unread("%s holds a NUL character", wire)
	default:
		c.Fields[name] = value
	}
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
func (c *Change) secretText(members map[string]json.RawMessage) {
	raw, ok := members["password"]
	if !ok || c.Type != TypeUserCreate && c.Type != TypeUserUpdatePassword && c.Type != TypeUserPush {
		return
	}
	value, err := fieldValue(TypeString, raw)
	if err != nil {
		c.unread("password %v", err) // without the value
	}
	s, _ := value.(string)
	c.Password = secret.New(s)
}

// custom reads customFields: a list of objects with fieldName and fieldValue, or an object.
func (c *Change) custom(members map[string]json.RawMessage, taken map[string]bool) {
	raw, ok := members["customFields"]
	if !ok {
		return
	}
	taken["customFields"] = true
	raw, err := unwrap(raw)
	if err != nil {
		c.unread("customFields is no JSON")
		return
	}
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(raw, &list) == nil:
		for i, item := range list {
			var f struct {
				Name  json.RawMessage `json:"fieldName"`
				Value json.RawMessage `json:"fieldValue"`
			}
			if json.Unmarshal(item, &f) != nil || identifier(f.Name) == "" {
				c.unread("customFields holds a field without a fieldName at number %d", i+1)
				continue
			}
			c.ownField(identifier(f.Name), f.Value)
		}
	case json.Unmarshal(raw, &object) == nil:
		for _, name := range slices.Sorted(maps.Keys(object)) {
			c.ownField(name, object[name])
		}
	default:
		c.unread("customFields is neither a list of fields nor an object")
	}
}

func (c *Change) ownField(name string, raw json.RawMessage) {
	value, err := ownValue(raw)
	c.say("custom."+name, fmt.Sprintf("custom field %q", name), value, err)
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
	for _, name := range userLists {
		raw, ok := members[name]
		if !ok {
			continue
		}
		if inner, err := unwrap(raw); err == nil && json.Valid(inner) {
			raw = inner
		}
		list := []json.RawMessage{raw}
		if one := identifier(raw); one == "" && json.Unmarshal(raw, &list) != nil {
			c.unread("%s is no list of users", name)
			continue
		}
		for i, item := range list {
			id := userID(item)
			switch {
			case id == "" || wrongID(id) != "":
				c.unread("%s names no user at number %d", name, i+1)
			case !slices.Contains(ids, id):
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// userID returns the id of one user in a list, alone or within an object, and the empty text where there is none.
func userID(raw json.RawMessage) string {
	if id := identifier(raw); id != "" {
		return id
	}
	var user struct {
		ID json.RawMessage `json:"userId"`
	}
	_ = json.Unmarshal(raw, &user) // Without an id there is none.
	return identifier(user.ID)
}

// rest keeps what is not known, for mappings that know better.
func (c *Change) rest(members map[string]json.RawMessage, taken map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if taken[name] || strings.Contains(strings.ToLower(name), "password") {
			continue
		}
		var value any
		err := decodeNumbers(members[name], &value)
		c.say("raw."+name, fmt.Sprintf("%q", name), integers(value), err)
	}
}
