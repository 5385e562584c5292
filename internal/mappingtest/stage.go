package mappingtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
)

// stage is what a test is played on: the directory that it describes, and what would be remembered of the objects in it.
type stage struct {
	set       *mapping.Set
	test      mapping.Test
	directory *memdir.Directory
	// others are the objects of which the test tells something beside the one that the event is about.
	others map[event.Ref]event.Values
}

// now is when all tests are played, in milliseconds.
const now = 1

func newStage(set *mapping.Set, schema *dit.Schema, t mapping.Test) (*stage, error) {
	profile := connector.UsualProfile(connector.Generic)
	profile.Flavour = silent{profile.Flavour}
	members, _ := set.Members()
	directory, err := memdir.New(memdir.Config{
		Profile: profile, Schema: schema, MembersNeeded: members.Placeholder != "", Clock: func() time.Time { return time.UnixMilli(now) }, Rand: rand.NewChaCha8([32]byte{}),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // It says what was tried.
	}
	if err := directory.Load(t.Directory...); err != nil {
		return nil, fmt.Errorf("the directory of the test: %w", err)
	}
	s := &stage{set: set, test: t, directory: directory, others: map[event.Ref]event.Values{}}
	for _, m := range t.Members {
		s.others[event.Ref{Kind: event.KindUser, ID: idOf(m)}] = m
	}
	if t.Above != nil {
		s.others[event.Ref{Kind: event.KindUnit, ID: idOf(t.Above)}] = t.Above
	}
	return s, nil
}

// silent is a server that expresses the login status by means that nobody sees.
type silent struct{ connector.Flavour }

// LinkAttribute is where the directory in memory has the stable id of an entry.
func (silent) LinkAttribute() string { return "entryUUID" }

// Status returns what the mapping itself says about the login status.
func (f silent) Status(want plan.Account, current *plan.Entry, now event.Millis) (connector.Status, error) {
	status, err := f.Flavour.Status(want, current, now)
	status.Lacking = nil
	return status, err //nolint:wrapcheck // It names the attribute.
}

// task is the event of the test on what is remembered.
func (s *stage) task() processor.Task {
	ref := event.Ref{Kind: s.test.Event.Kind(), ID: idOf(s.test.Record)}
	merged := event.Merge(event.Object{Ref: ref}, []event.Change{s.change(ref)})
	task := processor.Task{
		Known: event.Object{Ref: ref}, Merged: merged, Alone: true, Now: now,
		Memory: &memory{stage: s, self: ref, taken: map[int64]bool{}},
	}
	task.Record = recordOf(s.ours(merged.Object))
	return task
}

func (s *stage) change(ref event.Ref) event.Change {
	record := maps.Clone(s.test.Record)
	if above := s.unitAbove(ref.Kind, record); above != "" {
		record[map[event.Kind]string{event.KindUser: "primaryOuId", event.KindUnit: "parentId"}[ref.Kind]] = above
	}
	change := event.Change{ID: s.test.Name, Type: s.test.Event, Object: ref, Stamp: event.Stamp{Event: now}, Fields: record}
	for _, m := range s.test.Members {
		change.Members = append(change.Members, event.Member{User: idOf(m), Present: s.test.Event != event.TypeGroupRemoveUser})
	}
	return change
}

// unitAbove returns the unit above the object that the record does not name: the one of the test, or else the root.
func (s *stage) unitAbove(kind event.Kind, record event.Values) string {
	switch {
	case kind == event.KindGroup || !s.set.ReadsAbove(kind):
		return ""
	case s.test.Above != nil:
		return idOf(s.test.Above)
	case known(kind, record).PrimaryUnit() == "":
		return event.RootUnitID
	}
	return ""
}

// ours finds the entry of an object as the match rules do that ask for its id in IDaaS: what they find was made for it before.
func (s *stage) ours(object event.Object) *plan.Entry {
	matches, err := s.set.Matches(object)
	if err != nil {
		return nil // the processor meets the same mistake and says so
	}
	matches = slices.DeleteFunc(matches, func(m plan.Match) bool { return !m.ByID })
	for _, m := range matches {
		found, err := s.directory.Find(context.Background(), plan.Key{Base: s.set.Base(), Match: []plan.Match{m}})
		if err != nil || found != nil {
			return found
		}
	}
	return nil
}

// recordOf returns where the entry of another object is: where it is found, or else, for one of which the test tells something,
// where the mapping puts it.
func (s *stage) recordOf(object event.Object, told bool) (plan.Record, error) {
	if object.Ref == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
		return plan.Record{DN: s.set.Root()}, nil
	}
	if entry := s.ours(object); entry != nil || !told {
		return recordOf(entry), nil
	}
	result, err := s.set.Desired(mapping.Input{Object: object, Above: s.set.RootAbove()})
	if err != nil || result.DN.Empty() {
		return plan.Record{}, fmt.Errorf("the place of %s cannot be told: add its entry to the directory of the test", object.Ref)
	}
	return plan.Record{DN: result.DN}, nil
}

func recordOf(entry *plan.Entry) plan.Record {
	if entry == nil {
		return plan.Record{}
	}
	return plan.Record{Link: entry.Link, DN: entry.DN}
}

// known makes an object of a record.
func known(kind event.Kind, record event.Values) event.Object {
	o := event.Object{Ref: event.Ref{Kind: kind, ID: idOf(record)}, Existence: event.Existence{Present: true}, Facts: map[string]event.Fact{}}
	for name, value := range record {
		o.Facts[name] = event.Fact{Value: value}
	}
	return o
}

func idOf(record event.Values) string {
	id, _ := record[event.FieldID].(string)
	return id
}
