package event

import (
	"strconv"
	"time"
)

// Millis is a moment in milliseconds since 1970-01-01 UTC, the form that IDaaS writes times in. Zero means that no
// moment is known; [Never] is IDaaS's own word for "not at all".
type Millis int64

// Never is how IDaaS writes that an account does not expire or is not locked.
const Never Millis = -1

// Time returns the moment; the zero time for zero and for [Never].
func (m Millis) Time() time.Time {
	if m <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// String returns the moment as RFC 3339 with milliseconds, for messages.
func (m Millis) String() string {
	if m <= 0 {
		return strconv.FormatInt(int64(m), 10)
	}
	return m.Time().Format("2006-01-02T15:04:05.000Z07:00")
}

// Stamp places an event in the history of its object: by the time of the event and, between two events of the same
// millisecond, by the time at which the record was last changed.
type Stamp struct {
	Event  Millis `json:"e"`
	Update Millis `json:"u,omitempty"`
}

// Before reports whether s is older than other. Two stamps of which neither is before the other belong to the same
// moment; then what arrived last counts.
func (s Stamp) Before(other Stamp) bool {
	if s.Event != other.Event {
		return s.Event < other.Event
	}
	return s.Update != 0 && other.Update != 0 && s.Update < other.Update
}

// Zero reports whether nothing was stamped.
func (s Stamp) Zero() bool { return s == Stamp{} }
