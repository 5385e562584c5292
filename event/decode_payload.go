package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/internal/secret"
)

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
