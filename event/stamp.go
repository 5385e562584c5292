package event

import (
	"cmp"
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
// millisecond, by the time at which the record was last changed. Stamps are totally ordered.
type Stamp struct {
	Event  Millis `json:"e"`
	Update Millis `json:"u,omitempty"`
}

// Before reports whether s is older than other. Of two events with equal stamps the one counts that arrived last.
func (s Stamp) Before(other Stamp) bool { return s.Compare(other) < 0 }

// Compare returns a number below, equal to or above zero where s is older than other, equal to it, or newer.
func (s Stamp) Compare(other Stamp) int {
	return cmp.Or(cmp.Compare(s.Event, other.Event), cmp.Compare(s.Update, other.Update))
}

// aheadAtMost is by how much a time from outside may be later than its receipt, as clocks differ.
const aheadAtMost Millis = 5 * 60 * 1000

// Received returns the stamp as it counts for an event that was received at a moment, and whether that is another one: a time
// that is not known, or lies more than five minutes ahead, is that of the receipt. Otherwise one wrong clock would make every
// later word old.
func (s Stamp) Received(now Millis) (Stamp, bool) {
	was := s
	if s.Event == 0 || s.Event > now+aheadAtMost {
		s.Event = now
	}
	if s.Update > now+aheadAtMost {
		s.Update = now
	}
	return s, s != was
}

// Zero reports whether nothing was stamped.
func (s Stamp) Zero() bool { return s == Stamp{} }
