package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// schemaOf is a small schema in the manner of OpenLDAP, with a class that gets attributes by a content rule as Active
// Directory has them.
func schemaOf(t *testing.T) *plan.Schema {
	t.Helper()
	const text, dn, ia5, number, boolean = "1.3.6.1.4.1.1466.115.121.1.15", "1.3.6.1.4.1.1466.115.121.1.12",
		"1.3.6.1.4.1.1466.115.121.1.26", "1.3.6.1.4.1.1466.115.121.1.27", "1.3.6.1.4.1.1466.115.121.1.7"
	var attributes []string
	add := func(syntax, rest string, names ...string) {
		for _, name := range names {
			attributes = append(attributes, "( 1.1."+name+" NAME '"+name+"' SYNTAX "+syntax+" "+rest+")")
		}
	}
	add(text, "", "objectClass", "ou", "uid", "sn", "description", "employeeNumber", "businessCategory", "givenName", "departmentNumber")
	attributes = append(attributes, "( 1.1.cn NAME ( 'cn' 'commonName' ) SYNTAX "+text+" )")
	attributes = append(attributes, "( 1.1.street NAME ( 'street' 'streetAddress' ) SYNTAX "+text+" )")
	add(text, "SINGLE-VALUE ", "displayName")
	add(dn, "", "member", "manager")
	add(ia5, "", "mail", "memberUid")
	add(ia5, "SINGLE-VALUE ", "homeDirectory", "loginShell")
	add(number, "SINGLE-VALUE ", "uidNumber", "gidNumber")
	add(boolean, "SINGLE-VALUE ", "visible")
	add(text, "NO-USER-MODIFICATION USAGE directoryOperation ", "createTimestamp")
	add(text, "USAGE directoryOperation ", "pwdAccountLockedTime")
	schema, err := plan.ParseSchema(attributes, []string{
		"( 2.1 NAME 'top' ABSTRACT MUST objectClass )",
		"( 2.2 NAME 'organizationalUnit' SUP top STRUCTURAL MUST ou MAY ( businessCategory $ description ) )",
		"( 2.3 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY description )",
		"( 2.4 NAME 'inetOrgPerson' SUP person STRUCTURAL MAY ( uid $ employeeNumber $ mail $ displayName $ manager $ givenName $ departmentNumber $ visible $ street ) )",
		"( 2.5 NAME 'posixAccount' SUP top AUXILIARY MUST ( cn $ uid $ uidNumber $ gidNumber $ homeDirectory ) MAY loginShell )",
		"( 2.6 NAME 'groupOfNames' SUP top STRUCTURAL MUST ( member $ cn ) MAY ( businessCategory $ description ) )",
		"( 2.7 NAME 'extensibleObject' SUP top AUXILIARY )",
		"( 2.8 NAME 'account' SUP top STRUCTURAL MUST uid )",
	}, []string{"( 2.8 NAME 'account' MUST ( cn ) MAY ( loginShell ) )"})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// checked is a mapping that the schema has nothing against. The line numbers in the table are those of its lines.
const checked = `version: 1
base: dc=example,dc=org
organizational_unit:
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  attributes: { businessCategory: ou.id }
user:
  dn: "uid={user.username},{ou.dn}"
  match:
    - { attribute: employeeNumber, value: user.id }
  object_classes: [inetOrgPerson]
  attributes:
    employeeNumber: user.id
    commonName: user.displayName
    sn: user.displayName
    mail: user.email
  lifecycle:
    disable: { on: { departmentNumber: "0" }, off: { departmentNumber: "1" } }
group:
  dn: "cn={group.name},ou=groups,{base}"
  match: [ { attribute: businessCategory, value: group.id } ]
  attributes: { businessCategory: group.id }
  members: { attribute: member, value: dn, placeholder: "cn=nobody,dc=example,dc=org" }
`

func TestAMappingIsComparedWithTheSchema(t *testing.T) {
	const attributes = "    mail: user.email\n"
	for _, c := range []struct {
		name string
		// edits are pairs of old and new text.
		edits []string
		want  []string
	}{
		{"nothing is wrong", nil, nil},
		{"an unknown attribute has the nearest name", []string{"    mail: user", "    mial: user"}, []string{
			"m.yaml:16:5: the directory's schema has no attribute mial; did you mean mail?",
		}},
		{"an unknown class, and then nothing about what it may allow", []string{"[inetOrgPerson]", "[inetOrgPerson, posixAcount]", "mail: user.email", "gidNumber: '1'"}, []string{
			"m.yaml:11:35: the directory's schema has no object class posixAcount; did you mean posixAccount?",
		}},
		{"what classes demand and nothing writes", []string{"[inetOrgPerson]", "[inetOrgPerson, posixAccount]", "    sn: user.displayName\n", ""}, []string{
			"m.yaml:11:20: inetOrgPerson demands sn, and nothing writes it; add a rule for it",
			"m.yaml:11:35: posixAccount demands gidNumber, and nothing writes it; add a rule for it",
			"m.yaml:11:35: posixAccount demands homeDirectory, and nothing writes it; add a rule for it",
			"m.yaml:11:35: posixAccount demands uidNumber, and nothing writes it; add a rule for it",
		}},
		{"an attribute that no class allows", []string{attributes, "    loginShell: '\"/bin/sh\"'\n"}, []string{
			"m.yaml:16:5: no object class of the section allows loginShell (they are inetOrgPerson); add the class that has it to object_classes, or leave it out",
		}},
		{"with extensibleObject everything is allowed", []string{attributes, "    loginShell: '\"/bin/sh\"'\n", "[inetOrgPerson]", "[inetOrgPerson, extensibleObject]"}, nil},
		{"an operational attribute needs no class", []string{attributes, "    pwdAccountLockedTime: user.email\n"}, nil},
		{"an attribute of the server's own", []string{attributes, "    createTimestamp: user.email\n"}, []string{
			"m.yaml:16:5: only the directory itself writes createTimestamp",
		}},
		{"one attribute by two names", []string{attributes, "    street: user.email\n    streetAddress: user.email\n"}, []string{
			"m.yaml:17:5: streetAddress and street are one attribute in this directory; keep one of the two",
		}},
		{"a list for one value", []string{attributes, "    displayName: '[user.email, user.username]'\n"}, []string{
			"m.yaml:16:19: displayName has one value in the directory, and this gives a list; take first(...) of it, or join(..., \", \")",
		}},
		{"a computed list for one value", []string{attributes, "    displayName: map(user.ous, .name)\n"}, []string{
			"m.yaml:16:18: displayName has one value in the directory, and this gives a list; take first(...) of it, or join(..., \", \")",
		}},
		{"a list of one, the first of a list, and candidates are one value", []string{attributes, "    displayName: '[user.email]'\n    description: first(map(user.ous, .name))\n"}, nil},
		{"two constants for one value", []string{attributes, "    displayName: { const: [a, b] }\n"}, []string{
			"m.yaml:16:5: displayName has one value in the directory, and this gives 2",
		}},
		{"constants of the wrong form", []string{attributes, "    manager: { const: Ann }\n    visible: { const: yes }\n    mail: { const: ann@müller.example }\n"}, []string{
			`m.yaml:16:5: a value of manager is a DN in the directory, and "Ann" is not`,
			`m.yaml:17:5: a value of visible is TRUE or FALSE in the directory, and "yes" is not`,
			`m.yaml:18:5: a value of mail is ASCII text in the directory, and "ann@müller.example" is not`,
		}},
		{"a status that is written", []string{`on: { departmentNumber: "0" }`, `on: { loginShell: "/bin/false" }`, `off: { departmentNumber: "1" }`, `off: { visible: "true" }`}, []string{
			"m.yaml:18:22: no object class of the section allows loginShell (they are inetOrgPerson); add the class that has it to object_classes, or leave it out",
			`m.yaml:18:57: a value of visible is TRUE or FALSE in the directory, and "true" is not`,
		}},
		{"a naming attribute that no class allows", []string{"[inetOrgPerson]", "[person]", "    mail: user.email\n", "", "    employeeNumber: user.id\n", "", "on: { departmentNumber: \"0\" }, off: { departmentNumber: \"1\" }", "on: { description: off }"}, []string{
			"m.yaml:8:8: entries are named by uid, and no object class of the section allows it (they are person)",
		}},
		{"a naming attribute that nobody knows", []string{"uid={user.username}", "uidd={user.username}"}, []string{
			"m.yaml:8:8: the directory's schema has no attribute uidd; did you mean uid?",
		}},
		{"a match rule that finds nothing", []string{"{ attribute: employeeNumber,", "{ attribute: employeeNumbr,"}, []string{
			"m.yaml:10:7: the directory's schema has no attribute employeeNumbr, so this rule finds nothing; did you mean employeeNumber?",
		}},
		{"no structural class", []string{"[inetOrgPerson]", "[extensibleObject]"}, []string{
			"m.yaml:11:20: none of the object classes is structural, and every entry has one that is; add one, such as inetOrgPerson",
		}},
		{"a class that has attributes by a content rule", []string{"[inetOrgPerson]", "[account, extensibleObject]"}, nil},
		{"a group that is empty at first", []string{`, placeholder: "cn=nobody,dc=example,dc=org"`, ""}, []string{
			"m.yaml:23:12: groupOfNames demands member, and a group without members has none; name a placeholder",
		}},
		{"what protects nothing", []string{"organizational_unit:", "protect:\n  - { filter: \"(&(uid=a*)(!(uidNumber=none)))\" }\n  - { filter: \"(|(objectClass=acount)(mial=a@example.org))\" }\norganizational_unit:"}, []string{
			`m.yaml:4:29: a value of uidNumber is a whole number in the directory, and "none" is not, so this protects nothing`,
			"m.yaml:5:19: the directory's schema has no object class acount, so this protects nothing; did you mean account?",
			"m.yaml:5:39: the directory's schema has no attribute mial, so this protects nothing; did you mean mail?",
		}},
		{"everything at once", []string{"{ businessCategory: ou.id }", "{ businessCategory: ou.id, color: ou.name }", "sn: user", "snn: user"}, []string{
			"m.yaml:6:42: the directory's schema has no attribute color",
			"m.yaml:11:20: inetOrgPerson demands sn, and nothing writes it; add a rule for it",
			"m.yaml:15:5: the directory's schema has no attribute snn; did you mean sn?",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := checked
			for i := 0; i+1 < len(c.edits); i += 2 {
				if !strings.Contains(text, c.edits[i]) {
					t.Fatalf("the mapping has no %q", c.edits[i])
				}
				text = strings.Replace(text, c.edits[i], c.edits[i+1], 1)
			}
			set, err := mapping.Compile("m.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range set.Check(schemaOf(t), nil) {
				if p.Excerpt == "" {
					t.Errorf("%s shows no excerpt", p)
				}
				p.Excerpt = ""
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What the server gives a new entry itself need not be written.
func TestWhatTheServerFillsIsNotMissed(t *testing.T) {
	set, err := mapping.Compile("m.yaml", []byte(strings.Replace(checked, "    sn: user.displayName\n", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if problems := set.Check(schemaOf(t), []string{"SN"}); len(problems) > 0 {
		t.Errorf("it says %v", problems)
	}
}

func TestPlacesAreWhereEntriesAreMadeAndKept(t *testing.T) {
	text := strings.Replace(checked, "organizational_unit:\n", "organizational_unit:\n  root: ou=people,{base}\n", 1)
	text = strings.Replace(text, "  lifecycle:\n", "  lifecycle:\n    delete: { move: \"ou=leavers,{base}\" }\n", 1)
	set, err := mapping.Compile("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range set.Places() {
		line := set.ProblemAt(p, p.What)
		line.Excerpt = ""
		for _, kind := range p.Kinds {
			line.Message += " " + string(kind)
		}
		got = append(got, line.String()+" "+p.DN.String())
	}
	want := []string{
		"m.yaml:1:1: base dc=example,dc=org",
		"m.yaml:4:9: organizational_unit.root organizational_unit user ou=people,dc=example,dc=org",
		"m.yaml:22:8: group.dn group ou=groups,dc=example,dc=org",
		"m.yaml:19:22: lifecycle.delete.move user ou=leavers,dc=example,dc=org",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
