package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/event"
)

// sieve tells rows that are as this program has written them from others, and hands on the former.
type sieve struct {
	database

	doctor Doctor
	found  Diagnosis
	// put adds a row to the new store, nil where there is none, and reports whether that takes it.
	put func(table string, r row) (bool, error)

	events    map[int64]event.Ref // what each event is about
	instances map[string]int
	objects   map[Key]bool
	spoken    map[event.Ref]bool // what there was an event or a row about
	version   int64              // the highest number of a transaction that a row names
}

func (d Doctor) sieve(seal *Seal) *sieve {
	s := &sieve{
		database: database{dialect: sqliteDialect(), seal: seal}, doctor: d,
		events: map[int64]event.Ref{}, instances: map[string]int{}, objects: map[Key]bool{}, spoken: map[event.Ref]bool{},
	}
	for _, name := range d.Directories {
		s.directory(name)
	}
	return s
}

// examined is a table that is looked at: the key that it is in the order of, empty where rows have numbers, and what a row has to be.
type examined struct {
	name string
	key  []string
	// names are the columns of an index that names every row; none where there is no such.
	names []string
	keep  func(*sieve, row) bool
}

// examinedTables are the tables from which rows are saved, those that others refer to first. Not saved is what says nothing of its own: what
// waits for whom and how far a reading has come; and the lease, which is a running process's.
var examinedTables = []examined{
	{name: "event", names: []string{"event_id", "application"}, keep: (*sieve).event},
	{name: "object", names: []string{"directory", "kind", "id"}, keep: (*sieve).object},
	{name: "delivery", names: []string{"event"}, keep: (*sieve).delivery},
	{name: "membership", key: []string{"directory", "grp", "member"}, keep: (*sieve).membership},
	{name: "work", key: []string{"directory", "kind", "object"}, keep: (*sieve).ofObject},
	{name: "number", key: []string{"directory", "pool", "value"}, keep: func(_ *sieve, r row) bool { return r.number("value") > 0 }},
	{name: "claim", key: []string{"directory", "kind", "object", "pool"}, keep: (*sieve).ofObject},
	{name: "spent", key: []string{"directory", "act", "kind", "object"}, keep: func(s *sieve, r row) bool { return s.past(r, "at") }},
	{name: "owner", key: []string{"directory", "kind", "object"}, keep: func(s *sieve, r row) bool { return s.instances[r.text("instance")] > 0 }},
	{name: "identity", key: []string{"directory", "base"}, keep: func(_ *sieve, r row) bool { return r.text("id") != "" }},
	{name: "audit", keep: func(s *sieve, r row) bool { return s.past(r, "at") }},
}

// all looks at every table, and puts the rows that are sound into a new store where there is one.
func (s *sieve) all(ctx context.Context, w *wounded, put func(table string, r row) (bool, error)) error {
	s.put = put
	if version, err := versionOf(w.session); err == nil {
		s.found.Schema = version
	}
	if names, err := migrationNames(); err == nil && s.found.Schema > len(names) {
		s.found.KeyOpens = checkMark(w.session, s.seal) == nil
		return nil // what its tables mean is known to that version
	}
	for _, table := range examinedTables {
		state, err := s.table(ctx, w, table)
		if err != nil {
			return fmt.Errorf("the table %s: %w", table.name, err)
		}
		s.found.Tables = append(s.found.Tables, state)
	}
	var mark []byte
	known, err := w.row(readMark, nil, &mark)
	s.found.KeyOpens = len(s.events)+len(s.objects) > 0
	if err == nil && known {
		_, err = s.seal.open(markPlace, mark)
		s.found.KeyOpens = s.found.KeyOpens || err == nil
	}
	return nil
}

func (s *sieve) table(ctx context.Context, w *wounded, t examined) (TableState, error) {
	state := TableState{Table: t.name}
	take := func(r row) error {
		kept := r.sound() && t.keep(s, r)
		if kept && s.put != nil {
			var err error
			if kept, err = s.put(t.name, r); err != nil {
				return err
			}
		}
		if kept {
			state.Read++
			s.version = max(s.version, r.number("woke"), r.number("rejoin"), r.number("asked"), r.number("retried"))
		} else {
			state.Refused++
		}
		return nil
	}
	var err error
	if len(t.key) == 0 {
		state.Broken, err = w.numbered(ctx, t.name, take)
	} else {
		state.Broken, err = w.keyed(ctx, "SELECT * FROM "+t.name, t.key, take)
	}
	if err != nil || len(t.names) == 0 {
		return state, err
	}
	named := int64(0)
	_, err = w.keyed(ctx, "SELECT "+strings.Join(t.names, ", ")+" FROM "+t.name, t.names, func(r row) error {
		named++
		if t.name == "object" && r.sound() {
			s.missing(keyIn(r, "id"))
		}
		return nil
	})
	state.Lost = max(0, named-state.Read-state.Refused)
	return state, err
}

// missing notes an object that an index names and that was not kept.
func (s *sieve) missing(k Key) {
	if s.knows(k.Directory) && !s.objects[k] {
		d := s.directory(k.Directory)
		d.Lost = append(d.Lost, k.Object.String())
	}
}

// knows reports whether there is such a directory: the configuration names it, or a row about it is as it was written.
func (s *sieve) knows(name string) bool {
	return slices.ContainsFunc(s.found.Directories, func(d DirectoryState) bool { return d.Directory == name })
}

// directory returns what is left of a directory.
func (s *sieve) directory(name string) *DirectoryState {
	i := slices.IndexFunc(s.found.Directories, func(d DirectoryState) bool { return d.Directory == name })
	if i < 0 {
		i = len(s.found.Directories)
		s.found.Directories = append(s.found.Directories, DirectoryState{Directory: name, Lost: []string{}})
	}
	return &s.found.Directories[i]
}

// ahead is how far the clocks of two machines may be from each other.
const ahead = 24 * 60 * 60 * 1000

// past reports whether moments are none that are still to come: what is said then would make everything later too old.
func (s *sieve) past(r row, columns ...string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return r.number(c) > int64(s.doctor.Now)+ahead })
}

func keyIn(r row, id string) Key {
	return Key{r.text("directory"), event.Ref{Kind: event.Kind(r.text("kind")), ID: r.text(id)}}
}

// event reports whether an event opens as the one that it says to be.
func (s *sieve) event(r row) bool {
	c := event.Change{ID: r.text("event_id"), Object: keyIn(r, "object").Object}
	if !s.past(r, "happened", "updated", "received") || s.openPayload(r.text("application"), &c, r.bytes("payload")) != nil {
		return false
	}
	s.events[r.number("id")] = c.Object
	s.instances[r.text("instance")]++
	s.spoken[c.Object] = true
	return true
}

// object reports whether what is known of an object opens, and its link and its DN are the ones that were written.
func (s *sieve) object(r row) bool {
	k := keyIn(r, "id")
	sealed := sealedObject{Object: event.Object{Ref: k.Object}, dn: r.text("dn"), facts: r.bytes("facts"), owned: r.bytes("owned"), bound: r.bytes("bound")}
	if sealed.Link = r.text("link"); !slices.Contains(r.columns, "bound") {
		sealed.bound = s.seal.mark(tie{k.Directory, k.Object, sealed.Link, sealed.dn}) // of a version that had none
	}
	_, record, err := s.openObject(k.Directory, sealed)
	if err != nil || !s.past(r, "said", "said_update", "password", "password_update", "floor", "floor_update") ||
		!bytes.Equal(r.bytes("dn_key"), treeKey(record.DN)) {
		return false
	}
	s.objects[k], s.spoken[k.Object] = true, true
	d := s.directory(k.Directory)
	d.Objects++
	if sealed.Link != "" {
		d.Linked++
	}
	return true
}

// delivery reports whether an event was on its way to a directory that there is.
func (s *sieve) delivery(r row) bool {
	ref, known := s.events[r.number("event")]
	name, state := r.text("directory"), event.State(r.text("state"))
	if !known || name != "" && !s.knows(name) || keyIn(r, "object").Object != ref ||
		!slices.Contains([]event.State{event.Pending, event.Waiting, event.Held, event.Done, event.Skipped, event.Failed, event.Discarded}, state) {
		return false
	}
	if state == event.Pending || state == event.Waiting {
		s.directory(name).Unfinished++
	}
	return true
}

// membership reports whether both a group and its member are known.
func (s *sieve) membership(r row) bool {
	group := event.Ref{Kind: event.KindGroup, ID: r.text("grp")}
	return s.objects[Key{r.text("directory"), group}] && s.spoken[event.Ref{Kind: event.KindUser, ID: r.text("member")}] && s.past(r, "said", "said_update")
}

// ofObject reports whether a row is about an object that was kept.
func (s *sieve) ofObject(r row) bool { return s.objects[keyIn(r, "object")] }
