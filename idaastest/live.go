package idaastest

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"idaas-ldap/event"
)

// Live is an organization as it is now at IDaaS. Whatever changes it returns the event that IDaaS would send, which a test may lose; the [API]
// shows what it is. It is safe for concurrent use.
type Live struct {
	// StillTime: nothing but a change of an object's own record moves its updateTime; no move, no membership and no custom field does.
	StillTime bool

	tenant *Tenant
	mu     sync.Mutex
	units  shelf[Unit]
	users  shelf[User]
	groups shelf[Group]
	inUnit map[string][]string // the users of each unit, in the order of their coming
	below  map[string][]string // the units directly below each unit
	belong map[string][]string // the members of each group
}

// shelf holds objects of a kind in the order of their making.
type shelf[T any] struct {
	order []string
	by    map[string]T
	made  map[string]time.Time
	at    map[string]time.Time // of the last change
}

func newShelf[T any]() shelf[T] {
	return shelf[T]{by: map[string]T{}, made: map[string]time.Time{}, at: map[string]time.Time{}}
}

func (s *shelf[T]) put(id string, value T, now time.Time, moved bool) {
	if _, known := s.by[id]; !known {
		s.order = append(s.order, id)
		s.made[id], moved = now, true
	}
	s.by[id] = value
	if moved {
		s.at[id] = now
	}
}

func (s *shelf[T]) remove(id string) {
	delete(s.by, id)
	delete(s.made, id)
	delete(s.at, id)
	s.order = without(s.order, id)
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(ids, func(have string) bool { return have == id })
}

// Live puts an organization into an instance.
func (t *Tenant) Live(org Organization) *Live {
	l := &Live{
		tenant: t, units: newShelf[Unit](), users: newShelf[User](), groups: newShelf[Group](),
		inUnit: map[string][]string{}, below: map[string][]string{}, belong: map[string][]string{},
	}
	for _, unit := range org.Units {
		l.PutUnit(event.TypeUnitPush, unit)
	}
	for _, user := range org.Users {
		l.PutUser(event.TypeUserPush, user)
	}
	for _, group := range org.Groups {
		l.PutGroup(event.TypeGroupPush, group)
		l.belong[group.ID] = slices.Clone(org.Members[group.ID])
	}
	return l
}

// Organization returns what there is now.
func (l *Live) Organization() Organization {
	l.mu.Lock()
	defer l.mu.Unlock()
	org := Organization{Members: map[string][]string{}}
	for _, id := range l.units.order {
		org.Units = append(org.Units, l.units.by[id])
	}
	for _, id := range l.users.order {
		org.Users = append(org.Users, l.users.by[id])
	}
	for _, id := range l.groups.order {
		org.Groups = append(org.Groups, l.groups.by[id])
		org.Members[id] = slices.Clone(l.belong[id])
	}
	return org
}

// PutUnit makes or changes a unit.
func (l *Live) PutUnit(kind event.Type, u Unit) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.units.by[u.ID]
	if known {
		l.below[parentOf(before)] = without(l.below[parentOf(before)], u.ID)
	}
	l.below[parentOf(u)] = append(l.below[parentOf(u)], u.ID)
	same := before
	same.Parent = u.Parent
	l.units.put(u.ID, u, l.tenant.Clock(), !l.StillTime || same != u)
	return l.told(l.tenant.UnitEvent(kind, u), "organizationalUnitSourceId", l.units.made[u.ID], l.units.at[u.ID])
}

// told gives the record in an event the times and the source that it has at IDaaS.
func (l *Live) told(e Event, source string, made, changed time.Time) Event {
	e.BizData[source] = l.tenant.Instance
	for name, at := range map[string]time.Time{"createTime": made, "registerTime": made, "updateTime": changed} {
		if _, has := e.BizData[name]; has {
			e.BizData[name] = strconv.FormatInt(at.UnixMilli(), 10)
		}
	}
	return e
}

func parentOf(u Unit) string {
	if u.Parent == "" {
		return event.RootUnitID
	}
	return u.Parent
}

// DeleteUnit ends a unit, which must be empty.
func (l *Live) DeleteUnit(id string) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inUnit[id])+len(l.below[id]) > 0 {
		panic(fmt.Sprintf("the unit %s is not empty", id))
	}
	l.below[parentOf(l.units.by[id])] = without(l.below[parentOf(l.units.by[id])], id)
	l.units.remove(id)
	return l.tenant.DeleteUnit(id)
}

// PutUser makes or changes an account.
func (l *Live) PutUser(kind event.Type, u User) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.users.by[u.ID]
	if known && unitOf(before) != unitOf(u) {
		l.inUnit[unitOf(before)] = without(l.inUnit[unitOf(before)], u.ID)
	}
	if !known || unitOf(before) != unitOf(u) {
		l.inUnit[unitOf(u)] = append(l.inUnit[unitOf(u)], u.ID)
	}
	l.users.put(u.ID, u, l.tenant.Clock(), !l.StillTime || shortOf(before) != shortOf(u))
	if kind == event.TypeUserUpdatePrimaryOU {
		return l.tenant.MoveUser(u)
	}
	return l.told(l.tenant.UserEvent(kind, u), "userSourceId", l.users.made[u.ID], l.users.at[u.ID])
}

func unitOf(u User) string {
	if u.Unit == "" {
		return event.RootUnitID
	}
	return u.Unit
}

// shortOf is the part of an account that lists show.
func shortOf(u User) string {
	u.Unit, u.Custom = "", nil
	return fmt.Sprintf("%+v", u)
}

// DeleteUser ends an account.
func (l *Live) DeleteUser(id string) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := unitOf(l.users.by[id])
	l.inUnit[at] = without(l.inUnit[at], id)
	for group := range l.belong {
		l.belong[group] = without(l.belong[group], id)
	}
	l.users.remove(id)
	return l.tenant.DeleteUser(id)
}

// PutGroup makes or changes a group.
func (l *Live) PutGroup(kind event.Type, g Group) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups.put(g.ID, g, l.tenant.Clock(), true)
	return l.told(l.tenant.GroupEvent(kind, g), "groupSourceId", l.groups.made[g.ID], l.groups.at[g.ID])
}

// DeleteGroup ends a group.
func (l *Live) DeleteGroup(id string) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups.remove(id)
	delete(l.belong, id)
	return l.tenant.DeleteGroup(id)
}

// Join adds users to a group.
func (l *Live) Join(group string, users ...string) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range users {
		l.belong[group] = append(without(l.belong[group], id), id)
	}
	l.groups.put(group, l.groups.by[group], l.tenant.Clock(), !l.StillTime)
	return l.tenant.Membership(event.TypeGroupAddUser, group, users...)
}

// Leave removes users from a group.
func (l *Live) Leave(group string, users ...string) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range users {
		l.belong[group] = without(l.belong[group], id)
	}
	l.groups.put(group, l.groups.by[group], l.tenant.Clock(), !l.StillTime)
	return l.tenant.Membership(event.TypeGroupRemoveUser, group, users...)
}
