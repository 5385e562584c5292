package acceptance_test

import (
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

const activeDirectoryMapping = "../../configs/mappings/active-directory.yaml"

// activeDirectory is the vocabulary of Active Directory.
func activeDirectory() vocabulary {
	return vocabulary{
		uniqueID: "objectGUID", userID: "extensionName", unitID: "extensionName", groupID: "extensionName", login: "cn",
		member:    "member",
		rdnByHand: "cn=by hand", thing: map[string][]string{"objectClass": {"contact"}, "cn": {"printer"}},
		userSpare: "roomNumber", unitSpare: "l", groupSpare: "info",
		userDN:  func(u idaastest.User, unit string) string { return "cn=" + ldap.EscapeDN(u.Username) + "," + unit },
		groupDN: func(name string) string { return "cn=" + ldap.EscapeDN(name) + ",ou=groups," + testBase },
		userIs: func(u idaastest.User) map[string][]string {
			is := map[string][]string{
				"cn": {u.Username}, "userPrincipalName": {u.Username + "@example.org"}, "extensionName": {u.ID}, "displayName": {u.DisplayName},
				"mail": {strings.ToLower(u.Email)}, "description": {u.Description},
			}
			for name, values := range is {
				if values[0] == "" {
					is[name] = []string{}
				}
			}
			if u.PhoneVerified {
				is["mobile"] = []string{"+" + u.PhoneRegion + u.PhoneNumber}
			}
			return is
		},
		handmade: func(u idaastest.User, id string) map[string][]string {
			is := map[string][]string{"objectClass": {"user"}, "cn": {u.Username}, "sAMAccountName": {strings.ReplaceAll(u.Username, "é", "e")}}
			if id != "" {
				is["extensionName"] = []string{id}
			}
			return is
		},
		handmadeGroup: func(name string) map[string][]string {
			return map[string][]string{"objectClass": {"group"}, "cn": {name}, "sAMAccountName": {name}}
		},
		memberIs: func(_ idaastest.User, dn string) string { return dn },
	}
}

func sambaDirectory(s *ldaptest.SambaServer) *directory {
	return &directory{
		vocabulary: activeDirectory(), can: means{status: true, minLength: true, tooShort: "52D", lockout: true, ends: true},
		kind: ldaptest.Samba, url: s.TLSURL, ca: s.CAFile, bindDN: s.BindDN, password: s.Password, readDN: s.AdminDN, readPassword: s.Password,
		mapping: activeDirectoryMapping,
		adopting: []edit{{"- { attribute: extensionName, value: ou.id }", `- { attribute: extensionName, value: ou.id }
- { filter: "(&(objectClass=organizationalUnit)(ou={ou.name})(!(extensionName=*)))", adopt: true }`}},
		base: testBase, people: "ou=people," + testBase, groups: "ou=groups," + testBase, leavers: "ou=leavers," + testBase,
	}
}

func TestSambaEvents(t *testing.T) { //nolint:tparallel // Rows share a server and follow each other.
	t.Parallel()
	runRows(t, "Active Directory", sambaDirectory(ldaptest.StartSamba(t)), oneAtOnce)
}

func TestSambaSequence(t *testing.T) {
	t.Parallel()
	dir := sambaDirectory(leastOnSamba(t, ldaptest.StartSamba(t)))
	// Samba takes its time over who may do what, so there are fewer than elsewhere.
	playEvents(t, startProductWith(t, setup{directories: []configured{{name: "corp", dir: dir}}}), 4, 1300)
}
