package acceptance_test

import (
	"testing"

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

func Test389DSSequence(t *testing.T) {
	t.Parallel()
	playSeed(t, ds389Directory(leastOnDS389(t, ldaptest.StartDS389(t, ldaptest.DS389Config{}))), 3, oneAtOnce)
}
