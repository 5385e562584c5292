package idaastest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// An organisation of so many people has names in several scripts and with everything that means something in a DN, and is
// the same every time.
func TestGenerate(t *testing.T) {
	org := idaastest.Generate(1, 1000, 50)
	if len(org.Users) != 1000 || len(org.Units) != 50 || len(org.Groups) == 0 {
		t.Fatalf("%d people, %d units, %d groups", len(org.Users), len(org.Units), len(org.Groups))
	}
	if diff := cmp.Diff(org, idaastest.Generate(1, 1000, 50)); diff != "" {
		t.Errorf("the same seed makes another one:\n%s", diff)
	}
	if cmp.Equal(org.Users, idaastest.Generate(2, 1000, 50).Users) {
		t.Error("another seed makes the same people")
	}
	seen, deep := map[string]bool{}, 0
	for _, u := range org.Units {
		if u.Parent != "" {
			deep++
			if !seen[u.Parent] {
				t.Errorf("unit %s comes before the one above it", u.Name)
			}
		}
		seen[u.ID] = true
	}
	if deep < 10 {
		t.Errorf("%d of 50 units are below others", deep)
	}
	var names strings.Builder
	for _, u := range org.Users {
		if seen[u.ID] || !seen[u.Unit] {
			t.Errorf("user %s has a taken id or no unit", u.Username)
		}
		seen[u.ID] = true
		names.WriteString(u.DisplayName + "\n")
	}
	for script, table := range map[string]*unicode.RangeTable{"Chinese": unicode.Han, "Latin": unicode.Latin, "Cyrillic": unicode.Cyrillic, "Greek": unicode.Greek, "Arabic": unicode.Arabic, "Korean": unicode.Hangul, "pictures": unicode.So} {
		if !strings.ContainsFunc(names.String(), func(r rune) bool { return unicode.Is(table, r) }) {
			t.Errorf("no name is in %s", script)
		}
	}
	for _, text := range []string{",", `"`, "+", "<", ">", ";", "=", `\`, "#", "é", "'"} {
		if !strings.Contains(names.String(), text) {
			t.Errorf("no name has a %s", text)
		}
	}
}

// What the simulation sends is understood, whatever kind of event it is.
func TestEveryEventIsUnderstood(t *testing.T) {
	tn := newTenant(t)
	u, unit, group := idaastest.User{ID: "user_1", Username: "ann", Unit: "ou_1", Custom: map[string]string{"title": "Dr."}}, idaastest.Unit{ID: "ou_1", Name: "Lab"}, idaastest.Group{ID: "group_1", Name: "Vpn"}
	subjects := map[event.Kind]event.Ref{event.KindUser: {Kind: event.KindUser, ID: u.ID}, event.KindUnit: {Kind: event.KindUnit, ID: unit.ID}, event.KindGroup: {Kind: event.KindGroup, ID: group.ID}}
	events := []idaastest.Event{
		tn.Test(), tn.CreateUser(u, "secret"), tn.UserEvent(event.TypeUserUpdateInfo, u), tn.UserEvent(event.TypeUserPush, u), tn.UpdatePassword(u, "secret"), tn.MoveUser(u),
		tn.UserStatus(event.TypeUserDisable, u), tn.UserStatus(event.TypeUserEnable, u), tn.UserStatus(event.TypeUserUnlock, u), tn.LockUser(u, tn.Clock()), tn.DeleteUser(u.ID),
		tn.UnitEvent(event.TypeUnitCreate, unit), tn.UnitEvent(event.TypeUnitUpdate, unit), tn.UnitEvent(event.TypeUnitUpdateParent, unit), tn.UnitEvent(event.TypeUnitPush, unit), tn.DeleteUnit(unit.ID),
		tn.GroupEvent(event.TypeGroupCreate, group), tn.GroupEvent(event.TypeGroupUpdate, group), tn.GroupEvent(event.TypeGroupPush, group), tn.DeleteGroup(group.ID),
		tn.Membership(event.TypeGroupAddUser, group.ID, u.ID), tn.Membership(event.TypeGroupRemoveUser, group.ID, u.ID),
	}
	raw, err := json.Marshal(tn.Document(events))
	if err != nil {
		t.Fatal(err)
	}
	document, err := event.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range document.Changes {
		if c.Problem != "" || c.Type != events[i].Type || c.ID != events[i].ID || c.Object != subjects[c.Type.Kind()] || c.Stamp.Event != event.Millis(tn.Clock().UnixMilli()) {
			t.Errorf("%s is understood as %+v", events[i].Type, c)
		}
	}
	if len(document.Changes) != len(events) {
		t.Errorf("%d of %d events", len(document.Changes), len(events))
	}
}

func TestBadRequestsAreManyAndDifferent(t *testing.T) {
	tn := newTenant(t)
	requests, err := tn.BadRequests([]idaastest.Event{tn.DeleteUser("user_1")}, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	names, bodies := map[string]bool{}, map[string]bool{}
	for _, r := range requests {
		if names[r.Name] || bodies[r.Body] {
			t.Errorf("%q is there twice", r.Name)
		}
		names[r.Name], bodies[r.Body] = true, true
	}
	if len(names) < 50 {
		t.Errorf("there are %d", len(names))
	}
}

// What was pushed is deleted again, nobody before those who are in it.
func TestRemoveDeletesWhatWasPushed(t *testing.T) {
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	organization := idaastest.Generate(3, 12, 6)
	left := map[string]bool{}
	for _, e := range organization.Push(tenant) {
		left[e.BizID] = true
	}
	above := map[string]string{}
	for _, unit := range organization.Units {
		above[unit.ID] = unit.Parent
	}
	for _, e := range organization.Remove(tenant) {
		if e.Type.Effect() != event.EffectDelete || !left[e.BizID] {
			t.Errorf("%s of %s, which was not pushed or is deleted twice", e.Type, e.BizID)
		}
		delete(left, e.BizID)
		for id := range left {
			if above[id] == e.BizID {
				t.Errorf("unit %s is deleted before %s below it", e.BizID, id)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
