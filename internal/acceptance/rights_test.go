package acceptance_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"idaas-ldap/ldaptest"
)

// documentedRights returns the lines that a page gives the bind account for a mapping, and no others, for the account of the tests.
func documentedRights(tb testing.TB, page, mapping, account string) []string {
	tb.Helper()
	source, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		tb.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- rights for " + regexp.QuoteMeta(mapping) + " -->\n```text rights\n(.*?)\n```").FindStringSubmatch(string(source))
	if block == nil {
		tb.Fatalf("%s has no rights for %s", page, mapping)
	}
	return strings.Split(strings.ReplaceAll(block[1], "cn=provisioner,dc=example,dc=org", account), "\n")
}

// leastOnSlapd leaves the bind account the rights on the page.
func leastOnSlapd(tb testing.TB, s *ldaptest.Slapd) *ldaptest.Slapd {
	tb.Helper()
	lines := documentedRights(tb, "openldap.md", "openldap.yaml", s.BindDN)
	read := `to * by dn.exact="` + s.BindDN + `" read by * break`
	s.Configure(tb, "olcAccess", append(lines, read, `to attrs=userPassword by anonymous auth by * none`)...)
	return s
}

// leastOnDS389 leaves the bind account the rights on the page.
func leastOnDS389(tb testing.TB, s *ldaptest.DS389Server) *ldaptest.DS389Server {
	tb.Helper()
	values := map[string][]string{"ou=people," + testBase: nil, "ou=groups," + testBase: nil, "ou=leavers," + testBase: nil}
	for _, line := range documentedRights(tb, "389ds.md", "389ds.yaml", s.BindDN) {
		at := regexp.MustCompile(`target="ldap:///([^"]+)"`).FindStringSubmatch(line)[1]
		values[at] = append(values[at], strings.TrimPrefix(line, "aci: "))
	}
	for at, aci := range values {
		s.Configure(tb, at, "aci", aci...)
	}
	return s
}

// leastOnSamba has another bind account, which has the rights on the page.
func leastOnSamba(tb testing.TB, s *ldaptest.SambaServer) *ldaptest.SambaServer {
	tb.Helper()
	s.BindDN = s.PlainAccount(tb)
	s.Dsacls(tb, documentedRights(tb, "active-directory.md", "active-directory.yaml", s.BindDN))
	return s
}
