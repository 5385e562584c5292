package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// A domain controller is slow to make, so all is tried on one.
func TestSambaValidate(t *testing.T) {
	server := ldaptest.StartSamba(t)
	a := server.Access
	t.Run("a good one", func(t *testing.T) {
		if code, said := validateOnline(t, a, a.TLSURL, "active-directory.yaml"); code != 0 {
			t.Errorf("exit %d\n%s", code, said)
		}
	})
	t.Run("what init has written", func(t *testing.T) { isAccepted(t, a, "active-directory") })
	t.Run("a mapping that the schema does not have", func(t *testing.T) {
		code, said := validateOnline(t, a, a.TLSURL, "active-directory.yaml",
			"mail: lower(user.email)", "mail: lower(user.email)\n    uidd: user.id\n    pwdLastSet: { const: never }",
			",{ou.dn}\"", ",{base}\"")
		wants(t, code, said, "has no attribute uidd; did you mean uid?", "a value of pwdLastSet is a whole number",
			"the bind account may not add an entry of user below dc=example,dc=org")
	})
	t.Run("every act", func(t *testing.T) { triesEverything(t, a, "active-directory.yaml", toLeavers...) })
	t.Run("every right", func(t *testing.T) { sambaRights(t, server) })
	t.Run("the recycle bin", func(t *testing.T) { sambaRecycleBin(t, server) }) // the last one, as it stays
}

// sambaRecycleBin enables it as the page says.
func sambaRecycleBin(t *testing.T, server *ldaptest.SambaServer) {
	t.Helper()
	server.Modify(t, exampleOf(t, "active-directory.md", "ldif change"))
	admin := server.Administrator(t)
	defer admin.Close()
	found, err := admin.Search(ldap.NewSearchRequest("CN=Partitions,CN=Configuration,dc=example,dc=org", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
		"(msDS-EnabledFeature=CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,dc=example,dc=org)", []string{"1.1"}, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Errorf("it is not enabled: %v", err)
	}
}

// sambaRights gives an account that may do nothing what the page says, and then what validate says that another mapping takes.
func sambaRights(t *testing.T, server *ldaptest.SambaServer) {
	t.Helper()
	a := server.Access
	a.BindDN = server.PlainAccount(t)
	give := func(lines []string) { server.Dsacls(t, lines) }
	admin := server.Administrator(t)
	defer admin.Close()
	lines, all := trialOfRights{"active-directory.md", "active-directory.yaml", onlineConfig(t, a, a.TLSURL, "active-directory.yaml"), give, admin}.isLeast(t)
	edits := append([]string{"when_not_empty: wait", "when_not_empty: subtree"}, toLeavers...)
	_, more := gathered(t, onlineConfig(t, a, a.TLSURL, "active-directory.yaml", edits...), func(more []string) { give(slices.Concat(lines, more)) })
	all += more
	for _, want := range []string{
		"may not add an entry of organizationalUnit below ou=people,dc=example,dc=org", "may not add an entry of user below ou=unit-idaas-ldap-test-",
		"may not add an entry of group below ou=groups,dc=example,dc=org",
		"may not write mail of an entry of user below", "may not write sAMAccountName of an entry of user below", "may not write userPrincipalName of an entry of user below",
		"may not write userAccountControl of", "may not write accountExpires of", "may not write lockoutTime of", "may not set the password of an entry of user below",
		"may not write member of an entry of group below", "may not write description of an entry of organizationalUnit below",
		"may not rename an entry of user below", "may not rename an entry of group below", "may not rename an entry of organizationalUnit below",
		"to below ou=leavers,dc=example,dc=org", "may not delete an entry of user", "may not delete an entry of group",
		"may not delete an entry of organizationalUnit with all below it",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}
