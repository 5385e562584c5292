package event

import (
	"maps"
	"slices"
	"strings"
)

// TypePrefix begins every event type on the wire.
const TypePrefix = "urn:alibaba:idaas:app:event:"

// Type is an event type without [TypePrefix], such as "ud:user:create".
type Type string

// The types that IDaaS is known to send.
const (
	TypeTest Type = "common:test"

	TypeUserCreate          Type = "ud:user:create"
	TypeUserDelete          Type = "ud:user:delete"
	TypeUserUpdateInfo      Type = "ud:user:update_info"
	TypeUserUpdatePassword  Type = "ud:user:update_password"
	TypeUserDisable         Type = "ud:user:disable"
	TypeUserEnable          Type = "ud:user:enable"
	TypeUserLock            Type = "ud:user:lock"
	TypeUserUnlock          Type = "ud:user:unlock"
	TypeUserUpdatePrimaryOU Type = "ud:user:update_primary_ou"
	TypeUserPush            Type = "ud:user:push"

	TypeUnitCreate       Type = "ud:organizational_unit:create"
	TypeUnitDelete       Type = "ud:organizational_unit:delete"
	TypeUnitUpdate       Type = "ud:organizational_unit:update"
	TypeUnitUpdateParent Type = "ud:organizational_unit:update_parent_organizational_unit"
	TypeUnitAddUser      Type = "ud:organizational_unit:add_user"
	TypeUnitRemoveUser   Type = "ud:organizational_unit:remove_user"
	TypeUnitPush         Type = "ud:organizational_unit:push"

	TypeGroupCreate     Type = "ud:group:create"
	TypeGroupUpdate     Type = "ud:group:update"
	TypeGroupDelete     Type = "ud:group:delete"
	TypeGroupAddUser    Type = "ud:group:add_user"
	TypeGroupRemoveUser Type = "ud:group:remove_user"
	TypeGroupPush       Type = "ud:group:push"
)

// TypeReconcile is an event of our own: a person, or the clock, asked to compare an object with the directory. It says
// nothing about the object, and it never comes from outside: a payload of this type names no object.
const TypeReconcile Type = "own:reconcile"

// The events of our own that say what IDaaS's own API says. They never come from outside either: a payload of these types names
// no object.
const (
	// TypePull: the object exists and has these fields and members.
	TypePull Type = "own:pull"
	// TypePullAbsent: the object is proven to be gone.
	TypePullAbsent Type = "own:pull_absent"
)

// URN returns the type as it stands on the wire.
func (t Type) URN() string { return TypePrefix + string(t) }

// Short returns the type as mapping tests write it: without the "ud:" in front.
func (t Type) Short() string { return strings.TrimPrefix(string(t), "ud:") }

// ParseType reads a type in any of its three spellings: the URN, without the prefix, and without "ud:".
// A type that is not known comes back as it is, with [EffectNone].
func ParseType(s string) Type {
	t := Type(strings.TrimPrefix(s, TypePrefix))
	if _, known := effects[t]; known {
		return t
	}
	if _, known := effects["ud:"+t]; known {
		return "ud:" + t
	}
	return t
}

// Types returns every type that is known, in alphabetical order.
func Types() []Type { return slices.Sorted(maps.Keys(effects)) }

// Kind says what sort of object an event is about.
type Kind string

// The kinds of object.
const (
	KindUser  Kind = "user"
	KindUnit  Kind = "organizational_unit"
	KindGroup Kind = "group"
)

// RootUnitID is the id of the unit above all others, the same in every IDaaS instance.
const RootUnitID = "ou_root"

// Ref names one object of IDaaS. Its zero value names nothing.
type Ref struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// String returns the reference as messages show it, such as "user user_1".
func (r Ref) String() string {
	switch r.Kind {
	case KindUnit:
		return "unit " + r.ID
	default:
		return string(r.Kind) + " " + r.ID
	}
}

// Zero reports whether the reference names nothing.
func (r Ref) Zero() bool { return r == Ref{} }

// Effect says what an event means for what is known of its object.
type Effect int

// The effects.
const (
	// EffectNone: the type is unknown; the event is recorded and skipped.
	EffectNone Effect = iota
	// EffectTest: the connection test; it is about no object.
	EffectTest
	// EffectAssert: the object exists and has these fields (create, update, push).
	EffectAssert
	// EffectPatch: the object, if it exists, has these fields (password, status, membership).
	EffectPatch
	// EffectDelete: the object is gone.
	EffectDelete
	// EffectTouch: a hint to look at the object again; it says nothing about it.
	EffectTouch
)

type meaning struct {
	kind   Kind
	effect Effect
}

// effects is read only.
var effects = map[Type]meaning{
	TypeTest: {"", EffectTest},

	TypeUserCreate:          {KindUser, EffectAssert},
	TypeUserUpdateInfo:      {KindUser, EffectAssert},
	TypeUserUpdatePrimaryOU: {KindUser, EffectAssert},
	TypeUserPush:            {KindUser, EffectAssert},
	TypeUserUpdatePassword:  {KindUser, EffectPatch},
	TypeUserDisable:         {KindUser, EffectPatch},
	TypeUserEnable:          {KindUser, EffectPatch},
	TypeUserLock:            {KindUser, EffectPatch},
	TypeUserUnlock:          {KindUser, EffectPatch},
	TypeUserDelete:          {KindUser, EffectDelete},

	TypeUnitCreate:       {KindUnit, EffectAssert},
	TypeUnitUpdate:       {KindUnit, EffectAssert},
	TypeUnitUpdateParent: {KindUnit, EffectAssert},
	TypeUnitPush:         {KindUnit, EffectAssert},
	TypeUnitDelete:       {KindUnit, EffectDelete},
	TypeUnitAddUser:      {KindUser, EffectTouch},
	TypeUnitRemoveUser:   {KindUser, EffectTouch},

	TypeGroupCreate:     {KindGroup, EffectAssert},
	TypeGroupUpdate:     {KindGroup, EffectAssert},
	TypeGroupPush:       {KindGroup, EffectAssert},
	TypeGroupAddUser:    {KindGroup, EffectPatch},
	TypeGroupRemoveUser: {KindGroup, EffectPatch},
	TypeGroupDelete:     {KindGroup, EffectDelete},
}

// Kind returns the kind of object that events of this type are about, empty for the connection test, for events of our own
// and for types that are not known.
func (t Type) Kind() Kind { return effects[t].kind }

// speaksForItself reports whether an event of this type says something by its type alone, whatever its payload holds.
func (t Type) speaksForItself() bool {
	switch t {
	case TypeUserDisable, TypeUserEnable, TypeUserLock, TypeUserUnlock:
		return true
	default:
		return t.Effect() == EffectDelete
	}
}

// Effect returns what events of this type mean for their object.
func (t Type) Effect() Effect {
	switch t {
	case TypeReconcile:
		return EffectTouch
	case TypePull:
		return EffectAssert
	case TypePullAbsent:
		return EffectDelete
	default:
		return effects[t].effect
	}
}
