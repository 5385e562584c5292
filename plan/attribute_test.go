package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"idaas-ldap/plan"
)

func TestNamesOfOneAttribute(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"gn", "givenName", true},
		{"GIVENNAME", "2.5.4.42", true},
		{"oid.2.5.4.42", "gn", true},
		{"surname", "sn", true},
		{"rfc822Mailbox", "0.9.2342.19200300.100.1.3", true},
		{"userCertificate;binary", "usercertificate", true},
		{"cn;lang-zh", "cn", false},
		{"cn;lang-zh", "commonName;LANG-ZH", true},
		{"cn;lang-zh;x-a", "cn;x-a;lang-zh", true},
		{"street", "streetAddress", false}, // Active Directory has both.
		{"cn", "name", false},
	} {
		if got := plan.SameAttribute(c.a, c.b); got != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
}

// strictSchema has an attribute with several names, one without an equality rule, and one with a common superior.
func strictSchema(t interface{ Fatal(...any) }) *plan.Schema {
	s, err := plan.ParseSchema([]string{
		`( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`,
		`( 2.5.4.42 NAME ( 'givenName' 'gn' ) SUP name )`,
		`( 2.5.4.9 NAME ( 'street' 'streetAddress' ) EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )`,
		`( 2.5.4.23 NAME ( 'facsimileTelephoneNumber' 'fax' ) SYNTAX 1.3.6.1.4.1.1466.115.121.1.22 )`,
		`( 0.9.2342.19200300.100.1.60 NAME 'jpegPhoto' SYNTAX 1.3.6.1.4.1.1466.115.121.1.28 )`,
		`( 2.5.4.0 NAME 'objectClass' EQUALITY objectIdentifierMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.38 )`,
		`( 1.3.6.1.4.1.42.2.27.8.1.28 NAME 'pwdEndTime' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )`,
	}, []string{`( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' STRUCTURAL )`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnAttributeUnderAllItsNames(t *testing.T) {
	s := strictSchema(t)
	if !s.Same("street", "streetAddress") || s.Same("name", "givenName") || s.Same("gn;lang-zh", "gn") || !s.Same("gn;lang-zh", "2.5.4.42;Lang-ZH") {
		t.Error("names of one attribute are not told from those of others")
	}
	dn := plan.MustParseDN("gn=Ann+2.5.4.9=Main Street,dc=org")
	if !plan.SameDN(s, dn, plan.MustParseDN("streetAddress=main street+givenName=ANN,dc=org")) {
		t.Error("names with other names of their attributes are two")
	}
	for _, c := range []struct {
		attribute, a, b string
		equal           bool
	}{
		{"objectClass", "inetorgperson", "2.16.840.1.113730.3.2.2", true},
		{"pwdEndTime", "20260101000000Z", "20260101013000.0+0130", true},
		{"pwdEndTime", "2026010100Z", "202601010000Z", true},
		{"pwdEndTime", "2026010100.5Z", "202601010030Z", true},
		{"pwdEndTime", "20260101000000Z", "20260101000001Z", false},
		{"fax", "+1 555", "+1555", true},
		{"jpegPhoto", "A", "a", false},
	} {
		if got := s.Equal(c.attribute, c.a, c.b); got != c.equal {
			t.Errorf("%s: %q and %q: %t", c.attribute, c.a, c.b, got)
		}
	}
	current := entry(annEntry, "objectClass: inetOrgPerson", "uid: ann", "givenName: Ann", "street: Main Street")
	for _, c := range []struct{ rule, want string }{
		{"gn", ""},
		{"streetAddress", ""},
		{"fax", "add: fax\nfax: +1\n-"},
	} {
		values := map[string][]string{"gn": {"Ann"}, "streetAddress": {"Main Street"}, "fax": {"+1"}}[c.rule]
		p, err := plan.Build(current, desired(annEntry, rule(c.rule, values...)), plan.Policy{Matching: s})
		if err != nil {
			t.Fatal(err)
		}
		want := c.want
		if want != "" {
			want = "dn: " + annEntry + "\nchangetype: modify\n" + want
		}
		if got := ldif(t, p); got != want {
			t.Errorf("%s: %s; want %s", c.rule, got, want)
		}
	}
}

// A server that refuses what RFC 4511 section 4.6 lets it refuse holds in the end what was wanted, by whatever name the rule calls the
// attribute, and nothing is left to be written.
func TestEveryAttributeIsChangedAsItsSchemaAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strictSchema(t)
		attribute := rapid.SampledFrom([][2]string{{"givenName", "gn"}, {"street", "2.5.4.9"}, {"facsimileTelephoneNumber", "fax"}, {"jpegPhoto", "jpegPhoto"}}).Draw(t, "attribute")
		value := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		some := func(label string) []string {
			return rapid.SliceOfNDistinct(value, 0, 4, rapid.ID[string]).Draw(t, label)
		}
		has, want, owned := some("has"), some("want"), some("owned")
		current := entry(annEntry, "objectClass: inetOrgPerson", "uid: ann")
		if len(has) > 0 {
			current.Attributes = append(current.Attributes, plan.Attribute{Name: attribute[0], Values: has})
		}
		r := plan.Rule{Attribute: attribute[1], Values: want, Owned: owned}
		holds := want
		if rapid.Bool().Draw(t, "merge") {
			r.Authority = plan.Merge
			stay := slices.DeleteFunc(slices.Clone(has), func(v string) bool { return slices.Contains(owned, v) && !slices.Contains(want, v) })
			holds = append(stay, slices.DeleteFunc(slices.Clone(want), func(v string) bool { return slices.Contains(stay, v) })...)
		}
		wish := desired(annEntry, r)
		p, err := plan.Build(current, wish, plan.Policy{Matching: s})
		if err != nil {
			t.Fatal(err)
		}
		after, err := strictly(s, current, p)
		if err != nil {
			t.Fatalf("%v\n%+v", err, p.Operations)
		}
		got := slices.Sorted(slices.Values(after.ValuesOf(s, attribute[0])))
		if !slices.Equal(got, slices.Sorted(slices.Values(holds))) {
			t.Fatalf("it holds %q; want %q", got, holds)
		}
		if again, err := plan.Build(after, wish, plan.Policy{Matching: s}); err != nil || !again.Empty() {
			t.Fatalf("something is left to be written: %+v, %v", again.Operations, err)
		}
	})
}

// strictly makes the changes of a plan to an entry, or refuses them as slapd does.
func strictly(s *plan.Schema, entry *plan.Entry, p plan.Plan) (*plan.Entry, error) {
	after := entry.Clone()
	for _, op := range p.Operations {
		for _, m := range op.(plan.Modify).Modifications {
			i := slices.IndexFunc(after.Attributes, func(a plan.Attribute) bool { return s.Same(a.Name, m.Name) })
			if i < 0 {
				after.Attributes = append(after.Attributes, plan.Attribute{Name: m.Name})
				i = len(after.Attributes) - 1
			}
			values := &after.Attributes[i].Values
			if m.Type != plan.ReplaceValues && len(*values) > 0 && !s.Comparable(m.Name) {
				return nil, fmt.Errorf("%s: no equality matching rule", m.Name)
			}
			switch m.Type {
			case plan.ReplaceValues:
				*values = m.Values
			case plan.AddValues:
				*values = append(slices.Clone(*values), m.Values...)
			case plan.DeleteValues:
				*values = slices.DeleteFunc(slices.Clone(*values), func(v string) bool { return slices.Contains(m.Values, v) })
			}
			if got := slices.Sorted(slices.Values(*values)); len(slices.Compact(got)) != len(*values) {
				return nil, fmt.Errorf("%s: a value stands twice in %q", m.Name, *values)
			}
		}
	}
	return after, nil
}

func TestAHiddenAttributeIsReplaced(t *testing.T) {
	current := entry(annEntry, "objectClass: inetOrgPerson", "uid: ann")
	merged := plan.Rule{Attribute: "carLicense", Values: []string{"b"}, Owned: []string{"a"}, Authority: plan.Merge}
	p, err := plan.Build(current, desired(annEntry, rule("title", "b"), merged, rule("mail")), plan.Policy{Hidden: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	want := "dn: " + annEntry + `
changetype: modify
replace: title
title: b
-
add: carLicense
carLicense: b
-
delete: carLicense
carLicense: a
-
replace: mail
-`
	if got := ldif(t, p); got != want {
		t.Errorf("it is\n%s", got)
	}
}
