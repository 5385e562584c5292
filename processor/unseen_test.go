package processor_test

import (
	"fmt"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
)

// What an access rule hides is not taken for what is gone.
func TestOpenLDAPWhatIsHiddenIsNotGone(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true})
	w := enter(t, server.Access, ldaps, "openldap.yaml")
	ref := user("ann")
	w.create(ref, "ann", "Correct-Horse-1", nil)
	login := "to attrs=userPassword by anonymous auth"
	server.Configure(t, "olcAccess", login, "to * by * none")
	gone := w.say(event.TypeUserDelete, ref, nil)
	if r := w.must(event.CodeUnavailable, ref, gone); !strings.Contains(r.Outcome.Message, "not to be seen") {
		t.Errorf("it says %s", r.Outcome.Message)
	}
	w.login(ref, "Correct-Horse-1", true)
	all := fmt.Sprintf("to * by dn.exact=%q manage", server.BindDN)
	server.Configure(t, "olcAccess", login, fmt.Sprintf("to dn.subtree=%q by * none", people), all)
	if r := w.must(event.CodeRetry, ref, gone); !strings.Contains(r.Outcome.Message, "nor "+people+" above it") {
		t.Errorf("it says %s", r.Outcome.Message)
	}
	w.login(ref, "Correct-Horse-1", true)
	server.Configure(t, "olcAccess", login, all)
	w.must(event.CodeApplied, ref, gone)
}

// A group that an access rule hides while its members get another name, or go, names everybody as they are called when it is seen again.
func TestOpenLDAPAHiddenGroupNamesNobodyByAFormerName(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true})
	w := enter(t, server.Access, ldaps, "openldap.yaml")
	eva, vera, staff := user("eva"), user("vera"), group("staff")
	w.create(eva, "eva", "", nil)
	w.create(vera, "vera", "", nil)
	w.must(event.CodeApplied, staff, w.is(staff, "staff"), w.stage.joins(eva, vera))
	all := fmt.Sprintf("to * by dn.exact=%q manage", server.BindDN)
	server.Configure(t, "olcAccess", fmt.Sprintf(`to dn.exact=%q by * none`, w.dn(staff)), all)
	w.must(event.CodeApplied, eva, w.say(event.TypeUserUpdateInfo, eva, event.Values{event.FieldUsername: "eve"}))
	w.must(event.CodeApplied, vera, w.say(event.TypeUserDelete, vera, nil))
	w.must(event.CodeRetry, staff)
	server.Configure(t, "olcAccess", all)
	w.must(event.CodeApplied, staff)
	w.wantValues(w.dn(staff), "member", w.dn(eva).String())
}

// Where the server shows only a part of the groups, nobody who is gone is taken for no member of the others.
func TestOpenLDAPNothingIsLeftBehindASizeLimit(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{Bare: true})
	w := enter(t, server.Access, ldaps, "openldap.yaml")
	ref := user("vera")
	w.create(ref, "vera", "", nil)
	for i := range 6 {
		g := group(fmt.Sprint("g", i))
		w.must(event.CodeApplied, g, w.is(g, fmt.Sprint("group", i)), w.stage.joins(ref))
	}
	server.Configure(t, "olcSizeLimit", "5")
	gone := w.say(event.TypeUserDelete, ref, nil)
	if r := w.must(event.CodeRetry, ref, gone); !strings.Contains(r.Outcome.Message, "olcLimits") {
		t.Errorf("it says %s", r.Outcome.Message)
	}
	server.Configure(t, "olcSizeLimit", "unlimited")
	w.must(event.CodeApplied, ref, gone)
	for i := range 6 {
		w.wantValues(w.dn(group(fmt.Sprint("g", i))), "member", "cn=nobody,dc=example,dc=org")
	}
}
