package mappingtest_test

import (
	"fmt"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"github.com/google/go-cmp/cmp"
)

// The difference is shown line by line, with what is the same around it.
func TestDifferenceIsReadable(t *testing.T) {
	tested, _ := testedAnd(t)
	for _, c := range []struct{ name, test, want string }{
		{
			"another value", `
    event: { type: user:create, user: { id: user_1, username: ann, email: 王@example.org } }
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: add
      objectClass: person
      uid: ann
      uidNumber: 101
      mail: 李@example.org
      employeeNumber: user_1
`, `  what is expected (-) and what would be written (+):
    dn: uid=ann,ou=people,dc=example,dc=org
    changetype: add
    employeeNumber: user_1
  - mail: 李@example.org
  + mail: 王@example.org
    objectClass: person
    uid: ann
  - uidNumber: 101
  + uidNumber: 100`,
		},
		{
			"nothing would be written", `
    event: { type: user:delete, user: { id: user_1 } }
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: delete
`, `  what is expected (-) and what would be written (+):
  (nothing would be written)
  - dn: uid=ann,ou=people,dc=example,dc=org
  - changetype: delete`,
		},
		{
			"something would be written", `
    event: { type: group:create, group: { id: g, name: G } }
    expect_writes: 0
`, `  what is expected (-) and what would be written (+):
  + dn: cn=G,ou=groups,dc=example,dc=org
  + changetype: add
  + businessCategory: g
  + cn: G
  + member: cn=nobody,dc=example,dc=org
  + objectClass: groupOfNames`,
		},
		{
			"a binary value", `
    event: { type: user:create, user: { id: user_1, username: ann, email: "\x01" } }
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: add
      objectClass: person
      uid: ann
      uidNumber: 100
      employeeNumber: user_1
`, `  what is expected (-) and what would be written (+):
    dn: uid=ann,ou=people,dc=example,dc=org
    changetype: add
    employeeNumber: user_1
  + mail:: AQ==
    objectClass: person
    uid: ann
    uidNumber: 100`,
		},
		{
			"an error that is not there", `
    event: { type: group:create, group: { id: g, name: G } }
    expect_error: no such group
`, `an error with "no such group" is expected, and there is none:
    dn: cn=G,ou=groups,dc=example,dc=org
    changetype: add
    objectClass: groupOfNames
    cn: G
    businessCategory: g
    member: cn=nobody,dc=example,dc=org`,
		},
		{
			"another error", `
    event: { type: user:create, user: { id: user_1, username: svc-x } }
    expect_error: no such user
`, `an error with "no such user" is expected, and this one came: user user_1: the scope of the mapping leaves it out`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			results := mappingtest.Run(compile(t, tested+"  - name: "+c.name+c.test))
			if diff := cmp.Diff(c.want, fmt.Sprint(results[0].Err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
