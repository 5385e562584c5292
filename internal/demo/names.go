package demo

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// names are what people call the ids of IDaaS, learnt from the events.
type names map[string]string

// facts are what an event says that is worth showing, in this order: by the name on the wire, and by a shorter one.
var facts = []struct{ wire, label string }{
	{"username", "username"},
	{"displayName", "displayName"},
	{"email", "email"},
	{"phoneNumber", "phoneNumber"},
	{"password", "password"},
	{"primaryOrganizationalUnitId", "unit"},
	{"organizationalUnitName", "name"},
	{"parentId", "below"},
	{"groupName", "name"},
	{"userIds", "users"},
	{"status", "status"},
	{"lockExpireTime", "until"},
	{"description", "description"},
}

// labelWidth is that of the longest label and a space.
const labelWidth = len("displayName") + 1

// describe tells what an event says, a fact to a line.
func (n names) describe(e idaastest.Event) []string {
	var lines []string
	add := func(label string, texts ...string) {
		for _, text := range texts {
			for _, line := range wrapped(text, leftWidth-labelWidth-2, "") {
				lines = append(lines, "  "+padded(label, labelWidth)+line)
				label = ""
			}
		}
	}
	if named := n.learn(e); !named {
		for _, id := range []string{"userId", "organizationalUnitId", "groupId"} {
			if text, ok := e.BizData[id].(string); ok {
				add("id", short(text), "("+n[text]+")")
			}
		}
	}
	for _, fact := range facts {
		if text := n.text(fact.wire, e); text != "" {
			add(fact.label, text)
		}
	}
	return lines
}

// learn remembers what the subject of an event is called, and reports whether the event itself says so.
func (n names) learn(e idaastest.Event) bool {
	for _, wire := range []string{"displayName", "organizationalUnitName", "groupName"} {
		if name, _ := e.BizData[wire].(string); name != "" {
			n[e.BizID] = name
			return true
		}
	}
	return false
}

// short returns the beginning of an id.
func short(id string) string {
	const letters = 12
	if at := strings.IndexByte(id, '_'); at > 0 && len(id) > at+letters {
		return id[:at+letters] + "…"
	}
	return id
}

// text is a fact as a person reads it; empty where it is not worth a line.
func (n names) text(wire string, e idaastest.Event) string {
	switch value := e.BizData[wire].(type) {
	case []string:
		users := make([]string, len(value))
		for i, id := range value {
			users[i] = n[id]
		}
		return strings.Join(users, " and ")
	case string:
		switch {
		case value == "":
			return ""
		case wire == "password":
			return "(secret)"
		case wire == "status":
			return map[bool]string{true: value}[slices.Contains([]event.Type{event.TypeUserDisable, event.TypeUserEnable}, e.Type)]
		case wire == "lockExpireTime":
			return moment(value)
		case value == event.RootUnitID:
			return "(the root)"
		case n[value] != "":
			return n[value]
		case strings.HasPrefix(value, "ou_"):
			return short(value)
		}
		return value
	}
	return ""
}

// moment is the time of the day at which a lock ends, empty where there is none.
func moment(millis string) string {
	ms, err := strconv.ParseInt(millis, 10, 64)
	if err != nil || ms <= 0 {
		return ""
	}
	return time.UnixMilli(ms).Format("15:04:05")
}
