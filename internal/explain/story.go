package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Directory is one directory that a story plays in.
type Directory struct {
	Name      string
	Inspector dispatch.Inspector
	Entries   Entries
	Mapping   *mapping.Set
}

// Entries finds entries. *connector.Directory does.
type Entries interface {
	Find(ctx context.Context, key plan.Key) (*plan.Entry, error)
	Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error)
}

// Presence says whether an object exists, as far as its events tell.
type Presence string

// The presences.
const (
	Present Presence = "present"
	Deleted Presence = "deleted"
	// Unsaid: something was said of the object, but never that it exists.
	Unsaid Presence = "unsaid"
)

// Story is what there is to say about one object in one directory.
type Story struct {
	Directory string
	// Object is zero for an entry that no known object belongs to; then only Holds says anything.
	Object   event.Ref
	Presence Presence
	// Name is the user name, or the name of a unit or group; empty where none is known.
	Name string
	// Link is the stable id of the entry that was written, DN where it was then; empty where none was.
	Link string
	DN   plan.DN
	// RemovedAt is when the entry was disabled or moved because the object is gone; zero otherwise.
	RemovedAt event.Millis
	// Held are the events that wait for somebody to decide.
	Held []store.EventRecord
	// Left is the deletion that a person has dropped, which is why the entry is there still; nil where there is none.
	Left *store.EventRecord
	// Events are the last ones, the newest first.
	Events []store.EventRecord
	// Said is what IDaaS has said last about each field.
	Said []Word
	// Outcome is what the next try comes to, Difference what it writes.
	Outcome    event.Outcome
	Difference []plan.Operation
	// Wants is the entry as the mapping wants it, without what is left to others; nil where it wants none or cannot tell.
	Wants *plan.Entry
	// Holds is the entry with the attributes that the mapping speaks about; nil where there is none or it cannot be read.
	Holds *plan.Entry
	// WaitsFor are the objects that have to come first.
	WaitsFor []Awaited
	// Asked is what IDaaS's own API says; nil where nobody has asked.
	Asked *Asked
}

// Awaited is an object that another one waits for.
type Awaited struct {
	Object event.Ref `json:"object"`
	// Name is empty where nothing is known of it yet, DN where it has no entry.
	Name string `json:"name,omitempty"`
	DN   string `json:"dn,omitempty"`
}

// eventsShown is how many events a story tells.
const eventsShown = 20

// Tell gathers the story of an object of which something is known, or an event speaks.
func Tell(ctx context.Context, s store.Store, d Directory, ref event.Ref, now event.Millis) (Story, error) {
	key := store.Key{Directory: d.Name, Object: ref}
	events, err := s.Events(ctx, store.Filter{Directory: d.Name, Object: ref.ID, Limit: eventsShown})
	if err != nil {
		return Story{}, fmt.Errorf("list the events of %s: %w", ref, err)
	}
	look, err := dispatch.LookAt(ctx, s, key, d.Inspector, now)
	if err != nil {
		return Story{}, err //nolint:wrapcheck // It names the object.
	}
	story := Story{
		Directory: d.Name, Object: ref, Presence: PresenceOf(look.Object), Name: nameOf(look.Object),
		Link: look.Record.Link, DN: look.Record.DN, RemovedAt: look.Record.RemovedAt,
		Events:  slices.DeleteFunc(events, func(e store.EventRecord) bool { return e.Object.Kind != ref.Kind }),
		Outcome: look.Outcome, Difference: look.Operations, Wants: wanted(look.Inspection), Holds: look.Current,
	}
	if story.Held, err = held(ctx, s, key); err != nil {
		return Story{}, err
	}
	if story.Left, err = leftInPlace(ctx, s, key, look.Object); err != nil {
		return Story{}, err
	}
	if story.Said, err = said(ctx, s, look.Object, story.Events); err != nil {
		return Story{}, err
	}
	recorded, err := s.WaitsFor(ctx, key)
	if err != nil {
		return Story{}, fmt.Errorf("look up what %s waits for: %w", ref, err)
	}
	for _, other := range append(look.WaitsFor, recorded...) {
		if slices.ContainsFunc(story.WaitsFor, func(a Awaited) bool { return a.Object == other }) {
			continue
		}
		object, record, err := dispatch.Known(ctx, s, store.Key{Directory: d.Name, Object: other})
		if err != nil {
			return Story{}, err //nolint:wrapcheck // It names the object.
		}
		story.WaitsFor = append(story.WaitsFor, Awaited{Object: other, Name: nameOf(object), DN: record.DN.String()})
	}
	return story, nil
}

// held returns the events of an object that wait for somebody to decide.
func held(ctx context.Context, s store.Store, key store.Key) ([]store.EventRecord, error) {
	records, err := s.Events(ctx, store.Filter{Directory: key.Directory, Object: key.Object.ID, States: []event.State{event.Held}})
	if err != nil {
		return nil, fmt.Errorf("list what is held of %s: %w", key.Object, err)
	}
	return slices.DeleteFunc(records, func(e store.EventRecord) bool { return e.Object.Kind != key.Object.Kind }), nil
}

// leftInPlace returns the deletion of an object that a person has dropped last, nil where there is none that counts.
func leftInPlace(ctx context.Context, s store.Store, key store.Key, o event.Object) (*store.EventRecord, error) {
	dropped, err := s.Events(ctx, store.Filter{Directory: key.Directory, Object: key.Object.ID, States: []event.State{event.Discarded}})
	if err != nil {
		return nil, fmt.Errorf("list what was dropped of %s: %w", key.Object, err)
	}
	for _, e := range dropped {
		if e.Object == key.Object && e.Leaves(o) {
			return &e, nil
		}
	}
	return nil, nil
}

// PresenceOf says whether an object exists, as far as its events tell.
func PresenceOf(o event.Object) Presence {
	switch {
	case o.Exists():
		return Present
	case o.Deleted():
		return Deleted
	}
	return Unsaid
}

func nameOf(o event.Object) string {
	if o.Ref.Kind == event.KindUser {
		return o.Text(event.FieldUsername)
	}
	return o.Text(event.FieldName)
}

// wanted returns the entry that the mapping wants, nil where it wants none.
func wanted(look processor.Inspection) *plan.Entry {
	d := look.Desired
	if d == nil || d.Removal != nil {
		return nil
	}
	dn := d.DN
	if dn.Empty() {
		dn = look.DN // it stays where it is
	}
	if dn.Empty() {
		return nil
	}
	entry := &plan.Entry{DN: dn, Attributes: []plan.Attribute{{Name: "objectClass", Values: d.ObjectClasses}}}
	add := func(name, value string) {
		i := slices.IndexFunc(entry.Attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, name) })
		if i < 0 {
			entry.Attributes = append(entry.Attributes, plan.Attribute{Name: name, Values: []string{value}})
		} else if !slices.Contains(entry.Attributes[i].Values, value) {
			entry.Attributes[i].Values = append(entry.Attributes[i].Values, value)
		}
	}
	for _, ava := range dn.RDN() {
		add(ava.Type, ava.Value)
	}
	for _, rule := range d.Rules {
		for _, v := range rule.Values {
			add(rule.Attribute, v)
		}
	}
	if d.Members != nil {
		for _, m := range d.Members.Values {
			if m.Present {
				add(d.Members.Attribute, m.Value)
			}
		}
	}
	return entry
}

// MarshalJSON writes a story with entries and operations as LDIF, in which passwords never stand.
func (s Story) MarshalJSON() ([]byte, error) {
	difference, err := LDIF(s.Difference)
	if err != nil {
		return nil, err
	}
	wants, err := EntryLDIF(s.Wants)
	if err != nil {
		return nil, err
	}
	holds, err := EntryLDIF(s.Holds)
	if err != nil {
		return nil, err
	}
	var object *event.Ref
	if !s.Object.Zero() {
		object = &s.Object
	}
	out, err := json.Marshal(struct {
		Directory  string              `json:"directory"`
		Object     *event.Ref          `json:"object"`
		Presence   Presence            `json:"presence,omitempty"`
		Name       string              `json:"name,omitempty"`
		Link       string              `json:"link,omitempty"`
		DN         string              `json:"dn,omitempty"`
		RemovedAt  event.Millis        `json:"removedAt,omitempty"`
		Held       []store.EventRecord `json:"held"`
		Left       *store.EventRecord  `json:"leftInPlace,omitempty"`
		Events     []store.EventRecord `json:"events"`
		Said       []Word              `json:"said"`
		Outcome    event.Outcome       `json:"outcome"`
		WaitsFor   []Awaited           `json:"waitsFor"`
		Wants      string              `json:"wants"`
		Holds      string              `json:"holds"`
		Difference string              `json:"difference"`
		Asked      *Asked              `json:"asked,omitempty"`
	}{
		s.Directory, object, s.Presence, s.Name, s.Link, s.DN.String(), s.RemovedAt, append([]store.EventRecord{}, s.Held...), s.Left,
		append([]store.EventRecord{}, s.Events...), append([]Word{}, s.Said...), s.Outcome, append([]Awaited{}, s.WaitsFor...), wants, holds, difference, s.Asked,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the story of %s: %w", s.Object, err)
	}
	return out, nil
}

// LDIF returns operations as change records.
func LDIF(operations []plan.Operation) (string, error) {
	var b strings.Builder
	err := plan.WriteLDIF(&b, operations...)
	return b.String(), err //nolint:wrapcheck // A builder takes everything.
}

// EntryLDIF returns an entry as a content record, empty where there is none.
func EntryLDIF(e *plan.Entry) (string, error) {
	if e == nil {
		return "", nil
	}
	var b strings.Builder
	err := plan.WriteEntries(&b, e)
	return b.String(), err //nolint:wrapcheck // A builder takes everything.
}
