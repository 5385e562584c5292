package acceptance_test

import (
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// The example that the documentation leads to, on a real server: a flat tree, names in two scripts, Linux accounts and a
// place for leavers.
func TestOpenLDAPExampleOfTheDocumentation(t *testing.T) {
	t.Parallel()
	dir := slapdDirectory(ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}))
	dir.mapping = "../../docs/example.yaml"
	dir.bindDN = dir.readDN // who may make the place for leavers
	p := startProduct(t, dir, true)
	lab := idaastest.Unit{ID: p.tenant.NewUnitID(), Name: "研发"}
	wang := idaastest.User{ID: p.tenant.NewUserID(), Username: "wang.xiaoming", DisplayName: "王小明", Unit: lab.ID}
	p.apply(event.CodeApplied, p.tenant.UnitEvent(event.TypeUnitCreate, lab))
	p.apply(event.CodeApplied, p.tenant.CreateUser(wang, "correct horse 1"))
	e := p.user(wang.ID)
	wantDN(t, e, "uid=wang.xiaoming,ou=people,"+testBase)
	wantValues(t, e, "displayName", "王小明")
	wantValues(t, e, "displayName;lang-en", "Wang Xiaoming")
	wantValues(t, e, "uidNumber", "20000")
	wantValues(t, e, "loginShell", "/bin/bash")
	if !p.canBind(e.DN, "correct horse 1") {
		t.Error("the password does not work")
	}
	p.apply(event.CodeUnchanged, p.tenant.UserEvent(event.TypeUserPush, wang))
	p.apply(event.CodeApplied, p.tenant.DeleteUser(wang.ID))
	leaver := p.user(wang.ID)
	wantDN(t, leaver, "uid=wang.xiaoming,ou=leavers,"+testBase)
	if p.canBind(leaver.DN, "correct horse 1") {
		t.Error("a leaver can log in")
	}
}
