package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// hostile is a name with everything that a terminal obeys, that nobody sees, or that a DN escapes.
const hostile = "x\\y, z\n\x1b[31m\u202e\u200b\u0085\u2028\ufeff\x7f王"

// No command prints what somebody outside has chosen in a way that a terminal obeys, and what a DN escapes is escaped once.
func TestNoOutputObeysHostileNames(t *testing.T) {
	directory := startDirectory(t, "")
	s := newService(t, directory)
	s.start()
	tenant := s.client.Tenant
	lab := idaastest.Unit{ID: tenant.NewUnitID(), Name: hostile}
	ann := idaastest.User{ID: tenant.NewUserID(), Username: hostile, DisplayName: hostile, Description: hostile, Unit: lab.ID, Custom: map[string]string{hostile: hostile}}
	bob := idaastest.User{ID: tenant.NewUserID(), Username: "bob" + hostile, DisplayName: hostile, Unit: "ou_9"}
	staff := idaastest.Group{ID: tenant.NewGroupID(), Name: hostile}
	events := []idaastest.Event{
		tenant.UnitEvent(event.TypeUnitCreate, lab), tenant.CreateUser(ann, ""), tenant.CreateUser(bob, ""),
		tenant.GroupEvent(event.TypeGroupCreate, staff), tenant.Membership(event.TypeGroupAddUser, staff.ID, ann.ID, bob.ID),
	}
	answer, err := send(s.client, events...)
	if err != nil || len(answer.Failed)+len(answer.Retried) != 0 {
		t.Fatalf("%v %+v", err, answer)
	}
	list := func() string {
		_, out, _ := call(t, "events", "list", "--config", s.config)
		return out
	}
	await(t, "everything is settled but what waits for a unit", func() bool { return strings.Count(list(), "WAITS_FOR") == 2 && !strings.Contains(list(), "ACCEPTED") })
	s.kill()
	folder := filepath.Dir(s.config)
	file := func(name string, content any) string {
		t.Helper()
		encoded, err := json.Marshal(content)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), encoded, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, name)
	}
	good := file("good.json", map[string]any{"type": "user:push", "user": map[string]any{"id": "u_1", "username": "new" + hostile, "displayName": hostile}, "ou": map[string]any{"id": "ou_root"}})
	bad := file("bad.json", map[string]any{"type": hostile, hostile: hostile})
	document := file("document.json", map[string]any{"eventData": []any{
		map[string]any{"eventId": "evnt_1", "eventType": "ud:" + "unknown", "bizData": map[string]any{}}, map[string]any{"eventId": hostile, "eventType": hostile},
	}})
	seen := strings.Builder{}
	for _, args := range [][]string{
		{"explain", ann.ID},
		{"explain", hostile},
		{"explain", "nobody" + hostile},
		{"explain", bob.ID},
		{"explain", staff.ID},
		{"explain", "--output", "json", ann.ID},
		{"explain", "--directory", hostile, ann.ID},
		{"events", "list"},
		{"events", "list", "--output", "json"},
		{"events", "show", events[1].ID},
		{"events", "show", "--output", "json", events[1].ID},
		{"events", "show", hostile},
		{"events", "list", "--event", hostile},
		{"events", "list", "--since", hostile},
		{"reconcile"},
		{"reconcile", "--output", "json"},
		{"reconcile", hostile},
		{"reconcile", "nobody" + hostile},
		{"plan", good},
		{"plan", "--output", "json", good},
		{"plan", bad},
		{"plan", document},
		{"plan", hostile},
		{"validate", "--online"},
		{hostile},
		{"test", hostile},
	} {
		if args[0] != hostile && args[0] != "test" {
			args = append(args, "--config", s.config)
		}
		_, out, errs := call(t, args...)
		for _, r := range out + errs {
			if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
				t.Errorf("%q prints %U:\n%q", args, r, out+errs)
				break
			}
		}
		if strings.Contains(out+errs, `\\\`) && !slices.Contains(args, "json") {
			t.Errorf("%q escapes twice:\n%s", args, out+errs)
		}
		if slices.Contains(args, "json") && args[0] != "reconcile" && !json.Valid([]byte(out)) {
			t.Errorf("%q prints no JSON:\n%s", args, out)
		}
		seen.WriteString(out)
	}
	if !strings.Contains(seen.String(), `uid=x\\y\, z\0a\1b[31m\u202e`) {
		t.Errorf("the DN is not shown as it is:\n%s", seen.String())
	}
}
