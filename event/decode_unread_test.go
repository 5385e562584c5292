package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
)

// An event that nobody could answer spoils no other.
func TestEventWithoutNameIsLeftOut(t *testing.T) {
	d, err := event.Decode([]byte(`{"instanceId":"idaas_1","eventVersion":1,"eventData":[7,{"eventType":"ud:user:disable"},
		{"eventId":8,"eventType":"ud:user:disable","eventTime":1767225700000,"bizData":{"userId":"user_1"}}]}`))
	if err != nil || len(d.Changes) != 1 || d.Changes[0].ID != "8" || d.Changes[0].Fields["status"] != "disabled" || len(d.Unread) != 2 || d.Version != "1" {
		t.Errorf("the document is %+v, %v", d, err)
	}
}

// What cannot be read is a field that was not said, and its name is for the log. It costs nothing else of the event.
func TestUnreadableFieldIsNotSaid(t *testing.T) {
	for extra, name := range map[string]string{
		`"username":[]`:                       "username",
		`"username":"admin\u0000x"`:           "username",
		`"displayName":{"a":1}`:               "displayName",
		`"email":true`:                        "email",
		`"emailVerified":"maybe"`:             "emailVerified",
		`"emailVerified":{}`:                  "emailVerified",
		`"phoneVerified":[true]`:              "phoneVerified",
		`"status":{"is":"enabled"}`:           "status",
		`"updateTime":"soon"`:                 "updateTime",
		`"createTime":[1]`:                    "createTime",
		`"accountExpireTime":"never"`:         "accountExpireTime",
		`"lockExpireTime":{}`:                 "lockExpireTime",
		`"passwordSet":3`:                     "passwordSet",
		`"organizationalUnits":[{}]`:          "organizationalUnits",
		`"organizationalUnits":"[{"`:          "organizationalUnits",
		`"organizationalUnits":7`:             "organizationalUnits",
		`"groups":{"a":"b"}`:                  "groups",
		`"groups":["g",{}]`:                   "groups",
		`"groups":["g\u0000"]`:                "groups",
		`"customFields":7`:                    "customFields",
		`"customFields":"[{"`:                 "customFields",
		`"customFields":[7]`:                  "customFields",
		`"customFields":[{"fieldValue":"x"}]`: "customFields",
		`"customFields":[{"fieldName":"skills","fieldValue":{"a":"b"}}]`:                            `custom field "skills"`,
		`"customFields":[{"fieldName":"skills","fieldValue":[["go"]]}]`:                             `custom field "skills"`,
		`"customFields":{"skills":["go",null]}`:                                                     `custom field "skills"`,
		`"customFields":{"skills":"\u0000"}`:                                                        `custom field "skills"`,
		`"organizationalUnits":[{"organizationalUnitId":"ou_1","organizationalUnitName":"\u0000"}]`: "organizationalUnits",
		`"other":{"deep":["\u0000"]}`:                                                               `"other"`,
		`"description":"` + strings.Repeat("x", 2<<20) + `"`:                                        "description",
		`"userId":{}`:           "userId",
		`"userId":"user\u0000"`: "userId",
	} {
		for _, kind := range []event.Type{event.TypeUserDisable, event.TypeUserDelete, event.TypeUserLock, event.TypeUserPush} {
			biz := `{"phoneNumber":"1",` + extra + `}`
			id := "biz_1"
			if name != "userId" {
				biz, id = `{"userId":"user_1","phoneNumber":"1",`+extra+`}`, "user_1"
			}
			c := decodeOne(t, kind, biz, true)
			if c.Problem != "" || c.Object.ID != id || c.Fields["phoneNumber"] != "1" || kind == event.TypeUserDisable && c.Fields["status"] != "disabled" {
				t.Errorf("%s %.80s: %+v", kind, biz, c)
			}
			if len(c.Unread) != 1 || !strings.HasPrefix(c.Unread[0], name+" ") {
				t.Errorf("%s %.80s: unread is %q", kind, biz, c.Unread)
			}
		}
	}
}

// However much cannot be read, little is said of it.
func TestWhatIsNamedIsBounded(t *testing.T) {
	fields := `{"` + strings.Repeat("é", 1<<20) + `":{}`
	for i := range 1000 {
		fields += fmt.Sprintf(`,"f%d":{}`, i)
	}
	c := decodeOne(t, event.TypeUserPush, `{"userId":"u","customFields":`+fields+`}}`, false)
	if words := strings.Join(c.Unread, "; "); len(words) > 5000 || !strings.HasSuffix(words, "and more") {
		t.Errorf("%d bytes", len(words))
	}
}

// A name that cannot be read does not hide the other name of the same field.
func TestOtherGenerationIsReadWhereTheFirstCannotBe(t *testing.T) {
	c := decodeOne(t, event.TypeUserPush, `{"userId":"u","updateTime":{},"lastUpdatedTime":"5","organizationalUnits":[{"organizationalUnitId":1,"organizationalUnitName":{},"name":"Old"}]}`, false)
	want := []any{map[string]any{"id": "1", "name": "Old", "primary": false}}
	if diff := cmp.Diff(want, c.Fields["ous"]); diff != "" || c.Stamp.Update != 5 || len(c.Unread) != 1 {
		t.Errorf("%+v\n%s", c, diff)
	}
}

func TestOwnFieldsMayBeLists(t *testing.T) {
	for _, biz := range []string{
		`{"userId":"u","customFields":[{"fieldName":"skills","fieldValue":["go",7,true]},{"fieldName":"none","fieldValue":[]},{"fieldName":"title","fieldValue":null}]}`,
		`{"userId":"u","customFields":{"skills":["go",7,true],"none":[],"title":null}}`,
	} {
		c := decodeOne(t, event.TypeUserDisable, biz, false)
		want := event.Values{"id": "u", "status": "disabled", "custom.skills": []any{"go", "7", "true"}, "custom.none": []any{}, "custom.title": nil}
		if diff := cmp.Diff(want, c.Fields); diff != "" || len(c.Unread) != 0 {
			t.Errorf("unread %q, fields (-want +got):\n%s", c.Unread, diff)
		}
	}
}

// What an event says by its type alone it says whatever else cannot be read.
func TestEventsThatSpeakForThemselves(t *testing.T) {
	for _, biz := range []string{`[]`, `"text"`, `null`, `7`} {
		c := decodeOne(t, event.TypeUserDisable, biz, true)
		if c.Problem != "" || c.Object.ID != "biz_1" || c.Fields["status"] != "disabled" || len(c.Unread) != 1 {
			t.Errorf("a disable with %s is %+v", biz, c)
		}
		if c := decodeOne(t, event.TypeUserDelete, biz, true); c.Problem != "" || c.Object.ID != "biz_1" || len(c.Unread) != 1 {
			t.Errorf("a deletion with %s is %+v", biz, c)
		}
	}
	for _, when := range []string{`"soon"`, `null`, `-7`, `{}`, `0`} {
		d, err := event.Decode([]byte(`{"eventData":[{"eventId":"e","eventType":"ud:user:disable","eventTime":` + when + `,"bizData":{"userId":"user_1"}}]}`))
		if err != nil || d.Changes[0].Problem != "" || !d.Changes[0].Stamp.Zero() || len(d.Changes[0].Unread) != 1 {
			t.Errorf("at %s it is %+v, %v", when, d, err)
		}
	}
}

// A member who cannot be read costs no other.
func TestUnreadableMembersAreLeftOut(t *testing.T) {
	c := decodeOne(t, event.TypeGroupAddUser, `{"groupId":"g","userIds":["a",{},"u\u0000",{"userId":7}],"users":true}`, false)
	want := []event.Member{{User: "a", Present: true}, {User: "7", Present: true}}
	if diff := cmp.Diff(want, c.Members); diff != "" || len(c.Unread) != 3 {
		t.Errorf("unread %q, members (-want +got):\n%s", c.Unread, diff)
	}
	// What only looks like a NUL character is text.
	if c := decodeOne(t, event.TypeUserPush, `{"userId":"u","username":"\\u0000"}`, false); len(c.Unread) != 0 || c.Fields["username"] != `\u0000` {
		t.Errorf("it is %+v", c)
	}
}
