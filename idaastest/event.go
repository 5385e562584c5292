package idaastest

import (
	"encoding/json"
	"strconv"
	"time"

	"idaas-ldap/event"
)

// Event is one event before it is put on the wire.
type Event struct {
	ID   string
	Type event.Type
	Time time.Time
	// BizID is the id of the subject, BizData its fields by their names on the wire.
	BizID   string
	BizData map[string]any
}

// Document returns the document that carries events, in the form that was captured: everything a string.
func (t *Tenant) Document(events []Event) map[string]any {
	list := make([]map[string]any, len(events))
	for i, e := range events {
		list[i] = map[string]any{
			"eventId": e.ID, "eventType": e.Type.URN(), "eventTime": strconv.FormatInt(e.Time.UnixMilli(), 10),
			"bizId": e.BizID, "bizData": mustJSON(e.BizData),
		}
	}
	return map[string]any{"aliUid": "1000000000000001", "instanceId": t.Instance, "eventVersion": "V1.0", "eventData": mustJSON(list)}
}

// mustJSON encodes what is made of maps, slices and texts.
func mustJSON(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// Event makes an event of now about a subject.
func (t *Tenant) Event(kind event.Type, id string, fields map[string]any) Event {
	return Event{ID: t.id("evnt_", 39), Type: kind, Time: t.Clock(), BizID: id, BizData: fields}
}

// User is a made-up account.
type User struct {
	ID, Username, DisplayName, Email string
	PhoneRegion, PhoneNumber         string
	PhoneVerified                    bool
	Unit                             string // id of the primary unit
	Status                           string
	Description                      string
	AccountExpireTime                int64 // milliseconds, 0 for never
	LockExpireTime                   int64 // milliseconds, 0 if the account is not locked
	Custom                           map[string]string
}

// Fields returns the full record as IDaaS sends it.
func (u User) Fields(updated time.Time) map[string]any {
	unit := u.Unit
	if unit == "" {
		unit = event.RootUnitID
	}
	status := u.Status
	if status == "" {
		status = event.StatusEnabled
	}
	orNever := func(ms int64) string {
		if ms == 0 {
			ms = -1
		}
		return strconv.FormatInt(ms, 10)
	}
	at := strconv.FormatInt(updated.UnixMilli(), 10)
	fields := map[string]any{
		"userId": u.ID, "username": u.Username, "displayName": u.DisplayName, "passwordSet": true,
		"phoneRegion": u.PhoneRegion, "phoneVerified": u.PhoneVerified, "email": u.Email, "emailVerified": u.Email != "",
		"userExternalId": u.ID, "userSourceType": "build_in", "status": status,
		"accountExpireTime": orNever(u.AccountExpireTime), "lockExpireTime": orNever(u.LockExpireTime),
		"registerTime": at, "createTime": at, "updateTime": at, "description": u.Description,
		"primaryOrganizationalUnitId": unit,
		"organizationalUnits":         []map[string]any{{"organizationalUnitId": unit, "primary": true}},
	}
	if u.PhoneNumber != "" {
		fields["phoneNumber"] = u.PhoneNumber
	}
	if len(u.Custom) > 0 {
		var custom []map[string]any
		for name, value := range u.Custom {
			custom = append(custom, map[string]any{"fieldName": name, "fieldValue": value})
		}
		fields["customFields"] = custom
	}
	return fields
}

// UserEvent makes an event that carries the full record of a user.
func (t *Tenant) UserEvent(kind event.Type, u User) Event {
	return t.Event(kind, u.ID, u.Fields(t.Clock()))
}

// CreateUser makes the event of a new account; an empty password is left out.
func (t *Tenant) CreateUser(u User, password string) Event {
	e := t.UserEvent(event.TypeUserCreate, u)
	if password != "" {
		e.BizData["password"] = password
	}
	return e
}

// UpdatePassword makes the event of a changed password.
func (t *Tenant) UpdatePassword(u User, password string) Event {
	return t.Event(event.TypeUserUpdatePassword, u.ID, map[string]any{"userId": u.ID, "username": u.Username, "password": password})
}

// MoveUser makes the event of a new primary unit, which carries little more than that.
func (t *Tenant) MoveUser(u User) Event {
	return t.Event(event.TypeUserUpdatePrimaryOU, u.ID, map[string]any{"userId": u.ID, "username": u.Username, "primaryOrganizationalUnitId": u.Unit})
}

// DeleteUser makes the event of a deleted account, which carries the id alone.
func (t *Tenant) DeleteUser(id string) Event {
	return t.Event(event.TypeUserDelete, id, map[string]any{"userId": id})
}

// LockUser makes the event of a locked account.
func (t *Tenant) LockUser(u User, until time.Time) Event {
	return t.Event(event.TypeUserLock, u.ID, map[string]any{"userId": u.ID, "lockExpireTime": strconv.FormatInt(until.UnixMilli(), 10)})
}

// UserStatus makes one of the events that carry no more than the id: disable, enable, unlock.
func (t *Tenant) UserStatus(kind event.Type, u User) Event {
	fields := map[string]any{"userId": u.ID}
	switch kind {
	case event.TypeUserDisable:
		fields["status"] = event.StatusDisabled
	case event.TypeUserEnable:
		fields["status"] = event.StatusEnabled
	}
	return t.Event(kind, u.ID, fields)
}

// Unit is a made-up organizational unit.
type Unit struct {
	ID, Name    string
	Parent      string // id of the unit above; empty for the root
	Description string
}

// UnitEvent makes an event that carries the full record of a unit.
func (t *Tenant) UnitEvent(kind event.Type, u Unit) Event {
	parent := u.Parent
	if parent == "" {
		parent = event.RootUnitID
	}
	at := strconv.FormatInt(t.Clock().UnixMilli(), 10)
	return t.Event(kind, u.ID, map[string]any{
		"organizationalUnitId": u.ID, "organizationalUnitName": u.Name, "parentId": parent,
		"organizationalUnitExternalId": u.ID, "organizationalUnitSourceType": "build_in",
		"createTime": at, "updateTime": at, "description": u.Description,
	})
}

// DeleteUnit makes the event of a deleted unit.
func (t *Tenant) DeleteUnit(id string) Event {
	return t.Event(event.TypeUnitDelete, id, map[string]any{"organizationalUnitId": id})
}

// Group is a made-up group.
type Group struct{ ID, Name, Description string }

// GroupEvent makes an event that carries the record of a group.
func (t *Tenant) GroupEvent(kind event.Type, g Group) Event {
	at := strconv.FormatInt(t.Clock().UnixMilli(), 10)
	return t.Event(kind, g.ID, map[string]any{
		"groupId": g.ID, "groupName": g.Name, "description": g.Description, "groupExternalId": g.ID, "groupSourceType": "build_in", "createTime": at, "updateTime": at,
	})
}

// DeleteGroup makes the event of a deleted group.
func (t *Tenant) DeleteGroup(id string) Event {
	return t.Event(event.TypeGroupDelete, id, map[string]any{"groupId": id})
}

// Membership makes the event that adds users to a group, or removes them.
func (t *Tenant) Membership(kind event.Type, group string, users ...string) Event {
	return t.Event(kind, group, map[string]any{"groupId": group, "userIds": users})
}

// Test makes the event of the connection test.
func (t *Tenant) Test() Event { return t.Event(event.TypeTest, "", map[string]any{}) }

// NewUserID makes an id for a user, NewUnitID one for a unit and NewGroupID one for a group.
func (t *Tenant) NewUserID() string { return t.id("user_", 26) }

// NewUnitID makes an id for a unit.
func (t *Tenant) NewUnitID() string { return t.id("ou_", 26) }

// NewGroupID makes an id for a group.
func (t *Tenant) NewGroupID() string { return t.id("group_", 26) }
