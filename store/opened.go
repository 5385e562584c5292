package store

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"idaas-ldap/event"
)

// openedBytes is how much of what is sealed may be kept opened, in bytes of the sealed form: some thousand people. Decoded they take several times as much,
// and more of them would cost more in garbage collection than is saved.
const openedBytes = 1 << 20

// opened keeps what objects were opened from, or sealed as, last, so that whoever comes again is not decrypted and decoded again. It is
// asked with what was read from the database, and answers only where that is the same to the byte: what another instance has
// written, or somebody has tampered with, is opened anew.
type opened struct {
	mu    sync.Mutex
	most  int
	young map[Key]openedObject
	old   map[Key]openedObject // goes as a whole when young has taken half of the room
	size  int                  // of young
}

// openedObject is what is kept of one object. Its maps are never handed out, only copies.
type openedObject struct {
	sealed sealedObject
	facts  map[string]event.Fact
	record Record
}

func newOpened() *opened {
	return &opened{most: openedBytes, young: map[Key]openedObject{}}
}

// keep remembers what an object was sealed as. Of the row nothing is held but what [sealedObject.holds] compares, or all of it would be held twice.
func (o *opened) keep(directory string, sealed sealedObject, object event.Object, r Record) {
	row := sealedObject{Record: Record{Link: r.Link}, dn: sealed.dn, facts: sealed.facts, owned: sealed.owned, bound: sealed.bound}
	if sealed.owned == nil {
		r = Record{Link: r.Link, DN: r.DN} // as it would be read
	}
	o.put(Key{Directory: directory, Object: object.Ref}, openedObject{sealed: row, facts: copied(object.Facts), record: copyOf(r)})
}

func (o *opened) put(key Key, kept openedObject) {
	if kept.size() > o.most/2 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size += kept.size() - o.young[key].size()
	if o.size > o.most/2 {
		o.old, o.young, o.size = o.young, map[Key]openedObject{}, kept.size()
	}
	o.young[key] = kept
}

func (o *opened) get(key Key) (kept openedObject, isOld bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if kept, found := o.young[key]; found {
		return kept, false
	}
	return o.old[key], true
}

// size is how much room it takes, that of a key and the like left out.
func (k openedObject) size() int { return len(k.sealed.facts) + len(k.sealed.owned) + len(k.sealed.dn) }

// find returns what a row was opened as, if it is just that row.
func (o *opened) find(directory string, sealed *sealedObject) (object event.Object, r Record, found bool) {
	key := Key{Directory: directory, Object: sealed.Ref}
	kept, isOld := o.get(key)
	if kept.facts == nil || !kept.sealed.holds(sealed) {
		return event.Object{}, Record{}, false
	}
	if isOld {
		o.put(key, kept)
	}
	object, r = sealed.Object, copyOf(kept.record)
	object.Facts, r.RemovedAt = maps.Clone(kept.facts), sealed.RemovedAt
	return object, r, true
}

// holds reports whether another row holds the same, in what has to be opened and what that is bound to.
func (o *sealedObject) holds(other *sealedObject) bool {
	return bytes.Equal(o.facts, other.facts) && bytes.Equal(o.owned, other.owned) && bytes.Equal(o.bound, other.bound) &&
		o.dn == other.dn && o.Link == other.Link
}

// copied returns another map, as decoding it would have made it.
func copied(facts map[string]event.Fact) map[string]event.Fact {
	if facts == nil {
		return map[string]event.Fact{}
	}
	return maps.Clone(facts)
}

// copyOf returns a record that shares no map with another.
func copyOf(r Record) Record {
	r.DN, r.Owned, r.Refused = slices.Clone(r.DN), maps.Clone(r.Owned), maps.Clone(r.Refused)
	return r
}
