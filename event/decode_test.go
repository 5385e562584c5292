package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
)

// wire puts one event on the wire, as strings in strings or nested.
func wire(tb testing.TB, kind event.Type, bizData string, nested bool) []byte {
	tb.Helper()
	one := map[string]any{"eventId": "evnt_1", "eventType": kind.URN(), "eventTime": "1767225700000", "bizId": "biz_1"}
	document := map[string]any{"aliUid": "1000000000000001", "instanceId": "idaas_1", "eventVersion": "V1.0"}
	if nested {
		one["bizData"], one["eventTime"] = json.RawMessage(bizData), 1767225700000
		document["eventData"] = []any{one}
	} else {
		one["bizData"] = bizData
		inner, err := json.Marshal([]any{one})
		if err != nil {
			tb.Fatal(err)
		}
		document["eventData"] = string(inner)
	}
	raw, err := json.Marshal(document)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func decodeOne(t *testing.T, kind event.Type, bizData string, nested bool) event.Change {
	t.Helper()
	d, err := event.Decode(wire(t, kind, bizData, nested))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Changes) != 1 || d.InstanceID != "idaas_1" || d.AliUID != "1000000000000001" {
		t.Fatalf("the document is %+v", d)
	}
	return d.Changes[0]
}

func TestBothGenerationsOfNamesMeanTheSame(t *testing.T) {
	newNames := `{"userId":"user_1","username":"ann","displayName":"Ann","userExternalId":"S-1","userSourceType":"build_in","userSourceId":"idaas_1",
		"phoneRegion":"86","phoneVerified":true,"email":"a@b","emailVerified":false,"status":"enabled","accountExpireTime":"-1","lockExpireTime":"-1",
		"updateTime":"1767225599000","primaryOrganizationalUnitId":"ou_2","userOrganizationalUnits":[{"organizationalUnitId":"ou_2","organizationalUnitName":"Research","primary":true}],
		"customFields":[{"fieldName":"title","fieldValue":"Dr."}],"somethingNew":{"a":1}}`
	oldNames := `{"userId":"user_1","username":"ann","displayName":"Ann","externalId":"S-1","sourceType":"build_in","sourceId":"idaas_1",
		"phoneRegion":"86","phoneNumberVerified":"true","email":"a@b","emailVerified":"false","status":"enabled","accountExpireTime":-1,"lockExpireTime":-1,
		"lastUpdatedTime":1767225599000,"primaryOrganizationalUnitId":"ou_2","organizationalUnits":"[{\"organizationalUnitId\":\"ou_2\",\"name\":\"Research\",\"primary\":true}]",
		"customFields":{"title":"Dr."},"somethingNew":{"a":1}}`
	want := event.Values{
		"id": "user_1", "username": "ann", "displayName": "Ann", "externalId": "S-1", "sourceType": "build_in", "sourceId": "idaas_1",
		"phoneRegion": "86", "phoneVerified": true, "email": "a@b", "emailVerified": false, "status": "enabled", "accountExpireTime": int64(-1), "lockExpireTime": int64(-1),
		"updateTime": int64(1767225599000), "primaryOuId": "ou_2", "ous": []any{map[string]any{"id": "ou_2", "name": "Research", "primary": true}},
		"custom.title": "Dr.", "raw.somethingNew": map[string]any{"a": int64(1)},
	}
	for name, biz := range map[string]string{"new": newNames, "old": oldNames} {
		for _, nested := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " nested ", nested), func(t *testing.T) {
				c := decodeOne(t, event.TypeUserUpdateInfo, biz, nested)
				if diff := cmp.Diff(want, c.Fields); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
				if c.Object != ann || c.Problem != "" || c.Stamp != (event.Stamp{Event: 1767225700000, Update: 1767225599000}) {
					t.Errorf("the change is %+v", c)
				}
			})
		}
	}
}

func TestNullEmptyAndAbsentAreThreeThings(t *testing.T) {
	c := decodeOne(t, event.TypeUserUpdateInfo, `{"userId":"user_1","email":null,"description":""}`, false)
	if v, said := c.Fields["email"]; !said || v != nil {
		t.Errorf("null is %v, %t", v, said)
	}
	if v, said := c.Fields["description"]; !said || v != "" {
		t.Errorf("empty is %v, %t", v, said)
	}
	if _, said := c.Fields["phoneNumber"]; said {
		t.Error("absent counts as said")
	}
}

func TestStatusEventsSpeakForThemselves(t *testing.T) {
	for _, c := range []struct {
		kind  event.Type
		biz   string
		field string
		want  any
	}{
		{event.TypeUserDisable, `{"userId":"user_1"}`, "status", "disabled"},
		{event.TypeUserDisable, `{"userId":"user_1","status":"enabled"}`, "status", "disabled"},
		{event.TypeUserEnable, `{"userId":"user_1"}`, "status", "enabled"},
		{event.TypeUserLock, `{"userId":"user_1","lockExpireTime":"1767229300000"}`, "lockExpireTime", int64(1767229300000)},
		{event.TypeUserLock, `{"userId":"user_1","lockExpireTime":"-1"}`, "lockExpireTime", int64(event.LockedForever)},
		{event.TypeUserLock, `{"userId":"user_1"}`, "lockExpireTime", int64(event.LockedForever)},
		{event.TypeUserUnlock, `{"userId":"user_1","lockExpireTime":"1767229300000"}`, "lockExpireTime", int64(-1)},
	} {
		if got := decodeOne(t, c.kind, c.biz, false).Fields[c.field]; got != c.want {
			t.Errorf("%s %s: %s is %v; want %v", c.kind, c.biz, c.field, got, c.want)
		}
	}
}

func TestPasswordIsTakenAndKeptOutOfTheFields(t *testing.T) {
	c := decodeOne(t, event.TypeUserCreate, `{"userId":"user_1","password":"c4n4ry"}`, false)
	if c.Password.Reveal() != "c4n4ry" {
		t.Error("the password is lost")
	}
	for name, value := range c.Fields {
		if strings.Contains(fmt.Sprint(value), "c4n4ry") {
			t.Errorf("it stands in %s", name)
		}
	}
	if c := decodeOne(t, event.TypeUserUpdateInfo, `{"userId":"user_1","password":"c4n4ry","oldPassword":"c4n4ry"}`, false); !c.Password.Empty() || len(c.Fields) != 1 {
		t.Errorf("an event that carries no password by its type has one: %+v", c)
	}
}

func TestMembersInEveryFormThatWasGuessed(t *testing.T) {
	for _, biz := range []string{
		`{"groupId":"g","userId":"a"}`, `{"groupId":"g","userIds":["a"]}`, `{"groupId":"g","users":[{"userId":"a"}]}`,
		`{"groupId":"g","members":["a","a"]}`, `{"groupId":"g","userIds":"[\"a\"]"}`,
	} {
		for kind, present := range map[event.Type]bool{event.TypeGroupAddUser: true, event.TypeGroupRemoveUser: false} {
			c := decodeOne(t, kind, biz, false)
			if diff := cmp.Diff([]event.Member{{User: "a", Present: present}}, c.Members); diff != "" || c.Object.ID != "g" {
				t.Errorf("%s %s: %+v", kind, biz, c)
			}
		}
	}
	if c := decodeOne(t, event.TypeGroupAddUser, `{"groupId":"g"}`, false); c.Problem == "" {
		t.Error("a membership event without a user is taken")
	}
}

func TestOtherEvents(t *testing.T) {
	if c := decodeOne(t, event.TypeUnitAddUser, `{"organizationalUnitId":"ou_1","userId":"user_1"}`, false); c.Object != ann {
		t.Errorf("a hint is about %v", c.Object)
	}
	others := decodeOne(t, event.TypeUnitAddUser, `{"organizationalUnitId":"ou_1","userIds":["user_1","user_2","user_1","user_3"]}`, false)
	if diff := cmp.Diff([]event.Ref{{Kind: event.KindUser, ID: "user_2"}, {Kind: event.KindUser, ID: "user_3"}}, others.Others); others.Object != ann || diff != "" {
		t.Errorf("a hint about three is %+v", others)
	}
	if c := decodeOne(t, event.TypeUnitAddUser, `{"organizationalUnitId":"ou_1"}`, false); !c.Object.Zero() || c.Problem != "" {
		t.Errorf("a hint that names nobody is %+v", c)
	}
	if c := decodeOne(t, "ud:spaceship:launch", `{"x":1}`, false); c.Type != "ud:spaceship:launch" || c.Type.Effect() != event.EffectNone || c.Problem != "" {
		t.Errorf("an unknown type is %+v", c)
	}
	if c := decodeOne(t, event.TypeUserDelete, `{}`, false); c.Object.ID != "biz_1" {
		t.Errorf("without a userId the object is %v", c.Object)
	}
	c := decodeOne(t, event.TypeUnitPush, `{"organizationalUnitId":"ou_1","name":"Old","parentId":"ou_root"}`, false)
	if c.Object != (event.Ref{Kind: event.KindUnit, ID: "ou_1"}) || c.Fields["name"] != "Old" || c.Fields["parentId"] != "ou_root" {
		t.Errorf("a unit is %+v", c)
	}
}

// A type that is not known is skipped whatever it carries.
func TestUnknownTypesAreCarriedOn(t *testing.T) {
	for _, one := range []string{
		`{"eventId":"e","eventType":"urn:alibaba:idaas:app:event:ud:spaceship:launch"}`,
		`{"eventId":"e","eventType":"ud:spaceship:launch","eventTime":"soon","bizData":[1]}`,
		`{"eventId":"e","eventType":"ud:spaceship:launch","eventTime":"1767225700000","bizId":7,"bizData":"hello"}`,
	} {
		d, err := event.Decode([]byte(`{"instanceId":"idaas_1","eventData":[` + one + `]}`))
		if err != nil || len(d.Changes) != 1 {
			t.Errorf("%s: %v", one, err)
			continue
		}
		if c := d.Changes[0]; c.Problem != "" || c.Type != "ud:spaceship:launch" || c.Type.Effect() != event.EffectNone {
			t.Errorf("%s is %+v", one, c)
		}
	}
}

// Every type that IDaaS is known to send, and what it means.
func TestTypes(t *testing.T) {
	types := map[string]struct {
		kind   event.Kind
		effect event.Effect
	}{
		"common:test":                   {"", event.EffectTest},
		"ud:user:create":                {event.KindUser, event.EffectAssert},
		"ud:user:delete":                {event.KindUser, event.EffectDelete},
		"ud:user:update_info":           {event.KindUser, event.EffectAssert},
		"ud:user:update_password":       {event.KindUser, event.EffectPatch},
		"ud:user:disable":               {event.KindUser, event.EffectPatch},
		"ud:user:enable":                {event.KindUser, event.EffectPatch},
		"ud:user:lock":                  {event.KindUser, event.EffectPatch},
		"ud:user:unlock":                {event.KindUser, event.EffectPatch},
		"ud:user:update_primary_ou":     {event.KindUser, event.EffectAssert},
		"ud:user:push":                  {event.KindUser, event.EffectAssert},
		"ud:organizational_unit:create": {event.KindUnit, event.EffectAssert},
		"ud:organizational_unit:delete": {event.KindUnit, event.EffectDelete},
		"ud:organizational_unit:update": {event.KindUnit, event.EffectAssert},
		"ud:organizational_unit:update_parent_organizational_unit": {event.KindUnit, event.EffectAssert},
		"ud:organizational_unit:add_user":                          {event.KindUser, event.EffectTouch},
		"ud:organizational_unit:remove_user":                       {event.KindUser, event.EffectTouch},
		"ud:organizational_unit:push":                              {event.KindUnit, event.EffectAssert},
		"ud:group:create":                                          {event.KindGroup, event.EffectAssert},
		"ud:group:update":                                          {event.KindGroup, event.EffectAssert},
		"ud:group:delete":                                          {event.KindGroup, event.EffectDelete},
		"ud:group:add_user":                                        {event.KindGroup, event.EffectPatch},
		"ud:group:remove_user":                                     {event.KindGroup, event.EffectPatch},
		"ud:group:push":                                            {event.KindGroup, event.EffectAssert},
	}
	for name, want := range types {
		for _, spelling := range []string{"urn:alibaba:idaas:app:event:" + name, name, strings.TrimPrefix(name, "ud:")} {
			got := event.ParseType(spelling)
			if got.Kind() != want.kind || got.Effect() != want.effect || got.URN() != "urn:alibaba:idaas:app:event:"+name {
				t.Errorf("%s is %s about a %q with effect %d", spelling, got.URN(), got.Kind(), got.Effect())
			}
		}
	}
	if n := len(event.Types()); n != len(types) {
		t.Errorf("%d types are known; want %d", n, len(types))
	}
}

// An event of our own says nothing where it comes from outside.
func TestOurOwnTypeFromOutside(t *testing.T) {
	c := decodeOne(t, event.TypeReconcile, `{"userId":"u","userIds":["u"],"password":"c4n4ry"}`, true)
	if !c.Object.Zero() || len(c.Fields) != 0 || !c.Password.Empty() {
		t.Errorf("it is %+v", c)
	}
}

func TestWrongShapes(t *testing.T) {
	for _, document := range []string{
		"", "hello", "[]", "null", "{}", `{"eventData":"x"}`, `{"eventData":{}}`, `{"eventData":[1]}`, `{"eventData":[{}]}`,
		`{"eventData":[{"eventId":"","eventType":"x"}]}`, `{"eventData":[{"eventId":"e"}]}`, `{"eventData":[]} {}`, "{\"eventData\":[\"\xff\"]}",
	} {
		if d, err := event.Decode([]byte(document)); err == nil {
			t.Errorf("%q is taken as %+v", document, d)
		}
	}
	// Of these nothing is left.
	for kind, payloads := range map[event.Type][]string{
		event.TypeUserCreate: {`[]`, `"text"`, `null`}, event.TypeUserPush: {`7`}, event.TypeGroupAddUser: {`{"groupId":"g"}`, `{"groupId":"g","userIds":[{}]}`},
	} {
		for _, biz := range payloads {
			if c := decodeOne(t, kind, biz, true); c.Problem == "" || c.ID != "evnt_1" || len(c.Fields) != 0 {
				t.Errorf("%s %s: %+v", kind, biz, c)
			}
		}
	}
}

// Ids are shown and compared everywhere: they are short, and hold nothing that moves a cursor or begins a line.
func TestIDsAreShortAndCanBeShown(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, id := range []string{long, "evnt\n1", "evnt\u001b[2J", "evnt\u202e", "evnt\u0000", "evnt\u2028"} {
		quoted, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		document := fmt.Sprintf(`{"eventData":[{"eventId":%s,"eventType":"ud:user:delete","eventTime":1,"bizId":"u"},{"eventId":"evnt_2","eventType":"ud:user:delete","eventTime":1,"bizData":{"userId":%s}}]}`, quoted, quoted)
		d, err := event.Decode([]byte(document))
		if err != nil || len(d.Changes) != 1 || len(d.Unread) != 1 {
			t.Errorf("%.20q: %+v, %v", id, d, err)
			continue
		}
		if c := d.Changes[0]; !c.Object.Zero() || c.Problem == "" {
			t.Errorf("%.20q: %+v", id, c)
		}
		if c := decodeOne(t, event.TypeGroupAddUser, fmt.Sprintf(`{"groupId":"g","userIds":["a",%s]}`, quoted), true); len(c.Members) != 1 || len(c.Unread) != 1 {
			t.Errorf("%.20q as a member: %+v", id, c)
		}
	}
	if c := decodeOne(t, event.TypeUserDelete, `{"userId":"用户 1"}`, true); c.Problem != "" {
		t.Errorf("an id in Chinese: %s", c.Problem)
	}
}

// Each event is answered under its id, so one id cannot stand for two.
func TestOneIDForTwoEvents(t *testing.T) {
	one := `{"eventId":"evnt_1","eventType":"common:test"}`
	_, err := event.Decode([]byte(`{"eventData":[` + one + `,` + one + `]}`))
	var malformed *event.DocumentError
	if !errors.As(err, &malformed) || !strings.Contains(err.Error(), "evnt_1") {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(wire(f, event.TypeUserCreate, `{"userId":"u","username":"ann","organizationalUnits":[{"organizationalUnitId":"o"}]}`, false))
	f.Add(wire(f, event.TypeGroupAddUser, `{"groupId":"g","userIds":["a"]}`, true))
	f.Add([]byte(`{"eventData":"[]"}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		d, err := event.Decode(document)
		if err != nil {
			return
		}
		for _, c := range d.Changes {
			if c.ID == "" || c.Type == "" {
				t.Fatalf("an event without a name: %+v", c)
			}
			// What was decoded can be stored and read back.
			raw, err := json.Marshal(c.Fields)
			if err != nil {
				t.Fatal(err)
			}
			var back event.Values
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
		}
	})
}
