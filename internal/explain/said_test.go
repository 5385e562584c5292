package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
)

// Fields that nobody knows may hold a password under a name of their own, and are not shown then.
func TestWordsShowNoSecrets(t *testing.T) {
	c := event.Change{
		ID: "evnt_1", Stamp: event.Stamp{Event: 7},
		Fields: event.Values{
			"displayName": "Ann", "raw.newPassword": "c4n4ry", "custom.PWD": "c4n4ry", "passwordSet": true,
			"accountExpireTime": int64(-1), "createTime": int64(1_800_000_000_000), "groups": []any{"g_1"}, "email": nil,
		},
		Members: []event.Member{{User: "u_1", Present: true}, {User: "u_2"}},
		Problem: "bad",
	}
	got := map[string]string{}
	for _, w := range Words(c, "app") {
		got[w.Field] += w.Text()
		if w.At != 7 || w.EventID != "evnt_1" || w.Application != "app" {
			t.Errorf("%s is said by %+v", w.Field, w)
		}
	}
	want := map[string]string{
		"displayName": "Ann", "raw.newPassword": Hidden, "custom.PWD": Hidden, "passwordSet": "true", "accountExpireTime": "-1",
		"createTime": "2027-01-15T08:00:00.000Z", "groups": `["g_1"]`, "email": "null", "member": "u_1", "no member": "u_2", "problem": "bad",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
