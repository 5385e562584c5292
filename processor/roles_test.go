package processor_test

import (
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// What comes while a server takes no writes waits, whatever it is, and is no fault of the user or the password.
func TestOpenLDAPReadOnlyForAWhile(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	checkReadOnlyForAWhile(t, enter(t, server.Access, ldaps, "openldap.yaml"),
		func() { server.Configure(t, "olcReadOnly", "TRUE") }, func() { server.Configure(t, "olcReadOnly", "FALSE") })
}

func Test389DSReadOnlyForAWhile(t *testing.T) {
	server := ldaptest.StartDS389(t, ldaptest.DS389Config{})
	const backend = "cn=userRoot,cn=ldbm database,cn=plugins,cn=config"
	checkReadOnlyForAWhile(t, enter(t, server.Access, ldaps, "389ds.yaml"),
		func() { server.Configure(t, backend, "nsslapd-readonly", "on") }, func() { server.Configure(t, backend, "nsslapd-readonly", "off") })
}

func checkReadOnlyForAWhile(t *testing.T, w *world, on, off func()) {
	t.Helper()
	ann, bob := user("ann"), user("bob")
	w.create(ann, "ann", "Correct-Horse-1", nil)
	w.create(bob, "bob", "Correct-Horse-2", nil)
	on()
	disabled := w.say(event.TypeUserDisable, ann, event.Values{"status": event.StatusDisabled})
	w.must(event.CodeUnavailable, ann, disabled)
	changed := w.say(event.TypeUserUpdatePassword, bob, nil)
	changed.Password = secret.New("Correct-Horse-3")
	w.must(event.CodeUnavailable, bob, changed)
	// What would need no write is not known to need none.
	w.must(event.CodeUnavailable, bob, w.say(event.TypeUserPush, bob, record("bob", nil)))
	off()
	w.clock.pass(time.Minute)
	if err := w.dir.Check(t.Context(), plan.MustParseDN(suffix)); err != nil {
		t.Fatal(err)
	}
	w.must(event.CodeApplied, ann, w.again(disabled))
	w.login(ann, "Correct-Horse-1", false)
	w.must(event.CodeApplied, bob, w.again(changed))
	w.login(bob, "Correct-Horse-3", true)
}
