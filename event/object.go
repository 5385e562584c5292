package event

import (
	"fmt"
	"maps"
)

// Fact is the last that was said about one field, and when.
type Fact struct {
	Value any   `json:"v"`
	At    Stamp `json:"t"`
}

// Existence is the last word on whether the object exists. Its zero value: nobody has said anything.
type Existence struct {
	Present bool  `json:"present"`
	At      Stamp `json:"t"`
}

// Membership is the last word on whether a user belongs to a group.
type Membership struct {
	Present bool  `json:"present"`
	At      Stamp `json:"t"`
}

// Object is all that is known of one object from its events.
type Object struct {
	Ref       Ref
	Existence Existence
	// Floor is the stamp of the last deletion, zero if there was none. Whatever is older says nothing any more, also when
	// the object is back.
	Floor Stamp
	// Facts holds every field that was ever said since the object came into being, by canonical name. A deletion takes out
	// all that is not newer.
	Facts map[string]Fact
	// Password is the stamp of the newest password that was dealt with.
	Password Stamp
	// Members holds the known words about the memberships at hand: not all members of a group, only those that the
	// pending changes name.
	Members map[string]Membership
}

// Exists reports whether the newest word on the object is that it exists.
func (o Object) Exists() bool { return o.Existence.Present }

// Deleted reports whether the newest word on the object is that it is gone.
func (o Object) Deleted() bool { return !o.Existence.Present && !o.Existence.At.Zero() }

// Value returns what is known of a field, and whether anything was ever said about it.
func (o Object) Value(name string) (value any, seen bool) {
	fact, seen := o.Facts[name]
	return fact.Value, seen
}

// Text returns a field that is a string, empty if it is empty, not known or of another type.
func (o Object) Text(name string) string {
	s, _ := o.Facts[name].Value.(string)
	return s
}

// Millis returns a field that is a moment, zero if it is not known.
func (o Object) Millis(name string) Millis {
	ms, _ := o.Facts[name].Value.(int64)
	return Millis(ms)
}

// PrimaryUnit returns the id of the unit that a user mainly belongs to, or of the unit above a unit; empty if it is not
// known. A user's list of units counts where it is newer than the field of its own, or where there is no such field.
func (o Object) PrimaryUnit() string {
	if o.Ref.Kind == KindUnit {
		return o.Text(FieldParentID)
	}
	direct, list := o.Facts[FieldPrimaryUnit], o.Facts[FieldUnits]
	fromList := primaryOf(list.Value)
	if id, _ := direct.Value.(string); id != "" && (fromList == "" || !direct.At.Before(list.At)) {
		return id
	}
	return fromList
}

func primaryOf(list any) string {
	units, _ := list.([]any)
	for _, u := range units {
		unit, _ := u.(map[string]any)
		id, _ := unit["id"].(string)
		if primary, _ := unit["primary"].(bool); primary || len(units) == 1 {
			return id
		}
	}
	return ""
}

// Account is the one fact that the status fields of a user come to: may this account log in.
type Account struct {
	Disabled bool
	// LockedUntil is when the lock ends, zero if the account is not locked. See [LockedForever].
	LockedUntil Millis
	// ExpiresAt is when the account expires, zero if it never does.
	ExpiresAt Millis
	// StatusSeen, LockSeen and ExpirySeen tell whether anything was ever said about the three.
	StatusSeen, LockSeen, ExpirySeen bool
}

// LockedForever is the end of a lock for which no end is known: the last second of the year 9999.
const LockedForever Millis = 253402300799000

// Endless is the moment from which on an end is none: the last day of the year 9999, which is how never is written where a date is
// asked for, and all that lies beyond what four digits of a year can say.
const Endless Millis = 253402214400000

// Account returns what the facts say about logging in.
func (o Object) Account() Account {
	var a Account
	status, statusSeen := o.Value(FieldStatus)
	_, a.LockSeen = o.Value(FieldLockExpireTime)
	_, a.ExpirySeen = o.Value(FieldAccountExpireTime)
	a.StatusSeen = statusSeen && status != nil
	a.Disabled = status == StatusDisabled
	a.LockedUntil = max(0, o.Millis(FieldLockExpireTime))
	a.ExpiresAt = max(0, o.Millis(FieldAccountExpireTime))
	if a.LockedUntil >= Endless {
		a.LockedUntil = LockedForever
	}
	if a.ExpiresAt >= Endless {
		a.ExpiresAt = 0
	}
	return a
}

// Locked reports whether the account is locked at a moment.
func (a Account) Locked(now Millis) bool { return a.LockedUntil > now }

// Expired reports whether the account has expired at a moment.
func (a Account) Expired(now Millis) bool { return a.ExpiresAt > 0 && a.ExpiresAt <= now }

// Usable reports whether the account may log in at a moment: enabled, not locked and not expired.
func (a Account) Usable(now Millis) bool { return !a.Disabled && !a.Locked(now) && !a.Expired(now) }

// NextChange returns the next moment after now at which the account changes by itself, zero if there is none.
func (a Account) NextChange(now Millis) Millis {
	var next Millis
	for _, at := range []Millis{a.LockedUntil, a.ExpiresAt} {
		if at > now && at != LockedForever && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}

// clone copies the object so that the original stays as it is.
func (o Object) clone() Object {
	o.Facts = maps.Clone(o.Facts)
	if o.Facts == nil {
		o.Facts = map[string]Fact{}
	}
	o.Members = maps.Clone(o.Members)
	if o.Members == nil {
		o.Members = map[string]Membership{}
	}
	return o
}

// MarshalFacts writes facts in the form that [UnmarshalFacts] reads.
func MarshalFacts(facts map[string]Fact) ([]byte, error) {
	if facts == nil {
		return []byte("null"), nil
	}
	out := []byte("{")
	for name, fact := range facts {
		if len(out) > 1 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(append(appendText(out, name), `:{"v":`...), fact.Value); err != nil {
			return nil, fmt.Errorf("encode the fact %s: %w", name, err)
		}
		out = append(appendStamp(append(out, `,"t":`...), fact.At), '}')
	}
	return append(out, '}'), nil
}

// UnmarshalFacts reads facts back with the same Go types that [Values] documents.
func UnmarshalFacts(data []byte) (map[string]Fact, error) {
	if facts, err := parseFacts(data); err == nil {
		return facts, nil
	}
	var facts map[string]Fact
	if err := decodeNumbers(data, &facts); err != nil {
		return nil, fmt.Errorf("decode facts: %w", err)
	}
	for name, fact := range facts {
		fact.Value = integers(fact.Value)
		facts[name] = fact
	}
	return facts, nil
}
