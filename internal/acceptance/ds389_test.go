package acceptance_test

import (
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

const ds389Mapping = "../../configs/mappings/389ds.yaml"

func ds389Directory(s *ldaptest.DS389Server) *directory {
	d := &directory{
		vocabulary: inetOrgPerson("nsUniqueId"), can: means{status: true, history: true, minLength: true, tooShort: "quality", usedBefore: "list of old passwords", lockout: true, posix: true},
		kind: ldaptest.DS389, url: s.TLSURL, ca: s.CAFile, bindDN: s.BindDN, password: s.Password, readDN: s.AdminDN, readPassword: s.Password,
		mapping: ds389Mapping, adopting: adoptingByName,
		base: testBase, people: "ou=people," + testBase, groups: "ou=groups," + testBase, leavers: "ou=leavers," + testBase,
	}
	d.placeholder = "" // a group may be empty here
	return d
}

func Test389DSEvents(t *testing.T) { //nolint:tparallel // Rows share a server and follow each other.
	t.Parallel()
	runRows(t, "389 DS", ds389Directory(ldaptest.StartDS389(t, ldaptest.DS389Config{})), manyAtOnce)
}

// One of those to whom nothing happens has an entry as dsidm makes them, which gets the object class that it lacks when it is taken over.
func Test389DSSequence(t *testing.T) {
	t.Parallel()
	dir := ds389Directory(leastOnDS389(t, ldaptest.StartDS389(t, ldaptest.DS389Config{})))
	made := ldap.NewAddRequest("uid=other0.user,"+dir.people, nil)
	for name, values := range map[string][]string{
		"objectClass": {"top", "nsPerson", "nsAccount", "nsOrgPerson", "posixAccount"}, "uid": {"other0.user"}, "cn": {"other0"}, "displayName": {"other0"},
		"uidNumber": {"1001"}, "gidNumber": {"1001"}, "homeDirectory": {"/home/other0"},
	} {
		made.Attribute(name, values)
	}
	if err := dir.reader(t).Add(made); err != nil {
		t.Fatal(err)
	}
	playSeed(t, dir, 3, oneAtOnce)
	if classes := dir.find(t, "(uid=other0.user)").GetAttributeValues("objectClass"); !slices.Contains(classes, "inetOrgPerson") || !slices.Contains(classes, "nsPerson") {
		t.Errorf("who was taken over is %q", classes)
	}
}
