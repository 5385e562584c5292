package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"idaas-ldap/event"
)

// EventFile is what a file of events holds.
type EventFile struct {
	// Callback is the token of a recorded callback, which has to be opened. There are no events then.
	Callback string
	Events   []event.Change
	// Unread names what could not be read of recorded events.
	Unread []string
}

// Filling is what events get that do not say it: an id by their number, counted from 1, and the time of the first; each next one is a
// millisecond later.
type Filling struct {
	ID func(number int) string
	At event.Millis
}

// ReadEvents reads a file of events. An event is written as in the tests of a mapping, alone or in a list; a document or an event of
// IDaaS is taken as it is, and so is a recorded callback. The error is an [*Errors] with everything that is wrong with the file.
func ReadEvents(name string, source []byte, fill Filling) (EventFile, error) {
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	isJSON := json.Valid(source)
	if isJSON {
		recorded, err := readRecorded(source)
		if err != nil {
			return EventFile{}, &Errors{List: []Problem{{File: name, Line: 1, Column: 1, Message: err.Error()}}}
		}
		if recorded != nil {
			return *recorded, nil
		}
		// Between values JSON may have tabs, which YAML does not want; within them it has none.
		source = bytes.ReplaceAll(source, []byte("\t"), []byte(" "))
	}
	r := newReader(name, source)
	out := r.events(source, fill)
	if len(r.errors.List) > 0 {
		r.errors.finish()
		return EventFile{}, &r.errors
	}
	return out, nil
}

// readRecorded reads what IDaaS has sent, nil where it is something else.
func readRecorded(source []byte) (*EventFile, error) {
	var members map[string]json.RawMessage
	var list []map[string]json.RawMessage
	switch {
	case json.Unmarshal(source, &members) == nil && members["event"] != nil:
		var token string
		if json.Unmarshal(members["event"], &token) == nil {
			return &EventFile{Callback: strings.TrimSpace(token)}, nil
		}
	case members["eventData"] != nil:
		return decoded(source)
	case members["eventType"] != nil:
		return decoded(append(append([]byte(`{"eventData":[`), source...), "]}"...))
	case json.Unmarshal(source, &list) == nil && len(list) > 0 && list[0]["eventType"] != nil:
		return decoded(append(append([]byte(`{"eventData":`), source...), "}"...))
	}
	return nil, nil
}

func decoded(document []byte) (*EventFile, error) {
	d, err := event.Decode(document)
	if err != nil {
		return nil, err //nolint:wrapcheck // It says what is wrong with the document.
	}
	return &EventFile{Events: d.Changes, Unread: d.Unread}, nil
}

// events reads the events of a file.
func (r *reader) events(source []byte, fill Filling) EventFile {
	var out EventFile
	body := r.body(source, "write { type: user:create, user: { id: user_1, username: ann } }, or a list of such", "a file of events")
	if body == nil {
		return out
	}
	items := []ast.Node{body}
	if sequence, ok := body.(*ast.SequenceNode); ok {
		items = sequence.Values
	}
	for i, item := range items {
		var t Test
		told := r.testEvent(&t, item)
		if !told {
			continue
		}
		at := fill.At + event.Millis(2*i)
		if above := t.unit(fill.ID(i+1)+"-unit", at); above != nil {
			out.Events = append(out.Events, *above)
		}
		c := t.Change(fill.ID(i+1), at+1)
		out.Events = append(out.Events, c)
	}
	document, err := event.Encode(out.Events)
	if err == nil && len(r.errors.List) == 0 && len(out.Events) > 0 {
		var d event.Document
		if d, err = event.Decode(document); err == nil {
			out.Events = d.Changes
		}
	}
	if err != nil {
		r.problem(position{1, 1}, "%v", err)
	}
	return out
}

// Change returns the event of a test. What it does not say is filled in.
func (t Test) Change(id string, at event.Millis) event.Change {
	if t.ID != "" {
		id = t.ID
	}
	if t.At != 0 {
		at = t.At
	}
	record := maps.Clone(t.Record)
	kind := t.Event.Kind()
	if above, _ := t.Above[event.FieldID].(string); above != "" {
		field := map[event.Kind]string{event.KindUser: event.FieldPrimaryUnit, event.KindUnit: event.FieldParentID}[kind]
		if _, said := record[field]; !said && field != "" {
			record[field] = above
		}
	}
	own, _ := record[event.FieldID].(string)
	c := event.Change{
		ID: id, Type: t.Event, Object: event.Ref{Kind: kind, ID: own}, Stamp: event.Stamp{Event: at}, Fields: record, Password: t.Password,
	}
	for _, m := range t.Members {
		user, _ := m[event.FieldID].(string)
		c.Members = append(c.Members, event.Member{User: user, Present: t.Event != event.TypeGroupRemoveUser})
	}
	return c
}

// unit returns the event that tells of the unit above, nil where the test says no more than its id.
func (t Test) unit(id string, at event.Millis) *event.Change {
	name, _ := t.Above[event.FieldName].(string)
	above, _ := t.Above[event.FieldID].(string)
	if name == "" || above == "" {
		return nil
	}
	if t.At != 0 {
		at = t.At
	}
	return &event.Change{ID: id, Type: event.TypeUnitPush, Object: event.Ref{Kind: event.KindUnit, ID: above}, Stamp: event.Stamp{Event: at}, Fields: maps.Clone(t.Above)}
}

// wireEvent reads an event in the form that IDaaS sends. The unit above may be told beside it.
func (r *reader) wireEvent(t *Test, n ast.Node, keys *ast.MappingNode) bool {
	c, err := decodeNode(keys)
	known := map[string]func(ast.Node){}
	if above := map[event.Kind]string{event.KindUser: nameUnit, event.KindUnit: nameParent}[c.Type.Kind()]; above != "" {
		known[above] = func(n ast.Node) { t.Above = r.record(event.KindUnit, n) }
	}
	for _, name := range []string{"eventId", "eventType", "eventTime", "bizId", "bizData"} {
		known[name] = func(ast.Node) {}
	}
	r.each(keys, known)
	at := r.at(n)
	switch {
	case err != nil:
		r.problem(at, "the event cannot be read: %v", err)
		return false
	case c.Type.Kind() == "" || c.Type.Effect() == event.EffectTouch:
		r.report(at, didYouMean(c.Type.Short(), eventTypes()), "there is no event type %q", c.Type.Short())
		return false
	case c.Problem != "":
		r.problem(at, "the event says nothing that can be used: %s", c.Problem)
		return false
	}
	t.Event, t.Record, t.Password = c.Type, c.Fields, c.Password
	if hasKey(keys, "eventId") {
		t.ID = c.ID
	}
	if hasKey(keys, "eventTime") {
		t.At = c.Stamp.Event
	}
	for _, m := range c.Members {
		t.Members = append(t.Members, event.Values{event.FieldID: m.User})
	}
	return true
}

// decodeNode decodes an event of IDaaS that is written as YAML. Its id and time may lack.
func decodeNode(n ast.Node) (event.Change, error) {
	var value map[string]any
	if err := yaml.NodeToValue(n, &value); err != nil {
		return event.Change{}, err //nolint:wrapcheck // The caller says what it is about.
	}
	for name, filling := range map[string]any{"eventId": "event", "eventTime": 1} {
		if value[name] == nil {
			value[name] = filling
		}
	}
	one, err := json.Marshal(map[string]any{"eventData": []any{value}})
	if err != nil {
		return event.Change{}, err //nolint:wrapcheck // As above.
	}
	d, err := event.Decode(one)
	if err == nil && len(d.Changes) == 0 {
		err = errors.New(strings.Join(d.Unread, "; "))
	}
	if err != nil {
		return event.Change{}, err //nolint:wrapcheck // As above.
	}
	return d.Changes[0], nil
}

// ReadSample reads one event, written as in the tests of a mapping, for a test that expects nothing. The error is an [*Errors].
func ReadSample(name string, source []byte) (Test, error) {
	r := newReader(name, source)
	t := Test{Name: name}
	if body := r.body(source, "write { type: user:create, user: { id: user_1, username: ann } }", "an event"); body != nil {
		r.testEvent(&t, body)
	}
	if len(r.errors.List) > 0 {
		r.errors.finish()
		return Test{}, &r.errors
	}
	return t, nil
}
