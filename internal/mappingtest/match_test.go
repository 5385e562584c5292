package mappingtest_test

import (
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"
)

// Filters of match rules mean in a test what they mean to a server.
func TestMatchRulesOfTestsMeanWhatServersMean(t *testing.T) {
	for filter, found := range map[string]bool{
		"(uid={user.username})": true, "(UID={user.username})": true, "(cn={user.username})": false,
		"(|(cn={user.username})(uid={user.username}))": true, "(&(uid={user.username})(cn=*))": false, "(&(uid={user.username})(!(cn=*)))": true,
		"(uid=*{user.username})": true, "(uid={user.username}*)": true, "(uid=a*{user.custom.end})": true, "(uid=a*{user.custom.end}*a)": false,
		"(&(uid={user.username})(uidNumber>=100))": true, "(&(uid={user.username})(uidNumber<=99))": false,
		"(&(uid={user.username})(uidNumber:1.2.840.113556.1.4.803:=4))":  true,
		"(&(uid={user.username})(uidNumber:1.2.840.113556.1.4.803:=12))": false,
		"(&(uid={user.username})(uidNumber:1.2.840.113556.1.4.804:=12))": true,
		"(&(uid={user.username})(description>=b))":                       true, "(&(uid={user.username})(description<=b))": false,
		"(uid~={user.username})": true, "(uid:caseExactMatch:={user.username})": false, "(uid:caseIgnoreMatch:={user.username})": true,
	} {
		source := strings.NewReplacer("FILTER", filter).Replace(`version: 1
base: dc=example,dc=org
user:
  dn: "uid={user.username},{base}"
  match: [ { filter: "FILTER", adopt: true } ]
  object_classes: [person]
tests:
  - name: found
    event: { type: user:push, user: { id: user_1, username: ann, custom: { end: n } } }
    directory: |
      dn: uid=Ann,dc=example,dc=org
      objectClass: person
      uid: Ann
      uidNumber: 100
      description: c

      dn: uid=bob,dc=example,dc=com
      uid: ann
    expect: |
      dn: uid=Ann,dc=example,dc=org
      changetype: modrdn
      newrdn: uid=ann
      deleteoldrdn: 1
`)
		if got := mappingtest.Run(compile(t, source))[0].Err; (got == nil) != found {
			t.Errorf("%s: found is %v; want %v\n%v", filter, got == nil, found, got)
		}
	}
}
