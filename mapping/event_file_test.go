package mapping_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

const eventsNow event.Millis = 1_800_000_000_000

func readEvents(source string) (mapping.EventFile, error) {
	return mapping.ReadEvents("events.yaml", []byte(source), mapping.Filling{ID: func(n int) string { return fmt.Sprintf("made-%d", n) }, At: eventsNow})
}

// shownEvents tells of events in one line each.
func shownEvents(file mapping.EventFile) string {
	var lines []string
	for _, c := range file.Events {
		line := fmt.Sprintf("%s %s %s %d", c.ID, c.Type.Short(), c.Object.ID, c.Stamp.Event-eventsNow)
		for _, name := range []string{"username", "name", "primaryOuId", "parentId", "status", "custom.team"} {
			if v, said := c.Fields[name]; said {
				line += fmt.Sprintf(" %s=%v", name, v)
			}
		}
		for _, m := range c.Members {
			line += fmt.Sprintf(" %s:%v", m.User, m.Present)
		}
		if !c.Password.Empty() {
			line += " password=" + c.Password.Reveal()
		}
		lines = append(lines, line)
	}
	if file.Callback != "" {
		lines = append(lines, "callback "+file.Callback)
	}
	return strings.Join(lines, "\n")
}

// An event is read in every form that anybody has it in.
func TestReadEvents(t *testing.T) {
	const wire = `{"eventId": "evnt_1", "eventType": "urn:alibaba:idaas:app:event:ud:user:create", "eventTime": "1800000000007", "bizId": "u_1", "bizData": "{\"userId\":\"u_1\",\"username\":\"ann\"}"}`
	for _, c := range []struct{ name, source, want string }{
		{"as in a test", "type: user:create\nuser: { id: u_1, username: ann, custom: { team: x } }\n", "made-1 user:create u_1 1 username=ann custom.team=x"},
		{"as JSON, with tabs", "{\n\t\"type\": \"user:create\",\n\t\"user\": {\"id\": \"u_1\", \"username\": \"ann\"}\n}", "made-1 user:create u_1 1 username=ann"},
		{"with a byte order mark", "\ufeff{ type: user:create, user: { id: u_1 } }", "made-1 user:create u_1 1"},
		{"with what is made up otherwise", "{ type: user:create, id: e7, time: 1800000000005, password: pass, user: { id: u_1 } }", "e7 user:create u_1 5 password=pass"},
		{"with a date", "{ type: ud:user:disable, time: 2027-01-15T08:00:01Z, user: { id: u_1 } }", "made-1 user:disable u_1 1000 status=disabled"},
		{
			"a list", "- { type: organizational_unit:create, ou: { id: o_1, name: Lab }, parent: { id: ou_root } }\n- { type: user:push, user: { id: u_1 }, ou: { id: o_1 } }\n",
			"made-1 organizational_unit:create o_1 1 name=Lab parentId=ou_root\nmade-2 user:push u_1 3 primaryOuId=o_1",
		},
		{
			"with a unit of which more is told", "{ type: user:push, user: { id: u_1 }, ou: { id: o_1, name: Lab } }",
			"made-1-unit organizational_unit:push o_1 0 name=Lab\nmade-1 user:push u_1 1 primaryOuId=o_1",
		},
		{
			"of a group", "{ type: group:remove_user, group: { id: g_1 }, members: [ { id: u_1, username: ann }, { id: u_2 } ] }",
			"made-1 group:remove_user g_1 1 u_1:false u_2:false",
		},
		{"an event of IDaaS", wire, "evnt_1 user:create u_1 7 username=ann"},
		{"an event of IDaaS, as YAML without an id", "eventType: ud:user:create\nbizData: { userId: u_1, username: ann }\n", "made-1 user:create u_1 1 username=ann"},
		{"events of IDaaS", "[" + wire + "]", "evnt_1 user:create u_1 7 username=ann"},
		{"a document", `{"aliUid": "1", "eventData": [` + wire + `]}`, "evnt_1 user:create u_1 7 username=ann"},
		{"a callback", "{\"event\": \"a.b.c\"}\n", "callback a.b.c"},
	} {
		file, err := readEvents(c.source)
		if got := shownEvents(file); err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

// What is wrong is said with its place and the nearest name, as it is in the tests of a mapping.
func TestReadEventsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"type: user:craete\nuser: { id: u_1 }\n", `events.yaml:1:7: there is no event type "user:craete"; did you mean user:create?`},
		{"type: user:create\nusr: { id: u_1 }\n", `events.yaml:2:1: there is no "usr" here; did you mean user?`},
		{"- { type: user:create, user: { id: u_1 } }\n- { type: user:create, user: { id: u_2, emial: x } }\n", `events.yaml:2:41: there is no field "emial"; did you mean email?`},
		{"user: { id: u_1 }\n", "events.yaml:1:1: the event has no type; such as user:create"},
		{"{ type: user:create, user: { username: ann } }", "the user of the event has no id"},
		{"{ type: user:create, time: yesterday, user: { id: u_1 } }", "events.yaml:1:28: this is no time; such as"},
		{"", "events.yaml: the file is empty; write { type: user:create"},
		{"just text", "events.yaml:1:1: event is written as keys with values"},
		{`{"eventData": "[{]"}`, "events.yaml:1:1: the document has"},
		{`{"event": {"type": "user:create"}}`, "events.yaml:1:1: the event has no type"},
		{"eventType: ud:user:craete\nbizData: { userId: u_1 }\n", `there is no event type "user:craete"; did you mean user:create?`},
		{"eventType: ud:user:create\nbizDta: { userId: u_1 }\n", `events.yaml:2:1: there is no "bizDta" here; did you mean bizData?`},
		{"eventType: ud:user:create\nbizData: { username: ann }\n", "the event says nothing that can be used: the payload names no user"},
	} {
		_, err := readEvents(c.source)
		var wrong *mapping.Errors
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is refused with\n%v\nwant\n%s", c.source, err, c.want)
		}
	}
}

// A test inside a mapping takes an event of IDaaS as it was decrypted.
func TestAnEventOfIDaaSInATest(t *testing.T) {
	const source = `version: 1
base: dc=example,dc=org
user:
  dn: "uid={user.username},{base}"
  match: [ { attribute: employeeNumber, value: user.id } ]
tests:
  - name: recorded
    event: {"eventType": "urn:alibaba:idaas:app:event:ud:user:create", "bizId": "u_1", "bizData": {"username": "ann", "password": "c4n4ry"}}
    expect_writes: 0
`
	set, err := mapping.Compile("mapping.yaml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	test := set.Tests()[0]
	if test.Event != event.TypeUserCreate || test.Record["username"] != "ann" || test.Record["id"] != "u_1" || test.Password.Reveal() != "c4n4ry" {
		t.Errorf("it is read as %+v", test)
	}
	if err := compiledSchema(t).Validate(decode(t, []byte(source))); err != nil {
		t.Errorf("the schema refuses it: %v", err)
	}
}
