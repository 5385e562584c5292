package mapping_test

import (
	"strings"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// Entries of others are taken over where the section makes its own, unless the file names other places.
func TestAdoptBelow(t *testing.T) {
	const file = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
user:
  dn: "uid={user.username},DN"
  match: [ { attribute: employeeNumber, value: user.id } ]
  ADOPT
`
	for _, c := range []struct{ dn, adopt, want string }{
		{"{ou.dn}", "", "ou=people,dc=example,dc=org"},
		{"ou=staff,{ou.dn}", "", "ou=staff,ou=people,dc=example,dc=org"},
		{"l={user.custom.city ?? 'x'},ou=staff,{base}", "", "ou=staff,dc=example,dc=org"},
		{"ou=staff,dc=example,dc=org", "", "ou=staff,dc=example,dc=org"},
		{"l={user.username},dc=example,dc=org", "", "dc=example,dc=org"},
		{"{ou.dn}", "adopt_below: \"{base}\"", "dc=example,dc=org"},
		{"{ou.dn}", "adopt_below: dc=example,dc=org", "dc=example,dc=org"},
		{"{ou.dn}", "adopt_below: [ \"ou=old,{base}\", \"ou=staff,dc=example,dc=org\" ]", "ou=old,dc=example,dc=org ou=staff,dc=example,dc=org"},
	} {
		source := strings.NewReplacer("DN", c.dn, "ADOPT", c.adopt).Replace(file)
		set := compile(t, source)
		var got []string
		for _, dn := range set.AdoptBelow(event.KindUser) {
			got = append(got, dn.String())
			if set.MayAdopt(plan.DefaultMatching(), event.KindUser, dn) || !set.MayAdopt(plan.DefaultMatching(), event.KindUser, plan.MustParseDN("uid=ann,"+dn.String())) {
				t.Errorf("%s: it is not what lies below %s that may be taken over", c.adopt, dn)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %q; want %q", c.dn, c.adopt, got, c.want)
		}
		if set.MayAdopt(plan.DefaultMatching(), event.KindUser, plan.MustParseDN("uid=ann,dc=example,dc=com")) || set.AdoptBelow(event.KindGroup) != nil {
			t.Errorf("%s: what lies outside may be taken over", c.adopt)
		}
	}
}

// A rule that asks for the id of IDaaS finds what was written for the object before; any other finds strangers.
func TestRulesByID(t *testing.T) {
	for rule, want := range map[string]bool{
		"{ attribute: employeeNumber, value: user.id }":                             true,
		"{ attribute: employeeNumber, value: '\"idaas:\" + user.id' }":              true,
		"{ attribute: uid, value: user.username }":                                  false,
		"{ attribute: uid, value: user.id ?? user.username }":                       false,
		"{ attribute: uid, value: user.externalId }":                                false,
		"{ filter: \"(employeeNumber={user.id})\" }":                                true,
		"{ filter: \"(&(objectClass=person)(employeeNumber={user.id}))\" }":         true,
		"{ filter: \"(|(uid={user.username})(employeeNumber={user.id}))\" }":        false,
		"{ filter: \"(&(uid={user.username})(!(employeeNumber={user.id})))\" }":     false,
		"{ filter: \"(&(uid={user.username})(|(a={user.id})(b={user.id})))\" }":     true,
		"{ filter: \"(&(uid={user.username})(!(employeeNumber=*)))\", adopt: true}": false,
	} {
		set := compile(t, "version: 1\nbase: dc=example,dc=org\nuser:\n  dn: \"uid={user.username},{base}\"\n  match: [ "+rule+" ]\n")
		result, err := set.Desired(mapping.Input{Object: userOf(event.Values{"username": "ann", "externalId": "e1"})})
		if err != nil || len(result.Match) != 1 || result.Match[0].ByID != want {
			t.Errorf("%s: %+v, %v; want by id %v", rule, result.Match, err, want)
		}
		if marks := set.Marks(event.KindUser); (len(marks) == 1) != (want && strings.Count(rule, "=") < 2 && !strings.Contains(rule, "&")) {
			t.Errorf("%s: an entry of ours is known by %q", rule, marks)
		}
	}
}

// What is protected is told by the name, the place or a filter.
func TestProtect(t *testing.T) {
	set := compile(t, `version: 1
base: dc=example,dc=org
protect:
  - cn=Admin,{base}
  - cn=config
  - { subtree: "ou=service,dc=example,dc=org" }
  - { filter: "(&(objectClass=posixAccount)(uidNumber=0))" }
  - filter: "(memberOf=cn=admins,ou=groups,dc=example,dc=org)"
user: { dn: "uid={user.username},{base}", match: [ { attribute: employeeNumber, value: user.id } ] }
`)
	got := set.Protect()
	if len(got.DNs) != 2 || got.DNs[1].String() != "cn=config" || len(got.Subtrees) != 1 || len(got.Filters) != 2 {
		t.Fatalf("%+v", got)
	}
	for dn, want := range map[string]string{
		"cn=admin,dc=example,dc=org":              "cn=Admin,dc=example,dc=org",
		"cn=x,cn=admin,dc=example,dc=org":         "",
		"ou=service,dc=example,dc=org":            "the subtree ou=service,dc=example,dc=org",
		"uid=a,ou=b,ou=service,dc=example,dc=org": "the subtree ou=service,dc=example,dc=org",
		"uid=root,dc=example,dc=org":              "",
	} {
		if got := set.Protect().Place(plan.DefaultMatching(), plan.MustParseDN(dn)); got != want {
			t.Errorf("%s: %q; want %q", dn, got, want)
		}
	}
}

// What is not ours is left alone in the tests of a file as in a directory, and the message says what to do.
func TestStrangersAreLeftAlone(t *testing.T) {
	const file = `version: 1
base: dc=example,dc=org
protect: [ "uid=root,ou=people,{base}", { filter: "(title=keep)" } ]
user:
  dn: "uid={user.username},ou=people,{base}"
  match: [ RULE ]
  object_classes: [account]
tests:
  - name: a stranger
    event: { type: user:push, user: { id: user_1, username: NAME } }
    directory: |
      dn: uid=ann,ou=people,dc=example,dc=org
      uid: ann
      employeeNumber: user_1

      dn: uid=bob,ou=admins,dc=example,dc=org
      uid: bob

      dn: uid=root,ou=people,dc=example,dc=org
      uid: root

      dn: uid=cid,ou=people,dc=example,dc=org
      uid: cid
      title: keep

      dn: uid=dan,ou=people,dc=example,dc=org
      uid: dan
      uidNumber: 0
    expect_error: "ERROR"
`
	const byName, adopts, byID = "{ attribute: uid, value: user.username }", "{ attribute: uid, value: user.username, adopt: true }", "{ attribute: employeeNumber, value: user.id }"
	for _, c := range []struct{ rule, name, want string }{
		{byName, "ann", "uid=ann,ou=people,dc=example,dc=org matches user user_1 and is not ours: the match rule that finds it does not adopt; rename or delete the entry, or add adopt: true to the rule"},
		{adopts, "bob", "uid=bob,ou=admins,dc=example,dc=org matches user user_1 and is not ours: it is not where the mapping may take entries over (user.adopt_below)"},
		{adopts, "root", "uid=root,ou=people,dc=example,dc=org matches user user_1 and is not ours: it is protected by uid=root,ou=people,dc=example,dc=org, and never taken over"},
		{adopts, "cid", "uid=cid,ou=people,dc=example,dc=org matches user user_1 and is not ours: it is protected by the filter (title=keep), and never taken over"},
		{adopts, "dan", "uid=dan,ou=people,dc=example,dc=org matches user user_1 and is not ours: it is protected by uidNumber is 0, and never taken over"},
		{adopts, "ann", ""},
		{byID, "ann", ""},
	} {
		source := strings.NewReplacer("RULE", c.rule, "NAME", c.name, "expect_error: \"ERROR\"", "expect_error: >-\n      "+c.want).Replace(file)
		if c.want == "" {
			source = strings.NewReplacer("RULE", c.rule, "NAME", c.name, "expect_error: \"ERROR\"",
				"expect: |\n      dn: uid=ann,ou=people,dc=example,dc=org\n      changetype: modify\n      add: objectClass\n      objectClass: account\n      -\n").Replace(file)
		}
		if err := mappingtest.Run(compile(t, source))[0].Err; err != nil {
			t.Errorf("%s %s: %v", c.rule, c.name, err)
		}
	}
}
