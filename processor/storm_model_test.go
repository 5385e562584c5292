package processor_test

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"idaas-ldap/event"
)

// heard is what somebody who only reads the events knows of the users at any moment: the newest word on each field counts, of those that
// have come so far.
type heard struct {
	events []event.Change
	// outSince is since when it has been clear that a user may not log in.
	outSince map[string]time.Time
	lookedAt time.Time
}

// takeIn hears what comes now.
func (m *heard) takeIn(changes []event.Change, now time.Time) {
	m.look(now)
	for _, c := range changes {
		if c.Object.Kind == event.KindUser {
			m.events = append(m.events, c)
		}
	}
	slices.SortStableFunc(m.events, func(a, b event.Change) int { return cmp.Compare(a.Stamp.Event, b.Stamp.Event) })
	m.look(now)
}

// look notes who may not log in any more, and who may again.
func (m *heard) look(now time.Time) {
	for id, u := range m.users() {
		since, out := u.out(now)
		if _, known := m.outSince[id]; !out {
			delete(m.outSince, id)
		} else if !known {
			m.outSince[id] = later(since, m.lookedAt)
		}
	}
	m.lookedAt = now
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// saidOf is what was said of a user.
type saidOf struct {
	exists, gone, disabled bool
	locked, expires        int64
	emails                 map[string]bool
	email                  string
}

// users returns what is said of each, by their ids.
func (m *heard) users() map[string]*saidOf {
	out := map[string]*saidOf{}
	for _, c := range m.events {
		u := out[c.Object.ID]
		if u == nil {
			u = &saidOf{emails: map[string]bool{}}
			out[c.Object.ID] = u
		}
		u.hear(c)
	}
	return out
}

func (u *saidOf) hear(c event.Change) {
	switch c.Type {
	case event.TypeUserDelete:
		u.gone = true
	case event.TypeUserUpdateInfo:
		u.exists = true
	}
	for name, value := range c.Fields {
		switch name {
		case event.FieldStatus:
			u.disabled = value == event.StatusDisabled
		case event.FieldLockExpireTime:
			u.locked = value.(int64)
		case event.FieldAccountExpireTime:
			u.expires = value.(int64)
		case "email":
			u.email = value.(string)
			u.emails[u.email] = true
		}
	}
}

// out reports whether a user may not log in, and since when at the latest, by what is said so far.
func (u *saidOf) out(now time.Time) (since time.Time, out bool) {
	at := now.UnixMilli()
	switch {
	case u.gone, u.disabled, u.locked > at:
		return now, true
	case u.expires > 0 && u.expires <= at:
		return time.UnixMilli(u.expires), true
	}
	return time.Time{}, false
}

// isRefused reports whether one of the addresses of a user is refused.
func (u *saidOf) isRefused() bool {
	return u != nil && slices.ContainsFunc(slices.Collect(maps.Keys(u.emails)), isRefused)
}

// isRefused reports whether the directory of the storm takes no such value, which is the case for one in twenty.
func isRefused(value string) bool {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(value)) // it never fails
	return sum.Sum32()%20 == 0
}
