package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// many is a mapping with twenty-five attributes of the sorts that real mappings have.
const many = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
user:
  scope: 'not (user.username startsWith "svc-")'
  dn: "uid={user.username},{ou.dn}"
  match:
    - { attribute: employeeNumber, value: user.id }
    - { filter: "(&(uid={user.username})(!(employeeNumber=*)))", adopt: true }
  object_classes: [inetOrgPerson, posixAccount, shadowAccount]
  attributes:
    uid: user.username
    employeeNumber: user.id
    cn: user.displayName ?? user.username
    sn: familyName(user.displayName) ?? user.username
    givenName: givenName(user.displayName)
    displayName: user.displayName
    displayName;lang-en: pinyinName(user.displayName)
    initials: truncate(user.displayName, 1)
    mail: lower(user.email)
    mobile: { value: "e164(user.phoneRegion, user.phoneNumber)", when: user.phoneVerified }
    telephoneNumber: user.custom.phone
    title: user.custom.title
    employeeType: { const: staff, authority: initial }
    departmentNumber: { value: "map(user.ous, .name)", authority: merge }
    ou: ou.name
    businessCategory: ou.id
    description: user.description
    preferredLanguage: user.custom.language ?? "zh-CN"
    o: { const: Example }
    uidNumber: { allocate: { from: 20000, to: 60000 } }
    gidNumber: { const: "100" }
    homeDirectory: '"/home/" + user.username'
    loginShell: 'user.custom.shell ?? "/bin/bash"'
    gecos: 'ascii(user.displayName) + ",,," + user.email'
    shadowExpire: epochDays(user.accountExpireTime)
`

func somebody(i int) mapping.Input {
	unit := objectOf(event.KindUnit, "ou_1", event.Values{"name": "Research"})
	return mapping.Input{
		Object: objectOf(event.KindUser, fmt.Sprintf("user_%d", i), event.Values{
			"username": fmt.Sprintf("wang.xiaoming%d", i), "displayName": "王小明", "email": fmt.Sprintf("Wang.Xiaoming%d@Example.ORG", i),
			"phoneRegion": "86", "phoneNumber": "13900000000", "phoneVerified": true, "description": "a person", "status": "enabled",
			"accountExpireTime": int64(1893456000000), "custom.title": "Engineer", "custom.phone": "+86 571 0000", "primaryOuId": "ou_1",
			"ous": []any{map[string]any{"id": "ou_1", "name": "Research", "primary": true}},
		}),
		Above:   &mapping.Above{Object: unit, DN: plan.MustParseDN("ou=Research,ou=people,dc=example,dc=org")},
		Numbers: map[string]int64{"uidnumber": 20000 + int64(i)},
	}
}

// What twenty-five attributes cost for one user: under 100 µs.
func BenchmarkDesired(b *testing.B) {
	set := compile(b, many)
	people := make([]mapping.Input, 1000)
	for i := range people {
		people[i] = somebody(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := set.Desired(people[i%len(people)]); err != nil {
			b.Fatal(err)
		}
	}
}

// Twenty-five attributes are what the benchmark says they are, and evaluating them allocates a known number of times: see
// the list at the constant.
func TestEvaluationAllocatesLittle(t *testing.T) {
	set := compile(t, many)
	in := somebody(7)
	result, err := set.Desired(in)
	if err != nil || len(result.Rules) != 25 {
		t.Fatalf("%d rules: %v", len(result.Rules), err)
	}
	if got := testing.AllocsPerRun(100, func() { _, _ = set.Desired(in) }); got > mostAllocations {
		t.Errorf("it allocates %v times; at most %d are explained", got, mostAllocations)
	}
}

// mostAllocations is what the evaluation of the twenty-five attributes may allocate. A profile of the benchmark with
// -memprofilerate 1 says where they come from: 25 are the values of each attribute as a list, 25 the records that
// expressions read, 21 fields that the machine boxes inside larger expressions, 50 the arguments and boxed results of
// functions, 60 the texts that functions make (the pinyin of a name of three characters, twice, among them), and 20 the
// DN, the filters and the result.
const mostAllocations = 210

// fiveHundredLines is a mapping with a hundred tests.
func fiveHundredLines() string {
	var b strings.Builder
	b.WriteString(many + "tests:\n")
	for i := range 100 {
		fmt.Fprintf(&b, `  - name: person %d
    event: { type: user:create, user: { id: user_%d, username: u%d, displayName: 王小明, email: A%d@x.org }, ou: { id: ou_1, name: Lab } }
    expect: |
      dn: uid=u%d,ou=Lab,ou=people,dc=example,dc=org
      changetype: add
      objectClass: inetOrgPerson
      objectClass: posixAccount
      objectClass: shadowAccount
      uid: u%d
      employeeNumber: user_%d
      cn: 王小明
      sn: 王
      givenName: 小明
      displayName: 王小明
      displayName;lang-en: Wang Xiaoming
      initials: 王
      mail: a%d@x.org
      employeeType: staff
      ou: Lab
      businessCategory: ou_1
      preferredLanguage: zh-CN
      o: Example
      uidNumber: 20000
      gidNumber: 100
      homeDirectory: /home/u%d
      loginShell: /bin/bash
      gecos: wang xiao ming,,,A%d@x.org
`, i, i, i, i, i, i, i, i, i, i)
	}
	return b.String()
}

// Reading a file of far more than five hundred lines and running its hundred tests: under a second.
func BenchmarkLoad(b *testing.B) {
	source := []byte(fiveHundredLines())
	b.ReportMetric(float64(strings.Count(string(source), "\n")), "lines")
	b.ReportAllocs()
	for b.Loop() {
		set, err := mapping.Compile("mapping.yaml", source)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range mappingtest.Run(set) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
}
