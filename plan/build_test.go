package plan_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

var (
	base  = plan.MustParseDN("dc=example,dc=org")
	annDN = plan.MustParseDN("uid=ann,ou=people,dc=example,dc=org")
)

// entry makes an entry from a DN and "name: value" lines.
func entry(dn string, lines ...string) *plan.Entry {
	e := &plan.Entry{DN: plan.MustParseDN(dn)}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		i := slices.IndexFunc(e.Attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, name) })
		if i < 0 {
			e.Attributes = append(e.Attributes, plan.Attribute{Name: name})
			i = len(e.Attributes) - 1
		}
		e.Attributes[i].Values = append(e.Attributes[i].Values, value)
	}
	return e
}

func desired(dn string, rules ...plan.Rule) plan.Desired {
	return plan.Desired{DN: plan.MustParseDN(dn), Base: base, ObjectClasses: []string{"inetOrgPerson"}, Rules: rules}
}

func rule(name string, values ...string) plan.Rule { return plan.Rule{Attribute: name, Values: values} }

func initial(name string, values ...string) plan.Rule {
	return plan.Rule{Attribute: name, Values: values, Authority: plan.Initial}
}

func ldif(t *testing.T, p plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := plan.WriteLDIF(&b, p.Operations...); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

const annEntry = "uid=ann,ou=people,dc=example,dc=org"

func TestBuild(t *testing.T) {
	ann := func(lines ...string) *plan.Entry {
		return entry(annEntry, append([]string{"objectClass: top", "objectClass: inetOrgPerson", "uid: ann"}, lines...)...)
	}
	with := func(d plan.Desired, change func(*plan.Desired)) plan.Desired { change(&d); return d }
	for _, c := range []struct {
		name    string
		current *plan.Entry
		want    plan.Desired
		ldif    string
	}{
		{"a new entry, with its name", nil, desired(annEntry, rule("cn", "Ann"), rule("mail")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann
cn: Ann`},
		{"equal", ann("cn: Ann"), desired(annEntry, rule("cn", "Ann"), rule("mail")), ""},
		{"equal to the server", ann("telephoneNumber: +86 139-0", "manager: UID=Bob,dc=example,dc=org"), desired(annEntry, rule("telephoneNumber", "+861390"), rule("manager", "uid=bob,dc=example,dc=org")), ""},
		{"another value", ann("cn: Ann"), desired(annEntry, rule("cn", "Ann Lee")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: Ann Lee
-`},
		{"another spelling is written", ann("cn: ann lee"), desired(annEntry, rule("cn", "Ann Lee")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: Ann Lee
-`},
		{"another composition is not", ann("cn: Zoe\u0301"), desired(annEntry, rule("cn", "Zo\u00e9")), ""},
		{"a value goes", ann("mail: a@b"), desired(annEntry, rule("mail")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: mail
-`},
		{"one value of many comes and one goes", ann("ou: a", "ou: b", "ou: c"), desired(annEntry, rule("ou", "b", "c", "d")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: ou
ou: d
-
delete: ou
ou: a
-`},
		{"what a server has to be told to delete", ann("mail: a@example.org"), desired(annEntry, plan.Rule{Attribute: "mail", ByDeletion: true}), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
delete: mail
mail: a@example.org
-`},
		{"what is not there is not deleted", ann(), desired(annEntry, plan.Rule{Attribute: "mail", ByDeletion: true}), ""},
		{"attributes that no rule names stay", ann("roomNumber: 42"), desired(annEntry, rule("cn", "Ann")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: cn
cn: Ann
-`},
		{"initial values are left alone later", ann("employeeType: boss"), desired(annEntry, initial("employeeType", "staff")), ""},
		{
			"initial values come with an object class where there are none", entry(annEntry, "objectClass: person", "uid: ann", "title: boss"),
			desired(annEntry, initial("title", "staff"), initial("employeeType", "staff"), initial("ou")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: objectClass
objectClass: inetOrgPerson
-
add: employeeType
employeeType: staff
-`,
		},
		{"merged values: ours come and go, others stay", ann("ou: theirs", "ou: ours"), desired(annEntry, plan.Rule{Attribute: "ou", Values: []string{"new"}, Authority: plan.Merge, Owned: []string{"ours", "gone already"}}), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: ou
ou: new
-
delete: ou
ou: ours
-`},
		{"an object class is added, none is taken", entry(annEntry, "objectClass: person", "uid: ann"), desired(annEntry), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: objectClass
objectClass: inetOrgPerson
-`},
		{
			"named by another attribute: the value of the old name stays, as the entry may need it", entry("cn=Ann,ou=people,dc=example,dc=org", "objectClass: inetOrgPerson", "cn: Ann"),
			desired("uid=ann,ou=people,dc=example,dc=org", rule("uid", "ann")), `
dn: cn=Ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 0`,
		},
		{
			"named by another attribute, of which a rule speaks", entry("cn=Ann,ou=people,dc=example,dc=org", "objectClass: inetOrgPerson", "cn: Ann"),
			desired("uid=ann,ou=people,dc=example,dc=org", rule("uid", "ann"), rule("cn", "Ann Lee")), `
dn: cn=Ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 0

dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: Ann Lee
-`,
		},
		{"renamed", ann("cn: Ann"), desired("uid=kim,ou=people,dc=example,dc=org", rule("uid", "kim"), rule("cn", "Kim")), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=kim
deleteoldrdn: 1

dn: uid=kim,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: Kim
-`},
		{"moved", ann(), desired("uid=ann,ou=sales,dc=example,dc=org"), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=sales,dc=example,dc=org`},
		{"only the case of the name", ann(), desired("uid=Ann,ou=people,dc=example,dc=org"), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=Ann
deleteoldrdn: 1`},
		{"only the case of the place", ann(), desired("uid=ann,OU=People,dc=example,dc=org"), ""},
		{"the place is not known", ann("cn: Ann"), with(desired(annEntry, rule("cn", "Kim")), func(d *plan.Desired) { d.DN = nil }), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
replace: cn
cn: Kim
-`},
		{"a password after the entry", nil, with(desired(annEntry), func(d *plan.Desired) { d.Password = &plan.Password{Text: secret.New("c4n4ry")} }), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: add
objectClass: inetOrgPerson
uid: ann

dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
# the password is set; it is never shown`},
		{"a member comes, the placeholder goes", entry(annEntry, "objectClass: inetOrgPerson", "uid: ann", "member: cn=nobody,dc=example,dc=org"), with(desired(annEntry), func(d *plan.Desired) {
			d.Members = &plan.Members{Attribute: "member", Placeholder: "cn=nobody,dc=example,dc=org", Values: []plan.MemberValue{{Value: "uid=b,dc=example,dc=org", Present: true}}, Others: true}
		}), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: member
member: uid=b,dc=example,dc=org
-
delete: member
member: cn=nobody,dc=example,dc=org
-`},
		{"the last member goes, the placeholder comes", entry(annEntry, "objectClass: inetOrgPerson", "uid: ann", "member: uid=B,dc=example,dc=org"), with(desired(annEntry), func(d *plan.Desired) {
			d.Members = &plan.Members{Attribute: "member", Placeholder: "cn=nobody,dc=example,dc=org", Values: []plan.MemberValue{{Value: "uid=b,dc=example,dc=org"}}}
		}), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modify
add: member
member: cn=nobody,dc=example,dc=org
-
delete: member
member: uid=b,dc=example,dc=org
-`},
		{"gone already", nil, with(desired(annEntry), func(d *plan.Desired) { d.Removal = &plan.Removal{Action: plan.RemoveDelete} }), ""},
		{"deleted", ann(), with(desired(annEntry), func(d *plan.Desired) { d.Removal = &plan.Removal{Action: plan.RemoveDelete} }), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: delete`},
		{"buried", ann(), with(desired(annEntry), func(d *plan.Desired) {
			d.Removal = &plan.Removal{Action: plan.RemoveMove, MoveTo: plan.MustParseDN("ou=leavers,dc=example,dc=org")}
		}), `
dn: uid=ann,ou=people,dc=example,dc=org
changetype: modrdn
newrdn: uid=ann
deleteoldrdn: 1
newsuperior: ou=leavers,dc=example,dc=org`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := plan.Build(c.current, c.want, plan.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := ldif(t, p), strings.TrimSpace(c.ldif); got != want {
				t.Errorf("planned:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	var outside *plan.OutsideBase
	var below *plan.BelowItself
	var single *plan.SingleValued
	var little *plan.NotEnough
	for _, c := range []struct {
		name    string
		current *plan.Entry
		want    plan.Desired
		as      any
	}{
		{"a new entry outside the base", nil, desired("uid=a,dc=other"), &outside},
		{"the base itself", nil, desired("dc=example,dc=org"), &outside},
		{"a move out of the base", entry(annEntry), desired("uid=ann,dc=other"), &outside},
		{"an entry that was found outside", entry("uid=a,dc=other"), desired("", rule("cn", "x")), &outside},
		{"a move below itself", entry("ou=a,dc=example,dc=org"), desired("ou=a,ou=b,ou=a,dc=example,dc=org"), &below},
		{"two values for one", entry(annEntry), desired(annEntry, rule("uidNumber", "1", "2")), &single},
		{"nothing known", nil, desired(""), &little},
	} {
		if p, err := plan.Build(c.current, c.want, plan.Policy{}); !errors.As(err, c.as) {
			t.Errorf("%s: %v, %+v", c.name, err, p.Operations)
		}
	}
}

// apply does to an entry what a directory would.
func apply(e *plan.Entry, p plan.Plan) *plan.Entry {
	m := plan.DefaultMatching()
	for _, op := range p.Operations {
		switch op := op.(type) {
		case plan.Add:
			e = &plan.Entry{DN: op.DN, Attributes: op.Attributes}
		case plan.Delete:
			return nil
		case plan.ModifyDN:
			e = e.Clone()
			for _, ava := range e.DN.RDN() {
				change(e, plan.Modification{Type: plan.DeleteValues, Name: ava.Type, Values: []string{ava.Value}}, m)
			}
			for _, ava := range op.NewRDN {
				change(e, plan.Modification{Type: plan.DeleteValues, Name: ava.Type, Values: []string{ava.Value}}, m)
				change(e, plan.Modification{Type: plan.AddValues, Name: ava.Type, Values: []string{ava.Value}}, m)
			}
			e.DN = op.NewDN()
		case plan.Modify:
			e = e.Clone()
			for _, mod := range op.Modifications {
				change(e, mod, m)
			}
		}
	}
	return e
}

func change(e *plan.Entry, mod plan.Modification, m plan.Matching) {
	i := slices.IndexFunc(e.Attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, mod.Name) })
	if i < 0 {
		e.Attributes = append(e.Attributes, plan.Attribute{Name: mod.Name})
		i = len(e.Attributes) - 1
	}
	a := &e.Attributes[i]
	switch mod.Type {
	case plan.AddValues:
		a.Values = append(a.Values, mod.Values...)
	case plan.ReplaceValues:
		a.Values = mod.Values
	case plan.DeleteValues:
		a.Values = slices.DeleteFunc(a.Values, func(v string) bool {
			return slices.ContainsFunc(mod.Values, func(w string) bool { return m.Equal(mod.Name, v, w) })
		})
	}
}

// After a plan has been carried out there is nothing left to plan, what no rule names is as it was, and nothing was written
// that was so already.
func TestAPlanIsEnoughAndNoMoreThanThat(t *testing.T) {
	values := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "A", "b", "c", "Zo\u00e9", "Zoe\u0301", " d ", "d"}), 0, 3, func(s string) string { return plan.Fold(s) })
	names := []string{"cn", "description", "mail", "ou", "title"}
	rapid.Check(t, func(t *rapid.T) {
		var current *plan.Entry
		if rapid.Bool().Draw(t, "exists") {
			current = entry(fmt.Sprintf("uid=%s,ou=%s,dc=example,dc=org", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "uid"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "ou")))
			current.Attributes = []plan.Attribute{{Name: "objectClass", Values: []string{"top"}}, {Name: "uid", Values: []string{current.DN[0][0].Value}}, {Name: "roomNumber", Values: []string{"42"}}}
			for _, name := range names {
				current.Attributes = append(current.Attributes, plan.Attribute{Name: name, Values: values.Draw(t, "has "+name)})
			}
		}
		want := desired(fmt.Sprintf("uid=%s,ou=%s,dc=example,dc=org", rapid.SampledFrom([]string{"a", "A", "b"}).Draw(t, "to"), rapid.SampledFrom([]string{"x", "X", "y"}).Draw(t, "place")))
		for _, name := range names {
			if rapid.Bool().Draw(t, "rule "+name) {
				want.Rules = append(want.Rules, plan.Rule{Attribute: name, Values: values.Draw(t, "wants "+name), Authority: rapid.SampledFrom([]plan.Authority{plan.Managed, plan.Merge}).Draw(t, "authority")})
			}
		}
		first, err := plan.Build(current, want, plan.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		after := apply(current, first)
		again, err := plan.Build(after, want, plan.Policy{})
		if err != nil || !again.Empty() {
			t.Fatalf("after %s of %+v there is still %s left for %+v: %v", first.Summary(), current, again.Summary(), want, err)
		}
		if current != nil && after.Value("roomNumber") != "42" {
			t.Fatal("an attribute that no rule names was changed")
		}
	})
}

func TestNoPasswordInLDIF(t *testing.T) {
	var b bytes.Buffer
	err := plan.WriteLDIF(&b,
		plan.SetPassword{DN: annDN, Password: secret.New("c4n4ry")},
		plan.Add{DN: annDN, Attributes: []plan.Attribute{{Name: "userPassword", Values: []string{"c4n4ry"}}}},
		plan.Modify{DN: annDN, Modifications: []plan.Modification{{Type: plan.ReplaceValues, Name: "unicodePwd", Values: []string{"c4n4ry"}}}})
	if err != nil || strings.Contains(b.String(), "c4n4ry") || !strings.Contains(b.String(), "[secret]") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// What is written as LDIF is read back as it was.
func TestEntriesSurviveLDIF(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry(annEntry)
		for i := range rapid.IntRange(1, 4).Draw(t, "attributes") {
			e.Attributes = append(e.Attributes, plan.Attribute{Name: fmt.Sprintf("x-%d", i), Values: rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "values")})
		}
		var b bytes.Buffer
		if err := plan.WriteEntries(&b, e); err != nil {
			t.Fatal(err)
		}
		back, err := plan.ParseEntries(&b)
		if err != nil || len(back) != 1 || !back[0].DN.Exactly(e.DN) {
			t.Fatalf("%v %+v", err, back)
		}
		for _, a := range e.Attributes {
			if !slices.Equal(a.Values, back[0].Values(a.Name)) {
				t.Fatalf("%s is %q; want %q", a.Name, back[0].Values(a.Name), a.Values)
			}
		}
	})
}

func BenchmarkBuild(b *testing.B) {
	current, want := entry(annEntry, "objectClass: inetOrgPerson", "uid: ann"), desired(annEntry)
	for i := range 25 {
		current.Attributes = append(current.Attributes, plan.Attribute{Name: fmt.Sprintf("a%d", i), Values: []string{"value"}})
		want.Rules = append(want.Rules, rule(fmt.Sprintf("a%d", i), "value"))
	}
	for _, differ := range []int{0, 3} {
		for i := range differ {
			want.Rules[i].Values = []string{"another"}
		}
		b.Run(fmt.Sprintf("attributes=25,different=%d", differ), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := plan.Build(current, want, plan.Policy{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
