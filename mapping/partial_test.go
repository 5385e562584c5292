package mapping_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

func refs(of ...string) []event.Ref {
	var out []event.Ref
	for _, id := range of {
		kind := event.KindUser
		if strings.HasPrefix(id, "ou_") {
			kind = event.KindUnit
		}
		out = append(out, event.Ref{Kind: kind, ID: id})
	}
	return out
}

// A reference to somebody who is not there is left out and named, and everything else is said.
func TestOpenReferences(t *testing.T) {
	bossDN := plan.MustParseDN("uid=boss,dc=example,dc=org")
	for _, c := range []struct {
		name, rule string
		fields     event.Values
		dn         string
		open       []string
		want       []string // the values of the attribute; nil where nothing is said of it
		asks       []mapping.Needed
		removes    bool
	}{
		{
			name: "asked for", rule: "manager: { reference: user.custom.boss }", fields: event.Values{"custom.boss": "user_9"},
			asks: []mapping.Needed{{Ref: refs("user_9")[0]}},
		},
		{
			name: "asked for and required", rule: "manager: { reference: user.custom.boss, required: true }", fields: event.Values{"custom.boss": "user_9"},
			asks: []mapping.Needed{{Ref: refs("user_9")[0], Required: true}},
		},
		{
			name: "what is written once only is required", rule: "manager: { reference: user.custom.boss, authority: initial }", fields: event.Values{"custom.boss": "user_9"},
			asks: []mapping.Needed{{Ref: refs("user_9")[0], Required: true}},
		},
		{
			name: "unless the file says otherwise", rule: "manager: { reference: user.custom.boss, authority: initial, required: false }", fields: event.Values{"custom.boss": "user_9"},
			asks: []mapping.Needed{{Ref: refs("user_9")[0]}},
		},
		{
			name: "twice is asked once", rule: "seeAlso: { reference: '[user.custom.boss, user.custom.head]' }", fields: event.Values{"custom.boss": "user_9", "custom.head": "user_8"},
			asks: []mapping.Needed{{Ref: refs("user_9")[0]}, {Ref: refs("user_8")[0]}},
		},
		{
			name: "open", rule: "manager: { reference: user.custom.boss }", fields: event.Values{"custom.boss": "user_9"},
			open: []string{"user_9"},
		},
		{
			name: "open although required, where the caller has no answer", rule: "manager: { reference: user.custom.boss, required: true }",
			fields: event.Values{"custom.boss": "user_9"}, open: []string{"user_9"},
		},
		{
			name: "one of two is open", rule: "seeAlso: { reference: '[user.custom.boss, user.custom.head]' }", fields: event.Values{"custom.boss": "user_2", "custom.head": "user_9"},
			open: []string{"user_9"},
		},
		{
			name: "known", rule: "seeAlso: { reference: '[user.custom.boss, user.custom.head]' }", fields: event.Values{"custom.boss": "user_2", "custom.head": "user_3"},
			want: []string{bossDN.String()}, // the other one is gone
		},
		{name: "oneself, without an entry", rule: "manager: { reference: user.id }", open: []string{"user_1"}},
		{name: "oneself, required", rule: "manager: { reference: user.id, required: true }", open: []string{"user_1"}},
		{
			name: "oneself, with an entry", rule: "manager: { reference: user.id }", dn: "uid=ann,ou=old,dc=example,dc=org",
			want: []string{"uid=ann,ou=old,dc=example,dc=org"},
		},
		{name: "said to be nobody", rule: "manager: { reference: user.custom.boss }", fields: event.Values{"custom.boss": nil}, removes: true},
	} {
		fields := event.Values{"username": "ann", "email": "a@x"}
		for name, value := range c.fields {
			fields[name] = value
		}
		in := mapping.Input{
			Object: userOf(fields), Open: map[event.Ref]bool{},
			Resolved: map[event.Ref]plan.DN{refs("user_2")[0]: bossDN, refs("user_3")[0]: nil},
		}
		if c.dn != "" {
			in.DN = plan.MustParseDN(c.dn)
		}
		for _, ref := range refs(c.open...) {
			in.Open[ref] = true
		}
		result, err := userRules(t, "mail: user.email", c.rule).Desired(in)
		var asked *mapping.Unresolved
		if len(c.asks) > 0 {
			if !errors.As(err, &asked) || !slices.Equal(asked.Objects, c.asks) {
				t.Errorf("%s: %v %+v; want %+v", c.name, err, asked, c.asks)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		attribute, _, _ := strings.Cut(c.rule, ":")
		rule := ruleOf(result.Desired, attribute)
		switch said := rule != nil; {
		case said != (c.want != nil || c.removes):
			t.Errorf("%s: it says %+v", c.name, rule)
		case said && !slices.Equal(rule.Values, c.want):
			t.Errorf("%s: %q; want %q", c.name, rule.Values, c.want)
		}
		if ruleOf(result.Desired, "mail") == nil || result.DN.Empty() || !slices.Equal(result.Open, refs(c.open...)) {
			t.Errorf("%s: open are %v and the rest is %+v", c.name, result.Open, result.Desired)
		}
	}
}

const partial = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
user:
  scope: SCOPE
  dn: "uid={DN},{ou.dn}"
  match: [ { attribute: employeeNumber, value: user.id }, { attribute: mail, value: MATCH, adopt: true } ]
  attributes:
    mail: user.email
    title: TITLE
    ou: ou.name
    description: 'ou.name == "Lab" ? "in" : "out"'
    l: { value: user.custom.city, when: WHEN }
    employeeType: { unique: UNIQUE }
  lifecycle: { disable: { on: { st: off } }, lock: ignore }
`

// partially compiles the mapping with one part replaced.
func partially(tb testing.TB, replace ...string) *mapping.Set {
	tb.Helper()
	source := strings.NewReplacer(replace...).Replace(partial)
	return compile(tb, strings.NewReplacer("SCOPE", "true", "DN", "user.username", "MATCH", "user.email", "TITLE", "user.custom.title",
		"WHEN", "user.phoneVerified", "UNIQUE", "user.username").Replace(source))
}

func someone() event.Object {
	return userOf(event.Values{
		"username": "ann", "email": "a@x", "custom.title": "boss", "custom.city": "Ulm", "phoneVerified": true, "primaryOuId": "ou_1", "status": "disabled",
	})
}

// said returns the attributes that are spoken of.
func said(d plan.Desired) string {
	var names []string
	for _, rule := range d.Rules {
		names = append(names, rule.Attribute)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A rule that fails says nothing, is named with its place, and keeps nothing else from being known.
func TestRulesThatFail(t *testing.T) {
	const all = "description employeeType l mail ou title"
	const dn = "uid=ann,ou=Lab,ou=people,dc=example,dc=org"
	for _, c := range []struct {
		name    string
		replace []string
		failed  []string // attribute and message
		said    string
		dn      string
		matches int
		// undecided: it is not known whether the user is within the scope.
		undecided bool
		// unnamed: nothing was chosen yet.
		unnamed bool
	}{
		{name: "none", said: all, dn: dn, matches: 2},
		{
			name: "an attribute", replace: []string{"TITLE", `fail("no title")`},
			failed: []string{`title mapping.yaml:13:12: user.attributes.title: no title`}, said: "description employeeType l mail ou", dn: dn, matches: 2,
		},
		{
			name: "a condition", replace: []string{"WHEN", `'fail("when") == "x"'`},
			failed: []string{`l mapping.yaml:16:42: user.attributes.l.when: when`}, said: "description employeeType mail ou title", dn: dn, matches: 2,
		},
		{
			name: "a choice of names", replace: []string{"UNIQUE", `fail("no name")`}, unnamed: true,
			failed: []string{`employeeType mapping.yaml:17:29: user.attributes.employeeType: no name`}, said: "description l mail ou title", dn: dn, matches: 2,
		},
		{
			name: "the DN", replace: []string{"DN", `user.id + fail('no place')`},
			failed: []string{` mapping.yaml:9:23: user.dn: no place`}, said: all, matches: 2,
		},
		{
			name: "a match rule, so that nobody knows whether there is an entry", replace: []string{"MATCH", `'fail(user.email)'`},
			failed: []string{` mapping.yaml:10:86: user.match: a@x`}, said: all, matches: 1,
		},
		{
			name: "the scope", replace: []string{"SCOPE", `'fail("which") == "x"'`},
			failed: []string{` mapping.yaml:8:11: user.scope: which`}, matches: 2, undecided: true,
		},
		{
			name: "several, in their order", replace: []string{"TITLE", `fail("no title")`, "DN", `user.id + fail('no place')`, "UNIQUE", `fail("no name")`},
			failed: []string{
				` mapping.yaml:9:23: user.dn: no place`, `title mapping.yaml:13:12: user.attributes.title: no title`,
				`employeeType mapping.yaml:17:29: user.attributes.employeeType: no name`,
			}, said: "description l mail ou", matches: 2, unnamed: true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := mapping.Input{Object: someone(), Above: unitNamed("Lab"), Names: map[string]string{"employeetype": "ann"}}
			if c.unnamed {
				in.Names = nil
			}
			result, err := partially(t, c.replace...).Desired(in)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, f := range result.Failed {
				failed = append(failed, f.Attribute+" "+f.Error())
			}
			if diff := cmp.Diff(c.failed, failed); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if said(result.Desired) != c.said || result.DN.String() != c.dn || len(result.Match) != c.matches || result.Undecided != c.undecided {
				t.Errorf("it says %q of %q, found by %d, undecided %v", said(result.Desired), result.DN, len(result.Match), result.Undecided)
			}
			if result.Account == nil || !result.Account.State.Disabled {
				t.Errorf("the status is %+v", result.Account)
			}
		})
	}
}

// A rule that skips leaves the object alone, also where another one fails.
func TestSkipsComeBeforeFailures(t *testing.T) {
	for _, replace := range [][]string{
		{"TITLE", "skip()"}, {"TITLE", "skip()", "DN", "user.id + fail('no')"}, {"SCOPE", "skip() == 1"}, {"DN", "user.id + skip()"}, {"WHEN", "skip() == 1", "TITLE", "fail('no')"},
	} {
		_, err := partially(t, replace...).Desired(mapping.Input{Object: someone(), Above: unitNamed("Lab"), Names: map[string]string{"employeetype": "ann"}})
		var skipped *mapping.Skipped
		if !errors.As(err, &skipped) {
			t.Errorf("%q: %v", replace, err)
		}
	}
}

// A unit that is not there is asked for once; where there is no answer, nothing is said that depends on it, and all else is.
func TestUnitsThatAreNotThere(t *testing.T) {
	unit := refs("ou_1")[0]
	for _, c := range []struct {
		name    string
		replace []string
		said    string
		missing string
	}{
		{"the DN", nil, "employeeType l mail title", "ou"},
		{"a rule that would come to a wrong conclusion", []string{"TITLE", `'ou.name != "Lab" ? "x" : "y"'`}, "employeeType l mail", "ou"},
		{"a condition", []string{"WHEN", `ou.name != "Lab"`}, "employeeType mail title", "ou"},
		{"a choice of names", []string{"UNIQUE", `ou.name ?? user.username`}, "l mail title", "ou"},
		{"a name in the DN", []string{"DN", `ou.name ?? user.username`, "{ou.dn}", "{base}"}, "employeeType l mail title", "ou"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := partially(t, c.replace...)
			in := mapping.Input{Object: someone(), Names: map[string]string{"employeetype": "ann"}}
			_, err := set.Desired(in)
			var asked *mapping.Unresolved
			if !errors.As(err, &asked) || !slices.Equal(asked.Objects, []mapping.Needed{{Ref: unit, Required: true}}) {
				t.Fatalf("%v %+v", err, asked)
			}
			in.Open = map[event.Ref]bool{unit: true}
			result, err := set.Desired(in)
			if err != nil {
				t.Fatal(err)
			}
			if said(result.Desired) != c.said || !result.DN.Empty() || strings.Join(result.Missing, " ") != c.missing || !slices.Equal(result.Open, refs("ou_1")) || result.Undecided {
				t.Errorf("it says %q of %q, missing %q, open %v", said(result.Desired), result.DN, result.Missing, result.Open)
			}
			if result.Account == nil || !result.Account.State.Disabled || len(result.Match) != 2 {
				t.Errorf("the status is %+v, found by %v", result.Account, result.Match)
			}
		})
	}
}

// A scope that cannot be told counts neither as in nor as out.
func TestScopesThatCannotBeTold(t *testing.T) {
	for _, scope := range []string{`ou.name == "Lab"`, `ou.name != "Lab"`, `'user.username == "ann" and ou.name != "x"'`} {
		set := partially(t, "SCOPE", scope)
		in := mapping.Input{Object: someone()}
		if set.OutOfScope(in.Object, nil) {
			t.Errorf("%s is out", scope)
		}
		_, err := set.Desired(in)
		var asked *mapping.Unresolved
		if !errors.As(err, &asked) {
			t.Errorf("%s: %v", scope, err)
		}
		never := someone()
		delete(never.Facts, "primaryOuId")
		for _, in := range []mapping.Input{{Object: in.Object, Open: map[event.Ref]bool{refs("ou_1")[0]: true}}, {Object: never}} {
			result, err := set.Desired(in)
			if err != nil || !result.Undecided || said(result.Desired) != "" || !result.DN.Empty() || result.ObjectClasses != nil || result.Removal != nil {
				t.Errorf("%s: %v %+v", scope, err, result)
			}
			if result.Account == nil || len(result.Match) != 2 || set.OutOfScope(in.Object, nil) {
				t.Errorf("%s: the status is %+v, found by %v", scope, result.Account, result.Match)
			}
		}
	}
	set := partially(t, "SCOPE", `ou.name == "Lab"`)
	nowhere := someone()
	nowhere.Facts["primaryOuId"] = event.Fact{}
	if _, err := set.Desired(mapping.Input{Object: nowhere}); !errors.Is(err, mapping.ErrOutOfScope) || !set.OutOfScope(nowhere, nil) {
		t.Errorf("who is said to be in no unit: %v", err)
	}
}

// Whether somebody may log in is told from what is known of the person alone, and is the same whatever else is in the way.
func TestStatusIsToldWhateverElse(t *testing.T) {
	parts := []string{"SCOPE", "DN", "MATCH", "TITLE", "WHEN", "UNIQUE"}
	rapid.Check(t, func(t *rapid.T) {
		var replace []string
		for _, part := range parts {
			switch rapid.IntRange(0, 3).Draw(t, part) {
			case 0:
				value := "'fail(user.id)'"
				switch part {
				case "SCOPE", "WHEN":
					value = "'fail(user.id) == 1'"
				case "DN":
					value = "fail(user.id)"
				}
				replace = append(replace, part, value)
			case 1:
				if part != "MATCH" {
					value := "ou.name"
					switch part {
					case "SCOPE", "WHEN":
						value = "ou.name == \"Lab\""
					case "UNIQUE", "DN":
						value = "ou.name ?? user.username"
					}
					replace = append(replace, part, value)
				}
			}
		}
		set, err := mapping.Compile("mapping.yaml", []byte(strings.NewReplacer("SCOPE", "true", "DN", "user.username", "MATCH", "user.email", "TITLE",
			"user.custom.title", "WHEN", "user.phoneVerified", "UNIQUE", "user.username").Replace(strings.NewReplacer(replace...).Replace(partial))))
		if err != nil {
			t.Fatal(err)
		}
		o := someone()
		if rapid.Bool().Draw(t, "unit never said") {
			delete(o.Facts, "primaryOuId")
		}
		in := mapping.Input{Object: o, Open: map[event.Ref]bool{refs("ou_1")[0]: true}, Names: map[string]string{"employeetype": "ann"}}
		if rapid.Bool().Draw(t, "unit") {
			in.Above = unitNamed("Lab")
		}
		account, ok := set.Account(in)
		if !ok || !account.State.Disabled || len(account.Disable.On) != 1 || account.Lock.Auto || !account.Expire.Auto {
			t.Fatalf("%+v", account)
		}
		result, err := set.Desired(in)
		switch {
		case errors.Is(err, mapping.ErrOutOfScope):
		case err != nil:
			t.Fatal(err)
		case result.Account == nil || !result.Account.State.Disabled:
			t.Fatalf("%+v", result)
		case len(result.Failed) > 0 && result.Failed[0].Line == 0:
			t.Fatalf("%v has no place", result.Failed)
		}
	})
	set := partially(t)
	if _, ok := set.Account(mapping.Input{Object: objectOf(event.KindUnit, "ou_1", nil)}); ok {
		t.Error("a unit has a status")
	}
	if _, ok := compile(t, "version: 1\nbase: dc=a\ngroup: { dn: \"cn={group.name},{base}\", match: [ { attribute: cn, value: group.id } ] }\n").Account(mapping.Input{Object: someone()}); ok {
		t.Error("there is a status without a section")
	}
}
