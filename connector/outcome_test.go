package connector_test

import (
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// What a result code means depends on what was tried.
func TestResultCodes(t *testing.T) {
	server, d := opened(t, ldaptest.Config{})
	add, modify, remove := person("uid=new,"+people), plan.Modify{DN: annDN}, plan.Delete{DN: annDN}
	password := plan.SetPassword{DN: annDN, Password: secret.New("correct horse")}
	for _, c := range []struct {
		op      plan.Operation
		code    uint16
		message string
		want    connector.Kind
	}{
		{add, ldap.LDAPResultBusy, "", connector.KindRetry},
		{add, ldap.LDAPResultUnavailable, "", connector.KindRetry},
		{add, ldap.LDAPResultOther, "database full", connector.KindRetry},
		{add, ldap.LDAPResultOperationsError, "", connector.KindRetry},
		{add, ldap.LDAPResultTimeLimitExceeded, "", connector.KindRetry},
		{add, ldap.LDAPResultAdminLimitExceeded, "", connector.KindRetry},
		{add, ldap.LDAPResultStrongAuthRequired, "", connector.KindConfiguration},
		{add, ldap.LDAPResultConfidentialityRequired, "", connector.KindConfiguration},
		{add, ldap.LDAPResultEntryAlreadyExists, "", connector.KindExists},
		{modify, ldap.LDAPResultEntryAlreadyExists, "", connector.KindAlreadySo}, // Samba, of a member
		{add, ldap.LDAPResultNoSuchObject, "", connector.KindMissingParent},
		{modify, ldap.LDAPResultNoSuchObject, "", connector.KindConflict},
		{remove, ldap.LDAPResultNoSuchObject, "", connector.KindConflict},
		{modify, ldap.LDAPResultAttributeOrValueExists, "", connector.KindConflict},
		{modify, ldap.LDAPResultNoSuchAttribute, "", connector.KindConflict},
		{remove, ldap.LDAPResultNotAllowedOnNonLeaf, "", connector.KindHiddenBelow}, // nothing is to be seen below it
		{add, ldap.LDAPResultConstraintViolation, "some attributes not unique", connector.KindRefused},
		{add, ldap.LDAPResultConstraintViolation, "non-unique attributes found with (|(uid=new))", connector.KindNotUnique},                                   // OpenLDAP
		{add, ldap.LDAPResultConstraintViolation, "Another entry with the same attribute value already exists (attribute: \"uid\")", connector.KindNotUnique}, // 389
		{add, ldap.LDAPResultConstraintViolation, "samldb: sAMAccountName already in use", connector.KindNotUnique},                                           // Samba
		{add, ldap.LDAPResultObjectClassViolation, "", connector.KindRefused},
		{add, ldap.LDAPResultUndefinedAttributeType, "", connector.KindRefused},
		{add, ldap.LDAPResultInvalidAttributeSyntax, "", connector.KindRefused},
		{add, ldap.LDAPResultInsufficientAccessRights, "", connector.KindRefused},
		{add, ldap.LDAPResultUnwillingToPerform, "", connector.KindRefused},
		{add, ldap.LDAPResultReferral, "", connector.KindReadOnly},
		{add, ldap.LDAPResultNamingViolation, "", connector.KindRefused},
		{password, ldap.LDAPResultConstraintViolation, "Password is too short", connector.KindPasswordRefused},
		{password, ldap.LDAPResultUnwillingToPerform, "", connector.KindRefused},
		{password, ldap.LDAPResultInsufficientAccessRights, "", connector.KindRefused},
		{password, ldap.LDAPResultBusy, "", connector.KindRetry},
	} {
		server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb == "search" || op.Verb == "bind" {
				return ldaptest.Fault{}
			}
			return ldaptest.Fault{Code: c.code, Message: c.message}
		})
		o := failure(t, d.Apply(t.Context(), c.op), c.want)
		if o.Code != c.code || o.InDoubt || o.Message != c.message {
			t.Errorf("%s with %d %q is %+v", c.op.Verb(), c.code, c.message, o)
		}
	}
}

func TestCodeNames(t *testing.T) {
	for code, want := range map[uint16]string{0: "success", 32: "no_such_object", 68: "entry_already_exists", 200: "network", 206: "network", 150: "other"} {
		if got := connector.CodeName(code); got != want {
			t.Errorf("%d is called %q; want %q", code, got, want)
		}
	}
}
