package notify

import "time"

// memory holds back what repeats: news of one kind about one subject are told once, and then at most once in a span of time with their
// number. It is not safe for concurrent use.
type memory struct {
	every time.Duration
	told  map[topic]*past
}

type topic struct {
	kind    Kind
	subject string
}

// past is what was told of a topic.
type past struct {
	at    time.Time
	since int  // how often it has happened since
	next  News // the last of them, with the count of all
}

// hear takes news in, and reports whether they are to be told now.
func (m *memory) hear(now time.Time, n News) bool {
	t := topic{n.Kind, n.Subject}
	before := m.told[t]
	switch {
	case n.Over && (before == nil || before.since == 0):
		return true // what began was told
	case n.Over:
		before.next.Over, before.next.Text, before.next.InChinese = true, n.Text, n.InChinese
		return false
	case before == nil || before.since == 0 && !now.Before(before.at.Add(m.every)):
		m.told[t] = &past{at: now}
		return true
	}
	before.since++
	n.Count += before.next.Count
	before.next = n
	return false
}

// due returns what has been held back for long enough, and forgets what nobody has to remember.
func (m *memory) due(now time.Time) []Message {
	var out []Message
	for t, p := range m.told {
		switch {
		case now.Before(p.at.Add(m.every)):
		case p.since == 0:
			delete(m.told, t)
		default:
			out = append(out, Message{News: p.next, Repeats: p.since})
			m.told[t] = &past{at: now}
		}
	}
	return out
}

// next returns when something is due, zero for never.
func (m *memory) next() time.Time {
	var first time.Time
	for _, p := range m.told {
		if at := p.at.Add(m.every); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
