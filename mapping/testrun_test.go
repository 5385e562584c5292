package mapping_test

import (
	"strings"
	"testing"
)

// tested is a mapping with everything that tests inside a file can show, without tests yet.
const tested = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  attributes: { businessCategory: ou.id }
user:
  scope: 'not (user.username startsWith "svc-")'
  dn: "uid={entry.uid},{ou.dn}"
  match:
    - { attribute: employeeNumber, value: user.id }
    - { filter: "(&(objectClass=person)(mail={user.email})(!(employeeNumber=*)))", adopt: true }
  object_classes: [person]
  attributes:
    uid: { unique: user.username }
    employeeNumber: user.id
    mail: user.email
    uidNumber: { allocate: { from: 100, to: 102 } }
    manager: { reference: user.custom.boss }
    secretary: { reference: user.custom.deputy, required: true }
    description: 'user.custom.text == "fail" ? fail("no text") : user.custom.text == "skip" ? skip() : user.custom.text'
  lifecycle:
    disable: { move: "ou=disabled,{base}", on: { title: disabled }, off: { title: staff } }
    delete: { move: "ou=leavers,{base}" }
group:
  dn: "cn={group.name},ou=groups,{base}"
  match: [ { attribute: businessCategory, value: group.id } ]
  attributes: { businessCategory: group.id }
  members: { attribute: member, value: dn, placeholder: "cn=nobody,{base}" }
tests:
`

const annIsThere = `
    directory: |
      dn: uid=ann,ou=people,dc=example,dc=org
      objectClass: person
      uid: ann
      employeeNumber: user_1
      uidNumber: 100
      mail: ann@example.org
`

// Each test passes as it is written here.
var passing = []string{
	`
  - name: a new user
    event: { type: user:create, user: { id: user_1, username: ann } }
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: add
      uid: ann
      objectClass: person
      uidNumber: 100
      employeeNumber: user_1
`,
	`
  - name: names and numbers step over those that are there, and attributes and their order do not matter
    event: { type: urn:alibaba:idaas:app:event:ud:user:create, user: { id: user_2, username: ann } }` + annIsThere + `
      dn: uid=other,ou=groups,dc=example,dc=org
      uidNumber: 101
      uid: ann2
    expect: |
      # a comment
      dn: UID=ann3, ou=people,dc=example,dc=org
      changetype: add
      EMPLOYEENUMBER: user_2
      uidNumber: 102
      uid: ann3
      objectclass: person
`,
	`
  - name: the entry is found by its id and keeps what was decided
    event: { type: user:update_info, user: { id: user_1, username: anna, email: anna@example.org } }` + annIsThere + `
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modify
      replace: mail
      mail: anna@example.org
      -
`,
	`
  - name: an entry that nobody has claimed is adopted
    event: { type: user:create, user: { id: user_1, username: ann, email: ann@example.org } }
    directory: |
      dn: cn=Ann,ou=people,dc=example,dc=org
      objectClass: person
      mail: ANN@example.org
      uid: annie
    expect: |
      dn: cn=Ann,ou=people,dc=example,dc=org
      changetype: modrdn
      newrdn: uid=annie
      deleteoldrdn: 0

      dn: uid=annie,ou=people,dc=example,dc=org
      changetype: modify
      add: employeeNumber
      employeeNumber: user_1
      -
      add: uidNumber
      uidNumber: 100
      -
      replace: mail
      mail: ann@example.org
      -
`,
	`
  - name: nothing to write
    event: { type: user:push, user: { id: user_1, username: ann, email: ann@example.org } }` + annIsThere + `
    expect_writes: 0
`,
	`
  - name: a unit of the test, with a name in Chinese as text or in base64
    event: { type: user:create, user: { id: user_1, username: ann }, ou: { id: ou_1, name: 研发 } }
    expect: |
      dn: uid=ann,ou=研发,ou=people,dc=example,dc=org
      changetype: add
      objectClass:: cGVyc29u
      employeeNumber: user_1
      uid: ann
      uidNumber: 100
`,
	`
  - name: a unit of the directory
    event: { type: user:create, user: { id: user_1, username: ann, ous: [ { id: ou_1, name: x, primary: true } ] } }
    directory: |
      dn: ou=Lab,ou=Research,ou=people,dc=example,dc=org
      businessCategory: ou_1
    expect: |
      dn: uid=ann,ou=Lab,ou=Research,ou=people,dc=example,dc=org
      changetype: add
      objectClass: person
      employeeNumber: user_1
      uid: ann
      uidNumber: 100
`,
	`
  - name: a unit that is not there is waited for
    event: { type: user:create, user: { id: user_1, username: ann, primaryOuId: ou_1 } }
    expect_error: waits for unit ou_1
`,
	`
  - name: a reference to somebody of the directory
    event: { type: user:update_info, user: { id: user_2, username: bob, custom: { boss: user_1 } } }` + annIsThere + `
      dn: uid=bob,ou=people,dc=example,dc=org
      objectClass: person
      uid: bob
      uidNumber: 101
      employeeNumber: user_2
    expect: |
      dn: uid=bob,ou=people,dc=example,dc=org
      changetype: modify
      add: manager
      manager: uid=ann,ou=people,dc=example,dc=org
      -
`,
	`
  - name: a reference to nobody
    event: { type: user:create, user: { id: user_2, username: bob, custom: { boss: user_1 } } }
    expect: |
      dn: uid=bob,ou=people,dc=example,dc=org
      changetype: add
      objectClass: person
      employeeNumber: user_2
      uid: bob
      uidNumber: 100
`,
	`
  - name: a reference to nobody that is required
    event: { type: user:create, user: { id: user_2, username: bob, custom: { deputy: user_1 } } }
    expect_error: waits for user user_1, which is not in the directory of the test
`,
	`
  - name: a reference to oneself
    event: { type: user:update_info, user: { id: user_1, username: ann, custom: { boss: user_1 } } }` + annIsThere + `
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modify
      add: manager
      manager: uid=ann,ou=people,dc=example,dc=org
      -
`,
	`
  - name: disabled
    event: { type: user:disable, user: { id: user_1, status: disabled } }` + annIsThere + `
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modrdn
      newrdn: uid=ann
      deleteoldrdn: 1
      newsuperior: ou=disabled,dc=example,dc=org

      dn: uid=ann,ou=disabled,dc=example,dc=org
      changetype: modify
      add: title
      title: disabled
      -
`,
	`
  - name: disabled, with the whole record
    event: { type: user:push, user: { id: user_1, username: ann, status: disabled } }` + annIsThere + `
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modrdn
      newrdn: uid=ann
      deleteoldrdn: 1
      newsuperior: ou=disabled,dc=example,dc=org

      dn: uid=ann,ou=disabled,dc=example,dc=org
      changetype: modify
      add: title
      title: disabled
      -
`,
	`
  - name: a leaver
    event: { type: user:delete, user: { id: user_1 } }` + annIsThere + `
    expect: |
      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modify
      add: title
      title: disabled
      -

      dn: uid=ann,ou=people,dc=example,dc=org
      changetype: modrdn
      newrdn: uid=ann
      deleteoldrdn: 1
      newsuperior: ou=leavers,dc=example,dc=org
`,
	`
  - name: a leaver who is not there
    event: { type: user:delete, user: { id: user_1 } }
    expect_writes: 0
`,
	`
  - name: out of scope
    event: { type: user:create, user: { id: user_1, username: svc-x } }
    expect_error: the scope of the mapping leaves it out
`,
	`
  - name: a rule that fails
    event: { type: user:create, user: { id: user_1, username: ann, custom: { text: fail } } }
    expect_error: no text
`,
	`
  - name: a rule that skips
    event: { type: user:create, user: { id: user_1, username: ann, custom: { text: skip } } }
    expect_error: says to skip it
`,
	`
  - name: a DN that is taken
    event: { type: organizational_unit:create, ou: { id: ou_1, name: Sales, parentId: ou_root } }
    directory: |
      dn: ou=sales,ou=people,dc=example,dc=org
      businessCategory: ou_2
    expect_error: is taken by another entry
`,
	`
  - name: two entries match
    event: { type: user:push, user: { id: user_1, username: ann } }` + annIsThere + `
      dn: uid=double,dc=example,dc=org
      employeeNumber: user_1
    expect_error: two entries match (employeeNumber=user_1)
`,
	`
  - name: too little is known
    event: { type: user:disable, user: { id: user_1, status: disabled } }
    expect_error: it waits for its record
`,
	`
  - name: all numbers are used
    event: { type: user:create, user: { id: user_9, username: zoe } }
    directory: |
      dn: cn=a,dc=example,dc=org
      uidNumber: 100

      dn: cn=b,dc=example,dc=org
      uidNumber: 101
      uidNumber: 102
    expect_error: no number of uidnumber from 100 to 102 is free
`,
	`
  - name: a group with members, found or placed by the mapping
    event: { type: group:create, group: { id: group_1, name: Vpn }, members: [ { id: user_1 } ] }` + annIsThere + `
    expect: |
      dn: cn=Vpn,ou=groups,dc=example,dc=org
      changetype: add
      objectClass: groupOfNames
      businessCategory: group_1
      cn: Vpn
      member: uid=ann,ou=people,dc=example,dc=org
`,
	`
  - name: the last member goes
    event: { type: group:remove_user, group: { id: group_1 }, members: [ { id: user_1 } ] }` + annIsThere + `
      dn: cn=Vpn,ou=groups,dc=example,dc=org
      objectClass: groupOfNames
      businessCategory: group_1
      member: uid=ann,ou=people,dc=example,dc=org
    expect: |
      dn: cn=Vpn,ou=groups,dc=example,dc=org
      changetype: modify
      add: member
      member: cn=nobody,dc=example,dc=org
      -
      delete: member
      member: uid=ann,ou=people,dc=example,dc=org
      -
`,
	`
  - name: one of several members goes
    event: { type: group:remove_user, group: { id: group_1 }, members: [ { id: user_1 } ] }` + annIsThere + `
      dn: cn=Vpn,ou=groups,dc=example,dc=org
      objectClass: groupOfNames
      businessCategory: group_1
      member: uid=ann,ou=people,dc=example,dc=org
      member: uid=bob,ou=people,dc=example,dc=org
    expect: |
      dn: cn=Vpn,ou=groups,dc=example,dc=org
      changetype: modify
      delete: member
      member: uid=ann,ou=people,dc=example,dc=org
      -
`,
}

func TestTestsThatPass(t *testing.T) {
	set := compile(t, tested+strings.Join(passing, ""))
	results := set.RunTests()
	if len(results) != len(passing) {
		t.Fatalf("%d tests ran", len(results))
	}
	lines := strings.Split(tested+strings.Join(passing, ""), "\n")
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s:\n%v", r.Name, r.Err)
		}
		if !strings.Contains(lines[r.Line-1], r.Name) {
			t.Errorf("%s: line %d is %q", r.Name, r.Line, lines[r.Line-1])
		}
	}
}

// A test whose expectation is changed in any way fails.
func TestTestsFailWhereSomethingElseIsExpected(t *testing.T) {
	other := map[string]string{
		"expect_writes: 0": "expect_error: x", "expect_error: ": "expect_error: not ", "changetype: add": "changetype: delete", "changetype: modify": "changetype: add",
		"changetype: modrdn": "changetype: modify",
	}
	for i, test := range passing {
		expectation := test[strings.LastIndex(test, "    expect"):]
		changed := ""
		for from, to := range other {
			if strings.Contains(expectation, from) {
				changed = strings.TrimSuffix(test, expectation) + strings.Replace(expectation, from, to, 1)
			}
		}
		if changed == "" {
			t.Fatalf("test %d has no expectation that could be changed", i)
		}
		for _, r := range compile(t, tested+changed).RunTests() {
			if r.Err == nil {
				t.Errorf("%s: passes with another expectation", r.Name)
			}
		}
	}
}
