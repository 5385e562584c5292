package event_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

var ann = event.Ref{Kind: event.KindUser, ID: "user_1"}

func change(kind event.Type, at int64, fields event.Values) event.Change {
	return event.Change{ID: fmt.Sprint(kind, at), Type: kind, Object: ann, Stamp: event.Stamp{Event: event.Millis(at)}, Fields: fields}
}

func TestRoles(t *testing.T) {
	record := func(name string) event.Values { return event.Values{"id": ann.ID, "username": name} }
	known := event.Merge(event.Object{}, []event.Change{change(event.TypeUserCreate, 10, record("ann"))}).Object
	deleted := event.Merge(known, []event.Change{change(event.TypeUserDelete, 20, nil)}).Object
	back := event.Merge(deleted, []event.Change{change(event.TypeUserCreate, 30, record("ann"))}).Object
	password := change(event.TypeUserUpdatePassword, 19, nil)
	password.Password = secret.New("old")
	for _, c := range []struct {
		name    string
		known   event.Object
		changes []event.Change
		want    []event.Role
		exists  bool
	}{
		{"newer record", known, []event.Change{change(event.TypeUserUpdateInfo, 11, record("kim"))}, []event.Role{event.Effective}, true},
		{"the same moment again", known, []event.Change{change(event.TypeUserPush, 10, record("ann"))}, []event.Role{event.Effective}, true},
		{"older record", known, []event.Change{change(event.TypeUserUpdateInfo, 9, record("old"))}, []event.Role{event.Stale}, true},
		{"overtaken", known, []event.Change{change(event.TypeUserUpdateInfo, 11, record("kim")), change(event.TypeUserUpdateInfo, 12, record("park"))}, []event.Role{event.Superseded, event.Effective}, true},
		{"overtaken, arrived in the other order", known, []event.Change{change(event.TypeUserUpdateInfo, 12, record("park")), change(event.TypeUserUpdateInfo, 11, record("kim"))}, []event.Role{event.Effective, event.Superseded}, true},
		{"an older event with a field that nobody has said", known, []event.Change{change(event.TypeUserUpdateInfo, 9, event.Values{"email": "a@b"})}, []event.Role{event.Effective}, true},
		{"deleted", known, []event.Change{change(event.TypeUserDelete, 11, nil)}, []event.Role{event.Effective}, false},
		{"an old deletion", known, []event.Change{change(event.TypeUserDelete, 9, nil)}, []event.Role{event.Stale}, true},
		{"a late update after a deletion", deleted, []event.Change{change(event.TypeUserUpdateInfo, 19, record("ann"))}, []event.Role{event.Stale}, false},
		{"a field from before the deletion of one who is back", back, []event.Change{change(event.TypeUserUpdateInfo, 19, event.Values{"email": "a@b"})}, []event.Role{event.Stale}, true},
		{"a password from before the deletion of one who is back", back, []event.Change{password}, []event.Role{event.Stale}, true},
		{"a field from after the deletion of one who is back", back, []event.Change{change(event.TypeUserUpdateInfo, 21, event.Values{"email": "a@b"})}, []event.Role{event.Effective}, true},
		{"a word from before a deletion that is late itself", known, []event.Change{change(event.TypeUserUpdateInfo, 8, event.Values{"email": "a@b"}), change(event.TypeUserDelete, 9, nil)}, []event.Role{event.Superseded, event.Stale}, true},
		{"a later creation", deleted, []event.Change{change(event.TypeUserCreate, 21, record("ann"))}, []event.Role{event.Effective}, true},
		{"a password for somebody who is gone", deleted, []event.Change{change(event.TypeUserUpdatePassword, 21, nil)}, []event.Role{event.Moot}, false},
		{"created and deleted in one go", event.Object{}, []event.Change{change(event.TypeUserCreate, 1, record("ann")), change(event.TypeUserDelete, 2, nil)}, []event.Role{event.Superseded, event.Effective}, false},
		{"a hint", known, []event.Change{{Type: event.TypeUnitAddUser, Object: ann, Stamp: event.Stamp{Event: 5}}}, []event.Role{event.Effective}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := event.Merge(c.known, c.changes)
			if diff := cmp.Diff(c.want, m.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			if m.Object.Exists() != c.exists {
				t.Errorf("exists is %t", m.Object.Exists())
			}
		})
	}
}

func TestMergeLeavesWhatWasKnownAsItWas(t *testing.T) {
	known := event.Merge(event.Object{}, []event.Change{change(event.TypeUserCreate, 1, event.Values{"username": "ann"})}).Object
	event.Merge(known, []event.Change{change(event.TypeUserUpdateInfo, 2, event.Values{"username": "kim"}), change(event.TypeUserDelete, 3, nil)})
	if known.Text("username") != "ann" || !known.Exists() {
		t.Errorf("it was changed: %+v", known)
	}
}

func TestNewestPasswordIsTheOneToWrite(t *testing.T) {
	with := func(at int64, password string) event.Change {
		c := change(event.TypeUserUpdatePassword, at, nil)
		c.Password = secret.New(password)
		return c
	}
	known := event.Merge(event.Object{}, []event.Change{change(event.TypeUserCreate, 1, event.Values{"username": "ann"})}).Object
	m := event.Merge(known, []event.Change{with(5, "new"), with(3, "old"), with(4, "middle")})
	if m.PasswordFrom != 0 || m.Password.Reveal() != "new" {
		t.Errorf("the password comes from change %d", m.PasswordFrom)
	}
	if diff := cmp.Diff([]event.Role{event.Effective, event.Superseded, event.Superseded}, m.Roles); diff != "" {
		t.Error(diff)
	}
	if m := event.Merge(m.Object, []event.Change{with(4, "late")}); m.PasswordFrom != -1 || m.Roles[0] != event.Stale {
		t.Errorf("an old password comes back: %+v", m)
	}
}

// history draws what happens to an object, in the order of time. Nobody speaks about an object that is gone: what does so
// belongs to one that is back, and there is nothing to know about it in between.
func history(t *rapid.T) []event.Change {
	asserts := []event.Type{event.TypeUserCreate, event.TypeUserUpdateInfo, event.TypeUserPush, event.TypeUserUpdatePrimaryOU}
	patches := []event.Type{event.TypeUserDisable, event.TypeUserUpdatePassword, event.TypeGroupAddUser, event.TypeUserDelete}
	n := rapid.IntRange(1, 14).Draw(t, "n")
	var changes []event.Change
	gone := false
	for i := range n {
		types := slices.Concat(asserts, patches)
		if gone {
			types = asserts
		}
		c := change(rapid.SampledFrom(types).Draw(t, "type"), int64(i+1), event.Values{"id": ann.ID})
		gone = c.Type == event.TypeUserDelete
		for _, field := range []string{"username", "email", "status", "custom.title"} {
			if !gone && rapid.Bool().Draw(t, "says "+field) {
				c.Fields[field] = fmt.Sprint(field, i)
			}
		}
		switch c.Type {
		case event.TypeUserUpdatePassword:
			c.Password = secret.New(fmt.Sprint("password ", i))
		case event.TypeGroupAddUser:
			c.Members = []event.Member{{User: rapid.SampledFrom([]string{"bob", "kim"}).Draw(t, "member"), Present: rapid.Bool().Draw(t, "joins")}}
		}
		changes = append(changes, c)
	}
	return changes
}

// Whatever the order of arrival, and whether events come one by one or many at a time, the end is the same. What is about an
// object that is gone waits for its comeback, and comes again with what arrives next.
func TestMergeDoesNotDependOnTheOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := history(t)
		inOrder := event.Object{Ref: ann}
		for _, c := range changes {
			inOrder = event.Merge(inOrder, []event.Change{c}).Object
		}
		shuffled := rapid.Permutation(changes).Draw(t, "arrival")
		together := event.Merge(event.Object{Ref: ann}, shuffled).Object
		if diff := cmp.Diff(inOrder, together); diff != "" {
			t.Fatalf("together, in another order:\n%s", diff)
		}
		object := event.Object{Ref: ann}
		var waiting []event.Change
		for len(shuffled) > 0 {
			k := rapid.IntRange(1, len(shuffled)).Draw(t, "at a time")
			pending := slices.Concat(waiting, shuffled[:k])
			merged := event.Merge(object, pending)
			object, shuffled, waiting = merged.Object, shuffled[k:], nil
			for i, role := range merged.Roles {
				if role == event.Moot {
					waiting = append(waiting, pending[i])
				}
			}
		}
		if diff := cmp.Diff(inOrder, object); diff != "" {
			t.Fatalf("bit by bit, in another order:\n%s", diff)
		}
	})
}

// With deletions the existence is that of the newest word about it.
func TestExistenceFollowsTheNewestWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(t, "n")
		var changes []event.Change
		for i := range n {
			kind := event.TypeUserPush
			if rapid.Bool().Draw(t, "delete") {
				kind = event.TypeUserDelete
			}
			changes = append(changes, change(kind, int64(i+1), event.Values{"id": ann.ID, "username": fmt.Sprint(i)}))
		}
		want := changes[n-1].Type == event.TypeUserPush
		object := event.Object{Ref: ann}
		for _, c := range rapid.Permutation(changes).Draw(t, "arrival") {
			object = event.Merge(object, []event.Change{c}).Object
		}
		if object.Exists() != want {
			t.Fatalf("exists is %t after %v", object.Exists(), changes)
		}
		if want && object.Text("username") != fmt.Sprint(n-1) {
			t.Fatalf("the name is %q", object.Text("username"))
		}
	})
}

func TestMembershipFollowsTheNewestWordOfEachPair(t *testing.T) {
	group := event.Ref{Kind: event.KindGroup, ID: "group_1"}
	say := func(at int64, present bool, users ...string) event.Change {
		c := event.Change{Type: event.TypeGroupAddUser, Object: group, Stamp: event.Stamp{Event: event.Millis(at)}}
		for _, u := range users {
			c.Members = append(c.Members, event.Member{User: u, Present: present})
		}
		return c
	}
	changes := []event.Change{say(3, false, "a"), say(1, true, "a", "b"), say(2, true, "c")}
	m := event.Merge(event.Object{Ref: group}, changes)
	got := map[string]bool{}
	for user, word := range m.Object.Members {
		got[user] = word.Present
	}
	if diff := cmp.Diff(map[string]bool{"a": false, "b": true, "c": true}, got); diff != "" {
		t.Error(diff)
	}
	if slices.Contains(m.Roles, event.Superseded) {
		t.Errorf("roles %v: each still says something", m.Roles)
	}
}

func TestFactsSurviveTheStore(t *testing.T) {
	facts := map[string]event.Fact{
		"username": {Value: "ann", At: event.Stamp{Event: 1}}, "emailVerified": {Value: true, At: event.Stamp{Event: 2, Update: 1}},
		"createTime": {Value: int64(1767225590000)}, "email": {Value: nil, At: event.Stamp{Event: 3}},
		"ous": {Value: []any{map[string]any{"id": "ou_1", "primary": true}}},
	}
	raw, err := event.MarshalFacts(facts)
	if err != nil {
		t.Fatal(err)
	}
	back, err := event.UnmarshalFacts(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(facts, back); diff != "" {
		t.Error(diff)
	}
}

func TestAccount(t *testing.T) {
	object := func(fields event.Values) event.Object {
		return event.Merge(event.Object{}, []event.Change{change(event.TypeUserPush, 1, fields)}).Object
	}
	const now = 1000
	for _, c := range []struct {
		name   string
		fields event.Values
		usable bool
		next   event.Millis
	}{
		{"nothing said", event.Values{}, true, 0},
		{"enabled", event.Values{"status": "enabled", "lockExpireTime": int64(-1), "accountExpireTime": int64(-1)}, true, 0},
		{"disabled", event.Values{"status": "disabled"}, false, 0},
		{"locked for a while", event.Values{"lockExpireTime": int64(2000)}, false, 2000},
		{"locked for ever", event.Values{"lockExpireTime": int64(event.LockedForever)}, false, 0},
		{"the lock is over", event.Values{"lockExpireTime": int64(999)}, true, 0},
		{"expires", event.Values{"accountExpireTime": int64(3000)}, true, 3000},
		{"expired", event.Values{"accountExpireTime": int64(1000)}, false, 0},
		{"locked and expires", event.Values{"lockExpireTime": int64(2000), "accountExpireTime": int64(3000)}, false, 2000},
	} {
		a := object(c.fields).Account()
		if a.Usable(now) != c.usable || a.NextChange(now) != c.next {
			t.Errorf("%s: usable %t, next %d", c.name, a.Usable(now), a.NextChange(now))
		}
	}
}

func TestPrimaryUnit(t *testing.T) {
	list := func(id string) []any {
		return []any{map[string]any{"id": "ou_other"}, map[string]any{"id": id, "primary": true}}
	}
	for _, c := range []struct {
		name    string
		changes []event.Change
		want    string
	}{
		{"the field", []event.Change{change(event.TypeUserPush, 1, event.Values{"primaryOuId": "ou_1"})}, "ou_1"},
		{"the list", []event.Change{change(event.TypeUserPush, 1, event.Values{"ous": list("ou_2")})}, "ou_2"},
		{"both at once", []event.Change{change(event.TypeUserPush, 1, event.Values{"primaryOuId": "ou_1", "ous": list("ou_2")})}, "ou_1"},
		{"a newer list", []event.Change{change(event.TypeUserPush, 1, event.Values{"primaryOuId": "ou_1"}), change(event.TypeUserPush, 2, event.Values{"ous": list("ou_2")})}, "ou_2"},
		{"a newer field", []event.Change{change(event.TypeUserPush, 1, event.Values{"ous": list("ou_2")}), change(event.TypeUserUpdatePrimaryOU, 2, event.Values{"primaryOuId": "ou_3"})}, "ou_3"},
		{"one unit that nobody calls primary", []event.Change{change(event.TypeUserPush, 1, event.Values{"ous": []any{map[string]any{"id": "ou_4"}}})}, "ou_4"},
		{"nothing", nil, ""},
	} {
		if got := event.Merge(event.Object{Ref: ann}, c.changes).Object.PrimaryUnit(); got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}
