package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/plan"
)

func TestRecordsAreReadAsTheyWereFolded(t *testing.T) {
	const text = "version: 1\n# a comment\n  that goes on\ndn: uid=ann,\r\n ou=people\r\ncn:: 546L5Lyf\ncn: Ann  \nCN: wei\n \t\n\n\ndn: uid=bob\ndescription:\n"
	records, err := plan.ParseRecords(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.LDIFRecord{
		{Line: 4, DN: "uid=ann,ou=people", Attributes: []plan.Attribute{{Name: "cn", Values: []string{"王伟", "Ann  ", "wei\t"}}}},
		{Line: 12, DN: "uid=bob", Attributes: []plan.Attribute{{Name: "description", Values: []string{""}}}},
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsNoEntryIsRefusedAtItsLine(t *testing.T) {
	for text, want := range map[string]int{
		"cn: a\n":                               1, // an entry begins with its dn
		"dn: cn=a\n\nversion: 1\ncn: b\n":       4,
		"dn: cn=a\n cn\nno colon here\n":        3,
		"dn: cn=a\ncn:: *\n":                    2,
		"dn: cn=a\njpegPhoto:< file:///x.jpg\n": 2,
		"dn: cn=a\nchangetype: delete\n":        2,
		"dn: cn=a\n-\n":                         2,
		"\n\ndn: no name\n":                     3,
		"dn: cn=a\n: nothing\n":                 2,
	} {
		_, err := plan.ParseEntries(strings.NewReader(text))
		var wrong *plan.LDIFError
		if !errors.As(err, &wrong) || wrong.Line != want {
			t.Errorf("%q: %v, want a mistake in line %d", text, err, want)
		}
	}
}
