package plan_test

import (
	"strings"
	"testing"

	"idaas-ldap/plan"
)

// What a terminal obeys is encoded, and shown beside it as text.
func TestLDIFHoldsNothingThatATerminalObeys(t *testing.T) {
	for value, want := range map[string]string{
		"a\x1b[31mb": "# a\\x1b[31mb\ncn:: YRtbMzFtYg==\n",
		"a\x7fb":     "# a\\x7fb\ncn:: YX9i\n",
		"a\u202eb":   "# a\\u202eb\ncn:: YeKArmI=\n",
		"a\nb":       "# a\\nb\ncn:: YQpi\n",
		"a\tb":       "cn: a\tb\n",
		`a\b`:        "cn: a\\b\n",
	} {
		var b strings.Builder
		if err := plan.WriteEntries(&b, &plan.Entry{DN: plan.MustParseDN("dc=example"), Attributes: []plan.Attribute{{Name: "cn", Values: []string{value}}}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(b.String(), "dn: dc=example\n"); got != want+"\n" {
			t.Errorf("%q is written as\n%s\nwant\n%s", value, got, want)
		}
	}
}

// A byte order mark in front of LDIF is as if it were not there.
func TestLDIFWithAByteOrderMark(t *testing.T) {
	entries, err := plan.ParseEntries(strings.NewReader("\ufeffdn: dc=example\ndc: example\n"))
	if err != nil || len(entries) != 1 || entries[0].DN.String() != "dc=example" {
		t.Errorf("%v %v", entries, err)
	}
}
