package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// What a rule says about an attribute depends on what is known: never said, said to be empty, or there.
func TestRules(t *testing.T) {
	const silent = "silent"
	for _, c := range []struct {
		name, rule string
		fields     event.Values
		in         mapping.Input
		want       any // a plan.Rule, or silent
	}{
		{
			name: "a value", rule: "mail: user.email", fields: event.Values{"email": "a@x"},
			want: plan.Rule{Attribute: "mail", Values: []string{"a@x"}},
		},
		{name: "a field that was never said leaves the attribute alone", rule: "mail: user.email", want: silent},
		{
			name: "a field that was said to be empty removes it", rule: "mail: user.email", fields: event.Values{"email": nil},
			want: plan.Rule{Attribute: "mail"},
		},
		{
			name: "an empty text is nothing", rule: "mail: user.email", fields: event.Values{"email": ""},
			want: plan.Rule{Attribute: "mail"},
		},
		{
			name: "a result that is empty removes it", rule: "mail: trim(user.email)", fields: event.Values{"email": "  "},
			want: plan.Rule{Attribute: "mail"},
		},
		{name: "on_empty: keep leaves it alone", rule: "mail: { value: user.email, on_empty: keep }", fields: event.Values{"email": nil}, want: silent},
		{name: "one of two fields was never said", rule: "mail: user.email ?? user.custom.mail", fields: event.Values{"email": nil}, want: silent},
		{
			name: "the fallback is there", rule: "mail: user.email ?? user.custom.mail", fields: event.Values{"custom.mail": "b@x"},
			want: plan.Rule{Attribute: "mail", Values: []string{"b@x"}},
		},
		{
			name: "a condition that holds", rule: "mail: { value: user.email, when: user.emailVerified }", fields: event.Values{"email": "a@x", "emailVerified": true},
			want: plan.Rule{Attribute: "mail", Values: []string{"a@x"}},
		},
		{name: "a condition that does not hold leaves it alone", rule: "mail: { value: user.email, when: user.emailVerified }", fields: event.Values{"email": "a@x", "emailVerified": false}, want: silent},
		{name: "a condition on what is absent does not hold", rule: "mail: { value: user.email, when: user.emailVerified }", fields: event.Values{"email": "a@x"}, want: silent},
		{name: "a constant", rule: "title: { const: [a, b] }", want: plan.Rule{Attribute: "title", Values: []string{"a", "b"}}},
		{
			name: "only when the entry is made", rule: "title: { const: staff, authority: initial }",
			want: plan.Rule{Attribute: "title", Values: []string{"staff"}, Authority: plan.Initial},
		},
		{
			name: "with what we added before", rule: "departmentNumber: { value: 'map(user.ous, .name)', authority: merge }",
			fields: event.Values{"ous": []any{map[string]any{"id": "1", "name": "A", "primary": true}}}, in: mapping.Input{Owned: func(attribute string) []string { return map[string][]string{"departmentNumber": {"B"}}[attribute] }},
			want: plan.Rule{Attribute: "departmentNumber", Values: []string{"A"}, Authority: plan.Merge, Owned: []string{"B"}},
		},
		{
			name: "values are distinct and in order", rule: "cn: '[user.displayName, user.username, user.displayName]'", fields: event.Values{"displayName": "Z"},
			want: plan.Rule{Attribute: "cn", Values: []string{"Z", "ann"}},
		},
		{
			name: "a reference", rule: "manager: { reference: user.custom.manager }", fields: event.Values{"custom.manager": "user_2"},
			in:   mapping.Input{Resolved: map[event.Ref]plan.DN{{Kind: event.KindUser, ID: "user_2"}: plan.MustParseDN("uid=boss,dc=example,dc=org")}},
			want: plan.Rule{Attribute: "manager", Values: []string{"uid=boss,dc=example,dc=org"}},
		},
		{
			name: "a reference to nobody removes it", rule: "manager: { reference: user.custom.manager }", fields: event.Values{"custom.manager": nil},
			want: plan.Rule{Attribute: "manager"},
		},
		{
			name: "a reference to the root unit", rule: "seeAlso: { reference: user.custom.unit, kind: unit }", fields: event.Values{"custom.unit": "ou_root"},
			want: plan.Rule{Attribute: "seeAlso", Values: []string{"dc=example,dc=org"}},
		},
		{
			name: "a number that was given out", rule: "uidNumber: { allocate: { from: 1, to: 9 } }", in: mapping.Input{Numbers: map[string]int64{"uidnumber": 7}},
			want: plan.Rule{Attribute: "uidNumber", Values: []string{"7"}, Authority: plan.Merge},
		},
		{
			name: "a name that was free", rule: "mail: { unique: user.email }", fields: event.Values{"email": "a@x"}, in: mapping.Input{Names: map[string]string{"mail": "a2@x"}},
			want: plan.Rule{Attribute: "mail", Values: []string{"a2@x"}, Authority: plan.Merge},
		},
		{name: "no name to choose from", rule: "mail: { unique: user.email }", want: silent},
		{
			name: "its own DN", rule: "seeAlso: dn", in: mapping.Input{DN: plan.MustParseDN("uid=ann,dc=example,dc=org")},
			want: plan.Rule{Attribute: "seeAlso", Values: []string{"uid=ann,dc=example,dc=org"}},
		},
		{name: "its own DN while there is none", rule: "seeAlso: dn", want: silent},
		{name: "the base", rule: "seeAlso: base", want: plan.Rule{Attribute: "seeAlso", Values: []string{"dc=example,dc=org"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fields := event.Values{"username": "ann"}
			for name, value := range c.fields {
				fields[name] = value
			}
			in := c.in
			in.Object = userOf(fields)
			result, err := userRules(t, c.rule).Desired(in)
			if err != nil {
				t.Fatal(err)
			}
			attribute, _, _ := strings.Cut(c.rule, ":")
			var got any = silent
			if rule := ruleOf(result.Desired, attribute); rule != nil {
				got = *rule
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What has to be looked up is asked for, and nothing is said before the answer.
func TestQuestions(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		want       string
	}{
		{"a reference", "manager: { reference: user.custom.boss }", "the mapping needs user user_2"},
		{"references", "seeAlso: { reference: '[user.custom.boss, user.custom.unit]', kind: unit }", "the mapping needs unit user_2 and unit ou_3"},
		{"a number", "uidNumber: { allocate: { from: 1, to: 9 } }", "the mapping needs a number for uidnumber"},
		{"a name", "mail: { unique: user.email }", "the mapping needs a free value for mail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := userRules(t, c.rule).Desired(mapping.Input{
				Object: userOf(event.Values{"username": "ann", "email": "a@x", "custom.boss": "user_2", "custom.unit": "ou_3"}),
			})
			var asked *mapping.Unresolved
			if !errors.As(err, &asked) || err.Error() != c.want {
				t.Fatalf("%v; want %q", err, c.want)
			}
			if len(asked.Names)+len(asked.Numbers) > 0 && (len(asked.Match) != 1 || asked.Match[0].Filter != "(employeeNumber=user_1)") {
				t.Errorf("it does not say how the entry is found that may have the value: %+v", asked.Match)
			}
		})
	}
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		name, rule, email string
		want              []string
	}{
		{"numbers follow", "mail: { unique: user.username }", "", []string{"ann", "ann2", "ann3", "ann4"}},
		{"the last one is numbered", "mail: { unique: '[user.username, user.username + \".x\"]' }", "", []string{"ann", "ann.x", "ann.x2", "ann.x3"}},
		{"in an address before the @", "mail: { unique: user.email }", "a@x.org", []string{"a@x.org", "a2@x.org", "a3@x.org", "a4@x.org"}},
		{"within a length", "mail: { unique: user.email, max_length: 4 }", "abcdef", []string{"abcd", "abc2", "abc3", "abc4"}},
		{"an address within a length", "mail: { unique: user.email, max_length: 6 }", "abcdef@x.y", []string{"ab@x.y", "a2@x.y", "a3@x.y", "a4@x.y"}},
		{"characters, not bytes", "mail: { unique: user.email, max_length: 2 }", "张三丰", []string{"张三", "张2", "张3", "张4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := userRules(t, c.rule).Desired(mapping.Input{Object: userOf(event.Values{"username": "ann", "email": c.email})})
			var asked *mapping.Unresolved
			if !errors.As(err, &asked) || len(asked.Names) != 1 {
				t.Fatal(err)
			}
			n := asked.Names[0]
			if diff := cmp.Diff(c.want, append(n.Candidates(0, 1), n.Candidates(1, 3)...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := len(n.Candidates(0, 5000)); got != 1000 {
				t.Errorf("there are %d candidates", got)
			}
			if got := n.Candidates(1000, 1); len(got) != 0 {
				t.Errorf("behind the last comes %q", got)
			}
		})
	}
}

// The name that an entry has is the one in its DN, one of the candidates, or whatever is there.
func TestNamesAreKept(t *testing.T) {
	_, err := userRules(t, "mail: { unique: user.email }").Desired(mapping.Input{Object: userOf(event.Values{"username": "ann", "email": "a@x"})})
	var asked *mapping.Unresolved
	if !errors.As(err, &asked) {
		t.Fatal(err)
	}
	for _, c := range []struct{ dn, values, want string }{
		{"uid=ann,dc=example,dc=org", "", ""},
		{"uid=ann,dc=example,dc=org", "b@x", "b@x"},
		{"uid=ann,dc=example,dc=org", "b@x A@x", "a@x"},
		{"mail=c@x,dc=example,dc=org", "b@x c@x a@x", "c@x"},
	} {
		entry := &plan.Entry{DN: plan.MustParseDN(c.dn), Attributes: []plan.Attribute{{Name: "MAIL", Values: strings.Fields(c.values)}}}
		if got := asked.Names[0].Kept(plan.DefaultMatching(), entry); got != c.want {
			t.Errorf("%s with %q keeps %q; want %q", c.dn, c.values, got, c.want)
		}
	}
}

const tree = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
  attributes: { description: parent.name }
user:
  scope: ou.name != "External"
  dn: "uid={user.username},{ou.dn}"
  match:
    - { attribute: employeeNumber, value: user.id }
    - { filter: "(mail={user.email})", adopt: true }
`

func unitNamed(name string) *mapping.Above {
	return &mapping.Above{
		Object: objectOf(event.KindUnit, "ou_1", event.Values{"name": name}),
		DN:     plan.MustParseDN("ou=" + name + ",ou=people,dc=example,dc=org"),
	}
}

func TestPlaces(t *testing.T) {
	set := compile(t, tree)
	for _, c := range []struct {
		name    string
		in      mapping.Input
		want    string // the DN
		missing string
		fails   string
		// undecided: nobody can tell whether it is within the scope.
		undecided bool
	}{
		{
			name: "below its unit", in: mapping.Input{Object: userOf(event.Values{"username": "ann"}), Above: unitNamed("Sales")},
			want: "uid=ann,ou=Sales,ou=people,dc=example,dc=org",
		},
		{
			name: "below the root", in: mapping.Input{Object: userOf(event.Values{"username": "ann"}), Above: set.RootAbove()},
			want: "uid=ann,ou=people,dc=example,dc=org",
		},
		{name: "without a name", in: mapping.Input{Object: userOf(nil), Above: unitNamed("Sales")}, missing: "user.username"},
		{name: "with an empty name", in: mapping.Input{Object: userOf(event.Values{"username": ""}), Above: unitNamed("Sales")}, fails: "uid would be empty"},
		{name: "without a unit", in: mapping.Input{Object: userOf(event.Values{"username": "ann"})}, missing: "ou.name", undecided: true},
		{
			name: "said to be in no unit", in: mapping.Input{Object: userOf(event.Values{"username": "ann", "primaryOuId": nil})}, missing: "ou",
		},
		{
			name: "in a unit that is not known", in: mapping.Input{Object: userOf(event.Values{"username": "ann", "primaryOuId": "ou_9"})},
			fails: "the mapping needs unit ou_9",
		},
		{
			name: "outside the scope, by the unit", in: mapping.Input{Object: userOf(event.Values{"username": "ann"}), Above: unitNamed("External")},
			fails: "the scope of the mapping leaves it out",
		},
		{
			name: "a unit below another", in: mapping.Input{Object: objectOf(event.KindUnit, "ou_2", event.Values{"name": "Lab"}), Above: unitNamed("Sales")},
			want: "ou=Lab,ou=Sales,ou=people,dc=example,dc=org",
		},
		{
			name: "a kind without a section", in: mapping.Input{Object: objectOf(event.KindGroup, "group_1", nil)},
			fails: "the scope of the mapping leaves it out",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, err := set.Desired(c.in)
			if err == nil && len(result.Failed) > 0 {
				err = result.Failed[0]
			}
			switch {
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Fatalf("%v; want an error with %q", err, c.fails)
			case c.fails == "" && err != nil:
				t.Fatal(err)
			}
			if got := result.DN.String(); got != c.want || strings.Join(result.Missing, " ") != c.missing || result.Undecided != c.undecided {
				t.Errorf("%q, missing %q, undecided %v; want %q, missing %q", got, result.Missing, result.Undecided, c.want, c.missing)
			}
		})
	}
}

// An error of an evaluation names the rule, and the place in the file where it came up.
func TestEvaluationErrorsNameTheirPlace(t *testing.T) {
	set := userRules(t, "cn: user.displayName", "title: |", "  lower(user.username) +", "    user.raw.level")
	result, err := set.Desired(mapping.Input{Object: userOf(event.Values{"username": "ann", "raw.level": 3.5})})
	if err != nil || len(result.Failed) != 1 {
		t.Fatalf("%v %v", result.Failed, err)
	}
	want := "mapping.yaml:9:28: user.attributes.title: + takes two texts or two numbers, and here are text and a number; text(x) makes a number text"
	if got := result.Failed[0]; got.Error() != want || got.Attribute != "title" {
		t.Errorf("%v, for %q; want %s", got, got.Attribute, want)
	}
}

// A match rule of which a value is absent is left out: it would match by accident.
func TestMatchRulesNeedTheirValues(t *testing.T) {
	set := compile(t, tree)
	for _, c := range []struct {
		fields event.Values
		want   []plan.Match
	}{
		{nil, []plan.Match{{Filter: "(employeeNumber=user_1)", ByID: true}}},
		{event.Values{"email": ""}, []plan.Match{{Filter: "(employeeNumber=user_1)", ByID: true}}},
		{event.Values{"email": " "}, []plan.Match{{Filter: "(employeeNumber=user_1)", ByID: true}}},
		{event.Values{"email": "a*(b)\\"}, []plan.Match{{Filter: "(employeeNumber=user_1)", ByID: true}, {Filter: `(mail=a\2a\28b\29\5c)`, Adopt: true}}},
	} {
		fields := event.Values{"username": "ann"}
		for name, value := range c.fields {
			fields[name] = value
		}
		result, err := set.Desired(mapping.Input{Object: userOf(fields), Above: unitNamed("Sales")})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, result.Match); diff != "" {
			t.Errorf("%v (-want +got)\n%s", c.fields, diff)
		}
	}
}

// Values that name members by something of the member are computed from the member's record or name.
func TestMemberValues(t *testing.T) {
	const groups = `version: 1
base: dc=example,dc=org
user:
  dn: "uid={entry.uid},{base}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  attributes: { uid: { unique: user.username } }
group:
  dn: "cn={group.name},{base}"
  match: [ { attribute: businessCategory, value: group.id } ]
  members: { attribute: memberUid, value: %s }
`
	member := userOf(event.Values{"username": "ann"})
	dn := plan.MustParseDN("uid=ann2,dc=example,dc=org")
	for value, want := range map[string]string{
		"dn": "uid=ann2,dc=example,dc=org", "user.username": "ann", "entry.uid": "ann2", "upper(user.username)": "ANN", "user.email": "",
	} {
		set := compile(t, strings.Replace(groups, "%s", value, 1))
		if got, err := set.MemberValue(member, dn); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", value, got, err, want)
		}
		if set.MembersByDN() != (value == "dn") {
			t.Errorf("%s: members by DN is %v", value, set.MembersByDN())
		}
	}
}
