package event_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
)

// A record of the API says the same as an event of the same object, whatever form its numbers have; what is not of the object itself is
// not said, and no password ever is.
func TestRecordsOfTheAPI(t *testing.T) {
	for name, c := range map[string]struct {
		kind event.Kind
		raw  string
		want event.Change
	}{
		"a user": {
			event.KindUser,
			`{"instanceId":"idaas_1","userId":"user_1","username":"ann","phoneNumberVerified":true,"phoneNumber":null,"accountExpireTime":-1,"lockExpireTime":"-1","updateTime":1767225599000,
				"groups":[{"groupId":"group_1"}],"customFields":[{"fieldName":"no","fieldValue":"1042"}],"password":"c4n4ry","newThing":{"a":1}}`,
			event.Change{
				Object: event.Ref{Kind: event.KindUser, ID: "user_1"}, Stamp: event.Stamp{Update: 1767225599000},
				Fields: event.Values{
					"id": "user_1", "username": "ann", "phoneVerified": true, "phoneNumber": nil, "accountExpireTime": int64(-1), "lockExpireTime": int64(-1), "updateTime": int64(1767225599000),
					"custom.no": "1042", "raw.newThing": map[string]any{"a": int64(1)},
				},
			},
		},
		"a unit": {
			event.KindUnit, `{"organizationalUnitId":"ou_1","organizationalUnitName":"Lab","parentId":"ou_root","updateTime":"5"}`,
			event.Change{
				Object: event.Ref{Kind: event.KindUnit, ID: "ou_1"}, Stamp: event.Stamp{Update: 5},
				Fields: event.Values{"id": "ou_1", "name": "Lab", "parentId": "ou_root", "updateTime": int64(5)},
			},
		},
		"a group": {
			event.KindGroup, `{"groupId":"group_1","groupName":"Vpn","updateTime":"never"}`,
			event.Change{
				Object: event.Ref{Kind: event.KindGroup, ID: "group_1"}, Fields: event.Values{"id": "group_1", "name": "Vpn"},
				Unread: []string{"updateTime is not a time in milliseconds"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.Record(c.kind, []byte(c.raw))
			c.want.Type = event.TypePull
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b interface{ Empty() bool }) bool { return a.Empty() == b.Empty() })); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
	for _, raw := range []string{``, `[]`, `"x"`, `{}`, `{"userId":""}`, `{"userId":"a\nb"}`, `{"groupId":"group_1"}`} {
		if c, err := event.Record(event.KindUser, []byte(raw)); err == nil {
			t.Errorf("%s is read as %+v", raw, c)
		}
	}
}

// What only we may say is not believed when it comes from outside.
func TestEventsOfOurOwnDoNotComeFromOutside(t *testing.T) {
	for _, own := range []event.Type{event.TypeReconcile, event.TypePull, event.TypePullAbsent} {
		d, err := event.Decode([]byte(`{"eventData":[{"eventId":"e","eventType":"` + own.URN() + `","eventTime":"5","bizId":"user_1","bizData":{"userId":"user_1","username":"eve"}}]}`))
		if err != nil || len(d.Changes) != 1 || !d.Changes[0].Object.Zero() || len(d.Changes[0].Fields) > 0 {
			t.Errorf("%s is read as %+v, %v", own, d, err)
		}
	}
}
