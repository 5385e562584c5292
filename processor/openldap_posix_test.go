package processor_test

import (
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// Accounts and groups for logins to UNIX, on a server that has the schema for them.
func TestOpenLDAPPosix(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap-posix.yaml")
	ann, bob, team := user("ann"), user("bob"), group("team")
	member := func(ref event.Ref, present bool) event.Change {
		c := w.say(event.TypeGroupAddUser, team, nil)
		c.Members = []event.Member{{User: ref.ID, Present: present}}
		return c
	}
	w.create(ann, "ann", "Correct-Horse-1", event.Values{"displayName": "Zoë Lee", "accountExpireTime": int64(2524608000000)})
	w.wantValues(w.dn(ann), "uidNumber", "20000")
	w.wantValues(w.dn(ann), "gidNumber", "100")
	w.wantValues(w.dn(ann), "homeDirectory", "/home/ann")
	w.wantValues(w.dn(ann), "gecos", "Zoe Lee")
	w.wantValues(w.dn(ann), "shadowExpire", "29220")
	w.login(ann, "Correct-Horse-1", true)
	w.quiet(ann)

	// Somebody else has the next number, and an account of bob's name is there already.
	stranger := person("uid=stranger,ou=leavers,dc=example,dc=org", "uidNumber=20001", "gidNumber=100", "homeDirectory=/")
	stranger.Attributes[0].Values = append(stranger.Attributes[0].Values, "posixAccount")
	w.make(stranger, person("uid=bob,ou=people,dc=example,dc=org", "roomNumber=42"))
	w.must(event.CodeApplied, bob, w.say(event.TypeUserPush, bob, record("bob", nil)))
	w.wantValues(w.dn(bob), "uidNumber", "20002")
	w.wantValues(w.dn(bob), "homeDirectory", "/home/bob")
	w.wantValues(w.dn(bob), "roomNumber", "42")
	w.quiet(bob)

	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}))
	w.wantValues(w.dn(team), "gidNumber", "20000")
	w.wantValues(w.dn(team), "memberUid")
	w.must(event.CodeApplied, team, member(ann, true), member(bob, true))
	w.wantValues(w.dn(team), "memberUid", "ann", "bob")

	// The number and the home stay with a new name, and the groups follow it.
	w.must(event.CodeApplied, ann, w.say(event.TypeUserUpdateInfo, ann, record("ann.kim", nil)))
	w.wantValues(w.dn(ann), "uidNumber", "20000")
	w.wantValues(w.dn(ann), "homeDirectory", "/home/ann")
	w.wantValues(w.dn(team), "memberUid", "ann.kim", "bob")
	w.must(event.CodeUnchanged, ann, w.say(event.TypeUserPush, ann, record("ann.kim", nil)))

	w.must(event.CodeApplied, team, member(bob, false))
	w.must(event.CodeApplied, ann, w.say(event.TypeUserDelete, ann, nil))
	w.wantValues(w.dn(team), "memberUid")
	carl := user("carl")
	w.create(carl, "carl", "", nil)
	w.wantValues(w.dn(carl), "uidNumber", "20003")
	if left, err := w.dir.Read(t.Context(), plan.MustParseDN("uid=ann.kim,ou=people,dc=example,dc=org"), nil); err != nil || left != nil {
		t.Fatalf("%v, %v", left, err)
	}
}
