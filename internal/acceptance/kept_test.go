package acceptance_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

const keptMapping = "testdata/kept.yaml"

func TestEmbeddedKeepsDisabledUsersAndLeaversElsewhere(t *testing.T) {
	dir := embeddedDirectory(startEmbedded(t))
	dir.mapping = keptMapping
	keptElsewhere(t, startProduct(t, dir, true))
}

func TestOpenLDAPKeepsDisabledUsersAndLeaversElsewhere(t *testing.T) {
	t.Parallel()
	dir := slapdDirectory(ldaptest.StartSlapd(t, ldaptest.SlapdConfig{}))
	dir.mapping = keptMapping
	dir.bindDN = dir.readDN // who may add entries right below the suffix
	keptElsewhere(t, startProduct(t, dir, true))
}

func keptElsewhere(t *testing.T, p *product) {
	t.Helper()
	p.addUnit("people")
	ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann", DisplayName: "Ann"}
	bob := idaastest.User{ID: p.tenant.NewUserID(), Username: "bob", DisplayName: "Bob", Custom: map[string]string{"manager": ann.ID}}
	vpn := idaastest.Group{ID: p.tenant.NewGroupID(), Name: "Vpn users"}
	p.apply(event.CodeApplied, p.tenant.CreateUser(ann, ""), p.tenant.GroupEvent(event.TypeGroupCreate, vpn))
	p.apply(event.CodeApplied, p.tenant.CreateUser(bob, ""), p.tenant.Membership(event.TypeGroupAddUser, vpn.ID, ann.ID))
	uuid := p.user(ann.ID, "entryUUID").GetAttributeValue("entryUUID")
	check := func(dn string) *ldap.Entry {
		t.Helper()
		e := p.user(ann.ID, "entryUUID")
		wantDN(t, e, dn)
		if got := e.GetAttributeValue("entryUUID"); got != uuid {
			t.Fatalf("the entry is another one: %s, was %s", got, uuid)
		}
		return e
	}
	refers := func(members, manager string) {
		t.Helper()
		wantValues(t, p.find("(businessCategory="+vpn.ID+")"), "uniqueMember", members)
		if manager == "" {
			wantValues(t, p.user(bob.ID), "manager")
			return
		}
		wantValues(t, p.user(bob.ID), "manager", manager)
	}
	const home, disabled, leaver = "uid=ann,ou=people," + testBase, "uid=ann,ou=disabled," + testBase, "uid=ann,ou=leavers," + testBase
	refers(home, home)

	p.apply(event.CodeApplied, p.tenant.UserStatus(event.TypeUserDisable, ann))
	wantValues(t, check(disabled), "employeeType", "disabled")
	refers(disabled, disabled)
	// Being pushed again does not bring her back.
	ann.Status = event.StatusDisabled
	p.apply(event.CodeUnchanged, p.tenant.UserEvent(event.TypeUserPush, ann))

	ann.Status = event.StatusEnabled
	p.apply(event.CodeApplied, p.tenant.UserStatus(event.TypeUserEnable, ann))
	wantValues(t, check(home), "employeeType")
	refers(home, home)

	p.apply(event.CodeApplied, p.tenant.DeleteUser(ann.ID))
	wantValues(t, check(leaver), "employeeType", "disabled")
	refers("cn=nobody,"+testBase, "")

	// Who comes back gets the same entry.
	p.apply(event.CodeApplied, p.tenant.CreateUser(ann, ""))
	wantValues(t, check(home), "employeeType")
}
