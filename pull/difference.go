package pull

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"idaas-ldap/event"
)

// settling is how long after a change IDaaS's API is not relied on to show it. What a callback said later than that before the API was
// asked is not contradicted, unless the record itself is newer.
const settling event.Millis = 5 * 60 * 1000

// stamp places a record in time: at its last change, or, as not everything moves that, at the moment up to which the API is relied on.
func (r Record) stamp() event.Stamp {
	update := r.Change.Stamp.Update
	return event.Stamp{Event: max(update, r.Asked-settling), Update: update}
}

// News returns what of a record is news to one of those who know the object, each in the way of one directory. What is known from something
// newer is not, and nothing is that was empty before.
func News(known []event.Object, r Record) (event.Change, bool) {
	c := r.Change
	c.Stamp = r.stamp()
	names := map[string]bool{}
	exists := false
	for _, o := range known {
		if o.Deleted() && c.Stamp.Before(o.Existence.At) {
			continue
		}
		exists = exists || !o.Exists()
		for name, value := range r.Change.Fields {
			fact := o.Facts[name]
			if name != event.FieldID && !same(value, fact.Value) && !c.Stamp.Before(fact.At) {
				names[name] = true
			}
		}
	}
	c.Fields = event.Values{event.FieldID: c.Object.ID}
	for name := range names {
		c.Fields[name] = r.Change.Fields[name]
	}
	return c, exists || len(names) > 0
}

// same reports whether two values of a field mean the same. Nothing, the empty text and no time at all are one.
func same(a, b any) bool {
	return empty(a) && empty(b) || reflect.DeepEqual(ordered(a), ordered(b))
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case int64:
		return v <= 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

// ordered returns a list in an order of its own, for IDaaS names none.
func ordered(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	return slices.SortedFunc(slices.Values(list), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// Memberships returns which words about the members of a group are news to one of those who know it. Who is not among the members is out
// of the group only where all of them were read.
func Memberships(known []event.Object, members map[string]bool, whole bool, at event.Stamp) []event.Member {
	news := map[string]bool{}
	for _, o := range known {
		for user := range members {
			if word := o.Members[user]; !word.Present && !at.Before(word.At) {
				news[user] = true
			}
		}
		for user, word := range o.Members {
			if whole && word.Present && !members[user] && !at.Before(word.At) {
				news[user] = false
			}
		}
	}
	out := make([]event.Member, 0, len(news))
	for _, user := range slices.Sorted(maps.Keys(news)) {
		out = append(out, event.Member{User: user, Present: news[user]})
	}
	return out
}

// named gives a change its id. The same words to those who know the same have the same id, so that what is held, or has failed, is not said
// again by each round, and a round that was broken off says nothing twice.
func named(c event.Change, known []event.Object) event.Change {
	type stamped struct {
		Existence event.Existence
		Facts     map[string]event.Stamp
		Members   map[string]event.Stamp
	}
	basis := struct {
		Type    event.Type
		Fields  event.Values
		Members []event.Member
		Known   []stamped
	}{Type: c.Type, Fields: c.Fields, Members: c.Members}
	for _, o := range known {
		s := stamped{Existence: o.Existence, Facts: map[string]event.Stamp{}, Members: map[string]event.Stamp{}}
		for name := range c.Fields {
			s.Facts[name] = o.Facts[name].At
		}
		for _, m := range c.Members {
			s.Members[m.User] = o.Members[m.User].At
		}
		basis.Known = append(basis.Known, s)
	}
	text, err := json.Marshal(basis)
	if err != nil {
		text = []byte(c.Stamp.Event.String()) // Fields come from JSON, so they can be written as such.
	}
	sum := sha256.Sum256(text)
	c.ID = fmt.Sprintf("pull:%s:%s:%s", c.Object.Kind, c.Object.ID, hex.EncodeToString(sum[:10]))
	return c
}

// absent is the word that an object is gone, said by IDaaS at a moment.
func absent(ref event.Ref, asked event.Millis) event.Change {
	at := max(asked-settling, 1)
	return event.Change{Type: event.TypePullAbsent, Object: ref, Stamp: event.Stamp{Event: at, Update: at}, Fields: event.Values{event.FieldID: ref.ID}}
}
