package acceptance_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// What comes while the directory takes no writes, hides everything, cuts its answers short or has lost our login is kept, does not fail,
// and is done when that is over.
func TestEmbeddedWhatIsWrongWithTheDirectoryIsNoFaultOfAnEvent(t *testing.T) {
	writes := []string{"add", "modify", "modrdn", "delete", "password"}
	for name, c := range map[string]struct {
		fault func(op ldaptest.Operation) ldaptest.Fault
		state string
	}{
		"read-only": {func(op ldaptest.Operation) ldaptest.Fault {
			for _, verb := range writes {
				if op.Verb == verb {
					return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "operation restricted"}
				}
			}
			return ldaptest.Fault{}
		}, "no server takes writes"},
		"hidden": {func(ldaptest.Operation) ldaptest.Fault {
			return ldaptest.Fault{Hide: func(dn string) bool { return strings.HasSuffix(dn, testBase) }}
		}, "not to be seen"},
		"cut short": {func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb == "search" && op.DN != "" {
				return ldaptest.Fault{Code: ldap.LDAPResultAdminLimitExceeded}
			}
			return ldaptest.Fault{}
		}, "olcSizeLimit"},
		"nobody's": {func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb != "bind" {
				return ldaptest.Fault{Code: ldap.LDAPResultOperationsError, Message: "a successful bind must be completed on the connection"}
			}
			return ldaptest.Fault{}
		}, "successful bind"},
	} {
		t.Run(name, func(t *testing.T) {
			server := startEmbedded(t)
			p := startProduct(t, embeddedDirectory(server), true)
			ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann", DisplayName: "Ann"}
			bob := idaastest.User{ID: p.tenant.NewUserID(), Username: "bob", DisplayName: "Bob"}
			cid := idaastest.User{ID: p.tenant.NewUserID(), Username: "cid", DisplayName: "Cid"}
			p.apply(event.CodeApplied, p.tenant.CreateUser(ann, "correct horse 1"), p.tenant.CreateUser(bob, "correct horse 1"), p.tenant.CreateUser(cid, "correct horse 1"))
			server.Fault(c.fault)
			said := []idaastest.Event{p.tenant.UserStatus(event.TypeUserDisable, ann), p.tenant.UpdatePassword(bob, "another horse 2"), p.tenant.DeleteUser(cid.ID)}
			answer := p.send(said...)
			for _, e := range said {
				if list, result := answer.Of(e.ID); list != "success" || event.Code(result.EventCode) != event.CodeAccepted || !strings.Contains(result.EventMessage, c.state) {
					t.Errorf("it is answered with %s %+v", list, result)
				}
			}
			server.Fault(nil)
			if bad := p.settle(); len(bad) > 0 {
				t.Fatalf("%+v", bad)
			}
			dn := func(name string) string { return "uid=" + name + "," + p.dir.people }
			if p.dir.canBind(t, dn("ann"), "correct horse 1") {
				t.Error("who is disabled logs in")
			}
			if !p.dir.canBind(t, dn("bob"), "another horse 2") {
				t.Error("the new password does not work")
			}
			if p.dir.user(t, cid.ID) != nil {
				t.Error("who is deleted is there")
			}
		})
	}
}
