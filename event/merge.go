package event

import (
	"slices"

	"idaas-ldap/internal/secret"
)

// Role says what one change came to when it was merged.
type Role int

// The roles.
const (
	// Effective: something of the change is the newest word.
	Effective Role = iota
	// Stale: everything the change says was known from something newer, or is older than the last deletion.
	Stale
	// Superseded: everything the change says was overtaken by another change of the same merge.
	Superseded
	// Moot: the change is newer than the deletion of its object, which may be about to come back.
	Moot
)

// Merged is what changes come to on top of what was known.
type Merged struct {
	// Object is what is known with the changes.
	Object Object
	// Roles has one entry for each change, in the order given.
	Roles []Role
	// Password is the newest password not dealt with yet; PasswordFrom is the index of its change, -1 if there is none.
	Password     secret.Text
	PasswordFrom int
}

// Merge adds changes, given in the order of their arrival, to what is known of an object. The result is the same as if
// all had arrived one by one in the order of time: each field, the existence, the password and each membership follow
// the newest word about them.
//
// A deletion ends what was said before it, so that an object that comes back starts afresh, whatever arrives after the
// comeback. A deletion that does so itself is [Stale], as the object exists, and ends all the same what is older.
//
// Any other change that says nothing new, and so is [Stale] or [Superseded], has no influence; nor has one about an object
// that is gone ([Moot]).
func Merge(known Object, changes []Change) Merged {
	m := merge{
		object: known.clone(),
		roles:  make([]Role, len(changes)),
		owner:  map[string]int{},
	}
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return changes[a].Stamp.Compare(changes[b].Stamp) })
	for _, i := range order {
		m.roles[i] = m.add(i, changes[i])
	}
	m.overtake(changes)

	out := Merged{Object: m.object, Roles: m.roles, PasswordFrom: -1}
	if i, ok := m.owner[facetPassword]; ok {
		out.Password, out.PasswordFrom = changes[i].Password, i
	}
	return out
}

// Facets other than fields; their names cannot be those of fields.
const (
	facetExistence = "\x00existence"
	facetPassword  = "\x00password"
	facetMember    = "\x00member\x00"
)

type merge struct {
	object Object
	roles  []Role
	owner  map[string]int // facet -> index of the change that last spoke about it
}

// add takes in one change that is not older than those before it.
func (m *merge) add(i int, c Change) Role {
	if m.object.Ref.Zero() {
		m.object.Ref = c.Object
	}
	o := &m.object
	effect := c.Type.Effect()
	if effect == EffectTouch {
		return Effective
	}
	if c.Stamp.Before(o.Floor) {
		return Stale
	}
	older := c.Stamp.Before(o.Existence.At)
	switch effect {
	case EffectDelete:
		o.Floor = c.Stamp
		m.forget()
		if older {
			return Stale
		}
		o.Existence = Existence{Present: false, At: c.Stamp}
		m.owner[facetExistence] = i
		return Effective
	case EffectAssert:
		spoke := m.fields(i, c)
		if !older {
			o.Existence = Existence{Present: true, At: c.Stamp}
			m.owner[facetExistence] = i
			spoke = true
		}
		return staleUnless(spoke)
	case EffectPatch:
		if o.Deleted() {
			return Moot
		}
		return staleUnless(m.fields(i, c))
	default:
		return Moot
	}
}

func staleUnless(spoke bool) Role {
	if spoke {
		return Effective
	}
	return Stale
}

// fields takes in the fields, the password and the memberships of a change, and reports whether any was news.
func (m *merge) fields(i int, c Change) (spoke bool) {
	o := &m.object
	for name, value := range c.Fields {
		if c.Stamp.Before(o.Facts[name].At) {
			continue
		}
		o.Facts[name] = Fact{Value: value, At: c.Stamp}
		// The id is the same in every event, so it says nothing.
		if name != FieldID {
			m.owner[name] = i
			spoke = true
		}
	}
	if !c.Password.Empty() && !c.Stamp.Before(o.Password) {
		o.Password = c.Stamp
		m.owner[facetPassword] = i
		spoke = true
	}
	for _, member := range c.Members {
		if c.Stamp.Before(o.Members[member.User].At) {
			continue
		}
		o.Members[member.User] = Membership{Present: member.Present, At: c.Stamp}
		m.owner[facetMember+member.User] = i
		spoke = true
	}
	return spoke
}

// forget takes out what is not newer than the last deletion. What is newer belongs to an object that is about to come back.
func (m *merge) forget() {
	o := &m.object
	for name, fact := range o.Facts {
		if !o.Floor.Before(fact.At) {
			delete(o.Facts, name)
			delete(m.owner, name)
		}
	}
	for user, word := range o.Members {
		if !o.Floor.Before(word.At) {
			delete(o.Members, user)
			delete(m.owner, facetMember+user)
		}
	}
	if !o.Floor.Before(o.Password) {
		o.Password = Stamp{}
		delete(m.owner, facetPassword)
	}
}

// overtake finds the changes that were news when their turn came and have nothing left to say at the end.
func (m *merge) overtake(changes []Change) {
	owns := make([]bool, len(changes))
	for _, i := range m.owner {
		owns[i] = true
	}
	for i, c := range changes {
		if m.roles[i] == Effective && !owns[i] && c.Type.Effect() != EffectTouch {
			m.roles[i] = Superseded
		}
	}
}
