package acceptance_test

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// nameRows are names that people really have, and names that people make up to see what happens. Each goes through as
// data, as the name of a user, a unit and a group; or the outcome says in the server's words why it cannot, and nothing
// is half written.
var nameRows = append(namesAsData(), []row{
	{"a name", "composed and combining characters are the same user", nameComposed},
	{"a name", "with NUL counts as not said: nothing is written, and the event waits for a name", nameWithNUL},
}...)

func namesAsData() []row {
	var rows []row
	for _, n := range []struct{ what, name string }{
		{"an apostrophe", `Sean O'Brien`},
		{"quotes", `Ann "Buddy" Lee`},
		{"angle brackets", `<script>alert(1)</script>`},
		{"a comma", `Lee, Ann`},
		{"a whole DN", `x,ou=admins,dc=example,dc=org`},
		{"a space in front", ` ann`},
		{"a space at the end", `ann `},
		{"a number sign in front", `#ann`},
		{"plus and equals", `cn=ann+sn=lee`},
		{"a semicolon", `ann;lee`},
		{"a backslash", `EXAMPLE\ann`},
		{"parentheses and a star", `*)(uid=*`},
		{"Chinese characters", `诸葛亮`},
		{"an emoji", `ann 🚀`},
		{"right-to-left text", `فاطمة الخطيب`},
		{"control characters", "ann\tlee\x01"},
		{"300 characters", strings.Repeat("long name ", 30)[:299] + "x"},
	} {
		rows = append(rows, row{"a name", "with " + n.what, func(s *scene) { nameAsData(s, n.name) }})
	}
	return rows
}

// nameAsData gives a user, a unit and a group the same name, one after the other: in Active Directory a user and a group
// cannot have it at the same time.
func nameAsData(s *scene, name string) {
	u, unit, g := s.user("u"), s.unit("ou"), s.group("g")
	var refused []string
	u.Username, u.DisplayName = name, name
	if !s.asDataOrRefused(u.ID, s.create(u), func() { s.hasUser(u) }) {
		refused = append(refused, "user")
	}
	unit.Name = name
	if !s.asDataOrRefused(unit.ID, s.unitEvent(event.TypeUnitCreate, unit), func() { s.hasUnit(unit) }) {
		refused = append(refused, "unit")
	}
	// A name that can be used makes all well again, and everything is where it belongs.
	u.Username, u.DisplayName, u.Unit, unit.Name = s.name("ann"), "Ann Lee", unit.ID, s.name("Unit")
	s.send(s.unitEvent(event.TypeUnitUpdate, unit), s.update(u))
	s.settle()
	s.hasUnit(unit)
	s.hasUser(u)
	g.Name = name
	if !s.asDataOrRefused(g.ID, s.groupEvent(event.TypeGroupCreate, g), func() { s.hasGroup(g) }) {
		refused = append(refused, "group")
	}
	u.Username, g.Name = s.name("kim"), s.name("Group")
	s.send(s.update(u), s.groupEvent(event.TypeGroupUpdate, g), s.members(event.TypeGroupAddUser, g, u))
	s.settle()
	s.hasUser(u)
	s.hasGroup(g, u)
	if len(refused) > 0 {
		s.note("refused for a " + strings.Join(refused, ", "))
	}
}

// asDataOrRefused sends an event and fails unless the object is there with its name as it is, or is not there at all and
// the event has failed with a reason.
func (s *scene) asDataOrRefused(id string, e idaastest.Event, as func()) bool {
	s.t.Helper()
	before := len(s.dir.tree(s.t))
	s.send(e)
	s.settle()
	switch got := s.f.outcome(s.t, e.ID); {
	case got.State == event.Done:
		as()
		if after := len(s.dir.tree(s.t)); after != before+1 {
			s.t.Fatalf("one entry more was to come, and %d came", after-before)
		}
		return true
	case got.State == event.Failed && got.Code == event.CodeRefused && strings.Contains(got.Message, "(") || got.Code == event.CodeMapping:
		s.gone(id)
		if after := len(s.dir.tree(s.t)); after != before {
			s.t.Fatalf("it was refused (%s), and %d entries came", got.Message, after-before)
		}
		s.t.Log(got.Message)
		return false
	default:
		s.t.Fatalf("%s %s: %s", got.State, got.Code, got.Message)
		return false
	}
}

func nameComposed(s *scene) {
	const composed, combining = "jos\u00e9", "jose\u0301"
	u := s.user("x")
	suffix := strings.TrimPrefix(u.Username, "x")
	u.Username, u.DisplayName = composed+suffix, "José"
	e := s.create(u)
	if !s.asDataOrRefused(u.ID, e, func() { s.hasUser(u) }) {
		s.note("refused for a user")
		return
	}
	before := s.entry(u.ID, s.dir.uniqueID)
	m := s.touch(u.ID)
	other := *u
	other.Username, other.DisplayName = combining+suffix, "José"
	if s.dir.kind == ldaptest.Samba {
		// There these are two names, so the other one is written, to the same entry.
		s.applied(s.userEvent(event.TypeUserPush, &other))
		s.sameEntry(before, s.entry(u.ID, s.dir.uniqueID))
		s.note("✓, and the other form is written")
	} else {
		s.unchanged(s.userEvent(event.TypeUserPush, &other))
		s.notWritten(m)
	}
	// Somebody with no id of ours and the same name, differently composed, is the same account too.
	s.applied(s.f.tenant.DeleteUser(u.ID))
	s.addByHand(s.dir.userDN(*u, s.dir.people), s.dir.handmade(*u, ""))
	taken := s.user("x")
	taken.Username, taken.DisplayName = other.Username, "José"
	s.send(s.create(taken))
	s.settle()
	after := s.entry(taken.ID, s.dir.uniqueID)
	if string(before.GetRawAttributeValue(s.dir.uniqueID)) == string(after.GetRawAttributeValue(s.dir.uniqueID)) {
		s.t.Fatal("the deleted entry was not deleted")
	}
	if found := s.dir.search(s.t, fmt.Sprintf("(|(%[1]s=%[2]s)(%[1]s=%[3]s))", s.dir.login, ldap.EscapeFilter(u.Username), ldap.EscapeFilter(other.Username))); len(found) != 1 {
		s.t.Fatalf("there are %d entries called %s", len(found), u.Username)
	}
}

func nameWithNUL(s *scene) {
	u, unit, g := s.user("u"), s.unit("ou"), s.group("g")
	before := len(s.dir.tree(s.t))
	for _, name := range []string{"admin\x00.example", "\x00", "ann\x00"} {
		u.Username, unit.Name, g.Name = name, name, name
		s.waits(event.CodeWaitsForRecord, s.create(u))
		s.waits(event.CodeWaitsForRecord, s.unitEvent(event.TypeUnitCreate, unit))
		s.waits(event.CodeWaitsForRecord, s.groupEvent(event.TypeGroupCreate, g))
	}
	if after := len(s.dir.tree(s.t)); after != before {
		s.t.Fatalf("%d entries were written", after-before)
	}
	u = s.user("ann")
	u.Email = "ann\x00@example.org"
	s.applied(s.create(u))
	if mail := s.entry(u.ID, "mail").GetAttributeValues("mail"); len(mail) > 0 {
		s.t.Fatalf("the mail address is %q", mail)
	}
}
