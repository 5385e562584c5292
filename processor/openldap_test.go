package processor_test

import (
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

var defaultPolicy = plan.MustParseDN("cn=default,ou=policies,dc=example,dc=org")

// slapd knows pwdAccountLockedTime wherever a module is loaded, and looks at it only where a policy tells it to. Saying that
// somebody is disabled who can log in would be worse than to fail.
func TestOpenLDAPWithoutLockingPolicy(t *testing.T) {
	bare := func(t *testing.T) *world {
		t.Helper()
		return enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true}).Access, ldaps, "openldap.yaml")
	}
	lenient := func(t *testing.T) *world {
		t.Helper()
		w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml")
		w.replace(defaultPolicy, "pwdLockout", "FALSE")
		return w
	}
	for name, start := range map[string]func(*testing.T) *world{"no policy": bare, "a policy without pwdLockout": lenient} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			ref := user("ann")
			w.create(ref, "ann", "Correct-Horse-1", nil)
			for _, kind := range []event.Type{event.TypeUserDisable, event.TypeUserLock} {
				fields := w.fields(standing{disabled: kind == event.TypeUserDisable, locked: kind == event.TypeUserLock})
				r := w.must(event.CodeRefused, ref, w.say(kind, ref, event.Values{"status": fields["status"], "lockExpireTime": fields["lockExpireTime"]}))
				if !strings.Contains(r.Outcome.Message, "pwdLockout TRUE") || len(r.Operations) > 0 {
					t.Fatalf("%s: %+v", kind, r)
				}
			}
			w.login(ref, "Correct-Horse-1", true)
			w.must(event.CodeApplied, ref, w.say(event.TypeUserPush, ref, record("ann", event.Values{"displayName": "Ann Kim", "lockExpireTime": int64(-1)})))
			if name == "no policy" {
				return
			}
			// What an administrator puts right is seen soon.
			w.replace(defaultPolicy, "pwdLockout", "TRUE")
			w.clock.pass(time.Minute)
			w.become(ref, standing{}, standing{disabled: true})
			w.login(ref, "Correct-Horse-1", false)
		})
	}
	t.Run("a leaver is put away all the same, and it is said what that does not do", func(t *testing.T) {
		w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true}).Access, ldaps, "openldap.yaml",
			"    delete: delete ", "    delete: { move: \"ou=leavers,dc=example,dc=org\" } ")
		ref := user("ann")
		w.create(ref, "ann", "", nil)
		r := w.must(event.CodeApplied, ref, w.say(event.TypeUserDelete, ref, nil))
		if !r.DN.Equal(plan.MustParseDN("uid=ann,ou=leavers,dc=example,dc=org")) || !strings.Contains(r.Outcome.Message, "no means to disable") {
			t.Fatalf("%+v", r)
		}
	})
	t.Run("an end is looked at in any policy", func(t *testing.T) {
		w := lenient(t)
		ref := user("bob")
		w.create(ref, "bob", "Correct-Horse-1", nil)
		w.become(ref, standing{}, standing{expired: true})
		w.login(ref, "Correct-Horse-1", false)
		w.become(ref, standing{expired: true}, standing{})
		w.login(ref, "Correct-Horse-1", true)
	})
}

// Where slapd does not show its schema, what it can is found out all the same; where it lacks something, that is said as what is known.
func TestOpenLDAPHiddenSchema(t *testing.T) {
	hidden := func(t *testing.T, cfg ldaptest.SlapdConfig) *world {
		t.Helper()
		server := ldaptest.StartSlapd(t, cfg)
		server.ConfigureFrontend(t, "olcAccess", `to dn.base="cn=Subschema" by * none`, "to * by * read")
		w := enter(t, server.Access, ldaps, "openldap.yaml")
		if profile, err := w.dir.Profile(t.Context()); err != nil || profile.Schema != nil {
			t.Fatalf("%+v, %v", profile, err)
		}
		return w
	}
	ann := user("ann")
	w := hidden(t, ldaptest.SlapdConfig{})
	w.create(ann, "ann", "Correct-Horse-1", nil)
	for _, s := range []standing{{disabled: true}, {locked: true}, {expired: true}} {
		w.become(ann, standing{}, s)
		w.login(ann, "Correct-Horse-1", false)
		w.become(ann, s, standing{})
		w.login(ann, "Correct-Horse-1", true)
	}
	w = hidden(t, ldaptest.SlapdConfig{Bare: true})
	w.create(ann, "ann", "Correct-Horse-1", nil)
	fields := w.fields(standing{disabled: true})
	r := w.must(event.CodeRefused, ann, w.say(event.TypeUserDisable, ann, event.Values{"status": fields["status"]}))
	if !strings.Contains(r.Outcome.Message, "does not show its schema") || !strings.Contains(r.Outcome.Message, "cn=Subschema") {
		t.Errorf("%+v", r.Outcome)
	}
}

func TestOpenLDAPEnd(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml")
	ref := user("ann")
	at := time.Date(2040, 2, 29, 12, 30, 15, 0, time.UTC)
	w.create(ref, "ann", "Correct-Horse-1", event.Values{"accountExpireTime": at.UnixMilli()})
	w.wantValues(w.dn(ref), "pwdEndTime", "20400229123015Z")
	w.login(ref, "Correct-Horse-1", true)
	// The server ends the account by itself, so nothing is left to do at that time.
	w.at = at.UnixMilli() + 1
	w.must(event.CodeUnchanged, ref)
}

func TestOpenLDAPPasswordToBeChanged(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml", mustChange...)
	w.replace(defaultPolicy, "pwdMustChange", "TRUE")
	ref := user("ann")
	w.create(ref, "ann", "Correct-Horse-1", nil)
	w.wantValues(w.dn(ref), "pwdReset", "TRUE")
	w.quiet(ref)
}

// mustChange asks for a new password at the first login.
var mustChange = []string{"password: { write: auto,", "password: { must_change: true, write: auto,"}

// groupOfNames demands a member, so an empty group holds a placeholder and a group with members does not.
func TestOpenLDAPPlaceholder(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml")
	const nobody = "cn=nobody,dc=example,dc=org"
	ref, team := user("ann"), group("team")
	w.create(ref, "ann", "", nil)
	w.must(event.CodeApplied, team, w.say(event.TypeGroupCreate, team, event.Values{"name": "team"}))
	w.wantValues(w.dn(team), "member", nobody)
	for _, present := range []bool{true, false} {
		c := w.say(event.TypeGroupAddUser, team, nil)
		c.Members = []event.Member{{User: ref.ID, Present: present}}
		w.must(event.CodeApplied, team, c)
		want := nobody
		if present {
			want = w.dn(ref).String()
		}
		w.wantValues(w.dn(team), "member", want)
	}
}

// A value that a stranger has is waited for, as a place is that a stranger has.
func TestOpenLDAPNotUniqueForSomebodyElse(t *testing.T) {
	w := enter(t, ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}).Access, ldaps, "openldap.yaml")
	ref := user("ann")
	stranger := plan.MustParseDN("cn=stranger,ou=people,dc=example,dc=org")
	op := plan.Add{DN: stranger, Attributes: []plan.Attribute{
		{Name: "objectClass", Values: []string{"inetOrgPerson"}},
		{Name: "cn", Values: []string{"stranger"}},
		{Name: "sn", Values: []string{"x"}},
		{Name: "uid", Values: []string{"ann"}},
		{Name: "employeeNumber", Values: []string{"not ours"}},
	}}
	if err := w.dir.Apply(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	if r := w.must(event.CodeDNTaken, ref, w.say(event.TypeUserCreate, ref, record("ann", nil))); !strings.Contains(r.Outcome.Message, "non-unique") || !strings.Contains(r.Outcome.Message, stranger.String()) {
		t.Fatal(r.Outcome.Message)
	}
}
