package receiver

import (
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
)

// Bounds of what refusals write to the log.
const (
	refusalsEvery = time.Minute // for one line of a kind and address
	maxRefusals   = 200         // lines in that time; beyond it, addresses are not told apart
	maxReason     = 300         // octets of a text that may come from outside
)

// otherAddresses stands for the addresses beyond the bound.
const otherAddresses = "other addresses"

// fault says whose a refusal is: the caller's, which is a warning, or ours, which is an error.
type fault int

const (
	refusedCaller fault = iota
	notServed
)

// refusals writes what is refused: of each kind and address one line a minute, and with the next one how many there were in
// between. So nobody can fill a disk by being refused.
type refusals struct {
	log   logrus.FieldLogger
	clock func() time.Time

	mu    sync.Mutex
	begun time.Time
	seen  map[refusal]*repeats
}

// refusal is what is told apart.
type refusal struct{ kind, address string }

// repeats are refusals that were not written, and the last of them.
type repeats struct {
	count int
	whose fault
	entry logrus.Fields
	text  string
}

func newRefusals(log logrus.FieldLogger, clock func() time.Time) *refusals {
	return &refusals{log: log, clock: clock, seen: map[refusal]*repeats{}}
}

// note writes a refusal, or counts it.
func (r *refusals) note(kind, address string, whose fault, text string, fields logrus.Fields) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	key := refusal{kind, address}
	if r.seen[key] == nil && len(r.seen) >= maxRefusals {
		key.address = otherAddresses
	}
	if known := r.seen[key]; known != nil {
		known.count, known.entry = known.count+1, fields
		return
	}
	r.seen[key] = &repeats{whose: whose, entry: fields, text: text}
	r.write(whose, text, fields)
}

// tell writes what was counted when its time is over. It is called with every request, so the count of an attack that has
// ended comes with the next event.
func (r *refusals) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
}

// turn begins a new minute when the old one is over.
func (r *refusals) turn() {
	now := r.clock()
	if now.Sub(r.begun) < refusalsEvery {
		return
	}
	r.begun = now
	for key, known := range r.seen {
		if known.count > 0 {
			known.entry["repeated"] = known.count
			if key.address == otherAddresses {
				known.entry["caller"] = otherAddresses
			}
			r.write(known.whose, known.text+", repeatedly", known.entry)
		}
	}
	clear(r.seen)
}

func (r *refusals) write(whose fault, text string, fields logrus.Fields) {
	for name, value := range fields {
		if s, ok := value.(string); ok {
			fields[name] = short(s, maxReason)
		}
	}
	entry := r.log.WithFields(fields)
	if whose == notServed {
		entry.Error(text)
		return
	}
	entry.Warn(text)
}

// short cuts a text from outside.
func short(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "… (" + strconv.Itoa(len(text)) + " octets)"
}
