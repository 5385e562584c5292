package simulation_test

import (
	"strings"
	"time"

	"idaas-ldap/event"
)

// heard is what somebody who only reads the events knows of the users at any moment: the newest word on each field counts, of those that
// have come so far.
type heard struct {
	users map[string]*saidOf
	// outSince is since when it has been clear that a user may not log in.
	outSince map[string]time.Time
	lookedAt time.Time
}

func newHeard() *heard {
	return &heard{users: map[string]*saidOf{}, outSince: map[string]time.Time{}}
}

// saidOf is what was said of a user.
type saidOf struct {
	gone, disabled, excluded                bool
	locked, expires                         int64
	email                                   string
	emails                                  map[string]bool
	statusAt, lockAt, endAt, mailAt, nameAt event.Millis
}

// takeIn hears what comes now.
func (m *heard) takeIn(changes []event.Change, now time.Time) {
	m.look(now)
	for _, c := range changes {
		if c.Object.Kind != event.KindUser {
			continue
		}
		u := m.users[c.Object.ID]
		if u == nil {
			u = &saidOf{emails: map[string]bool{}}
			m.users[c.Object.ID] = u
		}
		u.hear(c)
	}
	m.look(now)
}

func (u *saidOf) hear(c event.Change) {
	u.gone = u.gone || c.Type == event.TypeUserDelete || c.Type == event.TypePullAbsent
	at := c.Stamp.Event
	newer := func(than *event.Millis) bool {
		is := at >= *than
		*than = max(at, *than)
		return is
	}
	for name, value := range c.Fields {
		switch name {
		case event.FieldStatus:
			if newer(&u.statusAt) {
				u.disabled = value == event.StatusDisabled
			}
		case event.FieldLockExpireTime:
			if newer(&u.lockAt) {
				u.locked = value.(int64)
			}
		case event.FieldAccountExpireTime:
			if newer(&u.endAt) {
				u.expires = value.(int64)
			}
		case event.FieldUsername:
			if newer(&u.nameAt) {
				u.excluded = strings.HasPrefix(value.(string), "svc-")
			}
		case "email":
			if newer(&u.mailAt) {
				u.email = value.(string)
			}
			u.emails[value.(string)] = true
		}
	}
}

// look notes who may not log in any more, and who may again.
func (m *heard) look(now time.Time) {
	for id, u := range m.users {
		since, out := u.out(now)
		if _, known := m.outSince[id]; !out {
			delete(m.outSince, id)
		} else if !known {
			if since.Before(m.lookedAt) {
				since = m.lookedAt
			}
			m.outSince[id] = since
		}
	}
	m.lookedAt = now
}

// out reports whether a user may not log in, and since when at the latest, by what is said so far.
func (u *saidOf) out(now time.Time) (since time.Time, out bool) {
	at := now.UnixMilli()
	switch {
	case u.gone, u.disabled, u.excluded, u.locked > at:
		return now, true
	case u.expires > 0 && u.expires <= at:
		return time.UnixMilli(u.expires), true
	}
	return time.Time{}, false
}

// isRefused reports whether one of the addresses of a user is refused.
func (u *saidOf) isRefused() bool {
	if u == nil {
		return false
	}
	for address := range u.emails {
		if isRefused(address) {
			return true
		}
	}
	return false
}
